"""Lets a write answer only after the state it changed can be read back (decision 10)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["CommandWaiters"]


class CommandWaiters:
    """Commands whose senders wait in this process for the agent that applies them."""

    def __init__(self) -> None:
        self._futures: dict[str, asyncio.Future[Any]] = {}
        self._senders: dict[str, int] = {}
        self._sent: dict[bytes, Any] = {}

    @contextmanager
    def waiting(self, command_id: str, sent: tuple[bytes, Any] | None = None) -> Iterator["asyncio.Future[Any]"]:
        """A future for the outcome, as long as the block runs; senders of the same command share it.

        Await it shielded: what cancels one sender must not cancel the others. `sent` is the command, encoded and as it
        is, where its agent should not have to decode it.
        """
        future = self._futures.get(command_id)
        if future is None or future.done():
            future = self._futures[command_id] = asyncio.get_running_loop().create_future()
        self._senders[command_id] = self._senders.get(command_id, 0) + 1
        if sent is not None:
            self._sent[sent[0]] = sent[1]
        try:
            yield future
        finally:
            if sent is not None:
                self._sent.pop(sent[0], None)
            self._senders[command_id] -= 1
            if not self._senders[command_id]:
                del self._senders[command_id]
                # Whoever gave up must not be counted as told: a later refusal is to become a dead letter.
                self._futures.pop(command_id, None)

    def __len__(self) -> int:
        return len(self._senders)

    def sent(self, value: bytes) -> Any | None:
        """The command that was sent with these bytes, where its sender waits and has left it."""
        return self._sent.get(value)

    def applied(self, command_id: str, outcome: Any = None) -> None:
        """The command has been applied."""
        future = self._futures.get(command_id)
        if future is not None and not future.done():
            future.set_result(outcome)

    def refused(self, command_id: str, error: Exception) -> bool:
        """The command was refused; False when nobody waits, so that the caller tells the world another way."""
        future = self._futures.get(command_id)
        if future is None or future.done():
            return False
        future.set_exception(error)
        return True
