"""Looks for the calendar that times follow (decision 16)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calendars.calendar import ALONE, FOUND, NONE_FOUND, Calendar
from models.calendars.cycles import cycles_of
from models.calendars.fiscal import fiscal_weeks_of
from models.calendars.names import name_of
from models.calendars.rules import (
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
from models.calendars.time_zones import MINUTE
from models.errors import RejectedInputError

__all__ = [
    "FEW",
    "FILLED",
    "asked_calendar",
    "bound_rule",
    "find_calendar",
    "find_frequency",
    "fixed_step",
    "usual_step",
]

FILLED: Final = 0.5
"""At least so many of a rule's places have a time (decision 16)."""
FEW: Final = 5
"""With fewer times, equal steps of days that fall on one day of the month are months, not days."""
# Times of day are no rule of decision 16, and some hold for times that follow none: so more must be filled. The same
# goes for business days that are few.
_FILLED_OF_DAYS: Final = 0.75
_FEWEST_DAYS: Final = 3
_REPEATED: Final = 2  # times of day
_MOST_TIMES_OF_DAY: Final = 288
_MOST_PICKS: Final = 4  # days of a month; more may be what is left of all days
_NAMED_WEEKS: Final = 3  # more of them are called by their days
_FREQUENT: Final = 0.1  # a distance is the usual one if so many are like it; of jittered times hardly two are alike
# Absent rows take memory as others do, and an asked-for rule may have any number of them.
_ALWAYS_PLACES: Final = 1000
_PLACES_PER_TIME: Final = 100
_FOUR_YEARS: Final = 1461 * DAY
_HALF_A_MONTH: Final = 14 * DAY


@dataclass(frozen=True, slots=True)
class _Found:
    rule: Rule
    filled: float


def find_frequency(times: Integers) -> Calendar:
    """The calendar of times that ascend, none twice: the rule that fills most of its places, or the usual step."""
    if len(times) < 2:
        return Calendar(FixedStep(DAY), ALONE)
    best = _best(times)
    if (best is None or best.filled < 1) and _begins_oddly(times):
        rest = _best(times[1:])
        if rest is not None and rest.filled >= _FILLED_OF_DAYS and (best is None or rest.filled > best.filled):
            return _behind_the_first(rest.rule, times) or Calendar(rest.rule, NONE_FOUND)
    if best is None:
        return Calendar(FixedStep(usual_step(times)), NONE_FOUND)
    return Calendar(best.rule)


def _best(times: Integers) -> _Found | None:
    best: _Found | None = None
    for found in _rules(times):  # of equally good ones the first
        if best is None or found.filled > best.filled:
            best = found
        if best.filled == 1:
            break
    return best


def _begins_oddly(times: Integers) -> bool:
    """Whether the first of many times may lie beside the rule of the others.

    It has a time of day or a weekday that they never have, or their steps are about half a month or longer.
    """
    if len(times) < 2 * FEW:
        return False
    days, clock = np.divmod(times, DAY)
    if not (clock[1:] == clock[0]).any() or not ((days[1:] - days[0]) % 7 == 0).any():
        return True
    return bool(times[-1] - times[1] >= _HALF_A_MONTH * (len(times) - 2))


def _behind_the_first(rule: Rule, times: Integers) -> Calendar | None:
    """The calendar of a rule where the first time may lie beside it."""
    places, fits = rule.places(int(times[0]), times)
    return Calendar(rule) if fits.all() and (np.diff(places) > 0).all() else None


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


def fixed_step(step: int, weekday: int) -> FixedStep:
    """A fixed step from a weekday on, which belongs to the name of a week."""
    weeks, rest = divmod(step, 7 * DAY)
    return FixedStep(step, weekday if rest == 0 and weeks <= _NAMED_WEEKS else None)


def asked_calendar(
    rule: Rule, wall: Integers, offsets: "NDArray[np.int16] | None", zone: str = ""
) -> tuple[Calendar, Integers]:
    """The calendar of a series with a rule that was asked for; RejectedInputError where its times do not lie on it."""
    bound = bound_rule(rule, int(wall[0]))
    if offsets is None:
        axes = [(Calendar(bound), wall)]
    elif not zone and (offsets == offsets[-1]).all():
        axes = [(Calendar(bound, offset=int(offsets[-1])), wall)]
    else:
        last = int(offsets[-1])
        instants = wall - offsets.astype(np.int64) * MINUTE
        by_clock = Calendar(bound, zone=zone), wall
        by_instant = Calendar(rule, FOUND, None if zone else last, zone, in_utc=bool(zone))
        axes = [by_clock, (by_instant, instants if zone else instants + last * MINUTE)]
        if by_instant.usual_step < DAY:
            axes.reverse()
    for calendar, times in axes:
        places, fits = calendar.places(times)
        if fits.all() and (np.diff(places) > 0).all():
            if places[-1] >= max(_ALWAYS_PLACES, _PLACES_PER_TIME * len(times)):
                raise RejectedInputError(
                    "freq",
                    f'freq: "{name_of(rule)}" is too fine: a series has {len(times)} rows in {int(places[-1]) + 1} of'
                    " its steps; name a coarser one, or leave freq out to have it found",
                )
            return calendar, times
    raise RejectedInputError("freq", _misfit(rule, axes[0][0], axes[0][1]))


def _misfit(rule: Rule, calendar: Calendar, times: Integers) -> str:
    _, fits = calendar.places(times)
    shown = np.datetime_as_string(calendar.shown(times).astype("M8[us]").astype("M8[s]"))
    wrong, first = (str(shown[place]).replace("T", " ") for place in (int(np.argmin(fits)), 0))
    found = find_frequency(times)
    remedy = f'name another, such as "{found.freq}"' if found.regular and len(times) > 1 else "name another"
    return (
        f'freq: "{name_of(rule)}" does not fit the data: the row at {wrong}, of a series from {first} on, does not lie '
        f"on it; {remedy}, or leave freq out to have it found"
    )


def bound_rule(rule: Rule, start: int) -> Rule:
    """The rule with the weekday or the months that a time has, where it leaves them open."""
    day = start // DAY
    if isinstance(rule, FixedStep) and rule.weekday is None:
        return fixed_step(rule.step, (day + 3) % 7)
    if isinstance(rule, MonthDays) and rule.phase is None and (rule.multiple == 3 or rule.multiple % 12 == 0):
        month = int(np.array([day]).astype("M8[D]").astype("M8[M]").astype(np.int64)[0])
        return replace(rule, phase=month % (12 if rule.multiple % 12 == 0 else 3))
    return rule


def _rules(times: Integers) -> Iterator[_Found]:
    """Yield the rules that hold; of those that fill as many places, the better first."""
    days, clock = np.divmod(times, DAY)
    steps = np.diff(times)
    step = int(np.gcd.reduce(steps))
    fixed = _fixed(times, step)
    at_one_time = bool((clock == clock[0]).all())
    months_first = len(times) < FEW and step % _FOUR_YEARS != 0
    if fixed is not None and not months_first:
        yield fixed
    if at_one_time:
        yield from _monthly(days, _days_of_month)
        yield from _business(days)
    if fixed is not None and months_first:
        yield fixed
    if at_one_time:
        yield from _monthly(days, _weekdays_of_month)
        yield from _twice_a_month(days)
        yield from (_Found(rule, filled) for rule, filled in cycles_of(days))
        yield from (_Found(rule, filled) for rule, filled in fiscal_weeks_of(days))
    elif fixed is None:
        yield from _of_days(times, days, clock)


def _fixed(times: Integers, step: int) -> _Found | None:
    filled = _filled(len(times), int(times[-1] - times[0]) // step)
    return _Found(fixed_step(step, (int(times[0]) // DAY + 3) % 7), filled) if filled >= FILLED else None


def _business(days: Integers) -> Iterator[_Found]:
    """Yield business days, where the times leave weekends out; weeks are better called weeks."""
    numbers, fits = business_days(days)
    if not fits.all() or numbers[-1] - numbers[0] == days[-1] - days[0]:
        return
    multiple = int(np.gcd.reduce(np.diff(numbers)))
    filled = _filled(len(days), int(numbers[-1] - numbers[0]) // multiple)
    told = multiple == 1 or (multiple % 5 != 0 and len(days) >= FEW)
    # Few days of any rule may happen to leave weekends out: four that are picked by chance do so one time in four.
    if filled >= (FILLED if len(days) >= 2 * FEW else _FILLED_OF_DAYS) and told:
        yield _Found(BusinessDays(multiple), filled)


def _monthly(days: Integers, picks: Callable[[Integers, Integers], Iterable[Pick]]) -> Iterator[_Found]:
    """Yield rules of one day in every so many months."""
    months = days.astype("M8[D]").astype("M8[M]").astype(np.int64)
    bounds = month_bounds(months)
    steps = np.diff(months)
    if not (steps > 0).all():
        return
    multiple = int(np.gcd.reduce(steps))
    filled = _filled(len(days), int(months[-1] - months[0]) // multiple)
    if filled < FILLED:
        return
    for pick in picks(days, bounds[0]):
        if (pick.day(*bounds) == days).all():
            yield _Found(bound_rule(MonthDays((pick,), multiple), int(days[0]) * DAY), filled)


def _days_of_month(days: Integers, first: Integers) -> Iterator[Pick]:
    yield LastDay()
    yield DayOfMonth(int((days - first).max()) + 1)


def _weekdays_of_month(days: Integers, first: Integers) -> Iterator[Pick]:
    yield FirstBusinessDay()
    yield LastBusinessDay()
    weekday, nth = (int(days[0]) + 3) % 7, int(days[0] - first[0]) // 7 + 1
    yield LastWeekday(weekday)  # in February the fourth one too, for years on end
    if nth < 5:
        yield NthWeekday(nth, weekday)


def _twice_a_month(days: Integers) -> Iterator[_Found]:
    """Yield some days of the month: the first and another, another and the last, or for many times any others."""
    months = days.astype("M8[D]").astype("M8[M]").astype("M8[D]").astype(np.int64)
    numbers = np.unique(days - months + 1)
    middle = [DayOfMonth(number) for number in numbers[(numbers > 1) & (numbers < 28)].tolist()]
    several: list[tuple[Pick, ...]] = []
    if len(middle) == 1:
        several = [(DayOfMonth(1), middle[0]), (middle[0], LastDay())]
    elif len(days) >= 2 * FEW and 1 < len(numbers) <= _MOST_PICKS and numbers[-1] < 28:
        several = [tuple(DayOfMonth(number) for number in numbers.tolist())]
    for picks in several:
        rule = MonthDays(picks)
        places, fits = rule.places(int(days[0]) * DAY, days * DAY)
        if fits.all() and (filled := _filled(len(days), int(places[-1]))) >= FILLED:
            yield _Found(rule, filled)


def _of_days(times: Integers, days: Integers, clock: Integers) -> Iterator[_Found]:
    """Yield the times of day, where they are the same on most days."""
    known = np.unique(clock)
    count = len(np.unique(days))
    if len(known) > _MOST_TIMES_OF_DAY or count < 2:
        return
    # Two days tell them where the second repeats the first, as far as it goes, and nothing is absent.
    few = count < _FEWEST_DAYS
    if few and (len(times) < FEW or len(times) - len(known) < _REPEATED):
        return
    for business in (True, False):
        rule = TimesOfDay(tuple(known.tolist()), business)
        places, fits = rule.places(int(times[0]), times)
        if not fits.all():
            continue
        multiple = int(np.gcd.reduce(np.diff(places))) if len(times) >= 2 * FEW else 1
        filled = _filled(len(times), int(places[-1]) // multiple)
        if filled >= (1 if few else _FILLED_OF_DAYS):
            yield _Found(replace(rule, multiple=multiple), filled)


def _filled(times: int, last_place: int) -> float:
    return times / (last_place + 1)


def usual_step(times: Integers) -> int:
    """The most frequent distance of ascending times, the smallest of equally frequent ones.

    Where hardly two are alike it is the median, and a day where there is none.
    """
    steps = np.diff(times)
    distances, counts = np.unique(steps[steps > 0], return_counts=True)
    if not len(distances):
        return DAY
    most = int(counts.argmax())
    if counts[most] > 1 and counts[most] >= _FREQUENT * counts.sum():
        return int(distances[most])
    return int(distances[np.searchsorted(np.cumsum(counts), (counts.sum() + 1) // 2)])
