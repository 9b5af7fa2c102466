"""The calendar that a series follows: which step it has, what comes next, and which rows are absent (decision 16).

Everybody asks here: the split of a job, all models, backtests, the command line. Times are int64 microseconds since
1970. Mostly they are what the file's clock shows, counted as if that were UTC. Those of a calendar that counts `in_utc`
are instants: its steps are shorter than a day, and the clock of its zone is changed in between (decision 17).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calendars.cycles import Cycle
from models.calendars.fiscal import FiscalWeeks
from models.calendars.names import name_of, rule_named
from models.calendars.rules import DAY, BusinessDays, FixedStep, Integers, MonthDays, Rule, TimesOfDay
from models.calendars.time_zones import MINUTE, offsets_at, offsets_on_clock, zone_named
from models.errors import RejectedInputError

__all__ = ["ALONE", "FOUND", "NONE_FOUND", "Calendar", "calendar_of"]

FOUND: Final = ""
"""A rule holds, found or asked for."""
NONE_FOUND: Final = "~"
"""No rule holds; the steps are the most frequent ones."""
ALONE: Final = "?"
"""There is a single time; steps of a day are assumed."""

_TEXT: Final = re.compile(r"(?P<how>[~?]?)(?P<name>[^ ]+)(?: (?P<utc>@)?(?P<clock>[^ ]+))?")
_OFFSET: Final = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d)")
_NOTES: Final = {
    NONE_FOUND: "the times of the series follow no regular calendar, so the forecast goes on in steps of {}, the most"
    " frequent ones: send freq to have others",
    ALONE: "the series has a single time, so steps of a day are assumed: send freq to have others",
}
_OFFICE_NOTE: Final = "the series has values at certain times of day only ({}), and so has the forecast"
_CYCLE_NOTE: Final = "the series has values on certain days only ({}), and so has the forecast"
_FISCAL_NOTE: Final = "the series has years of 52 or 53 weeks ({}), and so has the forecast"
_HOUR: Final = DAY // 24


@dataclass(frozen=True, slots=True)
class Calendar:
    """A rule, how it was come to (`FOUND`, `NONE_FOUND`, `ALONE`), and the clock that its times are shown on.

    `offset` are the minutes of a clock that has always been as far from UTC, `zone` names a place's; neither where the
    file says nothing.
    """

    rule: Rule
    how: str = FOUND
    offset: int | None = None
    zone: str = ""
    in_utc: bool = False

    @property
    def freq(self) -> str:
        """The step as an offset alias of pandas; a name of ours where pandas has none."""
        return name_of(self.rule)

    @property
    def regular(self) -> bool:
        """Whether times lie on the rule, so that absent ones can be told."""
        return self.how != NONE_FOUND

    @property
    def fixed_step(self) -> int | None:
        """Microseconds of a step; None where steps differ."""
        return self.rule.step if isinstance(self.rule, FixedStep) else None

    @property
    def usual_step(self) -> int:
        """Microseconds that a step has on average."""
        match self.rule:
            case FixedStep(step):
                return step
            case BusinessDays(multiple):
                return multiple * DAY * 7 // 5
            case TimesOfDay(clock, business, multiple):
                return multiple * DAY * (7 if business else 1) // (len(clock) * (5 if business else 1))
            case MonthDays(picks, multiple):
                return multiple * DAY * 146_097 // (4_800 * len(picks))  # 400 years are so many days
            case Cycle(weeks, days):
                return 7 * DAY * weeks // len(days)
            case FiscalWeeks(weeks=weeks, multiple=multiple):
                return multiple * DAY * 146_097 // (400 * len(weeks))
        raise TypeError(type(self.rule).__name__)

    @property
    def season_length(self) -> int:
        """After how many steps the pattern may repeat; 1 where none is usual."""
        return self.season_lengths[0] if self.season_lengths else 1

    @property
    def season_lengths(self) -> tuple[int, ...]:
        """After how many steps patterns may repeat, the shortest first: days have 7 and 365, hours 24 and 168."""
        return _season_lengths(self.rule)

    @property
    def note(self) -> str:
        """What a user should know of it; empty where there is nothing."""
        if self.how in _NOTES:
            return _NOTES[self.how].format(self.freq)
        if isinstance(self.rule, FiscalWeeks):
            return _FISCAL_NOTE.format(self.freq)
        if isinstance(self.rule, Cycle):
            return _CYCLE_NOTE.format(self.freq)
        return _OFFICE_NOTE.format(self.freq) if isinstance(self.rule, TimesOfDay) else ""

    @property
    def text(self) -> str:
        """All of it in a word or two: `calendar_of` reads it."""
        clock = f"{'@' if self.in_utc else ''}{self.zone}" if self.zone else _offset_text(self.offset)
        return f"{self.how}{self.freq} {clock}".rstrip()

    def places(self, times: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """The place of each time, 0 for the first one's, and whether it lies on the rule."""
        return self.rule.places(int(times[0]), times)

    def times(self, start: int, count: int, *, first: int = 0) -> Integers:
        """`count` times from place `first` on; `start` has place 0."""
        return self.rule.times(start, np.arange(first, first + count, dtype=np.int64))

    def next_times(self, last: int, count: int) -> Integers:
        """The `count` times after `last`, which lies on the rule."""
        return self.times(last, count, first=1)

    def shown(self, times: Integers) -> Integers:
        """What the clock shows at these times of the calendar."""
        if not self.in_utc:
            return times
        return times + offsets_at(times, self.zone).astype(np.int64) * MINUTE

    def offsets(self, times: Integers) -> list[int]:
        """The minutes from UTC at these times of the calendar; empty where nobody knows."""
        if self.offset is not None:
            return [self.offset] * len(times)
        if not self.zone:
            return []
        if self.in_utc:
            return [int(minutes) for minutes in offsets_at(times, self.zone)]
        return [int(minutes) for minutes in offsets_on_clock(times, self.zone)[0]]


@lru_cache(maxsize=1024)
def calendar_of(text: str) -> Calendar:
    """The calendar of a text; RejectedInputError where it is none. An alias alone is one."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise RejectedInputError("freq", f'freq: "{text[:60]}" is no calendar; send an offset alias of pandas')
    rule, clock = rule_named(match["name"]), match["clock"]
    if clock is None:
        return Calendar(rule, match["how"])
    offset = _OFFSET.fullmatch(clock)
    if offset is not None:
        minutes = int(offset["hours"]) * 60 + int(offset["minutes"])
        return Calendar(rule, match["how"], -minutes if offset["sign"] == "-" else minutes)
    zone_named(clock)
    return Calendar(rule, match["how"], zone=clock, in_utc=bool(match["utc"]))


def _offset_text(minutes: int | None) -> str:
    if minutes is None:
        return ""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def _season_lengths(rule: Rule) -> tuple[int, ...]:
    periods: tuple[int, ...]
    match rule:
        case BusinessDays(multiple):
            periods, size = (5, 260), multiple
        case TimesOfDay(clock, business, multiple):
            periods, size = (len(clock), len(clock) * (5 if business else 7)), multiple
        case MonthDays(picks, multiple):
            periods, size = (12 * len(picks),), multiple
        case Cycle(weeks, days):
            periods, size = ((len(days), 52 * len(days)) if weeks == 1 else (4 * len(days),)), 1
        case FiscalWeeks(weeks=weeks, multiple=multiple):
            periods, size = (len(weeks),), multiple
        case FixedStep(step):
            periods, size = _periods(step), step
        case _:
            raise TypeError(type(rule).__name__)
    fitting = takewhile(lambda period: period % size == 0 and period > size, periods)
    return tuple(period // size for period in fitting)


def _periods(step: int) -> tuple[int, ...]:
    """What repeats in microseconds, so far as it is usual for steps of this size, in the order of its weight."""
    if step < 1_000_000:
        return ()
    if step < MINUTE:
        return (_HOUR,)
    if step < DAY:
        return (DAY, 7 * DAY)
    if step < 7 * DAY:
        return (7 * DAY, 365 * DAY)
    if step % (7 * DAY) == 0 and step <= 26 * 7 * DAY:
        return (52 * 7 * DAY,)
    # Exact months, quarters and half-years of so many days: a year is about so many of them.
    return tuple(count * step for low, high, count in _YEARS if low <= step / DAY <= high)


_YEARS: Final = ((28, 31, 12), (89, 92, 4), (181, 184, 2))
