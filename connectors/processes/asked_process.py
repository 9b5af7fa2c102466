"""A process that is asked by an event loop: no thread waits for its answers, which saves small ones half their time."""

import asyncio
import os
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.reduction import ForkingPickler
from typing import Any, Final

from connectors.processes.compute_process import ComputeProcess, EndedError, answer_in, ends_call

__all__ = ["AskedProcess"]

_CHUNK: Final = 1 << 16
_SHORT, _LONG = struct.Struct("!i"), struct.Struct("!Q")  # as a Connection writes lengths: -1, then a long one


class AskedProcess:
    """One that is ready, and is not called by threads any more; `on_end` is called when it ends, whatever it does.

    Of one event loop, and to be left before the process is let go.
    """

    def __init__(self, process: ComputeProcess, on_end: Callable[[], None]) -> None:
        self._pipe = process.pipe
        self._on_end = on_end
        self._parts = bytearray()
        self._answers: deque[Any] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self.ended = False
        asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._read)

    def send(self, argument: object) -> None:
        """Let it compute; to be followed by `answer`. What is large blocks, and is for a thread."""
        with suppress(ConnectionError):  # the end is noticed by who reads
            self._pipe.send(argument)

    async def answer(self, limit_s: float) -> Any:
        """What the function has made of what was sent, as `ComputeProcess.call` returns and raises it."""
        async with asyncio.timeout(limit_s):
            while not self._answers:
                if self.ended:
                    raise EndedError("the process ended")
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
        return answer_in(self._answers.popleft())

    def leave(self) -> None:
        """Read nothing more."""
        asyncio.get_running_loop().remove_reader(self._pipe.fileno())

    def _read(self) -> None:
        """Part of a message has come, or the end."""
        try:
            found = os.read(self._pipe.fileno(), _CHUNK)
        except ConnectionError:
            found = b""
        self._parts += found
        while (place := _message_in(self._parts)) is not None:
            message = ForkingPickler.loads(self._parts[place])
            del self._parts[: place.stop]
            if ends_call(message):
                self._answers.append(message)
        if not found:
            self.ended = True
            self.leave()
            self._on_end()
        if self._waiter is not None and not self._waiter.done() and (self._answers or self.ended):
            self._waiter.set_result(None)


def _message_in(parts: bytearray) -> slice | None:
    """Where the first message is; None where it is not complete."""
    begin = _SHORT.size
    if len(parts) < begin:
        return None
    (length,) = _SHORT.unpack_from(parts)
    if length == -1:
        begin += _LONG.size
        if len(parts) < begin:
            return None
        (length,) = _LONG.unpack_from(parts, _SHORT.size)
    return slice(begin, begin + length) if len(parts) >= begin + length else None
