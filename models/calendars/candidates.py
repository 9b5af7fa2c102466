"""The rules that times may follow, as candidates: each with how much of it they fill (decision 16)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.calendars.cycles import cycles_of
from models.calendars.fiscal import fiscal_weeks_of
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

__all__ = ["FEW", "FILLED", "FILLED_OF_DAYS", "Candidate", "bound_rule", "candidates", "fixed_step"]

FILLED: Final = 0.5
"""At least so many of a rule's places have a time (decision 16)."""
FEW: Final = 5
"""With fewer times, equal steps of days that fall on one day of the month are months, not days."""
FILLED_OF_DAYS: Final = 0.75
"""Of times of day, which are no rule of decision 16 and some of which hold for times that follow none; of business days
that are few."""
_FEWEST_DAYS: Final = 3
_REPEATED: Final = 2  # times of day
_MOST_TIMES_OF_DAY: Final = 288
_MOST_PICKS: Final = 4  # days of a month; more may be what is left of all days
_NAMED_WEEKS: Final = 3  # more of them are called by their days
_FOUR_YEARS: Final = 1461 * DAY


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that times lie on, and how many of its places from the first time to the last have one."""

    rule: Rule
    filled: float


def candidates(times: Integers) -> Iterator[Candidate]:
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
        yield from (Candidate(rule, filled) for rule, filled in cycles_of(days))
        yield from (Candidate(rule, filled) for rule, filled in fiscal_weeks_of(days))
    elif fixed is None:
        yield from _of_days(times, days, clock)


def _fixed(times: Integers, step: int) -> Candidate | None:
    filled = _filled(len(times), int(times[-1] - times[0]) // step)
    return Candidate(fixed_step(step, (int(times[0]) // DAY + 3) % 7), filled) if filled >= FILLED else None


def _business(days: Integers) -> Iterator[Candidate]:
    """Yield business days, where the times leave weekends out; weeks are better called weeks."""
    numbers, fits = business_days(days)
    if not fits.all() or numbers[-1] - numbers[0] == days[-1] - days[0]:
        return
    multiple = int(np.gcd.reduce(np.diff(numbers)))
    filled = _filled(len(days), int(numbers[-1] - numbers[0]) // multiple)
    told = multiple == 1 or (multiple % 5 != 0 and len(days) >= FEW)
    # Few days of any rule may happen to leave weekends out: four that are picked by chance do so one time in four.
    if filled >= (FILLED if len(days) >= 2 * FEW else FILLED_OF_DAYS) and told:
        yield Candidate(BusinessDays(multiple), filled)


def _monthly(days: Integers, picks: Callable[[Integers, Integers], Iterable[Pick]]) -> Iterator[Candidate]:
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
            yield Candidate(bound_rule(MonthDays((pick,), multiple), int(days[0]) * DAY), filled)


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


def _twice_a_month(days: Integers) -> Iterator[Candidate]:
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
            yield Candidate(rule, filled)


def _of_days(times: Integers, days: Integers, clock: Integers) -> Iterator[Candidate]:
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
        if filled >= (1 if few else FILLED_OF_DAYS):
            yield Candidate(replace(rule, multiple=multiple), filled)


def _filled(times: int, last_place: int) -> float:
    return times / (last_place + 1)


def fixed_step(step: int, weekday: int) -> FixedStep:
    """A fixed step from a weekday on, which belongs to the name of a week."""
    weeks, rest = divmod(step, 7 * DAY)
    return FixedStep(step, weekday if rest == 0 and weeks <= _NAMED_WEEKS else None)


def bound_rule(rule: Rule, start: int) -> Rule:
    """The rule with the weekday or the months that a time has, where it leaves them open."""
    day = start // DAY
    if isinstance(rule, FixedStep) and rule.weekday is None:
        return fixed_step(rule.step, (day + 3) % 7)
    if isinstance(rule, MonthDays) and rule.phase is None and (rule.multiple == 3 or rule.multiple % 12 == 0):
        month = int(np.array([day]).astype("M8[D]").astype("M8[M]").astype(np.int64)[0])
        return replace(rule, phase=month % (12 if rule.multiple % 12 == 0 else 3))
    return rule
