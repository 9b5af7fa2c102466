"""Timestamps whose writer says how they are written: strptime's directives, or a word for an order or a unit."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from connectors.timestamps.forms import DAY_FIRST, MONTH_FIRST, YEAR_FIRST

__all__ = ["BadFormatError", "NotWrittenSoError", "check_format", "order_of", "times_written", "word_of_order"]

_LONGEST: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MINUTE: Final = timedelta(minutes=1)
_ORDERS: Final = {"month first": MONTH_FIRST, "day first": DAY_FIRST, "year first": YEAR_FIRST}
# Microseconds of one, and where the count begins: spreadsheets count from the day before the year 1900.
_UNITS: Final = {
    "unix": (1_000_000, 0),
    "unix ms": (1_000, 0),
    "unix us": (1, 0),
    "excel": (86_400_000_000, -25_569 * 86_400_000_000),
}
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,12})?", re.ASCII)
_WALL_LIMIT: Final = 253_402_300_800_000_000  # microseconds: the year 10000


class BadFormatError(ValueError):
    """A format that says nothing; the message says what one looks like."""


class NotWrittenSoError(ValueError):
    """The text at ``index`` is not written as the format says."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def check_format(written: str) -> None:
    """BadFormatError unless this is a format."""
    if _word(written) in _ORDERS or _word(written) in _UNITS:
        return
    words = ", ".join((*_ORDERS, *_UNITS))
    remedy = f"write strptime's directives, such as %d.%m.%Y %H:%M, or one of {words}"
    if len(written) > _LONGEST or not re.search("%[YyGcx]", written):
        raise BadFormatError(f'"{written[:40]}" names no year; {remedy}')
    try:
        datetime.strptime(datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC).strftime(written), written)  # noqa: DTZ007
    except (ValueError, re.error) as error:
        if "does not match format" not in str(error):
            raise BadFormatError(f'"{written[:40]}" is no format ({error}); {remedy}') from None


def order_of(written: str) -> str | None:
    """The order of day, month and year that the format says; None where it says more than an order, or nothing."""
    return _ORDERS.get(_word(written))


def word_of_order(order: str) -> str:
    """The format that says this order."""
    return next(word for word, said in _ORDERS.items() if said == order)


def times_written(texts: Sequence[str], written: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16] | None]:
    """What the clock of each text shows, in microseconds since 1970, and the offsets where the format has them."""
    unit = _UNITS.get(_word(written))
    if unit is not None:
        return np.array([_counted(text, index, *unit) for index, text in enumerate(texts)], dtype=np.int64), None
    wall = np.empty(len(texts), dtype=np.int64)
    offsets = np.zeros(len(texts), dtype=np.int16)
    for index, text in enumerate(texts):
        if "\n" in text:  # strptime takes it for a blank, but nobody means it, and splits are stored by lines
            raise NotWrittenSoError(index)
        try:
            read = datetime.strptime(text.strip(" \t"), written)  # noqa: DTZ007 - the clock's own time is wanted
        except (ValueError, OverflowError):
            raise NotWrittenSoError(index) from None
        offset = read.utcoffset()
        if offset is not None:
            offsets[index] = offset // _MINUTE
        wall[index] = (read.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
    return wall, offsets if "%z" in written else None


def _word(written: str) -> str:
    return re.sub("[_ -]+", " ", written.strip().lower())


def _counted(text: str, index: int, scale: int, begin: int) -> int:
    bare = text.strip(" \t")
    if not _NUMBER.fullmatch(bare):
        raise NotWrittenSoError(index)
    whole, _, part = bare.partition(".")
    counted = int(whole) * scale + begin
    if part:
        sign = -1 if whole.startswith("-") else 1
        counted += sign * round(int(part) * scale / 10 ** len(part))
    if not -_WALL_LIMIT < counted < _WALL_LIMIT:
        raise NotWrittenSoError(index)
    return counted
