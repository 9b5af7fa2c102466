"""ETS and HoltWinters: level, trend and season, each smoothed exponentially.

ETS is fitted by statsforecast, HoltWinters here (`models.fitted.holt_winters`). Measured with one thread on M1 yearly
(181 series) and, for ETS, 132 windows of daily flights (season 7):

| model | library | MASE, sMAPE, ms a series: M1 | flights |
|---|---|---|---|
| ETS, additive | statsforecast | 3.862, 18.94 %, 0.8 | 3.610, 9.20 %, 36 |
| ETS, all | statsforecast | 3.950, 19.17 %, 1.6 | 3.605, 9.20 %, 102 |
| ETS, all | statsmodels ETSModel, least AICc | 3.751, 18.15 %, 32 | 3.832, 10.03 %, 363 |

For ETS statsmodels is better on one set and worse on the other, and 10 to 40 times as slow.

Damped HoltWinters by MASE, on M1 and on 14 days of flights up to five days of 2013, with milliseconds of processor:

| fitted by | M1 | 230 | 260 | 290 | 320 | 365 | ms: M1, flights |
|---|---|---|---|---|---|---|---|
| us | 3.412 | 0.694 | 4.746 | 1.649 | 2.554 | 5.908 | 2.5, 7 |
| statsmodels | 3.438 | 0.670 | 4.854 | 1.702 | 2.568 | 5.970 | 9.9, 60 to 75 |
| statsforecast | 3.850, 4 refused | 0.663 | 4.872 | 1.635 | 2.283 | 5.909 | 0.6, 17 to 27 |

statsforecast's other criteria and statsmodels' other starts were no better on both sets.

The intervals are our own, because statsforecast 2.1.1 takes the number of seasons up to the last step for every step.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from statsforecast.ets import ets_f, forecast_ets

from models.fitted.decomposition import LONGEST_FITTED_SEASON, deseasonalised
from models.fitted.holt_winters import fitted_holt_winters
from models.fitted.single_series import Fit, Series, forecast_one_by_one
from models.fitted.smoothing_errors import Smoothing, additive_deviation, multiplicative_deviation, seasonal_deviation
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["forecast_ets_model", "forecast_holt_winters"]

_SHORTEST = 8  # values; below, the library refuses or estimates as many parameters as there are values
_LONGEST = 2_000  # values

_MODELS = {"additive": "AZZ", "all": "ZZZ"}  # error, trend, season; Z is for the library to choose
_TRENDS = {"none": (False, False), "linear": (True, False), "damped": (True, True)}  # has one, is damped


def forecast_ets_model(batch: SeriesBatch) -> Forecasts:
    """Forecast every row with the exponential smoothing model, of all that are allowed, that has the least AICc.

    `components` "additive" allows additive errors, no or an additive trend, damped or not, and no or an additive
    season; "all" also multiplicative errors and seasons, for positive series. Gaps, short and constant series: see
    `models.fitted.single_series`. A season of more than 24 steps is removed first, see `models.fitted.decomposition`.

    Intervals: normal, with the variances of Hyndman et al., "Forecasting with Exponential Smoothing" (2008), tables 6.1
    (additive errors) and 6.2 (multiplicative errors), and their approximation for multiplicative seasons.
    """
    fit = partial(_fit, partial(_fit_ets, _MODELS[str(batch.config["components"])]))
    return forecast_one_by_one(
        batch, fit, "ETS", shortest=_SHORTEST, longest=_LONGEST, longest_season=LONGEST_FITTED_SEASON
    )


def forecast_holt_winters(batch: SeriesBatch) -> Forecasts:
    """Forecast every row with the Holt-Winters method: an additive season, and the `trend` that is asked for.

    Gaps, short and constant series, and long seasons: as for ETS.

    Intervals: those of the additive ETS model with the same parameters, Hyndman et al. (2008), table 6.1.
    """
    fit = partial(_fit, partial(_fit_holt_winters, str(batch.config["trend"])))
    return forecast_one_by_one(
        batch, fit, "HoltWinters", shortest=_SHORTEST, longest=_LONGEST, longest_season=LONGEST_FITTED_SEASON
    )


def _fit(model: Callable[[Series], Fit], series: Series) -> Fit:
    if series.season <= LONGEST_FITTED_SEASON:
        return model(series)
    adjusted = deseasonalised(series.values, series.season)
    return adjusted.restore(model(Series(adjusted.values[-_LONGEST:], series.steps, 1)))


def _fit_ets(components: str, series: Series) -> Fit:
    found = ets_f(series.values, series.season, model=components)
    mean = forecast_ets(found, series.steps)["mean"]
    error, trend, season, damped = found["components"]
    alpha, beta, gamma, phi = found["par"][:4]
    smoothing = Smoothing(
        level=alpha,
        trend=beta if trend == "A" else 0.0,
        seasonal=gamma if season != "N" else 0.0,
        damping=phi if damped == "D" else 1.0,
        season=found["m"],
    )
    variance = found["sigma2"]
    if error == "A":
        return Fit(mean, additive_deviation(smoothing, variance, series.steps))
    if season == "M":
        level, slope = found["states"][-1][:2]
        line = level + slope * smoothing.slopes(series.steps) if trend == "A" else np.full_like(mean, level)
        return Fit(mean, seasonal_deviation(smoothing, variance, mean, line))
    return Fit(mean, multiplicative_deviation(smoothing, variance, mean))


def _fit_holt_winters(trend: str, series: Series) -> Fit:
    has_trend, damped = _TRENDS[trend]
    found = fitted_holt_winters(series.values, series.steps, series.season, trend=has_trend, damped=damped)
    estimated = 2 + 2 * has_trend + damped + (series.season if series.season > 1 else 0)
    freedom = len(series.values) - estimated
    variance = float(found.errors @ found.errors) / freedom if freedom > 0 else np.nan
    return Fit(found.mean, additive_deviation(found.smoothing, variance, series.steps))
