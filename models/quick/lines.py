"""The straight lines of LinearFit, in parts: once a line is fitted, any number of factors cost next to nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray, Window, column_means, column_sums, last_observed

__all__ = ["LINES_ENTRY", "Lines", "raised_lines"]

LINES_ENTRY = "models.quick.linear_fit:forecast"
"""The catalogue's entry of the model whose forecasts these are."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines through R windows: forecast = newest + (line + factor x scatter)."""

    newest: FloatArray
    line: FloatArray
    scatter: FloatArray
    flat: bool

    @classmethod
    def through(cls, window: Window, horizon: int) -> "Lines":
        """Ordinary least squares. Both axes are centred first, which keeps every sum of whole numbers exact."""
        newest = window.values[-1]
        if window.values.shape[0] == 1:
            return cls(newest, np.zeros((horizon, newest.shape[0])), np.zeros_like(newest), flat=True)
        heights = window.values - newest
        mean_height = column_means(heights)
        mean_position = column_means(window.positions)
        offsets = window.positions - mean_position
        slope = column_sums(offsets * heights) / column_sums(offsets * offsets)
        residuals = heights - mean_height - offsets * slope
        steps_ahead = np.arange(horizon, dtype=np.float64)[:, np.newaxis]
        line = mean_height + slope * (steps_ahead - mean_position)
        return cls(newest, line, np.sqrt(column_means(residuals * residuals)), flat=False)

    def raised(self, factors: FloatArray) -> FloatArray:
        """Forecast with K factors for each of the R rows, [K, R] -> [horizon, K, R]."""
        if self.flat:
            return np.broadcast_to(self.newest, (len(self.line), *factors.shape))
        forecast: FloatArray = self.newest + (self.line[:, np.newaxis] + factors * self.scatter)
        return forecast

    def rows(self, rows: "slice | NDArray[np.bool_] | NDArray[np.intp]") -> "Lines":
        """Those of some rows."""
        return Lines(self.newest[rows], self.line[:, rows], self.scatter[rows], self.flat)


def raised_lines(history: FloatArray, horizon: int, latest_n: Sequence[int], factors: FloatArray) -> FloatArray:
    """Forecast each row [N, L] with its own latest_n and factor: [N, horizon]."""
    result = np.full((len(history), horizon), np.nan)
    points = np.array(latest_n)
    with np.errstate(all="ignore"):
        for n in np.unique(points).tolist():
            places = np.flatnonzero(points == n)
            for window in last_observed(history[places], n):
                rows = places[window.rows]
                lines = Lines.through(window, horizon)
                result[rows] = lines.raised(factors[rows][np.newaxis])[:, 0].T
    return result
