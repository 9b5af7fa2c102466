"""Years of 52 or 53 weeks, their quarters, and their months of 4 or 5 weeks, as shops and makers of chips count them.

Such a year ends (or begins) on one weekday near the end of a month, so it has a 53rd week every five or six years.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calendars.rules import DAY, Integers, month_bounds

__all__ = ["ENDS", "PATTERNS", "QUARTERS", "STARTS", "YEAR", "FiscalWeeks", "fiscal_weeks_of"]

WEEK: Final = 7  # days
_MONDAY: Final = 3  # 1970-01-01 was a Thursday: three days after a Monday
ENDS: Final = {"N": 3, "L": 0}
"""pandas' variations: the weekday that is nearest to a month's last day, or the last one in the month."""
STARTS: Final = {"N": 4, "L": 1}
"""The same of years that are called by their first day: that behind the last one of the year before."""
YEAR: Final = (52,)
QUARTERS: Final = (13,) * 4
PATTERNS: Final = {"445": (4, 4, 5), "454": (4, 5, 4), "544": (5, 4, 4)}
"""Weeks of the months of a quarter."""

# Nothing tells a year of 53 weeks but itself. Other times may look alike where few are there.
_FEWEST: Final = {1: 4, 4: 8, 12: 14}
_FILLED: Final = 0.75
_FILLED_YEARS: Final = 0.7  # ends of years that have a time, before all periods are looked at


@dataclass(frozen=True, slots=True)
class FiscalWeeks:
    """The ends of periods of so many `weeks`, which make a year of 52, at one time of day.

    A year ends on the last `weekday` (0 for Monday) that is at most `beyond` days after the last day of `month`. Where
    it has 53 weeks the period numbered `longer` has one more. Every `multiple`-th end counts.
    """

    weekday: int
    month: int
    beyond: int
    weeks: tuple[int, ...] = YEAR
    longer: int = 0
    multiple: int = 1

    def places(self, start: int, times: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """As Rule has it."""
        days, clock = np.divmod(times, DAY)
        numbers, fits = self._numbers(days)
        first, first_fits = self._numbers(np.array([start // DAY]))
        places, rest = np.divmod(numbers - first, self.multiple)
        return places, fits & first_fits & (clock == start % DAY) & (rest == 0)

    def times(self, start: int, places: Integers) -> Integers:
        """As Rule has it."""
        first, _ = self._numbers(np.array([start // DAY]))
        years, which = np.divmod(first + places * self.multiple, len(self.weeks))
        ends = self._ends_within(years)
        return np.take_along_axis(ends, which[:, np.newaxis], axis=1)[:, 0] * DAY + start % DAY

    def year_ends(self, years: Integers) -> Integers:
        """The days since 1970 that these calendar years' fiscal years end on."""
        _, after = month_bounds((years - 1970) * 12 + self.month - 1)
        latest = after - 1 + self.beyond
        ends: Integers = latest - (latest + _MONDAY - self.weekday) % WEEK
        return ends

    def _ends_within(self, years: Integers) -> Integers:
        """The end of each year, and of the periods behind it but the last: a row for each year."""
        ends, following = self.year_ends(years), self.year_ends(years + 1)
        passed = np.concatenate(([0], np.cumsum(self.weeks[:-1], dtype=np.int64)))
        more = (following - ends > 52 * WEEK)[:, np.newaxis] & (np.arange(len(self.weeks)) > self.longer)
        within: Integers = ends[:, np.newaxis] + (passed + more) * WEEK
        return within

    def _numbers(self, days: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        years = days.astype("M8[D]").astype("M8[Y]").astype(np.int64) + 1970
        for _ in range(2):  # the end near a December may lie in the January behind it
            years = np.where(self.year_ends(years) > days, years - 1, years)
        ends = self._ends_within(years)
        which = (ends <= days[:, np.newaxis]).sum(axis=1) - 1
        fits: NDArray[np.bool_] = np.take_along_axis(ends, which[:, np.newaxis], axis=1)[:, 0] == days
        return years * len(self.weeks) + which, fits


def fiscal_weeks_of(days: Integers) -> Iterator[tuple[FiscalWeeks, float]]:
    """Yield the fiscal periods that days since 1970 lie on, which ascend, the likelier ones first.

    With each comes how much of it is filled.
    """
    if len(days) < min(_FEWEST.values()) or ((days - days[0]) % WEEK).any():
        return
    weekday = (int(days[0]) + _MONDAY) % WEEK
    step = float(np.median(np.diff(days))) / WEEK
    for weeks in _structures(step):
        if len(days) < _FEWEST[len(weeks)]:
            continue
        anchors = _anchors(days, weekday)
        for longer in (len(weeks) - 1, *range(len(weeks) - 1)):  # mostly it is the last one
            for month, beyond in anchors:
                rule = FiscalWeeks(weekday, month, beyond, weeks, longer)
                places, fits = rule.places(int(days[0]) * DAY, days * DAY)
                if fits.all() and (filled := len(days) / (int(places[-1]) + 1)) >= _FILLED:
                    yield rule, filled


def _anchors(days: Integers, weekday: int) -> list[tuple[int, int]]:
    """The months, and days beyond their ends, near which the days have most of the ends of years."""
    first, last = days[[0, -1]].astype("M8[D]").astype("M8[Y]").astype(np.int64) + 1970
    years = np.arange(first - 1, last + 2)
    found = []
    for beyond in (*ENDS.values(), *STARTS.values()):
        for month in (12, *range(1, 12)):
            ends = FiscalWeeks(weekday, month, beyond).year_ends(years)
            inside = ends[(ends >= days[0]) & (ends <= days[-1])]
            known = days[np.minimum(np.searchsorted(days, inside), len(days) - 1)] == inside
            if len(inside) and np.count_nonzero(known) >= _FILLED_YEARS * len(inside):
                found.append((month, beyond))
    return found


def _structures(step: float) -> Iterator[tuple[int, ...]]:
    """Yield the kinds of periods that have about so many weeks."""
    if 52 <= step <= 53:
        yield YEAR
    elif 13 <= step <= 14:
        yield QUARTERS
    elif 4 <= step <= 5:
        yield from (pattern * 4 for pattern in PATTERNS.values())
