"""Looks for the calendar that times follow (decision 16)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calendar import ALONE, NONE_FOUND, Calendar
from models.calendar_rules import (
    DAY,
    BusinessDays,
    DayOfMonth,
    FirstBusinessDay,
    FixedStep,
    Integers,
    LastBusinessDay,
    LastDay,
    LastWeekday,
    MonthDays,
    NthWeekday,
    Pick,
    Rule,
    TimesOfDay,
    business_days,
    month_bounds,
)
from models.time_zones import MINUTE

__all__ = ["find_calendar", "find_frequency"]

_FILLED: Final = 0.5  # at least so many of a rule's places have a time (decision 16)
# Times of day are no rule of decision 16, and some hold for times that follow none: so more must be filled.
_FILLED_OF_DAYS: Final = 0.75
_FEWEST_DAYS: Final = 3
_MOST_TIMES_OF_DAY: Final = 288
# With fewer times than these, equal steps of days that fall on one day of the month are months, not days.
_FEW: Final = 5
_NAMED_WEEKS: Final = 3  # more of them are called by their days
_FREQUENT: Final = 0.1  # a distance is the usual one if so many are like it; of jittered times hardly two are alike
_FOUR_YEARS: Final = 1461 * DAY


@dataclass(frozen=True, slots=True)
class _Found:
    rule: Rule
    filled: float


def find_frequency(times: Integers) -> Calendar:
    """The calendar of times that ascend, none twice: the rule that fills most of its places, or the usual step."""
    if len(times) < 2:
        return Calendar(FixedStep(DAY), ALONE)
    best = max(_rules(times), key=lambda found: found.filled, default=None)  # of equally good ones the first
    if best is None:
        return Calendar(FixedStep(_usual_step(times)), NONE_FOUND)
    return Calendar(best.rule)


def find_calendar(wall: Integers, offsets: "NDArray[np.int16] | None", zone: str = "") -> tuple[Calendar, Integers]:
    """The calendar of a series, and its times as that counts them.

    `wall` is what the clock showed at each time, `offsets` its minutes from UTC; the instants ascend, none twice.
    """
    if offsets is None:
        return find_frequency(wall), wall
    last = int(offsets[-1])
    if not zone and (offsets == last).all():
        found = find_frequency(wall)
        return Calendar(found.rule, found.how, offset=last), wall
    by_clock = find_frequency(wall) if (np.diff(wall) > 0).all() else None
    if by_clock is not None and by_clock.regular and by_clock.usual_step >= DAY:
        return Calendar(by_clock.rule, by_clock.how, zone=zone), wall
    instants = wall - offsets.astype(np.int64) * MINUTE
    axis = instants if zone else instants + last * MINUTE
    by_instant = find_frequency(axis)
    if by_clock is not None and by_clock.regular and not by_instant.regular:
        return Calendar(by_clock.rule, by_clock.how, zone=zone), wall
    clock = Calendar(by_instant.rule, by_instant.how, None if zone else last, zone, in_utc=bool(zone))
    return clock, axis


def _rules(times: Integers) -> Iterator[_Found]:
    """Yield the rules that hold; of those that fill as many places, the better first."""
    days, clock = np.divmod(times, DAY)
    steps = np.diff(times)
    step = int(np.gcd.reduce(steps))
    fixed = _fixed(times, step)
    at_one_time = bool((clock == clock[0]).all())
    monthly = list(_monthly(days)) if at_one_time else []
    months_first = len(times) < _FEW and step % _FOUR_YEARS != 0
    if fixed is not None and not months_first:
        yield fixed
    yield from monthly[:1]
    if at_one_time:
        yield from _business(days)
    if fixed is not None and months_first:
        yield fixed
    yield from monthly[1:]
    if fixed is None and not at_one_time:
        yield from _of_days(days, clock)


def _fixed(times: Integers, step: int) -> _Found | None:
    filled = _filled(len(times), int(times[-1] - times[0]) // step)
    weeks, rest = divmod(step, 7 * DAY)
    named = rest == 0 and weeks <= _NAMED_WEEKS
    weekday = (int(times[0]) // DAY + 3) % 7 if named else None
    return _Found(FixedStep(step, weekday), filled) if filled >= _FILLED else None


def _business(days: Integers) -> Iterator[_Found]:
    """Yield business days, where the times leave weekends out; weeks are better called weeks."""
    numbers, fits = business_days(days)
    if not fits.all() or numbers[-1] - numbers[0] == days[-1] - days[0]:
        return
    multiple = int(np.gcd.reduce(np.diff(numbers)))
    filled = _filled(len(days), int(numbers[-1] - numbers[0]) // multiple)
    if filled >= _FILLED and multiple % 5:
        yield _Found(BusinessDays(multiple), filled)


def _monthly(days: Integers) -> Iterator[_Found]:
    """Yield rules of months: on the last day or a day, of the first or last business day, of a weekday."""
    months = days.astype("M8[D]").astype("M8[M]").astype(np.int64)
    bounds = month_bounds(months)
    steps = np.diff(months)
    if (steps > 0).all():
        multiple = int(np.gcd.reduce(steps))
        filled = _filled(len(days), int(months[-1] - months[0]) // multiple)
        if filled >= _FILLED:
            phase = int(months[0]) % (12 if multiple % 12 == 0 else 3)
            for pick in _picks(days, bounds[0]):
                if (pick.day(*bounds) == days).all():
                    named = multiple == 3 or multiple % 12 == 0
                    yield _Found(MonthDays((pick,), multiple, phase if named else None), filled)
        return
    yield from _twice_a_month(days, bounds)


def _picks(days: Integers, first: Integers) -> Iterator[Pick]:
    yield LastDay()
    yield DayOfMonth(int((days - first).max()) + 1)
    yield FirstBusinessDay()
    yield LastBusinessDay()
    weekday, nth = (int(days[0]) + 3) % 7, int(days[0] - first[0]) // 7 + 1
    if nth < 5:
        yield NthWeekday(nth, weekday)
    yield LastWeekday(weekday)


def _twice_a_month(days: Integers, bounds: tuple[Integers, Integers]) -> Iterator[_Found]:
    numbers = np.unique(days - bounds[0] + 1)
    middle = numbers[(numbers > 1) & (numbers < 28)]
    if len(middle) != 1:
        return
    day = DayOfMonth(int(middle[0]))
    both: tuple[tuple[Pick, Pick], ...] = ((DayOfMonth(1), day), (day, LastDay()))
    for picks in both:
        rule = MonthDays(picks)
        places, fits = rule.places(int(days[0]) * DAY, days * DAY)
        if fits.all() and (filled := _filled(len(days), int(places[-1]))) >= _FILLED:
            yield _Found(rule, filled)


def _of_days(days: Integers, clock: Integers) -> Iterator[_Found]:
    """Yield the times of day, where they are the same on most days."""
    known = np.unique(clock)
    if len(known) > _MOST_TIMES_OF_DAY or len(np.unique(days)) < _FEWEST_DAYS:
        return
    times = days * DAY + clock
    for business in (True, False):
        rule = TimesOfDay(tuple(known.tolist()), business)
        places, fits = rule.places(int(times[0]), times)
        if fits.all() and (filled := _filled(len(times), int(places[-1]))) >= _FILLED_OF_DAYS:
            yield _Found(rule, filled)


def _filled(times: int, last_place: int) -> float:
    return times / (last_place + 1)


def _usual_step(times: Integers) -> int:
    """The most frequent distance, the smallest of equally frequent ones; where hardly two are alike, the median."""
    distances, counts = np.unique(np.diff(times), return_counts=True)
    most = int(counts.argmax())
    if counts[most] > 1 and counts[most] >= _FREQUENT * (len(times) - 1):
        return int(distances[most])
    return int(np.sort(np.diff(times))[(len(times) - 2) // 2])
