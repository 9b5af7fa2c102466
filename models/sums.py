"""Series that are added up: history, backtest and forecast of their sum, with intervals and scores of its own.

Values are added step by step (bottom-up), so sums of sums are the same sums. Quantiles do not add up: how far the sum
is off depends on whether its series are off together. So its intervals are made of its own errors in the backtest, by
split conformal prediction (`models.arrays.levels`): how much the series go together is in these errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray
from models.arrays.filling import filled
from models.arrays.levels import conformal
from models.arrays.published_values import ValueKinds, publishable, value_kinds
from models.scores.names import IN_SAMPLE
from models.scores.windows import Windows, in_sample_scale

__all__ = ["NOTHING", "Addend", "Summed", "Timed", "common", "fill_gaps", "sum_of", "sum_of_histories"]

Times = NDArray[np.int64]

_BLOCK: Final = 1_000_000  # values that are added together: about 50 MB


class Timed(NamedTuple):
    """Values and their times, ascending; NaN where a value is missing."""

    times: Times
    values: FloatArray

    def since(self, last: int) -> "Timed":
        """What comes after a time."""
        begin = int(np.searchsorted(self.times, last, "right"))
        return Timed(self.times[begin:], self.values[begin:])


NOTHING: Final = Timed(np.empty(0, dtype=np.int64), np.empty(0))


@dataclass(frozen=True, slots=True, eq=False)
class Addend:
    """One of the series that are added up; `backtest` is what its model forecast of the end of its history."""

    history: Timed
    forecast: Timed
    backtest: Timed = NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class Summed:
    """A sum: `actual` is what came of the times of its `backtest`, and `scores` and `quantiles` are those of the sum.

    A score is None where it is undefined. There are no quantiles where there are too few errors.
    """

    history: Timed
    forecast: Timed
    backtest: Timed
    actual: FloatArray
    quantiles: dict[str, FloatArray]
    scores: dict[str, float | None]


def fill_gaps(history: FloatArray, rule: str) -> FloatArray:
    """A history whose missing values are filled by one of `models.options.FILLS`."""
    return history if rule == "none" else filled(history[np.newaxis], rule)[0]


def sum_of_histories(histories: Sequence[Timed]) -> Timed:
    """The sum at each time that any of them has.

    A series counts from its first value on. From then on a sum that it has no value for is missing: what is there would
    be taken for all.
    """
    known = [Timed(*_from_first_value(one)) for one in histories]
    known = [one for one in known if len(one.times)]
    if not known:
        return NOTHING
    times, sums, counts = _added(known)
    begun = np.searchsorted(np.sort(np.array([one.times[0] for one in known])), times, "right")
    return Timed(times, np.where(counts == begun, sums, np.nan))


def common(parts: Sequence[Timed]) -> Timed:
    """The sum at the times that all of them have."""
    first = parts[0]
    if all(len(one.times) == len(first.times) and (one.times == first.times).all() for one in parts[1:]):
        return Timed(first.times, np.sum([one.values for one in parts], axis=0))  # mostly: they end on the same day
    times, sums, counts = _added(parts)
    everywhere = counts == len(parts)
    return Timed(times[everywhere], sums[everywhere])


def sum_of(
    addends: Sequence[Addend],
    *,
    metrics: Sequence[str],
    levels: Sequence[float],
    season_length: int = 1,
    may_be_negative: bool = False,
) -> Summed:
    """Add series up.

    1. The history ends with the series that ends last. The forecast begins behind it, and has the steps that all have.
    2. The backtest has the times that the backtests of all have, and is scored by `metrics` and as `mase_insample`.
    3. Intervals are made of the errors of 2, and not below zero where no value of the histories is, unless that is
       allowed.
    """
    history = sum_of_histories([one.history for one in addends])
    last = int(history.times[-1])
    forecast = common([one.forecast.since(last) for one in addends])
    backtest = common([one.backtest for one in addends])
    places = np.searchsorted(history.times, backtest.times)
    known = places < len(history.times)
    known[known] &= history.times[places[known]] == backtest.times[known]
    actual = np.full(len(backtest.times), np.nan)
    actual[known] = history.values[places[known]]
    scores = _scores(history, backtest, actual, metrics, season_length)
    quantiles: dict[str, FloatArray] = {}
    if len(forecast.times):
        kinds = _kinds(addends, forecast, may_be_negative=may_be_negative)
        quantiles = _quantiles(forecast, actual - backtest.values, levels, kinds)
    return Summed(history, forecast, backtest, actual, quantiles, scores)


def _kinds(addends: Sequence[Addend], forecast: Timed, *, may_be_negative: bool) -> ValueKinds:
    """A sum is a whole number, or not below zero, where each of its series is."""
    kinds = [value_kinds(one.history.values[np.newaxis], allow_negative=may_be_negative) for one in addends]
    whole = all(one.whole[0] for one in kinds) and bool((forecast.values == np.round(forecast.values)).all())
    return ValueKinds(np.array([whole]), np.array([all(one.floored[0] for one in kinds)]))


def _from_first_value(one: Timed) -> Timed:
    seen = np.flatnonzero(~np.isnan(one.values))
    begin = int(seen[0]) if len(seen) else len(one.values)
    return Timed(one.times[begin:], one.values[begin:])


def _added(parts: Sequence[Timed]) -> "_Added":
    """All times, the sum at each, and how many have a value for it; a missing value counts as none."""
    found, block, size = _NONE_ADDED, list[Timed](), 0
    for place, one in enumerate(parts):
        block.append(one)
        size += len(one.times)
        if size >= _BLOCK or place == len(parts) - 1:
            values = np.concatenate([each.values for each in block])
            seen = ~np.isnan(values)
            times = np.concatenate([found.times, *(each.times for each in block)])
            values = np.concatenate([found.sums, np.where(seen, values, 0.0)])
            found = _at_each_time(times, values, np.concatenate([found.counts, seen]))
            block, size = [], 0
    return found


class _Added(NamedTuple):
    """Sums and how many values each has, by ascending time."""

    times: Times
    sums: FloatArray
    counts: Times


_NONE_ADDED: Final = _Added(NOTHING.times, NOTHING.values, NOTHING.times)


def _at_each_time(times: Times, values: FloatArray, counts: Times) -> _Added:
    every, places = np.unique(times, return_inverse=True)
    sums = np.bincount(places, weights=values, minlength=len(every)).astype(np.float64)
    return _Added(every, sums, np.bincount(places, weights=counts, minlength=len(every)).astype(np.int64))


def _scores(
    history: Timed, backtest: Timed, actual: FloatArray, metrics: Sequence[str], season_length: int
) -> dict[str, float | None]:
    names = (*metrics, IN_SAMPLE)
    if not len(backtest.times):
        return dict.fromkeys(names)
    before = history.values[: int(np.searchsorted(history.times, backtest.times[0]))]
    windows = Windows(1, len(backtest.times), names)
    scale = in_sample_scale(before[np.newaxis], max(1, season_length))
    windows.take(slice(None), actual[np.newaxis], backtest.values[np.newaxis], scale)
    found = {name: float(score[0]) for name, score in windows.scores().items()}
    return {name: None if np.isnan(score) else score for name, score in found.items()}


def _quantiles(
    forecast: Timed, errors: FloatArray, levels: Sequence[float], kinds: ValueKinds
) -> dict[str, FloatArray]:
    made = conformal(forecast.values[np.newaxis], errors[np.newaxis], levels) if len(errors) else []
    known = zip(levels, made, strict=False)
    return {f"{level:.6g}": publishable(values, kinds)[0] for level, values in known if not np.isnan(values).any()}
