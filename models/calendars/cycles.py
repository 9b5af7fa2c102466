"""Days that come again after some weeks: Sunday to Thursday, Monday to Saturday, or months of 4, 4 and 5 weeks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calendars.rules import DAY, Integers

__all__ = ["WEEK", "Cycle", "cycles_of"]

WEEK: Final = 7  # days
_MONDAY: Final = 3  # 1970-01-01 was a Thursday: three days after a Monday
_MONTHS: Final = ([4, 4, 5], [4, 5, 4], [5, 4, 4])  # weeks, of a quarter of 13
_FEWEST_MONTHS: Final = 7  # two quarters: with fewer nobody knows how they go on
# Days that are absent by chance must hardly ever look like a rule. So many weeks are asked for where days would do as
# well; fewer where half of them would be absent.
_MANY_WEEKS, _FEW_WEEKS = 8, 4
_HALF: Final = 3  # days of a week
_FILLED: Final = 0.75


@dataclass(frozen=True, slots=True)
class Cycle:
    """Some days of every so many weeks, at one time of day.

    `days` are counted from a Monday and ascend; the first week is that before 1970-01-05, or a multiple later.
    """

    weeks: int
    days: tuple[int, ...]

    def places(self, start: int, times: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """As Rule has it."""
        days, clock = np.divmod(times, DAY)
        numbers, fits = self._numbers(days)
        first, first_fits = self._numbers(np.array([start // DAY]))
        return numbers - first, fits & first_fits & (clock == start % DAY)

    def times(self, start: int, places: Integers) -> Integers:
        """As Rule has it."""
        first, _ = self._numbers(np.array([start // DAY]))
        cycles, which = np.divmod(first + places, len(self.days))
        days = cycles * self.weeks * WEEK - _MONDAY + np.array(self.days, dtype=np.int64)[which]
        return days * DAY + start % DAY

    def _numbers(self, days: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        known = np.array(self.days, dtype=np.int64)
        cycles, day = np.divmod(days + _MONDAY, self.weeks * WEEK)
        which = np.searchsorted(known, day, side="right") - 1
        return cycles * len(known) + which, known[which] == day


def cycles_of(days: Integers) -> Iterator[tuple[Cycle, float]]:
    """Yield the cycles that days since 1970 lie on, which ascend, and how much of each they fill."""
    weekdays = np.unique((days + _MONDAY) % WEEK)
    weeks = int(days[-1] - days[0]) // WEEK + 1
    if 1 < len(weekdays) < WEEK and weeks >= (_FEW_WEEKS if len(weekdays) <= _HALF else _MANY_WEEKS):
        rule = Cycle(1, tuple(weekdays.tolist()))
        places, _ = rule.places(int(days[0]) * DAY, days * DAY)
        filled = len(days) / (int(places[-1]) + 1)
        if filled >= _FILLED:
            yield rule, filled
    steps = np.diff(days) // WEEK
    if len(weekdays) == 1 and len(days) >= _FEWEST_MONTHS and steps[:3].tolist() in _MONTHS:
        quarter = int(steps[:3].sum())
        if (steps[3:] == steps[:-3]).all():
            yield Cycle(quarter, tuple(sorted(((days[:3] + _MONDAY) % (quarter * WEEK)).tolist()))), 1.0
