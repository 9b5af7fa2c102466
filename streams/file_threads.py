"""Threads for work on files: what is in somebody's file may take long, and no request may have to wait for that.

asyncio's own threads are a handful, which all requests share; so whatever reads, unpacks, splits or writes whole files
goes through these. Work that can be interrupted comes in short turns; each asks for its next turn when it has had one,
so all get theirs. Work in one piece has other threads. They end with the process, whatever they are at.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Final, TypeVar

__all__ = ["FileThreads"]

_TURNS: Final = 2  # Python computes in one thread at a time: more of them would only wait for one another
_LARGE: Final = 2  # whole files that are read or written at a time
_SMALL: Final = 2  # the same for small ones, which do not wait for the large
_LARGE_BYTES: Final = 8 * 1024**2  # some 0.2 s of reading a CSV file

_Made = TypeVar("_Made")


class FileThreads:
    """Calls functions in threads of their own. A thread is started when there is work that no idle one takes."""

    def __init__(self) -> None:
        self._turns = _Threads("file-turns", _TURNS)
        self._large = _Threads("large-files", _LARGE)
        self._small = _Threads("small-files", _SMALL)

    async def turn(self, function: Callable[..., _Made], *arguments: Any) -> _Made:
        """Call what lasts some hundredths of a second: part of the work on a file."""
        return await self._turns.call(partial(function, *arguments))

    async def whole(self, size: int | None, function: Callable[..., _Made], *arguments: Any, **named: Any) -> _Made:
        """Call what works on a whole file of so many bytes; None: it may be large."""
        threads = self._large if size is None or size > _LARGE_BYTES else self._small
        return await threads.call(partial(function, *arguments, **named))


class _Threads:
    """At most `most` threads that take calls in the order in which they came.

    Not concurrent.futures' executor: the interpreter waits for its threads at the end, and a file may take minutes.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._lock = Lock()
        self._started = 0
        self._busy = 0

    async def call(self, function: Callable[[], _Made]) -> _Made:
        call = _Call(function)
        with self._lock:
            self._busy += 1
            new = self._busy > self._started and self._started < self._most
            self._started += new
        self._calls.put(call)
        if new:
            Thread(target=self._work, name=self._name, daemon=True).start()
        made: _Made = await call.done
        return made

    def _work(self) -> None:
        while True:
            call = self._calls.get()
            try:
                if not call.done.cancelled():
                    call.run()
            finally:
                with self._lock:
                    self._busy -= 1
                del call  # or it would be kept, with all it holds, until the next one comes


class _Call:
    """A function, and a future for what it makes."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._context: Context = copy_context()  # so that what is logged belongs to the caller's trace
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Any] = self._loop.create_future()

    def run(self) -> None:
        try:
            made = self._context.run(self._function)
        except BaseException as error:  # noqa: BLE001 - the edge of the thread: whoever waits gets it
            self._tell(self._fail, error)
        else:
            self._tell(self._succeed, made)

    def _tell(self, outcome: Callable[[Any], None], content: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
            self._loop.call_soon_threadsafe(outcome, content)

    def _succeed(self, made: Any) -> None:
        if not self.done.done():
            self.done.set_result(made)

    def _fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)
