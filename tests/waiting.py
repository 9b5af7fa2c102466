"""Waiting for what no event announces."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from threading import Event, Thread
from typing import Final, TypeVar

__all__ = ["longest_pause", "until"]

_Made = TypeVar("_Made")

_WITHIN_S: Final = 60.0  # a busy machine needs seconds for what takes milliseconds


async def until(condition: Callable[[], object], within_s: float = _WITHIN_S) -> None:
    """Wait for a condition; TimeoutError says that it did not come about."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


async def longest_pause(work: Awaitable[_Made]) -> tuple[float, _Made]:
    """How long the event loop did not come round at worst while something was awaited, and what came of that.

    Less what a thread beside it had to wait at worst: on a busy machine every thread waits for a core.
    """
    task = asyncio.ensure_future(work)
    ended, beside = Event(), [0.0]
    thread = Thread(target=_sleep_again_and_again, args=(ended, beside))
    thread.start()
    try:
        longest, last = 0.0, time.perf_counter()
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    finally:
        ended.set()
        thread.join()
    return max(0.0, longest - beside[0]), await task


def _sleep_again_and_again(ended: Event, longest: list[float]) -> None:
    last = time.perf_counter()
    while not ended.is_set():
        time.sleep(0.001)
        now = time.perf_counter()
        longest[0], last = max(longest[0], now - last), now
