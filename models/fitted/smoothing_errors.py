"""How far exponential smoothing may be wrong: standard deviations of its forecast errors, in closed form.

From Hyndman, Koehler, Ord, Snyder, "Forecasting with Exponential Smoothing" (2008), chapter 6. s² is the variance of
the one-step errors, relative ones for models with multiplicative errors.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays.columns import FloatArray

__all__ = ["Smoothing", "additive_deviation", "multiplicative_deviation", "seasonal_deviation"]


@dataclass(frozen=True, slots=True)
class Smoothing:
    """The weights of a model in its error-correction form; 0 for a part, and 1 for `damping`, that it lacks."""

    level: float
    trend: float = 0.0
    seasonal: float = 0.0
    damping: float = 1.0
    season: int = 1

    def slopes(self, steps: int) -> FloatArray:
        """What a slope of 1 adds up to after 1, 2, … steps: damping, damping + damping², and so on."""
        return np.cumsum(self.damping ** np.arange(1.0, steps + 1))

    def reactions(self, steps: int) -> FloatArray:
        """How much an error moves the forecast 1, 2, …, steps - 1 steps after it."""
        returns = np.arange(1, steps) % self.season == 0
        reactions: FloatArray = self.level + self.trend * self.slopes(steps - 1) + self.seasonal * returns
        return reactions


def additive_deviation(smoothing: Smoothing, variance: float, steps: int) -> FloatArray:
    """Additive errors, table 6.1: s² (1 + c1² + … + c(k-1)²) for step k."""
    reactions = smoothing.reactions(steps)
    return np.sqrt(variance * np.cumsum(np.concatenate([[1.0], reactions * reactions])))


def multiplicative_deviation(smoothing: Smoothing, variance: float, mean: FloatArray) -> FloatArray:
    """Multiplicative errors with no or an additive season, table 6.2, around the forecast `mean`."""
    return np.sqrt((1 + variance) * _squares(smoothing, variance, mean) - mean * mean)


def seasonal_deviation(smoothing: Smoothing, variance: float, mean: FloatArray, trend: FloatArray) -> FloatArray:
    """Multiplicative errors and season, the approximation of section 6.4; `trend` leaves the season out."""
    unseasonal = Smoothing(smoothing.level, smoothing.trend, 0.0, smoothing.damping)
    cycles = np.arange(len(mean)) // smoothing.season
    squares = _squares(unseasonal, variance, trend) * (1 + variance) * (1 + smoothing.seasonal**2 * variance) ** cycles
    return np.abs(mean / trend) * np.sqrt(squares - trend * trend)


def _squares(smoothing: Smoothing, variance: float, mean: FloatArray) -> FloatArray:
    """The expected square of the one-step forecast made k - 1 steps from now: theta(k) of the book."""
    weights = variance * smoothing.reactions(len(mean)) ** 2
    squares = mean * mean
    for step in range(1, len(mean)):
        squares[step] += (weights[:step] * squares[step - 1 :: -1]).sum()
    return squares
