"""What tests of statistical are made of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from models.catalog import CATALOG
from models.fitted.holt_winters import Found
from models.forecasts import Forecasts, SeriesBatch

Array = NDArray[np.float64]
NAN = np.nan
Z80 = 1.2815515655446004
HEAVY = ["HoltWinters", "ETS", "Theta", "ARIMA", "CES", "MSTL"]


def forecast(
    name: str, history: Array, horizon: int, season: int = 1, covariates: Array | None = None, **config: Any
) -> Forecasts:
    """Forecast rows."""
    spec = CATALOG[name]
    batch = SeriesBatch(np.atleast_2d(history), horizon, spec.resolve(config), season, covariates=covariates)
    return spec.load()(batch)


def library_holt_winters(values: Array, found: Found, *, trend: bool, damped: bool) -> Any:
    """What statsmodels makes of the same weights and the same states before the first value."""
    smoothing, states = found.smoothing, found.states.tolist()
    parts: dict[str, Any] = {"initial_level": states.pop(0)}
    weights = {"smoothing_level": smoothing.level}
    if trend:
        parts |= {"trend": "add", "damped_trend": damped, "initial_trend": states.pop(0)}
        weights["smoothing_trend"] = smoothing.trend / smoothing.level
    if damped:
        weights["damping_trend"] = smoothing.damping
    if smoothing.season > 1:
        cycle = [*states, -sum(states)]
        parts |= {"seasonal": "add", "seasonal_periods": smoothing.season, "initial_seasonal": cycle}
        weights["smoothing_seasonal"] = smoothing.seasonal
    return ExponentialSmoothing(values, initialization_method="known", **parts).fit(**weights, optimized=False)


def noisy_season(seed: int, points: int = 84) -> Array:
    """A level, a weekly pattern and a little noise, scaled so that the largest value is between 0.5 and 1."""
    random = np.random.default_rng(seed)
    week = np.array([10.0, 12.0, 14.0, 13.0, 15.0, 4.0, 2.0])
    return (50 + np.resize(week, points) + random.normal(0, 0.5, points)) / 80


def with_promotions(seed: int) -> tuple[Array, Array]:
    """90 values that rise by 20 on promotion days, and the promotions, which have a gap."""
    random = np.random.default_rng(seed)
    promotion = (random.random(90) < 0.3).astype(np.float64)
    values = 100 + 20 * promotion + random.normal(0, 1, 90)
    promotion[10] = promotion[9]
    values[10] = 100 + 20 * promotion[10]
    return values, promotion
