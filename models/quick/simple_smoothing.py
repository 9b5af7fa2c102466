"""SES: simple exponential smoothing, fitted by least squares, all series at once.

On the 181 series of M1 yearly it reproduces the published MASE 4.938 and sMAPE 23.10, in 0.02 ms a series. Of
statsforecast's, AutoETS (ANN) does the same in 0.5 ms; SimpleExponentialSmoothingOptimized, which starts from the first
value instead of a fitted level, takes 0.03 ms and gives 4.927 and 22.88.
"""

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray
from models.arrays.intervals import normal_quantiles
from models.arrays.scaling import scaled_rows, unscaled
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["forecast"]

_LOWEST, _HIGHEST = 0.0001, 0.9999  # the usual bounds of the weight, those of R's and statsforecast's ETS
_COARSE = 16  # weights tried first; the sum of squares may have more than one dip
_FINE = 8  # weights tried between the neighbours of the best one, again and again
_ROUNDS = 4  # after so many the weight is known to 0.0001, and the forecast to far better
_COLUMNS = 256  # series at once: their sums for all weights stay in the processor's cache
_PARAMETERS = 2  # estimated from the data: the weight and the first level


def forecast(batch: SeriesBatch) -> Forecasts:
    """Repeat the last level, where level[t] = level[t-1] + weight x (y[t] - level[t-1]).

    The weight (between 0.0001 and 0.9999) and the first level are those with the least sum of squared one-step errors:
    the level in closed form for each weight, the weight by a grid that is refined around its best value. A missing
    observation leaves the level as it is. One or two observed values leave nothing to be estimated; the same rule then
    gives the one value, or almost the last of two.

    Intervals: with n observed values, s² = (sum of squared errors) / (n - 2), and k steps after the last observed value
    the variance is s² (1 + (k - 1) weight²); errors are taken as normal. Fewer than three values give no quantiles.
    """
    history, exponents = scaled_rows(batch.history)
    level, deviation = np.empty(len(history)), np.empty(len(history))
    weight = np.empty(len(history))
    for first in range(0, len(history), _COLUMNS):
        part = slice(first, first + _COLUMNS)
        level[part], weight[part], deviation[part] = _fit(np.ascontiguousarray(history[part].T))
    unobserved = np.argmax(~np.isnan(history)[:, ::-1], axis=1)[:, np.newaxis]  # at the end of each row
    later = unobserved + np.arange(batch.horizon)
    spread = deviation[:, np.newaxis] * np.sqrt(1 + later * weight[:, np.newaxis] ** 2)
    mean = np.repeat(level[:, np.newaxis], batch.horizon, axis=1)
    quantiles = {name: unscaled(values, exponents) for name, values in normal_quantiles(mean, spread).items()}
    return Forecasts(unscaled(mean, exponents), quantiles)


def _fit(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the last level, the weight and the deviation of one step, [N] each, of the columns of `values` [L, N]."""
    columns = np.arange(values.shape[1])
    seen = ~np.isnan(values)
    start = values[np.argmax(seen, axis=0), columns]
    weights = np.linspace(_LOWEST, _HIGHEST, _COARSE)[:, np.newaxis] + np.zeros_like(start)
    for _ in range(_ROUNDS):
        best = np.argmin(_smooth(values, seen, start, weights)[0], axis=0)
        low = weights[np.maximum(best - 1, 0), columns]
        high = weights[np.minimum(best + 1, len(weights) - 1), columns]
        weights = np.linspace(low, high, _FINE)
    best = np.argmin(_smooth(values, seen, start, weights)[0], axis=0)
    weight = weights[best, columns]
    squares, level = _smooth(values, seen, start, weight[np.newaxis])
    freedom = np.count_nonzero(seen, axis=0) - _PARAMETERS
    with np.errstate(all="ignore"):
        deviation = np.where(freedom > 0, np.sqrt(np.maximum(squares[0], 0.0) / freedom), np.nan)
    return level[0], weight, deviation


def _smooth(
    values: FloatArray, seen: NDArray[np.bool_], start: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """For each weight [A, N] and its best first level: the sum of squared errors and the last level, [A, N] each.

    An error is a - c x, where x is how much the first level differs from `start`; a and c do not depend on x. So the
    best x is sum(a c) / sum(c c), and no other sums are needed.
    """
    level, share = np.tile(start, (len(weights), 1)), np.ones_like(weights)
    aa, ac, cc = np.zeros_like(weights), np.zeros_like(weights), np.zeros_like(weights)
    a, c, product = np.empty_like(weights), np.empty_like(weights), np.empty_like(weights)
    for now, counts in zip(np.where(seen, values, 0.0), seen.astype(np.float64), strict=True):
        np.subtract(now, level, out=a)
        np.multiply(a, counts, out=a)
        np.multiply(share, counts, out=c)
        for total, left, right in ((aa, a, a), (ac, a, c), (cc, c, c)):
            np.multiply(left, right, out=product)
            np.add(total, product, out=total)
        np.multiply(weights, a, out=a)
        np.add(level, a, out=level)
        np.multiply(weights, c, out=c)
        np.subtract(share, c, out=share)
    shift = ac / cc
    return aa - ac * shift, level + share * shift
