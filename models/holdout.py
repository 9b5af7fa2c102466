"""Fit on all but the newest rows, score those, and forecast: what one submission yields, for many series at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.catalog import ConfigValue, ForecastFunction
from models.columns import FloatArray
from models.metrics import evaluate

__all__ = ["SHORTEST_HOLD_OUT", "HoldOutForecast", "forecast_with_hold_out", "hold_out_length", "whole_numbers"]

SHORTEST_HOLD_OUT = 5  # J-119

_FEWEST_FITTED = 2  # observed values; with fewer there is no hold-out (J-119: h + 1 points or less in all)

_ALWAYS_WHOLE = 2.0**52  # from here on every double is whole, and scaling it by 10⁹ could overflow


@dataclass(frozen=True, slots=True, eq=False)
class HoldOutForecast:
    """The results for N series.

    `predictions` is [N, prediction_length]. `scored` [N] tells which series had a hold-out; `backtest` [N, h] is its
    forecast and `scores` its metrics [N], both NaN in the other rows. A NaN score in a scored row is undefined (null).
    """

    predictions: FloatArray
    backtest: FloatArray
    scored: NDArray[np.bool_]
    scores: dict[str, FloatArray]


def hold_out_length(prediction_length: int) -> int:
    """How many rows at the end of a history are kept back for scoring (J-119)."""
    return max(SHORTEST_HOLD_OUT, prediction_length)


def forecast_with_hold_out(
    history: FloatArray,
    model: ForecastFunction,
    *,
    config: Mapping[str, ConfigValue],
    prediction_length: int,
    refit: bool,
    metrics: tuple[str, ...],
) -> HoldOutForecast:
    """Forecast each row of `history` [N, L] (right-aligned, NaN = padding or missing, at least one value in each row).

    1. The last h rows in time, missing ones included, are held out. A series with fewer than two observed values before
       them has no hold-out: it is fitted on all it has and not scored (J-119).
    2. The model, fitted on the rest, forecasts the hold-out; rounded (J-108), this is what `metrics` score.
    3. Without `refit` these same numbers are the predictions (J-118, J-120); with it the model is fitted again on the
       whole history (J-121).
    """
    series, steps = history.shape
    held_out = hold_out_length(prediction_length)
    fitted = history[:, : max(0, steps - held_out)]
    scored = np.count_nonzero(~np.isnan(fitted), axis=1) >= _FEWEST_FITTED
    with_hold_out, without = _rows(scored), _rows(~scored)
    whole = _whole_rows(history)

    backtest = np.full((series, held_out), np.nan)
    predictions = np.full((series, prediction_length), np.nan)
    scores = {name: np.full(series, np.nan) for name in metrics}
    if scored.any():
        forecast = _run(model, fitted[with_hold_out], held_out, config)
        backtest[with_hold_out] = _publishable(forecast, whole[with_hold_out])
        predictions[with_hold_out] = backtest[with_hold_out, :prediction_length]
        actual = history[with_hold_out, steps - held_out :]
        for name, values in evaluate(actual, backtest[with_hold_out], metrics).items():
            scores[name][with_hold_out] = values
    if refit:
        predictions = _publishable(_run(model, history, prediction_length, config), whole)
    elif not scored.all():
        predictions[without] = _publishable(_run(model, history[without], prediction_length, config), whole[without])
    return HoldOutForecast(predictions=predictions, backtest=backtest, scored=scored, scores=scores)


def whole_numbers(values: FloatArray) -> FloatArray:
    """Round to whole numbers, halves to even, and lift negative ones to 0 (J-108).

    Nine decimals first (decision 3), so that 2.4999999999999996 counts as the 2.5 it was meant to be.
    """
    with np.errstate(all="ignore"):
        nine_decimals = np.where(np.abs(values) < _ALWAYS_WHOLE, np.round(values, 9), values)
        return np.maximum(np.round(nine_decimals), 0.0) + 0.0  # + 0.0 turns -0.0 into 0.0


def _rows(chosen: NDArray[np.bool_]) -> slice | NDArray[np.bool_]:
    """All rows as a slice, which copies nothing, or a mask."""
    return slice(None) if chosen.all() else chosen


def _run(model: ForecastFunction, history: FloatArray, horizon: int, config: Mapping[str, ConfigValue]) -> FloatArray:
    forecast = model(history, horizon, config)
    if forecast.shape != (history.shape[0], horizon):
        raise ValueError(f"the model returned {forecast.shape} instead of {(history.shape[0], horizon)}")
    return forecast


def _publishable(forecast: FloatArray, whole: NDArray[np.bool_]) -> FloatArray:
    """Round the rows whose history consists of whole, non-negative numbers; leave the others as computed (J-108)."""
    if not whole.any():
        return forecast
    return np.where(whole[:, np.newaxis], whole_numbers(forecast), forecast)


def _whole_rows(history: FloatArray) -> NDArray[np.bool_]:
    """Tell which rows hold only whole, non-negative observed values."""
    with np.errstate(invalid="ignore"):
        whole_or_missing = (np.floor(history) == history) | np.isnan(history)
        rows: NDArray[np.bool_] = whole_or_missing.all(axis=1) & (np.fmin.reduce(history, axis=1) >= 0)
        return rows
