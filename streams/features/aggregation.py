"""Series of longer steps made of finer ones: hours to days, days to weeks, rows of sales to what was sold a day.

A step's time is that of its calendar: the beginning of hours, days and of months as MS, the end of weeks and of months
as ME, as pandas labels them.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.datasets.splits import Arrange, Split
from connectors.timestamps.parsing import shown_times
from models.calendars.calendar import Calendar, calendar_of
from models.calendars.names import rule_named
from models.calendars.rules import DAY, DayOfMonth, FixedStep, Integers, LastDay, MonthDays, Rule, month_bounds
from models.calendars.time_zones import offsets_on_clock
from models.errors import RejectedInputError

__all__ = ["HOWS", "MEAN", "aggregated", "check_aggregation"]

FloatArray = NDArray[np.float64]

MEAN: Final = "mean"
HOWS: Final = ("sum", MEAN, "max", "min", "last")
_FREQS: Final = "h or D, W-SUN, MS or ME, QS or QE, YS or YE, or a multiple such as 6h"
_MONDAY: Final = 3  # 1970-01-01 was a Thursday
_WEEK: Final = 7
_SHOWN: Final = 40
_WHOLE_LIMIT: Final = 2.0**53  # whole numbers beyond are not exact


def check_aggregation(freq: str, how: str) -> Rule:
    """The rule of the longer steps; RejectedInputError where there is none, or the way is unknown."""
    if how not in HOWS:
        raise RejectedInputError("aggregate", f"how is {how[:_SHOWN]!r}, expected one of {', '.join(HOWS)}")
    try:
        rule = rule_named(freq)
    except RejectedInputError as error:
        raise RejectedInputError("aggregate", error.message) from None
    match rule:
        case FixedStep():
            return rule
        case MonthDays((DayOfMonth(1) | LastDay(),)):
            return rule
    raise RejectedInputError("aggregate", f"freq is {freq[:_SHOWN]!r}, which divides no time: send {_FREQS}")


def aggregated(split: Split, rule: Rule, how: str, arrange: Arrange, *, is_feature: bool = False) -> Split:
    """The split with a row for each longer step of each series.

    Missing values of a step count for nothing; a step without any is missing, and one without a row stays absent. The
    first and the last step of a series are left out where its rows do not fill them: where the step of its own calendar
    before its first row, or behind its last one, would lie in them too. A series that fills none keeps its steps,
    without values. Rows behind the last target of a series make steps of their own, its future; the step that both have
    a part in is not in the history, but the first to be forecast.

    Which rows there are hangs on the times alone, so those of a feature (`is_feature`) are those of the split that it
    is of. RejectedInputError where a series has longer steps already, or no series fills one.
    """
    _check_steps(split, rule)
    owners = np.repeat(np.arange(len(split)), np.diff(split.offsets))
    labels, ends = _labelled(split, rule)
    begins = np.flatnonzero(np.diff(labels, prepend=labels[:1] - 1).astype(np.bool_) | np.diff(owners, prepend=-1) > 0)
    owner, label = owners[begins], labels[begins]
    filled = (label != ends.before[owner]) & (label != ends.behind[owner])
    if not filled.any():
        raise RejectedInputError("aggregate", "the rows fill no step of it: choose a shorter one")
    empty = np.bincount(owner[filled], minlength=len(split)) == 0
    kept = filled | empty[owner]
    values = _WAYS[how](split.target, begins)
    values[empty[owner]] = np.nan
    future = np.zeros(len(split), dtype=np.int64)
    if not is_feature and split.future.any():
        last_rows = np.append(begins[1:], len(labels)) - 1
        comes = (last_rows >= split.ends[owner]) | (label == ends.behind_history[owner])
        comes &= split.future[owner] > 0
        values[comes] = np.nan
        future = np.bincount(owner[comes & kept], minlength=len(split)).astype(np.int64)
    left_out = int(np.count_nonzero(~kept))
    rows = _Rows(owner[kept], label[kept], values[kept])
    return _put_together(split, arrange, rows, future, left_out)


class _Ends(NamedTuple):
    """By series: the labels of the steps of its own calendar before its first row, and behind its last ones."""

    before: Integers
    behind: Integers
    behind_history: Integers


class _Rows(NamedTuple):
    """The rows of the longer steps."""

    owner: NDArray[np.int64]
    label: Integers
    values: FloatArray


def _check_steps(split: Split, rule: Rule) -> None:
    wanted = Calendar(rule)
    for text in split.calendars:
        own = calendar_of(text)
        if own.usual_step > wanted.usual_step:
            problem = f"freq is {wanted.freq}, and the steps of the series ({own.freq}) are longer: leave it out"
            raise RejectedInputError("aggregate", problem)


def _labelled(split: Split, rule: Rule) -> tuple[Integers, _Ends]:
    """The label of every row, and those of the steps around each series."""
    firsts, lasts = split.times[split.offsets[:-1]], split.times[split.offsets[1:] - 1]
    wall, first_wall = np.empty_like(split.times), np.empty_like(firsts)
    around = [np.empty_like(firsts) for _ in range(3)]
    for code, text in enumerate(split.calendars):
        calendar = calendar_of(text)
        of_series = split.calendar_codes == code
        of_rows = np.repeat(of_series, np.diff(split.offsets))
        wall[of_rows] = calendar.shown(split.times[of_rows])
        first_wall[of_series] = calendar.shown(firsts[of_series])
        anchors = (firsts, lasts, split.times[np.maximum(split.ends - 1, split.offsets[:-1])])
        for place, (times, step) in enumerate(zip(anchors, (-1, 1, 1), strict=True)):
            around[place][of_series] = _stepped(calendar, times[of_series], step)
    anchor = np.repeat(first_wall, np.diff(split.offsets))
    return _labels(rule, wall, anchor), _Ends(*(_labels(rule, one, first_wall) for one in around))


def _stepped(calendar: Calendar, times: Integers, step: int) -> Integers:
    """What the clock shows a step of the calendar before or behind times; those of many series are mostly the same."""
    distinct, inverse = np.unique(times, return_inverse=True)
    moved = [calendar.times(moment, 1, first=step)[0] for moment in distinct.tolist()]
    return calendar.shown(np.array(moved, dtype=np.int64))[inverse]


def _labels(rule: Rule, wall: Integers, anchor: Integers) -> Integers:
    """The time of the longer step that each time lies in; steps that no calendar fixes begin where `anchor` is."""
    match rule:
        case FixedStep(step, None):
            start = anchor // DAY * DAY
            return start + (wall - start) // step * step
        case FixedStep(step, int() as weekday):
            ends, first = (_week_end(times // DAY, weekday) for times in (wall, anchor))
            weeks = step // DAY
            return (first + -((first - ends) // weeks) * weeks) * DAY
        case MonthDays((pick,), multiple, phase):
            months, first = (_month(times) for times in (wall, anchor))
            modulus, due = (1, 0) if phase is None else (12 if multiple % 12 == 0 else 3, phase)
            if isinstance(pick, LastDay):
                last = first + (due - first) % modulus
                return (month_bounds(last + -((last - months) // multiple) * multiple)[1] - 1) * DAY
            start = first - (first - due) % modulus
            return month_bounds(start + (months - start) // multiple * multiple)[0] * DAY
    raise TypeError(type(rule).__name__)


def _week_end(days: Integers, weekday: int) -> Integers:
    return days + (weekday - days - _MONDAY) % _WEEK


def _month(times: Integers) -> Integers:
    return (times // DAY).astype("M8[D]").astype("M8[M]").astype(np.int64)


def _sum(values: FloatArray, begins: NDArray[np.intp]) -> FloatArray:
    seen = ~np.isnan(values)
    sums = np.add.reduceat(np.where(seen, values, 0.0), begins)
    return np.where(np.logical_or.reduceat(seen, begins), sums, np.nan)


def _mean(values: FloatArray, begins: NDArray[np.intp]) -> FloatArray:
    with np.errstate(invalid="ignore"):
        means: FloatArray = _sum(values, begins) / np.add.reduceat((~np.isnan(values)).astype(np.int64), begins)
    return means


def _last(values: FloatArray, begins: NDArray[np.intp]) -> FloatArray:
    places = np.maximum.reduceat(np.where(np.isnan(values), -1, np.arange(len(values))), begins)
    return np.where(places < 0, np.nan, values[places])


_WAYS: Final[Mapping[str, Callable[[FloatArray, NDArray[np.intp]], FloatArray]]] = {
    "sum": _sum,
    MEAN: _mean,
    "max": np.fmax.reduceat,
    "min": np.fmin.reduceat,
    "last": _last,
}


def _put_together(split: Split, arrange: Arrange, rows: _Rows, future: Integers, left_out: int) -> Split:
    offsets = np.concatenate(([0], np.cumsum(np.bincount(rows.owner, minlength=len(split))))).astype(np.int64)
    moments, codes = np.unique(rows.label, return_inverse=True)
    arranged = arrange(rows.label, _minutes(split, rows), offsets)
    present = rows.values[~np.isnan(rows.values)]
    warnings = split.warnings
    if left_out:
        warnings = (
            *warnings,
            f"aggregate: {left_out:,} steps at the ends of series are left out: rows fill a part of them",
        )
    return replace(
        split,
        target=rows.values,
        times=arranged.times,
        text_codes=codes.astype(np.int32),
        texts=tuple(shown_times(moments)),
        offsets=offsets,
        calendars=arranged.calendars,
        calendar_codes=arranged.calendar_codes,
        is_complete=arranged.is_complete,
        target_is_integer=bool(np.all((present == np.rint(present)) & (np.abs(present) <= _WHOLE_LIMIT))),
        warnings=warnings,
        future=future,
    )


def _minutes(split: Split, rows: _Rows) -> NDArray[np.int16] | None:
    """How far from UTC the clock is at the labels; None where nobody knows."""
    calendars = [calendar_of(text) for text in split.calendars]
    if all(one.offset is None and not one.zone for one in calendars):
        return None
    codes = split.calendar_codes[rows.owner]
    minutes = np.zeros(len(codes), dtype=np.int16)
    for code, calendar in enumerate(calendars):
        chosen = codes == code
        if calendar.zone:
            minutes[chosen] = offsets_on_clock(rows.label[chosen], calendar.zone)[0]
        else:
            minutes[chosen] = calendar.offset or 0
    return minutes
