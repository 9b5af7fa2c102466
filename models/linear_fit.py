"""LinearFit: a straight line through the last observed points, raised by a share of their scatter."""

import numpy as np

from models.columns import FloatArray, Window, column_means, column_sums, last_observed
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["forecast"]


def forecast(batch: SeriesBatch) -> Forecasts:
    """Extrapolate each row of the history by `horizon` steps.

    Ordinary least squares through the last `latest_n` observed values at their true places on the time axis, continued
    from the end of the array, plus `add_std_factor` times the population standard deviation (divisor n) of the
    residuals. Without gaps this is the contract's rule J-102 with x = 0 … n-1. One point gives a flat line.

    NaN is padding before a short series or a missing observation. A missing cell keeps its place in time and "the last
    n points" are the last n observed ones. Each row needs at least one observed value. Values so large that
    their squares overflow give a non-finite forecast, without a warning.
    """
    latest_n = int(batch.config["latest_n"])
    add_std_factor = float(batch.config["add_std_factor"])
    steps_ahead = np.arange(batch.horizon, dtype=np.float64)[:, np.newaxis]
    result = np.full((batch.history.shape[0], batch.horizon), np.nan)
    with np.errstate(all="ignore"):
        for window in last_observed(batch.history, latest_n):
            result[window.rows] = _extrapolate(window, steps_ahead, add_std_factor).T
    return Forecasts(result)


def _extrapolate(window: Window, steps_ahead: FloatArray, add_std_factor: float) -> FloatArray:
    """Return [horizon, R]. Both axes are centred first, which keeps every sum of whole numbers exact."""
    newest = window.values[-1]
    heights = window.values - newest
    mean_height = column_means(heights)
    if window.values.shape[0] == 1:
        return np.broadcast_to(newest, (steps_ahead.shape[0], newest.shape[0]))
    mean_position = column_means(window.positions)
    offsets = window.positions - mean_position
    slope = column_sums(offsets * heights) / column_sums(offsets * offsets)
    residuals = heights - mean_height - offsets * slope
    scatter = np.sqrt(column_means(residuals * residuals))
    line = mean_height + slope * (steps_ahead - mean_position)
    raised: FloatArray = newest + (line + add_std_factor * scatter)
    return raised
