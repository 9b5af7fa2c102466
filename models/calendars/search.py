"""Looks for the calendar that times follow (decision 16)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calendars.calendar import ALONE, FOUND, NONE_FOUND, Calendar
from models.calendars.candidates import FEW, FILLED_OF_DAYS, Candidate, bound_rule, candidates
from models.calendars.names import name_of
from models.calendars.rules import DAY, FixedStep, Integers, MonthDays, Rule
from models.calendars.time_zones import MINUTE
from models.errors import RejectedInputError

__all__ = ["asked_calendar", "find_calendar", "find_frequency", "usual_step"]

_FREQUENT: Final = 0.1  # a distance is the usual one if so many are like it; of jittered times hardly two are alike
# Absent rows take memory as others do, and an asked-for rule may have any number of them.
_ALWAYS_PLACES: Final = 1000
_PLACES_PER_TIME: Final = 100
_HALF_A_MONTH: Final = 14 * DAY


def find_frequency(times: Integers) -> Calendar:
    """The calendar of times that ascend, none twice: the rule that fills most of its places, or the usual step."""
    if len(times) < 2:
        return Calendar(FixedStep(DAY), ALONE)
    best = _best(times)
    if (best is None or best.filled < 1) and _begins_oddly(times):
        rest = _best(times[1:])
        if rest is not None and rest.filled >= FILLED_OF_DAYS and (best is None or rest.filled > best.filled):
            behind = _behind_the_first(rest.rule, times)
            if behind is not None:
                return behind
            # Steps that are so fine for the first time's sake hold as well; months with few gaps are no accident.
            if best is None or best.filled < FILLED_OF_DAYS or not isinstance(best.rule, MonthDays):
                return Calendar(rest.rule, NONE_FOUND)
    if best is None:
        return Calendar(FixedStep(usual_step(times)), NONE_FOUND)
    return Calendar(best.rule)


def _best(times: Integers) -> Candidate | None:
    best: Candidate | None = None
    for found in candidates(times):  # of equally good ones the first
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
    # Every two hours by the clock is every hour by the instants, half of them empty, once the clock was set.
    if (
        by_clock is not None
        and by_clock.regular
        and (not by_instant.regular or _filled(by_clock, wall) > _filled(by_instant, axis))
    ):
        return Calendar(by_clock.rule, by_clock.how, zone=zone), wall
    clock = Calendar(by_instant.rule, by_instant.how, None if zone else last, zone, in_utc=bool(zone))
    return clock, axis


def _filled(calendar: Calendar, times: Integers) -> float:
    """The share of a calendar's places that have a time."""
    places, _ = calendar.places(times)
    return len(times) / (int(places[-1]) + 1)


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
