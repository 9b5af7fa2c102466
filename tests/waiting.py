"""Waiting for what no event announces."""

import asyncio
from collections.abc import Callable
from typing import Final

__all__ = ["until"]

_WITHIN_S: Final = 60.0  # a busy machine needs seconds for what takes milliseconds


async def until(condition: Callable[[], object], within_s: float = _WITHIN_S) -> None:
    """Wait for a condition; TimeoutError says that it did not come about."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)
