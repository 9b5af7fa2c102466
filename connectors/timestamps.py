"""Timestamp texts to times and back (J-134, J-143), whole columns at a time.

The forms are in ``timestamp_forms``: ISO-8601, days and months in digits or names, quarters, weeks, plain numbers of
seconds or of a spreadsheet's days. Blanks and tabs around a text are ignored. A fraction has 1 to 9 digits; what is
finer than a microsecond is cut off.

A text is the time that its clock shows, counted as if that clock were UTC, so no change to summer time can make an hour
vanish or repeat; its offset is kept beside it (decision 17). One column keeps to one family of forms: a file that mixes
them was joined from two sources, one of which may well be day-first. Days and months in digits are read month first
(J-143) unless a day beyond the 12th shows that they are day first, or points separate them, as in day-first countries;
where nothing shows it, the warning says so (decision 18).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from connectors.timestamp_formats import BadFormatError, NotWrittenSoError, check_format, order_of, times_written
from connectors.timestamp_forms import form_of, plain_text, read_shape

__all__ = [
    "BadTimestampError",
    "ParsedTimes",
    "event_times",
    "format_timestamp",
    "format_timestamps",
    "offset_texts",
    "parse_timestamps",
    "shown_times",
]

_LONGEST: Final = 48  # the longest accepted text has 47 characters: a month's name, nine digits of a second, an offset
_BLOCK: Final = 200_000  # texts looked at together: bounds the byte matrices to about 20 MB
_SECOND: Final = 1_000_000  # in microseconds
_MINUTE: Final = 60 * _SECOND

_TOO_SHORT_YEAR: Final = re.compile(r"9{1,2}[/.-]9{1,2}[/.-]99(?!9).*")
_TO_SHAPE: Final = np.array([ord("9") if 48 <= byte <= 57 else byte for byte in range(256)], dtype=np.uint8)
_SHORT_YEARS: Final = "names of months with short years"

_UNKNOWN: Final = (
    "is not a date this service reads; write YYYY-MM-DD, YYYY-MM-DD HH:MM:SS, ISO-8601 with offset, or M/D/YYYY (month "
    "first), or say how it is written: timestamp_format, such as %d.%m.%y"
)
_NO_SUCH_TIME: Final = "names a day or time that does not exist (days and months in digits are read month first)"


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

    `offset_minutes` are the offsets written behind, east positive; None where the column has none. `warning` says how
    texts were read that can be read in another way too. `written` is what to ask `parse_timestamps` for, so that some
    of the texts are read as all of them were; empty: nothing need be said.
    """

    wall: npt.NDArray[np.int64]
    offset_minutes: npt.NDArray[np.int16] | None = None
    warning: str | None = None
    written: str = ""

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


def parse_timestamps(texts: Sequence[str], written: str = "") -> ParsedTimes:
    """The time of every text, in the same order.

    `written` says how, as `timestamp_formats` has it; empty: it is found. Raises BadTimestampError for the first text
    that has no accepted form or does not exist in the calendar; else for the first of another family than the first.
    """
    order = order_of(written)
    if written and order is None:
        return _written(texts, written)
    column = _Column(len(texts))
    bad = column.fill(texts, day_first=bool(order))
    if order is None and (bad is not None or column.points):
        other = _Column(len(texts))
        bad_there = other.fill(texts, day_first=True)
        # Whichever goes further is how the column is written; a wrong text behind is told in its terms.
        if bad_there is None or (bad is not None and bad_there > bad):
            column, bad = other, bad_there
    if bad is not None:
        raise BadTimestampError(bad, texts[bad], _reason(texts[bad], day_first=column.day_first))
    others = np.flatnonzero(column.families != column.families[:1])
    if len(others):
        index = int(others[0])
        form = column.names[column.families[0]]
        reason = (
            f'is not written like the first timestamp of the column, "{texts[0]}" ({form}); use one form throughout'
        )
        raise BadTimestampError(index, texts[index], reason)
    family = column.names[column.families[0]] if len(texts) else ""
    if family == _SHORT_YEARS and not column.years_are_sure:
        reason = (
            "can be a day of a year as well as a month of one; write the year with four digits, or timestamp_format"
        )
        raise BadTimestampError(0, texts[0], reason)
    offsets = column.offsets if family.endswith("with offset") else None
    warning = _warning(texts[0], column, family) if len(texts) and not written else None
    return ParsedTimes(column.wall, offsets, warning, written or _order(column, family))


def _written(texts: Sequence[str], written: str) -> ParsedTimes:
    try:
        check_format(written)
        return ParsedTimes(*times_written(texts, written), written=written)
    except BadFormatError as error:
        raise BadTimestampError(0, texts[0], f"cannot be read: timestamp_format {error}") from None
    except NotWrittenSoError as error:
        reason = f'is not written as timestamp_format says ("{written[:60]}"); correct one of them'
        raise BadTimestampError(error.index, texts[error.index], reason) from None


def _order(column: "_Column", family: str) -> str:
    """The order of day and month, where a part of the column would not show it, or be taken for another."""
    if family.startswith("day"):
        return "day first"
    return "month first" if column.points else ""


def _warning(first: str, column: "_Column", family: str) -> str | None:
    read = f'times such as "{first}" are read'
    if "day" in family and family[0] in "md" and not column.late_days:
        if column.day_first:
            return f'{read} day first; if they are month first, say so: timestamp_format "month first"'
        return f'{read} month first; if they are day first, say so: timestamp_format "day first"'
    if family == "Excel days":
        return f"{read} as the days of a spreadsheet; if they are something else, choose another column"
    return None


def shown_times(wall: npt.NDArray[np.int64]) -> list[str]:
    """``YYYY-MM-DD HH:MM:SS`` of times in microseconds (J-134); parts of a second are cut off.

    Where neighbours are less than a second apart, all have milliseconds or microseconds: none are shown alike
    (decision 17).
    """
    distances = np.abs(np.diff(wall))  # 0 where a clock shows an hour twice
    return _shown(wall, parts=bool(((distances > 0) & (distances < _SECOND)).any()))


def _shown(wall: npt.NDArray[np.int64], *, parts: bool) -> list[str]:
    unit = "s" if not parts else "ms" if not (wall % 1000).any() else "us"
    times = wall.astype("M8[us]").astype(f"M8[{unit}]")
    return [text.replace("T", " ") for text in np.datetime_as_string(times).tolist()]


def event_times(timestamps: Sequence[int], micros: Sequence[int] = ()) -> list[str]:
    """Times of an event as shown_times: milliseconds, and the microseconds beyond each where steps are so short."""
    wall = np.asarray(timestamps, dtype=np.int64) * 1000
    if len(micros) == len(wall) > 0:
        return _shown(wall + np.asarray(micros, dtype=np.int64), parts=True)
    return shown_times(wall)


def offset_texts(minutes: Sequence[int]) -> list[str]:
    """Offsets from UTC as ISO-8601 has them, such as +05:30."""
    return [f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}" for offset in minutes]


def format_timestamps(moments: npt.NDArray[np.int64]) -> list[str]:
    """``YYYY-MM-DD HH:MM:SS`` of every moment in milliseconds; parts of a second are cut off."""
    seconds = (moments // 1000).astype("datetime64[s]")
    return [text.replace("T", " ") for text in np.datetime_as_string(seconds).tolist()]


def format_timestamp(moment: int) -> str:
    """``YYYY-MM-DD HH:MM:SS`` of one moment in milliseconds, as format_timestamps."""
    return format_timestamps(np.array([moment], dtype=np.int64))[0]


class _Column:
    """The times of a column, with what its texts tell of how they are written."""

    def __init__(self, length: int) -> None:
        self.wall = np.zeros(length, dtype=np.int64)
        self.offsets = np.zeros(length, dtype=np.int16)
        self.families = np.zeros(length, dtype=np.int16)
        self.names: list[str] = []
        self.day_first = False
        self.points = False  # whether points separate day and month
        self.late_days = False  # whether a day beyond the 12th is among them
        self.years_are_sure = False  # whether a year of two digits cannot be a day

    def fill(self, texts: Sequence[str], *, day_first: bool) -> int | None:
        """Read all texts, or those before the first bad one, whose position is returned."""
        self.day_first = day_first
        for begin in range(0, len(texts), _BLOCK):
            bad = self._fill_block(texts[begin : begin + _BLOCK], begin)
            if bad is not None:
                return begin + bad
        return None

    def _fill_block(self, texts: Sequence[str], begin: int) -> int | None:
        # A cut text is longer than any accepted form and a "?" is in none, so both stay refused.
        bare = (text.strip(" \t") if text.isascii() else plain_text(text) for text in texts)
        plain = [text[: _LONGEST + 1] or "?" for text in bare]
        cells = np.array(plain, dtype=f"S{_LONGEST + 1}")
        width = int(np.char.str_len(cells).max())
        digits = cells.astype(f"S{width}").view(np.uint8).reshape(len(plain), width)
        shapes = _TO_SHAPE[digits].view(f"S{width}").ravel()
        left = np.arange(len(plain))
        bad: list[int] = []
        while len(left):
            # Every text before left[0] has been read, so an unknown shape here ends the search: no bad one is earlier.
            shape: bytes = shapes[left[0]]
            same = shapes[left] == shape
            rows = left[same]
            left = left[~same]
            found = form_of(shape.decode("ascii"))
            if found is None:
                bad.append(int(rows[0]))
                break
            read = read_shape(digits[rows], *found, day_first=self.day_first)
            at = rows + begin
            self.wall[at], self.offsets[at], self.families[at] = read.wall, read.offsets, self._family(read.family)
            self.late_days |= read.late_days
            self.points |= read.family.startswith("month.day")
            self.years_are_sure |= read.sure_years
            if not read.exists.all():
                bad.append(int(rows[~read.exists][0]))
        return min(bad, default=None)

    def _family(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def _reason(text: str, *, day_first: bool) -> str:
    """Why a text that was refused by itself is refused, in words for the user."""
    bare = plain_text(text)
    if not bare:
        return "is an empty timestamp; give every row a date or remove the row"
    shape = re.sub("[0-9]", "9", bare)
    if _TOO_SHORT_YEAR.fullmatch(shape):
        return "has a two-digit year; write the year with four digits, or say how it is written: timestamp_format"
    if form_of(shape) is not None:
        return (
            _NO_SUCH_TIME.replace("month first", "day first, as others of the column") if day_first else _NO_SUCH_TIME
        )
    return _UNKNOWN
