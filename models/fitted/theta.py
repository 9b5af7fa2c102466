"""Theta: a line and an exponentially smoothed level, combined with a fitted weight.

Fitted by statsforecast. Measured with one thread on M1 yearly (181 series) and 132 windows of daily flights (season 7):

| library | MASE, sMAPE, ms a series: M1 | flights |
|---|---|---|
| statsforecast, OTM, as here | 3.690, 17.93 %, 0.2 | 4.353, 9.21 %, 2.4 |
| statsforecast, standard theta | 4.214, 20.16 %, 0.1 | 4.351, 9.19 %, 1.6 |
| statsmodels ThetaModel (standard) | 4.185, 19.82 %, 17 | 4.220, 9.38 %, 35 |

statsforecast's own intervals are not used: they are simulated with one fixed seed for all series, and in 2.1.1 its
additive decomposition counts the season among the errors.
"""

import numpy as np
from statsforecast.theta import forecast_theta, thetamodel

from models.fitted.decomposition import deseasonalised
from models.fitted.single_series import Fit, Series, forecast_one_by_one
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["forecast"]

_SHORTEST = 6  # three parameters, and three errors to judge them by
_LONGEST = 5_000  # values
_PARAMETERS = 3  # estimated from the data: first level, smoothing weight, theta
_FREE = float("nan")  # how the library is told to estimate a parameter
_ERRORS_AVERAGED = 3  # horizon of a criterion that this model does not use; the library's default


def forecast(batch: SeriesBatch) -> Forecasts:
    """Forecast every row with the optimised theta model (OTM), after removing a season if there is one.

    Gaps, short and constant series: see `models.fitted.single_series`. The season: see `models.fitted.decomposition`.

    Intervals: s² = (sum of squared one-step errors, the first three left out) / (their number), and the variance k
    steps ahead is s² (1 + (k - 1) weight²), as of simple exponential smoothing, which this model is but for a line
    that counts as known; a multiplicative season scales it. Errors are taken as normal.
    """
    return forecast_one_by_one(batch, _fit, "Theta", shortest=_SHORTEST, longest=_LONGEST, longest_season=1)


def _fit(series: Series) -> Fit:
    adjusted = deseasonalised(series.values, series.season)
    model = thetamodel(adjusted.values[-_LONGEST:], 1, "OTM", _FREE, _FREE, _FREE, _ERRORS_AVERAGED)
    mean = forecast_theta(model, series.steps)["mean"]
    errors = model["residuals"][_PARAMETERS:]
    steps_before = np.arange(series.steps)
    growth = np.sqrt(1 + steps_before * model["par"]["alpha"] ** 2)
    return adjusted.restore(Fit(mean, np.sqrt((errors**2).mean()) * growth))
