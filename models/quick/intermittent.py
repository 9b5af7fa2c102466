"""Croston and TSB: intermittent demand, where most values are zero; all series at once.

Croston, "Forecasting and stock control for intermittent demands", Operational Research Quarterly 23 (1972), with the
correction of Syntetos and Boylan, International Journal of Forecasting 21 (2005). TSB: Teunter, Syntetos, Babai,
"Intermittent demand", European Journal of Operational Research 214 (2011).
"""

import numpy as np

from models.arrays.columns import FloatArray
from models.arrays.scaling import scaled_rows, unscaled
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["forecast_croston", "forecast_tsb"]

_CORRECTED = "sba"


def forecast_croston(batch: SeriesBatch) -> Forecasts:
    """Repeat size / interval: the smoothed size of what was asked for, by the smoothed number of steps between.

    Demand is a value that is not zero. Both begin with what the first demand shows, and move at each later one by the
    share `weight` of their error. `variant` "sba" multiplies by 1 - weight / 2, because the quotient is too large on
    average. A missing value is no step. Without any demand the forecast is zero. There are no intervals of its own.
    """
    history, exponents = scaled_rows(batch.history)
    weight = float(batch.config["weight"])
    size, interval = np.zeros(len(history)), np.ones(len(history))
    waited, begun = np.zeros(len(history)), np.zeros(len(history), dtype=np.bool_)
    for values in np.ascontiguousarray(history.T):
        waited += ~np.isnan(values)
        asked = ~np.isnan(values) & (values != 0)
        share = np.where(begun, weight, 1.0)
        size = np.where(asked, size + share * (values - size), size)
        interval = np.where(asked, interval + share * (waited - interval), interval)
        waited[asked] = 0
        begun |= asked
    level = size / interval
    if batch.config["variant"] == _CORRECTED:
        level *= 1 - weight / 2
    return _repeated(batch, unscaled(level[:, np.newaxis], exponents))


def forecast_tsb(batch: SeriesBatch) -> Forecasts:
    """Repeat probability x size: the chance of a demand moves at every step, so a series that ends fades away.

    The size of a demand (a value that is not zero) moves at each one by the share `weight` of its error, the
    probability at each observed step by the share `probability_weight`. They begin with the first demand, and with
    whether the first value was one. Without any demand the forecast is zero. There are no intervals of its own.
    """
    history, exponents = scaled_rows(batch.history)
    weight, chance_weight = float(batch.config["weight"]), float(batch.config["probability_weight"])
    size, chance = np.zeros(len(history)), np.zeros(len(history))
    begun, seen = np.zeros(len(history), dtype=np.bool_), np.zeros(len(history), dtype=np.bool_)
    for values in np.ascontiguousarray(history.T):
        observed = ~np.isnan(values)
        asked = observed & (values != 0)
        chance = np.where(observed, chance + np.where(seen, chance_weight, 1.0) * (asked - chance), chance)
        size = np.where(asked, size + np.where(begun, weight, 1.0) * (values - size), size)
        seen |= observed
        begun |= asked
    return _repeated(batch, unscaled((chance * size)[:, np.newaxis], exponents))


def _repeated(batch: SeriesBatch, level: FloatArray) -> Forecasts:
    return Forecasts(np.repeat(level, batch.horizon, axis=1))
