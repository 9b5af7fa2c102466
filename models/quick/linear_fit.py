"""LinearFit: a straight line through the last observed points, raised by a share of their scatter."""

import numpy as np

from models.arrays.columns import last_observed
from models.forecasts import Forecasts, SeriesBatch
from models.quick.lines import Lines

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
    result = np.full((batch.history.shape[0], batch.horizon), np.nan)
    with np.errstate(all="ignore"):
        for window in last_observed(batch.history, latest_n):
            lines = Lines.through(window, batch.horizon)
            factors = np.full((1, len(lines.newest)), add_std_factor)
            result[window.rows] = lines.raised(factors)[:, 0].T
    return Forecasts(result)
