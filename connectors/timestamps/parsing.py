"""Timestamp texts to times and back (J-134, J-143), whole columns at a time.

The forms are in `forms`: ISO-8601, days and months in digits or names, quarters, weeks, plain numbers of
seconds or of a spreadsheet's days. Blanks and tabs around a text are ignored. A fraction has 1 to 9 digits; what is
finer than a microsecond is cut off.

A text is the time that its clock shows, counted as if that clock were UTC, so no change to summer time can make an hour
vanish or repeat; its offset is kept beside it (decision 17). One column keeps to one family of forms: a file that mixes
them was joined from two sources, one of which may well be day-first. Days and months in digits are read month first
(J-143) unless a day beyond the 12th shows that they are day first, or points separate them, as in day-first countries;
where nothing shows it, the warning says so (decision 18). Years of two digits are read where the days and the order of
the rows leave one order of the three numbers only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from connectors.timestamps.columns import (
    BadTimestampError,
    TimeColumn,
    goes_on,
    read_in_likely_order,
    read_in_order,
    why_refused,
)
from connectors.timestamps.formats import (
    BadFormatError,
    NotWrittenSoError,
    check_format,
    order_of,
    times_written,
    word_of_order,
)
from connectors.timestamps.forms import DAY_FIRST

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

_SECOND: Final = 1_000_000  # in microseconds
_MINUTE: Final = 60 * _SECOND
_SOME: Final = 4  # names of months with a number behind show an order; fewer may do so by chance
_SHORT_YEARS: Final = "names of months with short years"


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

    `written` says how, as `formats` has it; empty: it is found. Raises BadTimestampError for the first text
    that has no accepted form or does not exist in the calendar; else for the first of another family than the first.
    """
    order = order_of(written)
    if written and order is None:
        return _written(texts, written)
    column, bad = read_in_likely_order(texts) if order is None else read_in_order(texts, order)
    if bad is not None:
        raise BadTimestampError(bad, texts[bad], why_refused(texts[bad], column.order))
    others = np.flatnonzero(column.families != column.families[:1])
    if len(others):
        index = int(others[0])
        form = column.names[column.families[0]]
        reason = (
            f'is not written like the first timestamp of the column, "{texts[0]}" ({form}); use one form throughout'
        )
        raise BadTimestampError(index, texts[index], reason)
    family = column.names[column.families[0]] if len(texts) else ""
    if family == _SHORT_YEARS and order is None and not (column.years_are_sure or _name_other_months(column)):
        reason = (
            "can be a day of a year as well as a month of one; write the year with four digits, or timestamp_format"
        )
        raise BadTimestampError(0, texts[0], reason)
    offsets = column.offsets if family.endswith("with offset") else None
    warning = _warning(texts[0], column, family) if len(texts) and not written else None
    return ParsedTimes(column.wall, offsets, warning, written or _order(column, family))


def _name_other_months(column: TimeColumn) -> bool:
    """Whether most texts name another month than the one before, as Jan-18, Feb-18 do: days would be next to days."""
    months = column.wall.astype("M8[us]").astype("M8[M]").astype(np.int64) % 12
    changes = np.count_nonzero(np.diff(months))
    return len(months) >= _SOME and goes_on(column.wall) and bool(changes > len(months) / 2)


def _written(texts: Sequence[str], written: str) -> ParsedTimes:
    try:
        check_format(written)
        return ParsedTimes(*times_written(texts, written), written=written)
    except BadFormatError as error:
        raise BadTimestampError(0, texts[0], f"cannot be read: timestamp_format {error}") from None
    except NotWrittenSoError as error:
        reason = f'is not written as timestamp_format says ("{written[:60]}"); correct one of them'
        raise BadTimestampError(error.index, texts[error.index], reason) from None


def _order(column: TimeColumn, family: str) -> str:
    """The order of day and month, where a part of the column would not show it, or be taken for another."""
    if column.short_from == 0 or family == _SHORT_YEARS or family.startswith("day"):
        return word_of_order(column.order)
    return "month first" if column.points else ""


def _warning(first: str, column: TimeColumn, family: str) -> str | None:
    read = f'times such as "{first}" are read'
    if column.short_from == 0 or (family == _SHORT_YEARS and not column.years_are_sure):
        shown = column.first_day if column.short_from == 0 else column.first_day[:7]
        order = f" {word_of_order(column.order)}" if column.short_from == 0 else ""
        return f"{read}{order} with years of two digits, here {shown}; if that is wrong, say so: timestamp_format"
    if family in ("ISO without offset", "year/month") and (other := _other_than_months(column, first)):
        return f"{read} as {other}"
    if "day" in family and family[0] in "md" and not column.late_days:
        if column.order == DAY_FIRST:
            return f'{read} day first; if they are month first, say so: timestamp_format "month first"'
        return f'{read} month first; if they are day first, say so: timestamp_format "day first"'
    if family == "Excel days":
        return f"{read} as the days of a spreadsheet; if they are something else, choose another column"
    return None


def _other_than_months(column: TimeColumn, first: str) -> str:
    """What years and months may be instead, in words; empty where nothing."""
    if _may_be_quarters(column, first):
        return "January to April of each year; if they are quarters, write 2020Q1, 2020Q2 and so on"
    if _may_be_seasons(column, first):
        year, month = column.first_day[:4], column.first_day[:7]
        return f"months, here {month}; if they are years or seasons that begin in {year}, write {year}"
    return ""


def _may_be_quarters(column: TimeColumn, first: str) -> bool:
    """Whether all of many texts such as 2020-1 have a number of 1 to 4, and each of these comes."""
    if not re.fullmatch("[0-9]{4}-[1-4]", first.strip()) or len(column.wall) < 2 * 4:
        return False
    months = column.wall.astype("M8[us]").astype("M8[M]").astype(np.int64) % 12
    return set(np.unique(months).tolist()) == {0, 1, 2, 3}


def _may_be_seasons(column: TimeColumn, first: str) -> bool:
    """Whether each text has the year behind its own where a month would be, as in 2005/06 and 2006/07."""
    if not re.fullmatch("[0-9]{4}[/-][01][0-9]", first.strip()) or len(column.wall) < 2:
        return False
    months = column.wall.astype("M8[us]").astype("M8[M]").astype(np.int64)
    return bool((months % 12 + 1 == (months // 12 + 1971) % 100).all())


def shown_times(wall: npt.NDArray[np.int64]) -> list[str]:
    """``YYYY-MM-DD HH:MM:SS`` of times in microseconds (J-134); parts of a second are cut off.

    Where neighbours are less than a second apart, all have milliseconds or microseconds: none are shown alike
    (decision 17). So do those of steps such as 1.5 seconds, whose distances would be wrong.
    """
    distances = np.abs(np.diff(wall))  # 0 where a clock shows an hour twice
    distances = distances[distances > 0]
    shortest = int(distances.min()) if len(distances) else _SECOND
    return _shown(wall, parts=shortest % _SECOND != 0 and (shortest < _SECOND or not (distances % shortest).any()))


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
