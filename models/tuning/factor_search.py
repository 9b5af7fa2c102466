"""The best add_std_factor of LinearFit for every series, without trying many.

A prediction is a line plus factor times scatter, so the factors at which a loss can be smallest are mostly known
beforehand: where a prediction is exact, where two errors are equal, at weighted means of these, at the ends of the
range. If predictions are rounded, the loss is a staircase of which every stair is tried.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray, column_means, column_sums, last_observed
from models.arrays.published_values import ValueKinds, publishable
from models.quick.lines import Lines

__all__ = ["best_factors"]

Losses = Callable[[FloatArray, FloatArray], FloatArray]
"""The loss of each row of predictions [N, h] against actuals [N, h]; infinite where it is undefined."""

_CELLS = 2**17  # numbers in one array of predictions (1 MiB), however many candidates a row has: see models.batch
_MOST_STEPS = 512  # rounding points tried for one row; beyond that only those around the best smooth candidate
_GRID = 65  # evenly spaced candidates for metrics without a closed form
_BRACKETS, _ROUNDS, _POINTS = 4, 12, 16  # and how the best valleys are narrowed down: to 2/17 in each round
_MOST_PAIRED = 16  # steps of a hold-out whose pairs are looked at; their number grows with the square

# The smallest loss of these lies at an end of the range, where one prediction is exact, or at a weighted mean of such
# places: they are quadratic, or the size of something linear, or between exact predictions linear or concave.
_CLOSED_FORM = frozenset((
    "mse", "rmse", "nrmse", "inrse", "rrse", "r2", "rmsse", "rmspe", "me", "bias", "mpe", "mre", "mda",
    "mae", "mad", "mase", "rae", "mape", "mrae", "maape", "gmae", "gmrae", "mbrae", "umbrae",
))  # fmt: skip


def best_factors(
    history: FloatArray,
    actual: FloatArray,
    kinds: ValueKinds,
    latest_n: int,
    *,
    span: tuple[float, float],
    metric: str,
    losses: Losses,
) -> tuple[FloatArray, FloatArray]:
    """The smallest loss of each row within `span` of factors, and its factor: two arrays [N].

    Where rounding makes the loss a staircase, every stair is tried, or for very many those around the best
    smooth candidate; elsewhere the factors where the loss can be smallest. Of equal losses the lowest factor wins.
    """
    found, chosen = np.full(len(history), np.inf), np.full(len(history), span[0])
    with np.errstate(all="ignore"):
        for window in last_observed(history, latest_n):
            rows = np.arange(len(history))[window.rows]
            lines = Lines.through(window, actual.shape[1])
            search = _FactorSearch(lines, np.ascontiguousarray(actual[rows].T), kinds.rows(rows), metric, losses)
            found[rows], chosen[rows] = search.best(*span)
    return found, chosen


@dataclass(frozen=True, slots=True, eq=False)
class _FactorSearch:
    lines: Lines
    actual: FloatArray  # [h, R]
    kinds: ValueKinds
    metric: str
    losses: Losses

    def rows(self, rows: NDArray[np.intp]) -> "_FactorSearch":
        kinds = self.kinds.rows(rows)
        return _FactorSearch(self.lines.rows(rows), self.actual[:, rows], kinds, self.metric, self.losses)

    def best(self, low: float, high: float) -> tuple[FloatArray, FloatArray]:
        """Loss and factor [R] for every row, sorted by what has to be tried for it."""
        whole, series = self.kinds.whole, len(self.kinds.whole)
        found, chosen = np.full(series, np.inf), np.full(series, low)
        lows, highs = np.full(series, low), np.full(series, high)
        movable = (self.lines.scatter > 0) & np.isfinite(self.lines.scatter)
        stairs = self._stairs(lows, highs)
        few = whole & (stairs <= _MOST_STEPS)
        gaps = np.isnan(self.actual).any(axis=0)
        kinds = np.where(~movable, 0, np.where(few, 1, 2 + 4 * self._reach_zero(lows) + 2 * gaps + whole))
        for kind in np.unique(kinds).tolist():
            places = np.flatnonzero(kinds == kind)
            part, spans = self.rows(places), (lows[places], highs[places])
            if kind == 0:
                result = part.tried(spans[0][np.newaxis])
            elif kind == 1:
                result = part.by_stairs(*spans)
            else:
                result = part.smooth(*spans)
                if part.kinds.whole[0]:
                    result = part.stairs_around(result, *spans)
            found[places], chosen[places] = result
        return found, chosen

    def _stairs(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """How many rounding points the steps of a row have between two factors, at most."""
        widest: FloatArray = (np.ceil((high - low) * self.lines.scatter) + 1) * len(self.actual)
        return widest

    def by_stairs(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Try both ends and one factor between any two neighbours of those where a prediction rounds otherwise."""
        found, chosen = np.full(len(low), np.inf), low.copy()
        widths = np.exp2(np.ceil(np.log2(self._stairs(low, high) / len(self.actual))))
        for width in np.unique(widths).tolist():  # padding to the widest row would at most double the work
            places = np.flatnonzero(widths == width)
            size = max(1, int(_CELLS // (len(self.actual) * width)))
            for first in range(0, len(places), size):
                some = places[first : first + size]
                part = self.rows(some)
                found[some], chosen[some] = part.tried(part.between_stairs(low[some], high[some], int(width)))
        return found, chosen

    def between_stairs(self, low: FloatArray, high: FloatArray, width: int) -> FloatArray:
        """Factors [K, R] in growing order, one for each stair; a row has at most `width` of them per step."""
        base = self.lines.newest + self.lines.line
        first = np.ceil(base + low * self.lines.scatter - 0.5)
        first = np.where(self.kinds.floored, np.maximum(first, 0.0), first)  # below 0.5 all is 0
        halves = first[:, np.newaxis] + (np.arange(width, dtype=np.float64) + 0.5)[:, np.newaxis]
        stairs = (halves - base[:, np.newaxis]) / self.lines.scatter
        points = np.concatenate([low[np.newaxis], stairs.reshape(-1, len(low)), high[np.newaxis]])
        points = np.sort(np.clip(points, low, high), axis=0)
        return np.concatenate([low[np.newaxis], (points[:-1] + points[1:]) / 2, high[np.newaxis]])

    def stairs_around(
        self, best: tuple[FloatArray, FloatArray], low: FloatArray, high: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Try the stairs nearest to the best factors so far."""
        reach = max(1.0, _MOST_STEPS / len(self.actual) - 1) / self.lines.scatter / 2
        nearest = self.by_stairs(np.maximum(low, best[1] - reach), np.minimum(high, best[1] + reach))
        return _better(best, nearest)

    def smooth(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Try the factors where the loss can be smallest, and narrow them down if these are not known exactly.

        Either all of these rows have gaps in their hold-out or none has, and likewise predictions that are lifted to
        zero, so that rows do not influence each other.
        """
        candidates = np.sort(np.clip(self._candidates(low, high), low, high), axis=0)
        if self._is_closed_form():
            return self.tried(candidates)
        losses = self._losses(candidates)
        best = _first_smallest(losses, candidates)
        beside = np.pad(losses, ((1, 1), (0, 0)), constant_values=np.inf)
        valleys = np.where((losses <= beside[:-2]) & (losses <= beside[2:]), losses, np.inf)
        for place in np.argsort(valleys, axis=0, kind="stable")[:_BRACKETS]:
            columns = np.arange(len(low))
            left = candidates[np.maximum(place - 1, 0), columns]
            right = candidates[np.minimum(place + 1, len(candidates) - 1), columns]
            best = _better(best, self._narrowed(left, right))
        return best

    def _narrowed(self, left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Narrow a bracket down around its smallest loss."""
        best = np.full(len(left), np.inf), left
        shares = (np.arange(_POINTS + 2) / (_POINTS + 1))[:, np.newaxis]
        columns = np.arange(len(left))
        for _ in range(_ROUNDS):
            points = left + (right - left) * shares
            losses = self._losses(points)
            place = losses.argmin(axis=0)
            best = _better(best, (losses[place, columns], points[place, columns]))
            left = points[np.maximum(place - 1, 0), columns]
            right = points[np.minimum(place + 1, len(points) - 1), columns]
        return best

    def _candidates(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Both ends, where each prediction is exact, weighted means of these, and a grid if that is not enough."""
        scatter = self.lines.scatter
        exact = (self.actual - (self.lines.newest + self.lines.line)) / scatter
        steps = self.actual[1:] - self.actual[:-1]
        means = [
            _weighted(exact, np.ones_like(exact)),
            _weighted(exact, 1 / self.actual),
            _weighted(exact, 1 / (self.actual * self.actual)),
            _weighted(exact[1:], 1 / steps),
        ]
        points = np.concatenate([[low], exact, means, [high]])
        if self._reach_zero(low).any():
            points = np.concatenate([points, self._lifted(exact, steps)])
        if not self._is_closed_form():
            grid = low + (high - low) * (np.arange(_GRID) / (_GRID - 1))[:, np.newaxis]
            points = np.concatenate([points, grid, self._special(exact, steps)])
        return np.where(np.isnan(points), low, points)

    def _reach_zero(self, low: FloatArray) -> NDArray[np.bool_]:
        """Which rows have a prediction that is lifted to zero, at the least factor at the latest."""
        lowest = self.lines.newest + self.lines.line + low * self.lines.scatter
        reached: NDArray[np.bool_] = self.kinds.floored & (np.fmin.reduce(lowest, axis=0) < 0)
        return reached

    def _lifted(self, exact: FloatArray, steps: FloatArray) -> FloatArray:
        """Candidates where some predictions are lifted to zero: where each leaves it, and means of those that did.

        They leave in the order of their lines, the highest first, so there is one set of them for each number. The
        others count as their actual value, which no factor changes.
        """
        zero = -(self.lines.newest + self.lines.line) / self.lines.scatter
        reach = self.actual / self.lines.scatter  # what a prediction of zero is away from its actual value
        means = [_means_by_rank(zero, exact, reach, 1 / self.actual**power) for power in (0, 1, 2)]
        return np.concatenate([zero, *means, _means_by_rank(zero[1:], exact[1:], reach[1:], 1 / steps)])

    def _special(self, exact: FloatArray, steps: FloatArray) -> FloatArray:
        """Where metrics without a closed form have valleys that a grid may miss."""
        if self.metric in ("std_ae", "std_ape"):
            return _least_spread(exact, 1 / np.abs(self.actual) if self.metric == "std_ape" else np.ones_like(exact))
        if len(exact) > _MOST_PAIRED:
            return exact[:0]
        if self.metric == "smdape":
            return self._equal_shares()
        if self.metric == "mdrae":
            return _equal_errors(exact[1:], 1 / np.abs(steps))
        if self.metric in ("mdae", "mdape", "rmdspe"):
            return _equal_errors(exact, np.ones_like(exact) if self.metric == "mdae" else 1 / np.abs(self.actual))
        return exact[:0]

    def _equal_shares(self) -> FloatArray:
        """Where two steps have the same |a - p| / (|a| + |p|): aᵢpⱼ = aⱼpᵢ or aᵢaⱼ = pᵢpⱼ."""
        base = self.lines.newest + self.lines.line
        i, j = np.triu_indices(len(base), 1)
        a, b = self.actual[i], self.actual[j]
        root = np.sqrt((base[i] - base[j]) ** 2 + 4 * a * b)
        middle = -(base[i] + base[j])
        raises = [(b * base[i] - a * base[j]) / (a - b), (middle + root) / 2, (middle - root) / 2]
        return np.concatenate(raises) / self.lines.scatter

    def _is_closed_form(self) -> bool:
        return self.metric in _CLOSED_FORM and not np.isnan(self.actual).any()

    def tried(self, factors: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The best of these factors [K, R]."""
        return _first_smallest(self._losses(factors), factors)

    def _losses(self, factors: FloatArray) -> FloatArray:
        """The loss of each factor [K, R], with memory bounded."""
        steps, series = self.actual.shape
        size = max(1, _CELLS // (steps * len(factors)))
        parts = []
        for first in range(0, series, size):
            some = slice(first, first + size)
            kinds = self.kinds.rows(some)
            tried = factors[:, some]
            shape = steps, *tried.shape
            predicted = self.lines.rows(some).raised(tried).reshape(steps, -1)
            actual = np.broadcast_to(self.actual[:, np.newaxis, some], shape).reshape(steps, -1)
            published = publishable(predicted.T, kinds.rows(np.tile(np.arange(len(kinds.whole)), len(tried))))
            parts.append(self.losses(actual.T, published).reshape(tried.shape))
        return np.concatenate(parts, axis=1)


def _equal_errors(exact: FloatArray, weights: FloatArray) -> FloatArray:
    """Where two steps have the same weighted error: a median has its valleys there."""
    i, j = np.triu_indices(len(exact), 1)
    places = weights * exact
    both = places[i] + places[j], places[i] - places[j]
    return np.concatenate([both[0] / (weights[i] + weights[j]), both[1] / (weights[i] - weights[j])])


def _least_spread(exact: FloatArray, weights: FloatArray) -> FloatArray:
    """Where weighted sizes of errors vary least, for each way in which the signs of the errors can fall."""
    candidates = []
    ordered = np.sort(exact, axis=0)
    for bound in (-np.inf, *ordered):
        signed = np.where(exact > bound, weights, -weights)
        sizes = signed * exact
        spread = signed - column_means(signed)
        candidates.append(column_sums(spread * sizes) / column_sums(spread * spread))
    return np.array(candidates)


def _weighted(values: FloatArray, weights: FloatArray) -> FloatArray:
    mean: FloatArray = column_sums(values * weights) / column_sums(weights)
    return mean


def _means_by_rank(rank: FloatArray, values: FloatArray, others: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted means of the values with the k lowest ranks, for each k; once more with those of the others added."""
    order = np.argsort(rank, axis=0, kind="stable")
    values, others, weights = (np.take_along_axis(part, order, axis=0) for part in (values, others, weights))
    total, weighted, rest = np.cumsum(weights, axis=0), np.cumsum(values * weights, axis=0), others * weights
    left = column_sums(rest) - np.cumsum(rest, axis=0)
    return np.concatenate([weighted / total, (weighted + left) / total])


def _first_smallest(losses: FloatArray, factors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The smallest loss of each column and the first factor that has it; the factors ascend."""
    place = losses.argmin(axis=0)
    columns = np.arange(losses.shape[1])
    return losses[place, columns], factors[place, columns]


def _better(one: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Row by row the smaller loss, of equal ones the lower factor."""
    wins = (other[0] < one[0]) | ((other[0] == one[0]) & (other[1] < one[1]))
    return np.where(wins, other[0], one[0]), np.where(wins, other[1], one[1])
