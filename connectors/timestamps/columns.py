"""A column of timestamp texts: the times of all, in the order of day, month and year that it is written in."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from connectors.timestamps.formats import word_of_order
from connectors.timestamps.forms import DAY_FIRST, MONTH_FIRST, YEAR_FIRST, Read, plain_text, read_shape
from connectors.timestamps.shapes import Form, forms_of

__all__ = ["BadTimestampError", "TimeColumn", "goes_on", "read_in_likely_order", "read_in_order", "why_refused"]

_LONGEST: Final = 48  # the longest accepted text has 47 characters: a month's name, nine digits of a second, an offset
_BLOCK: Final = 200_000  # texts looked at together: bounds the byte matrices to about 20 MB
_MUCH_LONGER: Final = 5  # as often is a span of time longer than another that is the likelier one
_TOO_SHORT_YEAR: Final = re.compile(r"9{1,2}[/.-]9{1,2}[/.-]99(?!9).*")
_TO_SHAPE: Final = np.array([ord("9") if 48 <= byte <= 57 else byte for byte in range(256)], dtype=np.uint8)
_UNKNOWN: Final = (
    "is not a date this service reads; write YYYY-MM-DD, YYYY-MM-DD HH:MM:SS, ISO-8601 with offset, or M/D/YYYY (month "
    "first), or say how it is written: timestamp_format, such as %d.%m.%y"
)
_SHORT_YEAR: Final = "has a two-digit year; write the year with four digits, or say how it is written: timestamp_format"
_NO_SUCH_TIME: Final = "names a day or time that does not exist"
_OF_SHAPE: Final = {
    "9999-99": "names a month that does not exist; write weeks as 2020-W13, and quarters as 2020Q1",
    "9999": "is no year that is read in digits alone, which are 1500 to 2200; write dates as YYYY-MM-DD",
    "99999": "names a day that does not exist: numbers of five digits are those of spreadsheets, and are read from 1954"
    " to 2064; write dates as YYYY-MM-DD",
}


class BadTimestampError(ValueError):
    """A text that is no accepted timestamp: its ``index`` in the sequence, the ``text``, a ``reason`` to put after."""

    def __init__(self, index: int, text: str, reason: str) -> None:
        super().__init__(f'"{text}" {reason}')
        self.index = index
        self.text = text
        self.reason = reason


class TimeColumn:
    """The times of a column, with what its texts tell of how they are written."""

    def __init__(self, length: int, order: str) -> None:
        self.order = order  # of three numbers
        self.wall = np.zeros(length, dtype=np.int64)
        self.offsets = np.zeros(length, dtype=np.int16)
        self.families = np.zeros(length, dtype=np.int16)
        self.names: list[str] = []
        self.points = False  # whether points separate day and month
        self.late_days = False  # whether a day beyond the 12th is among them
        self.years_are_sure = False  # whether a year of two digits cannot be a day
        self.short_from: int | None = None  # the first text of which one of three numbers is a year of two digits

    @property
    def first_day(self) -> str:
        """The day of the first time."""
        return str(self.wall[:1].astype("M8[us]").astype("M8[D]")[0])

    def fill(self, texts: Sequence[str]) -> int | None:
        """Read all texts, or those before the first bad one, whose position is returned."""
        for begin in range(0, len(texts), _BLOCK):
            bad = self._fill_block(texts[begin : begin + _BLOCK], begin)
            if bad is not None:
                return begin + bad
        return None

    def _fill_block(self, texts: Sequence[str], begin: int) -> int | None:
        # A cut text is longer than any accepted form and a "?" is in none, so both stay refused.
        plain = [plain_text(text)[: _LONGEST + 1] or "?" for text in texts]
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
            forms = forms_of(shape.decode("ascii"))
            if not forms:
                bad.append(int(rows[0]))
                break
            read = self._read(digits[rows], forms)
            at = rows + begin
            self.wall[at], self.offsets[at], self.families[at] = read.wall, read.offsets, self._family(read.family)
            self.late_days |= read.late_days
            self.points |= read.family.startswith("month.day")
            self.years_are_sure |= read.sure_years
            if read.short_years and self.short_from is None:
                self.short_from = int(at[0])
            if not read.exists.all():
                bad.append(int(rows[~read.exists][0]))
        return min(bad, default=None)

    def _read(self, digits: npt.NDArray[np.uint8], forms: Sequence[tuple[Form, re.Match[str]]]) -> Read:
        """The first form in which all texts exist, or else the last one."""
        *likely, last = forms
        for form in likely:
            read = read_shape(digits, *form, self.order)
            if read.exists.all():
                return read
        return read_shape(digits, *last, self.order)

    def _family(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def read_in_order(texts: Sequence[str], order: str) -> tuple[TimeColumn, int | None]:
    """The column with three numbers in this order, and where its first bad text is."""
    column = TimeColumn(len(texts), order)
    return column, column.fill(texts)


def read_in_likely_order(texts: Sequence[str]) -> tuple[TimeColumn, int | None]:
    """The column with three numbers in the order that its texts show, and where its first bad text is."""
    column, bad = read_in_order(texts, MONTH_FIRST)
    if column.short_from == 0:
        return _of_short_years(texts)
    if column.short_from is not None and (bad is None or column.short_from <= bad):
        raise BadTimestampError(column.short_from, texts[column.short_from], _SHORT_YEAR)
    if bad is not None or column.points:
        other, bad_there = read_in_order(texts, DAY_FIRST)
        # Whichever goes further is how the column is written; a wrong text behind is told in its terms.
        if bad_there is None or (bad is not None and bad_there > bad):
            return other, bad_there
    return column, bad


def _of_short_years(texts: Sequence[str]) -> tuple[TimeColumn, int | None]:
    """Three numbers of which any can be the year: the one order that all texts can have, best one in which they go on.

    BadTimestampError where two orders are as good.
    """
    columns = [read_in_order(texts, order) for order in (DAY_FIRST, MONTH_FIRST, YEAR_FIRST)]
    sound = [column for column, bad in columns if bad is None]
    if len(sound) > 1 and sound[0].order == DAY_FIRST and "." in texts[0][:3]:
        sound = [column for column in sound if column.order != MONTH_FIRST]  # with points days come first
    if not sound:
        return max(columns, key=lambda one: len(texts) if one[1] is None else one[1])
    likely = _most_in_order(sound)
    if len(likely) == 1:
        return likely[0], None
    ways = " or ".join(f"{column.first_day} ({word_of_order(column.order)})" for column in likely)
    reason = (
        f"has a two-digit year and can be {ways}; write the year with four digits, or say which of them it is: "
        "timestamp_format"
    )
    raise BadTimestampError(0, texts[0], reason)


def _most_in_order(columns: Sequence[TimeColumn]) -> list[TimeColumn]:
    """Those whose times all go on, where there are any; a day taken for a year makes decades out of some weeks."""
    likely = [column for column in columns if goes_on(column.wall)] or list(columns)
    spans = {column.order: int(np.ptp(column.wall)) for column in likely}
    others = [span for order, span in spans.items() if order != YEAR_FIRST]
    if len(likely[0].wall) > 1 and others and YEAR_FIRST in spans:
        if spans[YEAR_FIRST] > _MUCH_LONGER * max(others):
            return [column for column in likely if column.order != YEAR_FIRST]
        if _MUCH_LONGER * spans[YEAR_FIRST] < min(others):
            return [column for column in likely if column.order == YEAR_FIRST]
    return likely


def goes_on(wall: npt.NDArray[np.int64]) -> bool:
    """Whether all times are later than the one before, or all earlier."""
    distances = np.diff(wall)
    return bool((distances > 0).all() or (distances < 0).all())


def why_refused(text: str, order: str) -> str:
    """Why a text that was refused by itself is refused, in words for the user."""
    bare = plain_text(text)
    if not bare:
        return "is an empty timestamp; give every row a date or remove the row"
    shape = re.sub("[0-9]", "9", bare)
    forms = forms_of(shape)
    if not forms:
        return _SHORT_YEAR if _TOO_SHORT_YEAR.fullmatch(shape) else _UNKNOWN
    fields = forms[0][1].groupdict()
    if fields.get("one"):
        as_others = "month first" if order == MONTH_FIRST else f"{word_of_order(order)}, as others of the column"
        return f"{_NO_SUCH_TIME} (days and months in digits are read {as_others})"
    if fields.get("offset_hour"):
        return f"{_NO_SUCH_TIME}, or an offset from UTC that no clock has; if it is the end of a period, remove that"
    return _OF_SHAPE.get(shape, _NO_SUCH_TIME)
