"""Windows to train on: cut out of many series at random, all of a batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.deepar.config import DeepARConfig
from models.deepar.inputs import SMALLEST_SCALE, scale_of
from models.deepar.series import Series

__all__ = ["Batch", "Windows"]

# A series of very many steps is drawn at most this many times as often as the median one: short ones must be met too.
_MOST_DRAWN: Final = 20
_MOST_SCALED: Final = np.float32(1e6)  # as at prediction: far beyond this, sums of gates and squares would overflow

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Windows of context and prediction: T steps each.

    `lags` [B, T, lags] and `known` [B, T, features] are what the network reads, `cat` [B, categories] and `scale` [B]
    what it is told of the series; `target` [B, T] are the values, cut off at a million times the scale, 0 where
    `observed` [B, T] is 0.
    """

    lags: Array
    known: Array
    cat: NDArray[np.int32]
    scale: Array
    target: Array
    observed: Array


class Windows:
    """All windows of some series, and those that end each series.

    The series lie behind one another in one array, with room before and behind each for windows that leave it. Without
    `hold_out` windows may end anywhere; with it the last prediction_length steps of a series are kept from `batch`,
    where the series is so long that enough is left.
    """

    def __init__(self, series: Sequence[Series], config: DeepARConfig, *, hold_out: bool, default_scale: float) -> None:
        self._config = config
        self._default_scale = default_scale
        steps, context = config.prediction_length, config.context_length
        self._lags = np.array(config.frequency.lags())
        front = int(self._lags[-1]) + context
        lengths = np.array([len(one.target) for one in series])
        places = front + np.concatenate(([0], np.cumsum(lengths + front + steps)[:-1]))
        size = int(lengths.sum()) + (front + steps) * len(series)
        features = config.num_dynamic_feat or 0
        calendars = config.frequency.num_calendar
        self._target = np.zeros(size, np.float32)
        self._observed = np.zeros(size, np.float32)
        self._known = np.zeros((size, calendars + 1 + features), np.float32)
        self._cat = np.array([one.cat for one in series], np.int32).reshape(len(series), -1)
        for one, place in zip(series, places.tolist(), strict=True):
            self._fill(one, place, context, steps)
        self._places = places
        self._context_range = np.arange(-context, steps)
        held = np.where(lengths >= 2 * steps + 1, lengths - steps, lengths) if hold_out else lengths
        self.held_out = np.flatnonzero(held < lengths)
        self._ends = lengths
        self._draw_from(held)

    def _fill(self, one: Series, place: int, context: int, steps: int) -> None:
        frequency = self._config.frequency
        length = len(one.target)
        seen = ~np.isnan(one.target)
        self._target[place : place + length][seen] = one.target[seen]
        self._observed[place : place + length] = seen
        around = slice(place - context, place + length + steps)
        calendar = frequency.calendar(frequency.times(one.start, length + context + steps, first=-context))
        self._known[around, : calendar.shape[1]] = calendar
        age = np.log10(2.0 + np.maximum(np.arange(-context, length + steps), 0))
        self._known[around, calendar.shape[1]] = age
        if one.feat is not None and len(one.feat):
            count = min(one.feat.shape[1], length + steps)
            self._known[place : place + count, calendar.shape[1] + 1 :] = one.feat[:, :count].T

    def _draw_from(self, lengths: NDArray[np.int64]) -> None:
        """Note where a forecast may begin, where something is observed then, and how often each series is drawn."""
        steps = self._config.prediction_length
        starts = []
        for place, length in zip(self._places.tolist(), lengths.tolist(), strict=True):
            # From the second value on, where there is one: the first has no past to learn from.
            first = np.arange(min(1, max(length - 1, 0)), max(length - steps, min(1, length - 1)) + 1)
            sums = np.concatenate(([0], np.cumsum(self._observed[place : place + length])))
            ends = np.minimum(first + steps, length)
            starts.append(place + first[sums[ends] > sums[first]])
        counts = np.array([len(some) for some in starts])
        self._first = np.concatenate(([0], np.cumsum(counts)[:-1]))
        self._counts = counts
        self._starts = np.concatenate(starts)
        used = counts[counts > 0]
        weights = np.minimum(counts, _MOST_DRAWN * np.median(used)) if len(used) else counts
        self._drawn = np.cumsum(weights / max(weights.sum(), 1))

    def __len__(self) -> int:
        return len(self._starts)

    def batch(self, random: np.random.Generator, size: int) -> Batch:
        """Windows drawn at random; the same window may come twice."""
        drawn = random.random((2, size))
        rows = np.minimum(np.searchsorted(self._drawn, drawn[0], side="right"), len(self._counts) - 1)
        places = np.minimum((drawn[1] * self._counts[rows]).astype(np.int64), self._counts[rows] - 1)
        return self._windows(rows, self._starts[self._first[rows] + places])

    def last(self, rows: NDArray[np.int64]) -> Batch:
        """The window that ends each of these series."""
        return self._windows(rows, self._places[rows] + self._ends[rows] - self._config.prediction_length)

    def _windows(self, rows: NDArray[np.int64], starts: NDArray[np.int64]) -> Batch:
        at = starts[:, np.newaxis] + self._context_range
        target, observed = self._target[at], self._observed[at]
        scale = self._scales(rows, starts, target, observed)
        lags = self._target[at[:, :, np.newaxis] - self._lags]
        with np.errstate(over="ignore"):  # what becomes infinite is clipped at once
            lags /= scale[:, np.newaxis, np.newaxis]
            most = scale[:, np.newaxis] * _MOST_SCALED
        np.clip(lags, -_MOST_SCALED, _MOST_SCALED, out=lags)
        np.clip(target, -most, most, out=target)
        return Batch(lags, self._known[at], self._cat[rows], scale, target, observed)

    def _scales(self, rows: NDArray[np.int64], starts: NDArray[np.int64], target: Array, observed: Array) -> Array:
        """As `models.deepar.inputs.scale_of` has them; what lies before a window's series is not observed."""
        if self._config.likelihood == "beta":
            return np.ones(len(rows), np.float32)
        context = self._config.context_length
        sums = np.abs(target[:, :context], dtype=np.float64).sum(axis=1)
        counts = observed[:, :context].sum(axis=1)
        scale: NDArray[np.float64] = sums / np.maximum(counts, 1)
        for row in np.flatnonzero(scale <= SMALLEST_SCALE):
            begin, end = self._places[rows[row]], starts[row]
            history = np.where(self._observed[begin:end] > 0, self._target[begin:end], np.nan).astype(np.float32)
            nothing = np.empty(0, np.float32)
            scale[row] = scale_of(nothing, history, default=self._default_scale, scaled=True)
        return scale.astype(np.float32)
