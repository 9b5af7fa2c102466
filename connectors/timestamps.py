"""Timestamp texts to times and back (J-134, J-143), whole columns at a time.

Accepted forms; blanks and tabs around a text are ignored:

- ISO without offset: ``YYYY-MM``, ``YYYY-MM-DD``, and with ``[ T]HH:MM[:SS[.fraction]]`` after the day
- ISO with offset: the same with a time and then ``Z``, ``+HH``, ``+HHMM`` or ``+HH:MM``
- slashes, month first: ``M/D/YYYY`` with or without leading zeros, and with `` H:MM[:SS[.fraction]]``

A fraction has 1 to 9 digits; what is finer than a microsecond is cut off. A text is the time that its clock shows,
counted as if that clock were UTC, so no change to summer time can make an hour vanish or repeat; its offset is kept
beside it (decision 17). One column keeps to one of the three families: a file that mixes them was joined from two
sources, one of which may well be day-first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "BadTimestampError",
    "ParsedTimes",
    "format_timestamp",
    "format_timestamps",
    "parse_timestamps",
    "shown_times",
]

_LONGEST: Final = 40  # the longest accepted text has 36 characters: all nine fractional digits, a blank and an offset
_BLOCK: Final = 200_000  # texts looked at together: bounds the byte matrices to about 16 MB
_SECOND: Final = 1_000_000  # in microseconds
_MINUTE: Final = 60 * _SECOND
_DAY: Final = 1440 * _MINUTE

_FAMILIES: Final = ("ISO without offset", "ISO with offset", "month/day/year")
_WITH_OFFSET: Final = 1
_TOO_SHORT_YEAR: Final = re.compile(r"9{1,2}[/.-]9{1,2}[/.-]99(?!9).*")
# Shapes are texts with every digit written as 9, so one match places the fields of all texts of that shape.
_ISO: Final = re.compile(
    r"(?P<year>9999)-(?P<month>99)(?:-(?P<day>99)"
    r"(?:[ T](?P<hour>99):(?P<minute>99)(?::(?P<second>99)(?:\.(?P<fraction>9{1,9}))?)?"
    r"(?P<offset> ?(?:Z|[+-](?P<offset_hour>99)(?::?(?P<offset_minute>99))?))?)?)?"
)
_SLASHES: Final = re.compile(
    r"(?P<month>9{1,2})/(?P<day>9{1,2})/(?P<year>9999)"
    r"(?: (?P<hour>9{1,2}):(?P<minute>99)(?::(?P<second>99)(?:\.(?P<fraction>9{1,9}))?)?)?"
    r"(?P<offset>)(?P<offset_hour>)(?P<offset_minute>)"  # never there; empty, so that both forms have the same fields
)
_TO_SHAPE: Final = np.array([ord("9") if 48 <= byte <= 57 else byte for byte in range(256)], dtype=np.uint8)

_UNKNOWN: Final = (
    "is not a date this service reads;"
    " write YYYY-MM-DD, YYYY-MM-DD HH:MM:SS, ISO-8601 with offset, or M/D/YYYY (month first)"
)
_NO_SUCH_TIME: Final = "names a day or time that does not exist (dates with slashes are read month first, M/D/YYYY)"


class BadTimestampError(ValueError):
    """A text that is no accepted timestamp: its ``index`` in the sequence, the ``text``, a ``reason`` to put after."""

    def __init__(self, index: int, text: str, reason: str) -> None:
        super().__init__(f'"{text}" {reason}')
        self.index = index
        self.text = text
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class ParsedTimes:
    """The times of texts: `wall` is what the clock shows, in microseconds since 1970 as if it were that of UTC.

    `offset_minutes` are the offsets written behind, east positive; None where the column has none.
    """

    wall: npt.NDArray[np.int64]
    offset_minutes: npt.NDArray[np.int16] | None = None

    @property
    def instants(self) -> npt.NDArray[np.int64]:
        """Microseconds in UTC: the order of the times. Without offsets the clock is taken for one of UTC."""
        if self.offset_minutes is None:
            return self.wall
        return self.wall - self.offset_minutes.astype(np.int64) * _MINUTE

    @property
    def wall_ms(self) -> npt.NDArray[np.int64]:
        """`wall` in milliseconds, cut off."""
        return self.wall // 1000


def parse_timestamps(texts: Sequence[str]) -> ParsedTimes:
    """The time of every text, in the same order.

    Raises BadTimestampError for the first text that has no accepted form or does not exist in the calendar; else for
    the first of another family than the first text.
    """
    wall = np.zeros(len(texts), dtype=np.int64)
    offsets = np.zeros(len(texts), dtype=np.int16)
    families = np.zeros(len(texts), dtype=np.int8)
    for begin in range(0, len(texts), _BLOCK):
        stop = min(begin + _BLOCK, len(texts))
        bad = _parse_block(texts[begin:stop], wall[begin:stop], offsets[begin:stop], families[begin:stop])
        if bad is not None:
            text = texts[begin + bad]
            raise BadTimestampError(begin + bad, text, _reason(text))
    others = np.flatnonzero(families != families[:1])
    if len(others):
        index = int(others[0])
        form = _FAMILIES[families[0]]
        reason = (
            f'is not written like the first timestamp of the column, "{texts[0]}" ({form}); use one form throughout'
        )
        raise BadTimestampError(index, texts[index], reason)
    return ParsedTimes(wall, offsets if len(texts) and families[0] == _WITH_OFFSET else None)


def shown_times(wall: npt.NDArray[np.int64]) -> list[str]:
    """``YYYY-MM-DD HH:MM:SS`` of times in microseconds, all with milliseconds or microseconds if one has some (J-134).

    So times that differ are never shown alike (decision 17).
    """
    unit = "s" if not (wall % _SECOND).any() else "ms" if not (wall % 1000).any() else "us"
    times = wall.astype("M8[us]").astype(f"M8[{unit}]")
    return [text.replace("T", " ") for text in np.datetime_as_string(times).tolist()]


def format_timestamps(moments: npt.NDArray[np.int64]) -> list[str]:
    """``YYYY-MM-DD HH:MM:SS`` of every moment in milliseconds; parts of a second are cut off."""
    seconds = (moments // 1000).astype("datetime64[s]")
    return [text.replace("T", " ") for text in np.datetime_as_string(seconds).tolist()]


def format_timestamp(moment: int) -> str:
    """``YYYY-MM-DD HH:MM:SS`` of one moment in milliseconds, as format_timestamps."""
    return format_timestamps(np.array([moment], dtype=np.int64))[0]


def _parse_block(
    texts: Sequence[str],
    wall: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int16],
    families: npt.NDArray[np.int8],
) -> int | None:
    """Fill the arrays of one block; the position of the first bad text, or None."""
    # A cut text is longer than any accepted form and a "?" is in none, so both stay refused.
    plain = [(text if text.isascii() else "?").strip(" \t")[: _LONGEST + 1] or "?" for text in texts]
    cells = np.array(plain, dtype=f"S{_LONGEST + 1}")
    width = int(np.char.str_len(cells).max())
    digits = cells.astype(f"S{width}").view(np.uint8).reshape(len(plain), width)
    shapes = _TO_SHAPE[digits].view(f"S{width}").ravel()
    left = np.arange(len(plain))
    bad: list[int] = []
    while len(left):
        # Every text before left[0] has been read, so an unknown shape here ends the search: no bad text comes earlier.
        shape: bytes = shapes[left[0]]
        same = shapes[left] == shape
        rows = left[same]
        left = left[~same]
        text_shape = shape.decode("ascii")
        match = _ISO.fullmatch(text_shape) or _SLASHES.fullmatch(text_shape)
        if match is None:
            bad.append(int(rows[0]))
            break
        wall[rows], offsets[rows], exists = _moments(digits[rows], match)
        if match.re is _SLASHES:
            families[rows] = 2
        elif match["offset"]:
            families[rows] = _WITH_OFFSET
        if not exists.all():
            bad.append(int(rows[~exists][0]))
    return min(bad, default=None)


def _moments(
    digits: npt.NDArray[np.uint8], match: re.Match[str]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """What the clocks of texts of one shape show, their offsets, and which of them exist in the calendar."""

    def number(field: str, absent: int, *, places: int | None = None) -> npt.NDArray[np.int64]:
        begin, stop = match.span(field)
        if begin == stop:
            return np.full(len(digits), absent, dtype=np.int64)
        if places is not None:
            stop = min(stop, begin + places)
        value = np.zeros(len(digits), dtype=np.int64)
        for column in range(begin, stop):
            value = value * 10 + (digits[:, column] - 48)
        return value * 10 ** (places - (stop - begin)) if places is not None else value

    year, month, day = number("year", 0), number("month", 1), number("day", 1)
    hour, minute, second = number("hour", 0), number("minute", 0), number("second", 0)
    offset_hour, offset_minute = number("offset_hour", 0), number("offset_minute", 0)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1)
    exists = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (dates.astype("datetime64[M]") == months)
    exists &= (hour <= 23) & (minute <= 59) & (second <= 59) & (offset_hour <= 23) & (offset_minute <= 59)
    east = -1 if "-" in (match["offset"] or "") else 1
    clock = (hour * 60 + minute) * _MINUTE + second * _SECOND + number("fraction", 0, places=6)
    return dates.astype(np.int64) * _DAY + clock, east * (offset_hour * 60 + offset_minute), exists


def _reason(text: str) -> str:
    """Why a text that was refused by itself is refused, in words for the user."""
    bare = text.strip(" \t")
    if not bare:
        return "is an empty timestamp; give every row a date or remove the row"
    shape = re.sub("[0-9]", "9", bare)
    if _TOO_SHORT_YEAR.fullmatch(shape):
        return "has a two-digit year; write the year with four digits"
    if _ISO.fullmatch(shape) or _SLASHES.fullmatch(shape):
        return _NO_SUCH_TIME
    return _UNKNOWN
