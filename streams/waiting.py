"""Lets a write answer only after the state it changed can be read back (decision 10)."""

import asyncio
from typing import Any

__all__ = ["CommandWaiters"]


class CommandWaiters:
    """Commands whose senders wait in this process for the agent that applies them."""

    def __init__(self) -> None:
        self._futures: dict[str, asyncio.Future[Any]] = {}

    def expect(self, command_id: str) -> "asyncio.Future[Any]":
        """A future for the outcome; two senders of the same command share it."""
        future = self._futures.get(command_id)
        if future is None:
            future = self._futures[command_id] = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda _: self._futures.pop(command_id, None))
        return future

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
