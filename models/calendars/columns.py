"""The calendars of many series at once, whose times lie in one column, series after series.

Series with equal times have one calendar, and the usual ones, fixed steps, are found for all of them together; only
what is left is looked at one by one. A series is answered as `models.calendars.search` answers it alone, but for the
shortest: one or two times tell little, so where the calendar of most others fits them, it is theirs too.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calendars.calendar import Calendar
from models.calendars.candidates import FEW, FILLED, bound_rule, fixed_step
from models.calendars.fiscal import FiscalWeeks
from models.calendars.rules import DAY, BusinessDays, DayOfMonth, FixedStep, Integers, LastDay, MonthDays, Rule
from models.calendars.search import asked_calendar, find_calendar
from models.calendars.time_zones import MINUTE

__all__ = ["SeriesCalendars", "find_calendars"]

_SHORT: Final = 2
_FEW_AXES: Final = 16  # looked at one by one at once
_MIX: Final = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9)  # of SplitMix64
_MONDAY: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class SeriesCalendars:
    """`times` as the calendars count them, row by row; `calendars[codes[i]]` is that of series i.

    `complete` tells the series that have a row, and one only, in each place from the first to the last.
    """

    times: Integers
    calendars: tuple[str, ...]
    codes: NDArray[np.int32]
    complete: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """The times of some series: what its clock shows, its minutes from UTC or None."""

    wall: Integers
    minutes: NDArray[np.int16] | None

    def found(self, asked: Rule | None, zone: str) -> tuple[Calendar, Integers, bool]:
        """The calendar, the times as it counts them, and whether they are complete."""
        instants = self.wall if self.minutes is None else self.wall - self.minutes.astype(np.int64) * MINUTE
        later = np.diff(instants, prepend=instants[0] - 1) > 0
        whole = bool(later.all())
        wall, minutes = self.wall, self.minutes
        if not whole:  # a time that is there twice tells nothing, and is refused when it is trained
            wall, minutes = wall[later], None if minutes is None else minutes[later]
        if asked is None:
            calendar, times = find_calendar(wall, minutes, zone)
        else:
            calendar, times = asked_calendar(asked, wall, minutes, zone)
        if not whole:
            return calendar, times[np.cumsum(later) - 1], False
        return calendar, times, _is_complete(calendar, times)


def find_calendars(
    wall: Integers, minutes: "NDArray[np.int16] | None", bounds: Integers, *, asked: Rule | None = None, zone: str = ""
) -> SeriesCalendars:
    """The calendars of series whose rows are `bounds[i]:bounds[i + 1]`, ascending in time.

    `wall` is what the clock shows, `minutes` how far it is from UTC. With a rule `asked` for, that is the calendar of
    all; RejectedInputError where it fits one of them not.
    """
    group, firsts = _equal_axes((wall,) if minutes is None else (wall, minutes.astype(np.int64)), bounds)
    starts, stops = bounds[firsts], bounds[firsts + 1]
    calendars: list[Calendar | None] = [None] * len(firsts)
    complete = np.zeros(len(firsts), dtype=np.bool_)
    plain = minutes is None or (not zone and bool((minutes == minutes[0]).all()))
    if plain and asked is None and len(firsts) > _FEW_AXES:
        offset = None if minutes is None else int(minutes[0])
        steps: dict[tuple[int, int], Calendar] = {}
        for place, *step in _fixed_steps(wall, starts, stops, complete):
            key = step[0], step[1]
            if key not in steps:
                steps[key] = Calendar(fixed_step(*key), offset=offset)
            calendars[place] = steps[key]
    moved: dict[int, Integers] = {}
    known: list[Calendar] = []
    for place in [place for place, calendar in enumerate(calendars) if calendar is None]:
        rows = slice(int(starts[place]), int(stops[place]))
        axis = _Axis(wall[rows], None if minutes is None else minutes[rows])
        followed = next(filter(None, (_followed(one, axis.wall) for one in known)), None) if plain else None
        if followed is not None:
            calendars[place], complete[place] = followed
            continue
        calendar, times, complete[place] = axis.found(asked, zone)
        calendars[place] = calendar
        if times is not axis.wall and not np.array_equal(times, axis.wall):
            moved[place] = times
        if asked is None and calendar.regular and _is_sure(calendar.rule) and calendar not in known:
            known.append(calendar)
    found = [calendar for calendar in calendars if calendar is not None]
    if asked is None:
        _help_short(found, np.bincount(group, minlength=len(firsts)), wall, starts, stops, complete)
    texts = {calendar: calendar.text for calendar in dict.fromkeys(found)}
    names = tuple(dict.fromkeys(texts.values()))
    numbers = {name: number for number, name in enumerate(names)}
    codes = np.array([numbers[texts[calendar]] for calendar in found], dtype=np.int32)
    return SeriesCalendars(_moved(wall, bounds, group, moved), names, codes[group], complete[group])


def _is_sure(rule: Rule) -> bool:
    """Whether no other rule can be as good for many times that this one holds for; some are, for a while, alike."""
    if isinstance(rule, MonthDays):
        return len(rule.picks) == 1 and isinstance(rule.picks[0], LastDay | DayOfMonth)
    if isinstance(rule, FiscalWeeks):  # and where a short one has no 53rd week, that of the others tells it
        return True
    return isinstance(rule, BusinessDays) and rule.multiple == 1


def _followed(calendar: Calendar, times: Integers) -> tuple[Calendar, bool] | None:
    """A sure calendar that many times follow in its own steps, and whether they are complete; else None."""
    if len(times) < 2 * FEW:
        return None
    places, fits = calendar.places(times)
    steps = np.diff(places)
    last = int(places[-1])
    if not fits.all() or (steps <= 0).any() or np.gcd.reduce(steps) != 1 or len(times) < FILLED * (last + 1):
        return None
    return calendar, last == len(times) - 1


def _is_complete(calendar: Calendar, times: Integers) -> bool:
    if not calendar.regular:
        return False
    places, fits = calendar.places(times)
    return bool(fits.all()) and bool((places == np.arange(len(times))).all())


def _equal_axes(columns: Sequence[Integers], bounds: Integers) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each series the number of its axis, and for each axis the first series that has it.

    Equal times with other offsets are not equal: all `columns` count.
    """
    lengths = np.diff(bounds)
    series = len(lengths)
    if series == 1:
        return np.zeros(1, dtype=np.intp), np.zeros(1, dtype=np.intp)
    if (lengths == lengths[0]).all():
        tables = [column.reshape(series, -1) for column in columns]
        if all((table == table[0]).all() for table in tables):
            return np.zeros(series, dtype=np.intp), np.zeros(1, dtype=np.intp)
    starts = np.repeat(bounds[:-1], lengths)
    place = np.arange(len(starts)) - starts
    mixed = place.view(np.uint64) * np.uint64(_MIX[0])
    for column in columns:
        mixed = (mixed + column.view(np.uint64)) * np.uint64(_MIX[1])
        mixed ^= mixed >> np.uint64(31)
    sums = np.add.reduceat(mixed * np.uint64(_MIX[0]), bounds[:-1]) + lengths.astype(np.uint64)
    _, firsts, group = np.unique(sums, return_index=True, return_inverse=True)
    # That equal sums are equal times is looked at: a chance in 2^64 is small, but a wrong date is worse than none.
    same_length = lengths[firsts][group] == lengths
    alike = same_length.copy()
    if same_length.all():
        other = np.repeat(bounds[firsts][group], lengths) + place
        for column in columns:
            alike &= np.logical_and.reduceat(column[other] == column, bounds[:-1])
    strays = np.flatnonzero(~alike)
    group[strays] = len(firsts) + np.arange(len(strays))
    return group, np.concatenate((firsts, strays))


def _fixed_steps(
    wall: Integers, starts: Integers, stops: Integers, complete: NDArray[np.bool_]
) -> list[tuple[int, int, int]]:
    """Axes that have a fixed step beyond doubt, with the step and the weekday of its beginning; marks those complete.

    No other rule can fill more: its places are all filled, or no other rule has a step of less than a day, or there is
    a row on a weekend.
    """
    lengths = stops - starts
    places = np.flatnonzero(lengths >= 2)
    if not len(places):
        return []
    lengths = lengths[places]
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    row = np.arange(bounds[-1]) - np.repeat(bounds[:-1] - starts[places], lengths)
    times = wall[row]
    inside = np.ones(len(times) - 1, dtype=np.bool_)
    inside[bounds[1:-1] - 1] = False
    distances, first = np.diff(times)[inside], bounds[:-1] - np.arange(len(places))
    shortest, step = np.minimum.reduceat(distances, first), np.gcd.reduceat(distances, first)
    span = times[bounds[1:] - 1] - times[bounds[:-1]]
    ascending = shortest > 0
    step = np.where(ascending, step, 1)
    last_place = span // step
    filled = ascending & (lengths / (last_place + 1) >= FILLED)
    whole = filled & (last_place + 1 == lengths)
    # A first row that lies beside the rule of all others must not make the step finer, or a weekend of weekdays.
    later = distances.copy()
    later[first] = 0
    whole_or_even = whole | (np.gcd.reduceat(later, first) == step)
    on_weekend = (times // DAY + _MONDAY) % 7 >= 5
    on_weekend[bounds[:-1]] &= whole
    weekend = np.logical_or.reduceat(on_weekend, bounds[:-1])
    below_a_day = step % DAY != 0
    many = lengths >= FEW
    sure = filled & whole_or_even & (below_a_day | (whole & ((step == DAY) | many)) | ((step == DAY) & weekend & many))
    complete[places] = sure & whole
    weekdays = (times[bounds[:-1]] // DAY + _MONDAY) % 7
    chosen = np.flatnonzero(sure)
    return list(zip(places[chosen].tolist(), step[chosen].tolist(), weekdays[chosen].tolist(), strict=True))


def _help_short(
    found: list[Calendar],
    series: NDArray[np.intp],
    wall: Integers,
    starts: Integers,
    stops: Integers,
    complete: NDArray[np.bool_],
) -> None:
    """Give series of one or two times the calendar of most others, where it fits them."""
    lengths = (stops - starts).tolist()
    counted: Counter[Calendar] = Counter()
    for calendar, count, length in zip(found, series.tolist(), lengths, strict=True):
        if length > _SHORT and calendar.regular:
            counted[calendar] += count
    if not counted:
        return
    usual, times_counted = counted.most_common(1)[0]
    if usual.in_utc or 2 * times_counted <= counted.total():  # its times are not what the clock shows, or most differ
        return
    for place, (calendar, length) in enumerate(zip(found, lengths, strict=True)):
        if length > _SHORT or calendar.in_utc or (calendar.offset, calendar.zone) != (usual.offset, usual.zone):
            continue
        times = wall[int(starts[place]) : int(stops[place])]
        own = replace(usual, rule=bound_rule(_unbound(usual.rule), int(times[0])))
        places, fits = own.places(times)
        if fits.all() and places[-1] <= length:  # half of the places are filled
            found[place], complete[place] = own, _is_complete(own, times)


def _unbound(rule: Rule) -> Rule:
    """The rule without the weekday of its weeks: a series may have another."""
    return FixedStep(rule.step) if isinstance(rule, FixedStep) else rule


def _moved(wall: Integers, bounds: Integers, group: NDArray[np.intp], moved: "dict[int, Integers]") -> Integers:
    """The column with the times of some axes replaced in all of their series."""
    if not moved:
        return wall
    times = wall.copy()
    chosen: Sequence[int] = np.flatnonzero(np.isin(group, list(moved))).tolist()
    for series in chosen:
        times[bounds[series] : bounds[series + 1]] = moved[int(group[series])]
    return times
