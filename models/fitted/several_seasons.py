"""MSTL: several seasons at once, such as those of the day and of the week in hourly values.

Bandara, Hyndman, Bergmeir, "MSTL: a seasonal-trend decomposition algorithm for time series with multiple seasonal
patterns" (2021). The seasons are taken off one after the other by statsmodels' STL, the rest is forecast by
statsforecast's ETS.
"""

from functools import partial
from math import ceil

import numpy as np
from statsforecast.ets import ets_f, forecast_ets
from statsmodels.tsa.seasonal import STL

from models.arrays.columns import FloatArray
from models.arrays.season import chosen_season_length
from models.calendars.calendar import calendar_of
from models.fitted.single_series import Fit, Series, forecast_one_by_one
from models.fitted.smoothing_errors import Smoothing, additive_deviation
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["forecast"]

_SHORTEST = 8  # values; below, ETS would estimate as many parameters as there are values
_LONGEST = 5_000  # values
_SEASONS_SEEN = 2  # of each; a longer one is left out
_ROUNDS = 2  # of taking the seasons off in turn, where they are several
_FIRST_WINDOW, _WIDER = 11, 4  # seasons over which the pattern may change: 11, 15, 19 …, as R's mstl has it
_TREND = "AZN"  # additive errors, any trend, no season


def forecast(batch: SeriesBatch) -> Forecasts:
    """Forecast every row without its seasons by ETS, and add the last cycle of each season.

    The seasons are `season_length` and `long_season`; where those are 0, the ones that the calendar of the steps
    suggests: 24 and 168 for hours. Those that are not seen twice are left out. Gaps, short and constant series: see
    `models.fitted.single_series`.

    Intervals: those of the ETS model of the rest, as if the seasons were known exactly; normal errors.
    """
    fit = partial(_fit, _longer_seasons(batch))
    return forecast_one_by_one(batch, fit, "MSTL", shortest=_SHORTEST, longest=_LONGEST)


def _longer_seasons(batch: SeriesBatch) -> tuple[int, ...]:
    asked = int(batch.config["long_season"])
    usual = calendar_of(batch.freq).season_lengths if batch.freq else ()
    first = chosen_season_length(batch.config, batch.season_length)
    return tuple(season for season in ((asked,) if asked else usual) if season > max(1, first))


def _fit(longer: tuple[int, ...], series: Series) -> Fit:
    values = series.values
    seasons = [season for season in (series.season, *longer) if 1 < season * _SEASONS_SEEN <= len(values)]
    patterns = _patterns(values, [season for season in seasons if season > 1])
    rest = values - sum((pattern for _, pattern in patterns), np.zeros_like(values))
    found = ets_f(rest, 1, model=_TREND)
    alpha, beta, _, phi = found["par"][:4]
    _, trend, _, damped = found["components"]
    smoothing = Smoothing(alpha, beta if trend == "A" else 0.0, damping=phi if damped == "D" else 1.0)
    mean = np.asarray(forecast_ets(found, series.steps)["mean"], dtype=np.float64)
    for season, pattern in patterns:
        mean = mean + np.resize(pattern[-season:], series.steps)
    return Fit(mean, additive_deviation(smoothing, found["sigma2"], series.steps))


def _patterns(values: FloatArray, seasons: list[int]) -> list[tuple[int, FloatArray]]:
    """Each season's part of every value."""
    found = [np.zeros_like(values) for _ in seasons]
    for _ in range(_ROUNDS if len(seasons) > 1 else 1):
        for place, season in enumerate(seasons):
            others = sum((part for at, part in enumerate(found) if at != place), np.zeros_like(values))
            window = _FIRST_WINDOW + _WIDER * place
            found[place] = _season_of(values - others, season, window)
    return list(zip(seasons, found, strict=True))


def _season_of(values: FloatArray, season: int, window: int) -> FloatArray:
    """By STL, smoothed at every tenth place of its windows and drawn through, as R's stl does: ten times as quick."""
    trend = 1.5 * season / (1 - 1.5 / window)  # STL's own window for it
    jumps = {"seasonal_jump": window, "trend_jump": trend, "low_pass_jump": season + 1}
    every = {name: max(1, ceil(width / 10)) for name, width in jumps.items()}
    return np.asarray(STL(values, period=season, seasonal=window, seasonal_deg=0, **every).fit().seasonal)
