"""What is remembered of a job's series from event to event, so that what has just become wrong is told once.

It is made of results and rows as they were before an event, and taken forward by each event; a worker that has just
started makes it anew, and comes to the same alerts.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import fmean, stdev
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.datasets.splits import Split
from models.calendars.calendar import Calendar, calendar_of
from models.calendars.time_zones import MINUTE, offsets_on_clock
from streams.accuracy.judging import Judged
from streams.accuracy.observed import Values

__all__ = ["FEWEST_COMPARED", "MISSING_STEPS", "MOST_COMPARED", "Behind", "Watch", "Worse", "is_worse"]

MOST_COMPARED: Final = 20
"""Values whose errors are compared with the backtest: the latest ones of a series and model."""
FEWEST_COMPARED: Final = 10
MISSING_STEPS: Final = 3
"""Steps that a series may be behind the newest value of its job before that is told."""

# The 99th percentile of Student's t by degrees of freedom, from FEWEST_COMPARED - 1 to MOST_COMPARED - 1.
_T_99: Final = (2.821, 2.764, 2.718, 2.681, 2.650, 2.624, 2.602, 2.583, 2.567, 2.552, 2.539)


class Worse(NamedTuple):
    """A series that a model has forecast worse than its backtest promised, by so many values up to `time`."""

    ts_id: int
    model_name: str
    time: int
    values: int
    error: float
    backtest: float
    offset: int


class Behind(NamedTuple):
    """A series without a value for so many steps after that at `time`, in microseconds on its calendar."""

    place: int
    time: int
    steps: int


@dataclass(slots=True)
class Watch:
    """The last time of each series on its calendar, in microseconds, and the last scaled errors by series and model."""

    last: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    errors: dict[tuple[int, str], dict[int, float]] = field(default_factory=dict)
    split: str = ""

    def grow(self, split: Split, name: str, later: Mapping[int, Values] = MappingProxyType({})) -> None:
        """Let the series of the split of this name be watched that were not.

        What `later` has is not to be known yet, though the split has it.
        """
        if self.split == name:
            return
        self.split = name
        new = [_last(split, place, later.get(place)) for place in range(len(self.last), len(split))]
        self.last = np.concatenate([self.last, np.array(new, dtype=np.int64)])

    def values_came(self, split: Split, values: Mapping[int, Values]) -> list[Behind]:
        """The series in which these values show a gap, of those in which none was to be seen before.

        Those that fell behind the newest value of their calendar, and those that go on after a gap.
        """
        before, told = self.last.copy(), list[Behind]()
        for place, came in values.items():
            calendar = calendar_of(split.calendar(place))
            later = [time for time in _times(calendar, came) if time > before[place]]
            if later:
                self.last[place] = max(later)
                steps = _steps(calendar, int(before[place]), min(later)) - 1 if calendar.regular else 0
                newest = int(before[split.calendar_codes == split.calendar_codes[place]].max())
                if steps >= MISSING_STEPS > _steps(calendar, int(before[place]), newest):
                    told.append(Behind(place, int(before[place]), steps))
        for code, text in enumerate(split.calendars):
            of_calendar = np.flatnonzero(split.calendar_codes == code)
            if len(of_calendar):
                told += self._fallen(calendar_of(text), of_calendar, before)
        return told

    def _fallen(self, calendar: Calendar, places: NDArray[np.intp], before: NDArray[np.int64]) -> Iterator[Behind]:
        newest, newest_before = int(self.last[places].max()), int(before[places].max())
        if newest == newest_before or not calendar.regular:
            return
        for time in np.unique(self.last[places]).tolist():
            steps = _steps(calendar, time, newest)
            if steps < MISSING_STEPS or (
                time < newest_before and _steps(calendar, time, newest_before) >= MISSING_STEPS
            ):
                continue
            for place in places[self.last[places] == time].tolist():
                yield Behind(place, time, steps)

    def judged(self, found: Iterable[Judged]) -> list[Worse]:
        """The series and models whose errors have just become larger than those of the backtest.

        Of several forecasts of one time that of the fewest steps counts, of those the newest.
        """
        told = []
        by_model: dict[tuple[int, str], list[Judged]] = {}
        for one in found:
            if one.scale > 0 and one.backtest is not None:
                by_model.setdefault((one.ts_id, one.model_name), []).append(one)
        for key, those in by_model.items():
            known = self.errors.setdefault(key, {})
            worse = None
            for time, (error, one, offset) in sorted(_nearest(those).items()):
                was = _are_worse(known, one.backtest)
                known[time] = error / one.scale
                for old in sorted(known)[:-MOST_COMPARED]:
                    del known[old]
                if time in known and _are_worse(known, one.backtest) and not was:
                    worse = Worse(*key, time, len(known), fmean(known.values()), one.backtest or 0.0, offset)
            if worse is not None:
                told.append(worse)
        return told


def _nearest(found: Sequence[Judged]) -> dict[int, tuple[float, Judged, int]]:
    """By time: how wrong the forecast of the fewest steps ahead was, which it was, and the value's offset."""
    best: dict[int, tuple[tuple[int, int], tuple[float, Judged, int]]] = {}
    for one in found:
        for place, time in enumerate(one.times.tolist()):
            rank = int(one.steps[place]), -one.n
            if time not in best or rank < best[time][0]:
                best[time] = rank, (abs(float(one.errors[place])), one, one.offsets[place])
    return {time: told for time, (_, told) in best.items()}


def is_worse(errors: Sequence[float], backtest: float) -> bool:
    """Whether the mean error is above that of the backtest, by a one-sided t-test at 1 %."""
    count = len(errors)
    if count < FEWEST_COMPARED:
        return False
    mean, spread = fmean(errors), stdev(errors)
    limit = _T_99[min(count, MOST_COMPARED) - FEWEST_COMPARED] * spread / sqrt(count)
    return mean - backtest > limit


def _are_worse(errors: Mapping[int, float], backtest: float | None) -> bool:
    return backtest is not None and is_worse(list(errors.values()), backtest)


def _last(split: Split, place: int, later: Values | None) -> int:
    """The time of the last value that is known; of a series without one its first time."""
    series = split.series(place)
    there = ~np.isnan(series.target)
    if later is not None:
        there &= ~np.isin(series.times, list(_times(calendar_of(series.calendar), later)))
    known = np.flatnonzero(there)
    return int(series.times[known[-1] if len(known) else 0])


def _times(calendar: Calendar, came: Values) -> Collection[int]:
    """The times of values as the calendar counts them."""
    if not calendar.in_utc:
        return came.on_clock.keys()
    if came.in_utc:
        return came.in_utc.keys()
    wall = np.array(list(came.on_clock), dtype=np.int64)
    times: list[int] = (wall - offsets_on_clock(wall, calendar.zone)[0].astype(np.int64) * MINUTE).tolist()
    return times


def _steps(calendar: Calendar, time: int, newest: int) -> int:
    """How many steps of the calendar lie between."""
    return int(calendar.places(np.array([time, newest], dtype=np.int64))[0][-1])
