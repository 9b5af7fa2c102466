"""AdaptiveMaxN and AdaptiveAverageN: the level of the last observed points, repeated.

The name is the contract's; nothing is searched. J-104 shows that the published sample (237 five times) is the plain
maximum, and that choosing the window by its error would contradict it.
"""

import numpy as np

from models.arrays.columns import column_means, last_observed
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["forecast_average", "forecast_max"]


def forecast_max(batch: SeriesBatch) -> Forecasts:
    """Repeat the maximum of the last `latest_n` observed values of each row (J-104).

    NaN is padding before a short series or a missing observation; both are skipped, and a row with fewer than
    `latest_n` observed values uses all it has. Each row needs at least one.
    """
    level = np.full(batch.history.shape[0], np.nan)
    for window in last_observed(batch.history, int(batch.config["latest_n"])):
        level[window.rows] = window.values.max(axis=0)
    return Forecasts(np.repeat(level[:, np.newaxis], batch.horizon, axis=1))


def forecast_average(batch: SeriesBatch) -> Forecasts:
    """Repeat the mean of the last `latest_n` observed values of each row (J-101).

    Missing values as in `forecast_max`. Values whose sum overflows give a non-finite forecast, without a warning.
    """
    level = np.full(batch.history.shape[0], np.nan)
    with np.errstate(all="ignore"):
        for window in last_observed(batch.history, int(batch.config["latest_n"])):
            level[window.rows] = column_means(window.values)
    return Forecasts(np.repeat(level[:, np.newaxis], batch.horizon, axis=1))
