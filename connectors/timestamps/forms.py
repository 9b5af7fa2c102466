"""The times of texts that have one shape: its fields as numbers, and what they tell.

One match of a shape (see `shapes`) places the fields of all texts of that shape, so a column costs a few matches and
some arithmetic.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from connectors.timestamps.shapes import DAY, MINUTE, MONTH_NUMBERS, SECOND, Form

__all__ = ["DAY_FIRST", "MONTH_FIRST", "WITH_OFFSET", "YEAR_FIRST", "Read", "plain_text", "read_shape"]

MONTH_FIRST: Final = "month/day/year"
DAY_FIRST: Final = "day/month/year"
YEAR_FIRST: Final = "year/month/day"
WITH_OFFSET: Final = "ISO with offset"

_EXCEL_BEGIN: Final = -25_569  # days from 1970 to the day 0 of spreadsheets, by which 1 March 1900 is day 61
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 60_000  # October 1954 to April 2064: other numbers of five digits are no dates
_PIVOT: Final = 30  # years of two digits: 00 to 29 are 2000 and later, as in spreadsheets
_FURTHEST_WEST, _FURTHEST_EAST = -12 * 60, 14 * 60  # minutes; what is beyond is the end of a period, not an offset

_Integers: TypeAlias = npt.NDArray[np.int64]

_EAST_ASIAN: Final = dict(zip("年月日년월일時时分秒", ["-", "-", "", "-", "-", "", ":", ":", ":", ""], strict=True))
_CYRILLIC: Final = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ",
        "a b v g d e e z z i i k l m n o p r s t u f h c c s s  i  e ju ja i i e g".split(" "),  # noqa: SIM905
        strict=True,
    )
)
_ALONE: Final = _CYRILLIC | {"\u0142": "l", "\u0131": "i", "\u00f8": "o"}  # letters that have no accent to go
_LETTERS: Final = str.maketrans(
    {letter.upper(): plain.upper() for letter, plain in _ALONE.items()} | _ALONE | _EAST_ASIAN
)
_EAST_ASIAN_DAY: Final = re.compile(r" ?(?:\([日月火水木金土一二三四五六]\)|(?:星期|周|週)[一二三四五六日天])")
_UNSEEN: Final = ("Mn", "Cf")  # accents, and marks of direction and the like, which copies bring along
_YEAR_WORD: Final = re.compile(r" (?:g\.|goda)$")  # as Russian has it behind a year
_ZONE: Final = re.compile(
    r" \([A-Za-z /]+\)$|(?<=[Z0-9])\[[\w/+-]+\]$"
)  # as browsers name one, and Java behind an offset
_FIELDS_IN_ORDER: Final = {
    MONTH_FIRST: ("one", "two", "three"),
    DAY_FIRST: ("two", "one", "three"),
    YEAR_FIRST: ("two", "three", "one"),
}
"""Where month, day and year lie in three numbers."""


@dataclass(frozen=True, slots=True)
class Read:
    """Texts of one shape: what their clocks show in microseconds, offsets in minutes, which exist, and their family.

    ``late_days`` says whether a day beyond the 12th is among them, ``sure_years`` whether a year that can be no day is,
    ``short_years`` whether three numbers end or begin with a year of two digits.
    """

    wall: _Integers
    offsets: _Integers | int
    exists: npt.NDArray[np.bool_]
    family: str
    late_days: bool = True
    sure_years: bool = True
    short_years: bool = False


def plain_text(text: str) -> str:
    """The text in ASCII, without accents; with a "?" in it, which no form has, where that cannot be."""
    if text.isascii():
        bare = text.strip(" \t")
        if bare.endswith((")", "]")):
            bare = _ZONE.sub("", bare)
        begin, _, end = bare.partition(" - ")
        return begin if len(begin) == len(end) else bare  # a period is called by its beginning
    bare = _EAST_ASIAN_DAY.sub("", unicodedata.normalize("NFKC", text))
    bare = unicodedata.normalize("NFKD", bare.translate(_LETTERS))
    bare = "".join(char for char in bare if unicodedata.category(char) not in _UNSEEN).strip(" \t").rstrip("-:")
    bare = _YEAR_WORD.sub("", bare)
    return re.sub(r"([-:]) ", r"\1", bare) if bare.isascii() else "?"


def read_shape(digits: npt.NDArray[np.uint8], form: Form, match: re.Match[str], order: str) -> Read:
    """The texts of one shape, one row of bytes each; ``order`` says which of three numbers is what."""
    fields = _Fields(digits, match, order)
    if "number" in fields:
        return _numbers(fields, form)
    year, sure_years = _year(fields)
    days, exists = _days(fields, year)
    exists &= (year >= form.years[0]) & (year <= form.years[1]) & (fields.number("zero") == 0)
    clock, on_clock = _clock(fields)
    east = -1 if "offset" in fields and "-" in match["offset"] else 1
    offset_minute = fields.number("offset_minute")
    offsets = east * (fields.number("offset_hour") * 60 + offset_minute)
    exists &= on_clock & (offset_minute <= 59) & (offsets >= _FURTHEST_WEST) & (offsets <= _FURTHEST_EAST)
    return Read(
        days * DAY + clock,
        offsets,
        exists,
        _family(fields, form),
        late_days=not fields.ordered or bool((fields.number("day") > 12).any()),
        sure_years=sure_years,
        short_years="three" in match.re.groupindex,
    )


def _family(fields: "_Fields", form: Form) -> str:
    """What texts that may stand in one column are called."""
    has_offset = "offset" in fields
    if form.name == "ISO":
        return WITH_OFFSET if has_offset else "ISO without offset"
    name = form.name
    if fields.ordered:
        name = fields.ordered
    if "three" in fields:
        name += " with years of two digits"
    if "sign" in fields:
        name = name.replace("/", fields.match["sign"].strip() or " ")
    return f"{name} with offset" if has_offset else name


def _year(fields: "_Fields") -> tuple[_Integers, bool]:
    """The year, and whether it is surely one: a year of two digits can be a day."""
    if "short_year" not in fields:
        return fields.number("year"), True
    short = fields.number("short_year")
    return np.where(short < _PIVOT, 2000 + short, 1900 + short), bool(((short > 31) | (short == 0)).any())


def _days(fields: "_Fields", year: _Integers) -> tuple[_Integers, npt.NDArray[np.bool_]]:
    """Days since 1970, and which of them are in the calendar."""
    if "week" in fields:
        return _weeks(year, fields.number("week"), fields.number("weekday", 1))
    month, day = fields.number("month", 1), fields.number("day", 1)
    if "name" in fields:
        month = np.full(len(year), MONTH_NUMBERS[fields.match["name"].lower()])
    if "quarter" in fields:
        month = fields.number("quarter") * 3 - 2
    if "half_year" in fields:
        month = fields.number("half_year") * 6 - 5
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1)
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (dates.astype("datetime64[M]") == months)
    return dates.astype(np.int64), exists


class _Fields:
    """The fields of texts of one shape; ``ordered`` is the order of three numbers, empty where they are told apart."""

    def __init__(self, digits: npt.NDArray[np.uint8], match: re.Match[str], order: str) -> None:
        self.digits = digits
        self.match = match
        spans = {name: match.span(name) for name in match.re.groupindex if match[name] is not None}
        self.ordered = ""
        if "one" in spans:
            if "three" not in spans and order == YEAR_FIRST:  # the year has four digits, and is the last
                order = MONTH_FIRST
            self.ordered = order
            fields = zip(("month", "day", "short_year"), _FIELDS_IN_ORDER[order], strict=True)
            spans |= {name: spans[place] for name, place in fields if place in spans}
        self._spans: Mapping[str, tuple[int, int]] = spans

    def __contains__(self, name: str) -> bool:
        return name in self._spans

    def number(self, name: str, absent: int = 0, *, places: int | None = None) -> _Integers:
        """The digits of a field as numbers, or as so many places behind the point."""
        if name not in self._spans:
            return np.full(len(self.digits), absent, dtype=np.int64)
        begin, stop = self._spans[name]
        if places is not None:
            stop = min(stop, begin + places)
        value = np.zeros(len(self.digits), dtype=np.int64)
        for column in range(begin, stop):
            value = value * 10 + (self.digits[:, column] - 48)
        return value * 10 ** (places - (stop - begin)) if places is not None else value


def _clock(fields: _Fields) -> tuple[_Integers, npt.NDArray[np.bool_]]:
    """Microseconds since midnight, and which of them exist."""
    hour, minute, second = fields.number("hour"), fields.number("minute"), fields.number("second")
    if "whole_hour" in fields:
        hour = fields.number("whole_hour")
    exists = (hour <= 24) & (minute <= 59) & (second <= 59)
    if "half" in fields:
        exists &= hour <= 12  # midnight is 12 AM, but written as 0 AM as well
        hour = hour % 12 + (12 if fields.match["half"] in "Pp" else 0)
    clock = (hour * 60 + minute) * MINUTE + second * SECOND + fields.number("fraction", places=6)
    return clock, exists & (clock <= DAY)  # 24:00 is the end of the day, as ISO-8601 and tables of hours have it


def _weeks(year: _Integers, week: _Integers, weekday: _Integers) -> tuple[_Integers, npt.NDArray[np.bool_]]:
    """The days of ISO weeks, in days since 1970, and which of them exist."""

    def monday(of_year: _Integers) -> _Integers:
        """Of week 1: the one in which 4 January lies."""
        fourth = (of_year - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 3
        return fourth - (fourth + 3) % 7  # 1 January 1970 was a Thursday

    days = monday(year) + (week - 1) * 7 + (weekday - 1)
    return days, (week >= 1) & (weekday >= 1) & (weekday <= 7) & (days < monday(year + 1))


def _numbers(fields: _Fields, form: Form) -> Read:
    number = fields.number("number")
    if not form.scale:  # nanoseconds: what is finer than a microsecond is cut off
        return Read(number, 0, np.ones(len(number), dtype=np.bool_), form.name)
    wall = number * form.scale
    if "part" in fields:
        wall += np.rint(fields.number("part", places=9) / 1e9 * form.scale).astype(np.int64)
    exists = np.ones(len(number), dtype=np.bool_)
    if form.scale == DAY:
        exists = (number >= _FIRST_SERIAL) & (number < _LAST_SERIAL)
        # The product of a day's part is exact to some microseconds; such times are meant to the second.
        wall = (wall + SECOND // 2) // SECOND * SECOND if "part" in fields else wall
        wall += _EXCEL_BEGIN * DAY
    return Read(wall, 0, exists, form.name)
