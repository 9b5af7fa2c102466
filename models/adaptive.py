"""AdaptiveMaxN and AdaptiveAverageN: the level of the last observed points, repeated.

The name is the contract's; nothing is searched. J-104 shows that the published sample (237 five times) is the plain
maximum, and that choosing the window by its error would contradict it.
"""

from collections.abc import Mapping

import numpy as np

from models.columns import FloatArray, column_means, last_observed

__all__ = ["forecast_average", "forecast_max"]


def forecast_max(history: FloatArray, horizon: int, config: Mapping[str, int | float | str]) -> FloatArray:
    """Repeat the maximum of the last `latest_n` observed values of each row (J-104): [N, L] gives [N, horizon].

    NaN is padding before a short series or a missing observation; both are skipped, and a row with fewer than
    `latest_n` observed values uses all it has. Each row needs at least one.
    """
    level = np.full(history.shape[0], np.nan)
    for window in last_observed(history, int(config["latest_n"])):
        level[window.rows] = window.values.max(axis=0)
    return np.repeat(level[:, np.newaxis], horizon, axis=1)


def forecast_average(history: FloatArray, horizon: int, config: Mapping[str, int | float | str]) -> FloatArray:
    """Repeat the mean of the last `latest_n` observed values of each row (J-101): [N, L] gives [N, horizon].

    Missing values as in `forecast_max`. Values whose sum overflows give a non-finite forecast, without a warning.
    """
    level = np.full(history.shape[0], np.nan)
    with np.errstate(all="ignore"):
        for window in last_observed(history, int(config["latest_n"])):
            level[window.rows] = column_means(window.values)
    return np.repeat(level[:, np.newaxis], horizon, axis=1)
