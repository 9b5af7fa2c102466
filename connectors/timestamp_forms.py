"""The forms in which timestamps are written, each by its shape: a text with every digit as 9.

One match of a shape places the fields of all texts of that shape, so a column costs a few matches and some arithmetic.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["DAY_FIRST", "MONTH_FIRST", "WITH_OFFSET", "Form", "Read", "form_of", "plain_text", "read_shape"]

MONTH_FIRST: Final = "month/day/year"
DAY_FIRST: Final = "day/month/year"
WITH_OFFSET: Final = "ISO with offset"

_SECOND: Final = 1_000_000  # in microseconds
_MINUTE: Final = 60 * _SECOND
_DAY: Final = 1440 * _MINUTE
_EXCEL_BEGIN: Final = -25_569  # days from 1970 to the day 0 of spreadsheets, by which 1 March 1900 is day 61
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 60_000  # October 1954 to April 2064: other numbers of five digits are no dates
_EARLIEST, _LATEST = 1500, 2200  # years of forms that have no sign but digits
_PIVOT: Final = 30  # years of two digits: 00 to 29 are 2000 and later, as in spreadsheets

_Integers: TypeAlias = npt.NDArray[np.int64]

_MONTHS: Final = """
january february march april may june july august september october november december
januar februar marz april mai juni juli august september oktober november dezember
janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro
januari februari maart april mei juni juli augustus september oktober november december
"""
_EAST_ASIAN: Final = str.maketrans(
    {"年": "-", "月": "-", "日": "", "년": "-", "월": "-", "일": "", "時": ":", "时": ":"}
)


def _month_numbers() -> dict[str, int]:
    """The number of every name and of each beginning of three letters or more that is one month's alone."""
    found: dict[str, set[int]] = {"mrt": {3}, "mrz": {3}}
    for line in _MONTHS.strip().split("\n"):
        for number, name in enumerate(line.split(), 1):
            for length in range(3, len(name) + 1):
                found.setdefault(name[:length], set()).add(number)
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}


_MONTH_NUMBERS: Final = _month_numbers()
_CLOCK: Final = (
    r"(?P<hour>9{1,2})(?=:| ?[AaPp]\.?[Mm])(?::(?P<minute>99)(?::(?P<second>99)(?:[.,](?P<fraction>9{1,9}))?)?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_OFFSET: Final = r"(?P<offset> ?(?:Z|UTC|GMT|[+-](?P<offset_hour>99)(?::?(?P<offset_minute>99))?))?"
_TIME: Final = rf"(?:(?:[ T]|, ){_CLOCK}{_OFFSET})?"
_NAME: Final = r"(?P<name>[A-Za-z]{3,12})\.?"
_WEEKDAY: Final = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}\.?,? )?"


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of texts, as it is called in messages, and the shape of its texts.

    ``digits`` is for forms of digits alone, whose years are limited; ``scale`` for numbers: microseconds of one.
    """

    name: str
    shape: re.Pattern[str]
    digits: bool = False
    scale: int = 0


def _form(name: str, shape: str, *, digits: bool = False, scale: int = 0) -> Form:
    return Form(name, re.compile(shape), digits, scale)


_FORMS: Final = (
    _form("ISO", rf"(?P<year>9999)(?P<sign>-)(?P<month>9{{1,2}})(?:-(?P<day>9{{1,2}}){_TIME})?"),
    _form("day and month", rf"(?P<one>9{{1,2}})(?P<sign>[/.-])(?P<two>9{{1,2}})(?P=sign)(?P<year>9999){_TIME}"),
    _form("year/month/day", rf"(?P<year>9999)(?P<sign>[/.])(?P<month>9{{1,2}})(?P=sign)(?P<day>9{{1,2}}){_TIME}"),
    _form("year/month", r"(?P<year>9999)/(?P<month>9{1,2})"),
    _form("month/year", r"(?P<month>9{1,2})(?P<sign>[/-])(?P<year>9999)"),
    _form("month.year", r"(?P<month>99)\.(?P<year>9999)"),
    _form("quarters", r"(?P<year>9999)[ -]?[Qq](?P<quarter>9)"),
    _form("quarters", r"[Qq](?P<quarter>9)[ /-]?(?P<year>9999)"),
    _form("quarters", r"(?P<quarter>9)[Qq](?P<year>9999)"),
    _form("half-years", r"(?P<year>9999)-?[HS](?P<half_year>9)"),
    _form("months", r"(?P<year>9999)-?M(?P<month>9{1,2})"),
    _form("ISO weeks", r"(?P<year>9999)[ -]?W(?P<week>9{1,2})(?:-?(?P<weekday>9))?"),
    _form("names of months", rf"{_NAME}(?: |-|/|, )(?P<year>9999)"),
    _form("names of months", rf"(?P<year>9999)[ -]{_NAME}(?:[ -](?P<day>9{{1,2}}){_TIME})?"),
    _form(
        "names of months",
        rf"{_WEEKDAY}(?P<day>9{{1,2}})(?:st|nd|rd|th|er|\.)?(?: |-|/| de | of )?{_NAME}"
        rf"(?: |-|/|, | de )?(?P<year>9999){_TIME}",
    ),
    _form("names of months", rf"{_WEEKDAY}{_NAME} (?P<day>9{{1,2}})(?:st|nd|rd|th)?,? (?P<year>9999){_TIME}"),
    _form("names of months", rf"(?P<day>9{{1,2}})[ -]{_NAME}[ -](?P<short_year>99){_TIME}"),
    _form("names of months with short years", rf"{_NAME}[ -]'?(?P<short_year>99)"),
    _form("years", r"(?P<year>9999)", digits=True),
    _form("year and month in six digits", r"(?P<year>9999)(?P<month>99)", digits=True),
    _form(
        "year, month and day in eight digits",
        r"(?P<year>9999)(?P<month>99)(?P<day>99)"
        r"(?:[ T]?(?P<hour>99):?(?P<minute>99)(?::?(?P<second>99)(?:\.(?P<fraction>9{1,9}))?)?(?P<offset>Z)?)?",
        digits=True,
    ),
    _form("Excel days", r"(?P<number>9{5})(?:\.(?P<part>9+))?", scale=_DAY),
    _form("seconds since 1970", r"(?P<number>9{9,10})(?:\.(?P<part>9+))?", scale=_SECOND),
    _form("milliseconds since 1970", r"(?P<number>9{13})(?:\.(?P<part>9+))?", scale=1000),
    _form("microseconds since 1970", r"(?P<number>9{16})", scale=1),
    _form("nanoseconds since 1970", r"(?P<number>9{16})999"),
)


@dataclass(frozen=True, slots=True)
class Read:
    """Texts of one shape: what their clocks show in microseconds, offsets in minutes, which exist, and their family.

    ``late_days`` says whether a day beyond the 12th is among them, ``sure_years`` whether a year that can be no day is.
    """

    wall: _Integers
    offsets: _Integers | int
    exists: npt.NDArray[np.bool_]
    family: str
    late_days: bool = True
    sure_years: bool = True


def plain_text(text: str) -> str:
    """The text in ASCII, without accents; with a "?" in it, which no form has, where that cannot be."""
    if text.isascii():
        return text.strip(" \t")
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).translate(_EAST_ASIAN))
    bare = "".join(char for char in bare if not unicodedata.combining(char)).strip(" \t").rstrip("-:")
    return re.sub(r"([-:]) ", r"\1", bare) if bare.isascii() else "?"


def form_of(shape: str) -> tuple[Form, re.Match[str]] | None:
    """The form that a shape has; None where it has none."""
    for form in _FORMS:
        match = form.shape.fullmatch(shape)
        if match is not None and ("name" not in match.re.groupindex or match["name"].lower() in _MONTH_NUMBERS):
            return form, match
    return None


def read_shape(digits: npt.NDArray[np.uint8], form: Form, match: re.Match[str], *, day_first: bool) -> Read:
    """The texts of one shape, one row of bytes each."""
    fields = _Fields(digits, match)
    if "number" in fields:
        return _numbers(fields, form)
    year, sure_years = _year(fields)
    days, exists = _days(fields, year, day_first=day_first)
    exists &= (year >= _EARLIEST) & (year <= _LATEST) if form.digits else year >= 1
    clock, on_clock = _clock(fields)
    offset_hour, offset_minute = fields.number("offset_hour"), fields.number("offset_minute")
    exists &= on_clock & (offset_hour <= 23) & (offset_minute <= 59)
    east = -1 if "offset" in fields and "-" in match["offset"] else 1
    return Read(
        days * _DAY + clock,
        east * (offset_hour * 60 + offset_minute),
        exists,
        _family(fields, form, day_first=day_first),
        late_days="one" not in fields or bool((fields.number("one" if day_first else "two") > 12).any()),
        sure_years=sure_years,
    )


def _family(fields: "_Fields", form: Form, *, day_first: bool) -> str:
    """What texts that may stand in one column are called."""
    has_offset = "offset" in fields
    if form.name == "ISO":
        return WITH_OFFSET if has_offset else "ISO without offset"
    name = form.name
    if "one" in fields:
        name = DAY_FIRST if day_first else MONTH_FIRST
    if "sign" in fields:
        name = name.replace("/", fields.match["sign"])
    return f"{name} with offset" if has_offset else name


def _year(fields: "_Fields") -> tuple[_Integers, bool]:
    """The year, and whether it is surely one: a year of two digits can be a day."""
    if "short_year" not in fields:
        return fields.number("year"), True
    short = fields.number("short_year")
    return np.where(short < _PIVOT, 2000 + short, 1900 + short), bool(((short > 31) | (short == 0)).any())


def _days(fields: "_Fields", year: _Integers, *, day_first: bool) -> tuple[_Integers, npt.NDArray[np.bool_]]:
    """Days since 1970, and which of them are in the calendar."""
    if "week" in fields:
        return _weeks(year, fields.number("week"), fields.number("weekday", 1))
    month, day = fields.number("month", 1), fields.number("day", 1)
    if "name" in fields:
        month = np.full(len(year), _MONTH_NUMBERS[fields.match["name"].lower()])
    if "quarter" in fields:
        month = fields.number("quarter") * 3 - 2
    if "half_year" in fields:
        month = fields.number("half_year") * 6 - 5
    if "one" in fields:
        month, day = (fields.number(name) for name in (("two", "one") if day_first else ("one", "two")))
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1)
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (dates.astype("datetime64[M]") == months)
    return dates.astype(np.int64), exists


class _Fields:
    """The fields of texts of one shape."""

    def __init__(self, digits: npt.NDArray[np.uint8], match: re.Match[str]) -> None:
        self.digits = digits
        self.match = match
        self._spans: Mapping[str, tuple[int, int]] = {
            name: match.span(name) for name in match.re.groupindex if match[name] is not None
        }

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
    exists = (hour <= 23) & (minute <= 59) & (second <= 59)
    if "half" in fields:
        exists &= hour <= 12  # midnight is 12 AM, but written as 0 AM as well
        hour = hour % 12 + (12 if fields.match["half"] in "Pp" else 0)
    return (hour * 60 + minute) * _MINUTE + second * _SECOND + fields.number("fraction", places=6), exists


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
    if form.scale == _DAY:
        exists = (number >= _FIRST_SERIAL) & (number < _LAST_SERIAL)
        # The product of a day's part is exact to some microseconds; such times are meant to the second.
        wall = (wall + _SECOND // 2) // _SECOND * _SECOND if "part" in fields else wall
        wall += _EXCEL_BEGIN * _DAY
    return Read(wall, 0, exists, form.name)
