"""Clocks of places: how far from UTC they are, whole arrays at a time. Times are microseconds, offsets minutes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from models.calendars.rules import Integers
from models.errors import RejectedInputError

__all__ = ["MINUTE", "offsets_at", "offsets_on_clock", "zone_named"]

MINUTE: Final = 60_000_000
_BLOCK: Final = 15 * MINUTE  # no clock has ever changed elsewhere since the time zones were made
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - of a wall clock
_UTC_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Offsets = NDArray[np.int16]


@lru_cache(maxsize=64)
def zone_named(name: str, field: str = "time_zone") -> ZoneInfo:
    """The zone; RejectedInputError with the remedy, in the words of `field`, where there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # no such file, no such name, or one that leads elsewhere
        raise RejectedInputError(
            field, f'{field}: "{name[:40]}" is no time zone; send an IANA name such as Europe/Berlin or UTC'
        ) from None


def offsets_at(instants: Integers, zone: str) -> Offsets:
    """The offsets at instants of UTC."""
    place = zone_named(zone)

    def offset(moment: int) -> int:
        return _minutes((_UTC_EPOCH + timedelta(microseconds=moment)).astimezone(place).utcoffset())

    blocks, inverse = np.unique(instants // _BLOCK, return_inverse=True)
    return np.array([_safely(offset, block) for block in blocks.tolist()], dtype=np.int16)[inverse]


def offsets_on_clock(wall: Integers, zone: str) -> tuple[Offsets, Offsets]:
    """The offsets at times that the clock shows: the first time it does, and the second.

    They differ where an hour is repeated. Where one is left out both are that of before: 02:30 comes to be 03:30.
    """
    place = zone_named(zone)

    def offset(moment: int, *, fold: int = 0) -> int:
        shown = (_EPOCH + timedelta(microseconds=moment)).replace(tzinfo=place, fold=fold)
        return _minutes(shown.utcoffset())

    blocks, inverse = np.unique(wall // _BLOCK, return_inverse=True)
    first = np.array([_safely(offset, block) for block in blocks.tolist()], dtype=np.int16)
    second = np.array([_safely(lambda moment: offset(moment, fold=1), block) for block in blocks.tolist()], np.int16)
    return first[inverse], np.minimum(first, second)[inverse]


def _safely(offset: Callable[[int], int], block: int) -> int:
    try:
        return offset(block * _BLOCK)
    except (OverflowError, ValueError):  # a day before or after the years that there are
        return 0


def _minutes(offset: timedelta | None) -> int:
    return 0 if offset is None else round(offset / timedelta(minutes=1))
