"""Entries of processes that say how long series take, and never answer."""

import os
import time
from collections.abc import Callable, Sequence

from streams.what_if.asking import Cost

__all__ = ["dies", "raises", "slow"]


def slow(asked: Sequence[object], _: Callable[[object], None]) -> list[float]:
    """It takes longer than anybody waits."""
    if not isinstance(asked[0], Cost):
        time.sleep(600)
    return [0.0] * len(asked)


def dies(asked: Sequence[object], _: Callable[[object], None]) -> list[float]:
    """It ends at once."""
    if not isinstance(asked[0], Cost):
        os._exit(1)
    return [0.0] * len(asked)


def raises(asked: Sequence[object], _: Callable[[object], None]) -> list[float]:
    """What no entry should."""
    if not isinstance(asked[0], Cost):
        raise KeyError("x")
    return [0.0] * len(asked)
