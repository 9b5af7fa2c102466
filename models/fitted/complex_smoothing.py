"""CES, complex exponential smoothing: level and an unseen potential smoothed together, with or without a season.

Svetunkov, Kourentzes, Ord, "Complex exponential smoothing", Naval Research Logistics 69 (2022). Fitted by
statsforecast. Its intervals are not used: they are simulated with one fixed seed for all series, 5,000 paths of which
take 20 times as long as the fit.
"""

from typing import Any

import numpy as np
from statsforecast.ces import auto_ces, forecast_ces

from models.arrays.columns import FloatArray
from models.fitted.decomposition import LONGEST_FITTED_SEASON, deseasonalised
from models.fitted.single_series import Fit, Series, forecast_one_by_one
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["forecast", "reactions"]

_SHORTEST = 8  # values; below, its parameters and first states would use them up
_LONGEST = 2_000  # values


def forecast(batch: SeriesBatch) -> Forecasts:
    """Forecast every row with the CES model of least AICc: no season, a simple, a partial or a full one.

    Gaps, short and constant series: see `models.fitted.single_series`. A season of more than 24 steps is removed first,
    see `models.fitted.decomposition`.

    Intervals: normal; the model is linear, so an error moves later values by fixed shares, and the variance k steps
    ahead is s² (1 + r(1)² + … + r(k-1)²), where r(j) is the share j steps later.
    """
    return forecast_one_by_one(
        batch, _fit, "CES", shortest=_SHORTEST, longest=_LONGEST, longest_season=LONGEST_FITTED_SEASON
    )


def _fit(series: Series) -> Fit:
    if series.season <= LONGEST_FITTED_SEASON:
        return _fitted(series)
    adjusted = deseasonalised(series.values, series.season)
    return adjusted.restore(_fitted(Series(adjusted.values[-_LONGEST:], series.steps, 1)))


def _fitted(series: Series) -> Fit:
    found = auto_ces(series.values, series.season)
    mean = np.asarray(forecast_ces(found, series.steps)["mean"], dtype=np.float64)
    shares = reactions(found["par"], found["seasontype"], found["m"], series.steps)
    growth = np.cumsum(np.concatenate([[1.0], shares * shares]))
    return Fit(mean, np.sqrt(found["sigma2"] * growth))


def reactions(parameters: dict[str, Any], kind: str, season: int, steps: int) -> FloatArray:
    """How much an error moves the values 1, 2, …, steps - 1 steps later.

    `kind` is the season: N none, S simple, P partial (additive), F full (a second pair of level and potential).
    """
    shares = np.zeros(max(0, steps - 1))
    pair = _pair(parameters["alpha_0"], parameters["alpha_1"], len(shares))
    if kind == "S":
        cycles = len(shares[season - 1 :: season])
        shares[season - 1 :: season] = pair[:cycles]
        return shares
    shares += pair
    if kind == "P":
        shares[season - 1 :: season] += parameters["beta_0"]
    if kind == "F":
        cycles = len(shares[season - 1 :: season])
        shares[season - 1 :: season] += _pair(parameters["beta_0"], parameters["beta_1"], cycles)
    return shares


def _pair(real: float, imaginary: float, steps: int) -> FloatArray:
    """How level and potential react to an error e at first, and then move on by themselves.

    The new level is level - (1 - b) potential + (a - b) e, the new potential is level + (1 - a) potential + (a + b) e.
    """
    shares = np.empty(steps)
    level, potential = real - imaginary, real + imaginary
    for step in range(steps):
        shares[step] = level
        level, potential = level - (1 - imaginary) * potential, level + (1 - real) * potential
    return shares
