"""Holt and Winters' method, fitted by least squares of its one-step errors.

The states before the first value enter the errors linearly, so for any weights the best states are those of a linear
regression. What is left to search is one to four weights, each time with one pass of a filter; statsmodels
searches weights and states together, after trying a grid.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import leastsq
from scipy.signal import lfilter

from models.arrays.columns import FloatArray
from models.fitted.smoothing_errors import Smoothing

__all__ = ["Found", "fitted_holt_winters"]

_DAMPING: Final = (0.8, 0.995)  # what is stronger forecasts no trend, what is weaker is not told from none
# Where the search begins, as shares of what is allowed. The better one of several starts was no more accurate.
_LEVEL, _TREND, _SEASONAL, _DAMPED = 0.3, 0.1, 0.1, 0.7
_TOLERANCE: Final = 1e-4  # of the sum of squares and of the weights; less took longer and was no more accurate
_STEP: Final = 1e-8  # of derivatives, as the square root of it
_RIDGE: Final = 1e-10  # so that states which no value shows are 0
_HOPELESS: Final = 1e6  # in deviations of the series, where a filter overflows
_FARTHEST: Final = 30.0  # of a weight's logit


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The method as fitted: its weights, its level, slope and seasons before the first value, and its errors."""

    smoothing: Smoothing
    states: FloatArray  # level, slope if it has one, the seasons but the last one, which is minus their sum
    errors: FloatArray
    mean: FloatArray


def fitted_holt_winters(values: FloatArray, steps: int, season: int, *, trend: bool, damped: bool) -> Found:
    """Fit, and forecast `steps` values; no season if `season` is 1."""
    search = _Search(values, season, trend=trend, damped=damped)
    smoothing = search.weights(
        leastsq(search.scaled_errors, search.start(), ftol=_TOLERANCE, xtol=_TOLERANCE, gtol=0, epsfcn=_STEP)[0]
    )
    errors, states = search.solved(smoothing)
    first = len(values)
    mean = search.basis(smoothing.damping, first, steps) @ states
    mean += np.convolve(smoothing.reactions(first + steps), errors, mode="valid")
    return Found(smoothing, states, errors, mean)


class _Search:
    """Errors of the method by its weights."""

    def __init__(self, values: FloatArray, season: int, *, trend: bool, damped: bool) -> None:
        self._values = values
        self._season = season
        self._trend = trend
        self._damped = damped
        self._scale = float(values.std())
        self._undamped = None if damped else self.basis(1.0, 0, len(values))

    def start(self) -> FloatArray:
        """Logits: level, then trend, damping and season as far as there are any."""
        shares = [
            _LEVEL,
            *([_TREND] if self._trend else []),
            *([_DAMPED] if self._damped else []),
            *([_SEASONAL] if self._season > 1 else []),
        ]
        given = np.array(shares)
        logits: FloatArray = np.log(given / (1 - given))
        return logits

    def weights(self, logits: FloatArray) -> Smoothing:
        """Those in the usual bounds: the trend's is less than the level's, the season's than what the level leaves."""
        shares = iter((1 / (1 + np.exp(-np.clip(logits, -_FARTHEST, _FARTHEST)))).tolist())
        level = next(shares)
        trend = level * next(shares) if self._trend else 0.0
        low, high = _DAMPING
        damping = low + (high - low) * next(shares) if self._damped else 1.0
        seasonal = (1 - level) * next(shares) if self._season > 1 else 0.0
        return Smoothing(level, trend, seasonal, damping, self._season)

    def scaled_errors(self, logits: FloatArray) -> FloatArray:
        """In deviations of the series."""
        errors = self.solved(self.weights(logits))[0]
        return errors / self._scale if np.isfinite(errors).all() else np.full_like(errors, _HOPELESS)

    def solved(self, smoothing: Smoothing) -> tuple[FloatArray, FloatArray]:
        """The errors with the best states before the first value, and these states."""
        basis = self.basis(smoothing.damping, 0, len(self._values)) if self._undamped is None else self._undamped
        given = np.vstack((self._values, basis.T))
        filtered = lfilter(*_filter(smoothing, trend=self._trend), given)
        target, shown = filtered[0], filtered[1:]
        square = shown @ shown.T
        square[np.diag_indices_from(square)] *= 1 + _RIDGE
        states: FloatArray = np.linalg.solve(square, shown @ target)
        return target - states @ shown, states

    def basis(self, damping: float, first: int, steps: int) -> FloatArray:
        """What each state adds to the values from the place `first` on, if nothing is learnt on the way."""
        places = np.arange(first, first + steps)
        columns = [np.ones((steps, 1))]
        if self._trend:
            slopes = np.cumsum(damping ** np.arange(1.0, first + steps + 1))[first:]
            columns.append(slopes[:, np.newaxis])
        if self._season > 1:
            shown = np.eye(self._season)[places % self._season]
            columns.append(shown[:, :-1] - shown[:, -1:])
        return np.hstack(columns)


def _filter(smoothing: Smoothing, *, trend: bool) -> tuple[FloatArray, FloatArray]:
    """Numerator and denominator of the filter that makes errors of values, less what the states before them add.

    An error moves the values after it by B (level / (1 - B) + trend * damping / ((1 - B) (1 - damping B))) + seasonal
    B^season / (1 - B^season); the filter is 1 / (1 + that), brought to one denominator.
    """
    level, slope, damping, season = smoothing.level, smoothing.trend, smoothing.damping, smoothing.season
    damp = damping if trend else 0.0
    near, far = level + slope * damping, -level * damp  # at B and B², over (1 - B) (1 - damp B)
    values = np.zeros(season + 2)
    if season == 1:
        values[:] = 1.0, -1.0 - damp, damp
        return values, values + np.array((0.0, near, far))
    values[0], values[1] = 1.0, -damp
    values[season] -= 1.0
    values[season + 1] += damp
    moved = values.copy()
    moved[1] += near
    moved[2 : season + 1] += near + far
    moved[season + 1] += far
    moved[season] += smoothing.seasonal
    moved[season + 1] -= smoothing.seasonal * damp
    return values, moved
