"""Scores of forecasts: any of the contract's 32 metrics for many series at once."""

from collections.abc import Iterable, Iterator

import numpy as np

from models.arrays.columns import FloatArray, Rows
from models.scores.comparison import Comparison
from models.scores.formulas import FORMULAS
from models.scores.names import metric_names

__all__ = ["evaluate"]


def evaluate(actual: FloatArray, predicted: FloatArray, names: Iterable[str]) -> dict[str, FloatArray]:
    """Score each row of `predicted` [N, h] against `actual` [N, h]: an array [N] for each name, NaN = undefined (null).

    A missing actual (NaN) leaves its point out; differences then run between neighbouring observed points. Undefined
    is what has a zero denominator, too few points, an overflow, or a row with an infinite actual or a non-finite
    prediction at an observed point. The values are never infinite, no warning is given, and a row's scores do not
    depend on the other rows. Raises UnknownMetricError, or ValueError for arrays that do not match.
    """
    wanted = metric_names(names)
    if actual.ndim != 2 or actual.shape != predicted.shape:
        shapes = f"{actual.shape} and {predicted.shape}"
        raise ValueError(f"actual and predicted must be arrays of one shape [N, h], not {shapes}")
    result = {name: np.full(actual.shape[0], np.nan) for name in wanted}
    with np.errstate(all="ignore"):
        for rows, a, p in _equally_long(actual, predicted):
            usable = np.isfinite(a).all(axis=0) & np.isfinite(p).all(axis=0)
            comparison = Comparison(a, p)
            for name in wanted:
                score = FORMULAS[name](comparison)
                result[name][rows] = np.where(usable & np.isfinite(score), score, np.nan)
    return result


def _equally_long(actual: FloatArray, predicted: FloatArray) -> Iterator[tuple[Rows, FloatArray, FloatArray]]:
    """Drop the missing actuals and yield rows with equally many points left together, as [k, R] arrays, k ≥ 1."""
    missing = np.isnan(actual)
    if not missing.any():
        if actual.shape[1]:
            yield slice(None), np.ascontiguousarray(actual.T), np.ascontiguousarray(predicted.T)
        return
    observed = ~missing
    points = observed.sum(axis=1)
    for k in np.unique(points[points > 0]).tolist():
        rows = np.flatnonzero(points == k)
        kept = observed[rows]
        a = actual[rows][kept].reshape(-1, k)
        p = predicted[rows][kept].reshape(-1, k)
        yield rows, np.ascontiguousarray(a.T), np.ascontiguousarray(p.T)
