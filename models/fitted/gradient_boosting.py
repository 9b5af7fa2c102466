"""LightGBM: regression trees over the latest values and the features, one model per series."""

from functools import partial

import lightgbm
import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray
from models.fitted.single_series import Fit, Series, forecast_one_by_one
from models.forecasts import Forecasts, SeriesBatch

__all__ = ["forecast"]

_SHORTEST = 12  # values; below, a tree has hardly a row to be split on
_LONGEST = 5_000  # values
_LAGS = 7  # without a season
_MOST_LAGS = 96  # of a season, a day of quarters of an hour; of a longer one the value of one season ago is looked at
_ROWS_PER_LAG = 3  # fewer rows than three for each lag would be learnt by heart
_FEWEST_IN_LEAF = 3  # rows; the library's 20 would leave most short series without a single split


def forecast(batch: SeriesBatch) -> Forecasts:
    """Forecast every row step by step with trees that were fitted to that row alone.

    A value is explained by the `lags` values before it (0: one season of them, 96 at most, else 7), their mean, its
    place in the season, the value of one season ago where that lies further back, and the covariates of its step.
    Values count as differences from the mean of their lags, so that a level that trees have never seen is no obstacle.
    Gaps, short and constant series: see `models.fitted.single_series`. Without randomness and with one thread, so the
    same series gives the same forecast. No intervals: residuals of trees on their own training data are far too small.
    """
    config = batch.config
    fit = partial(
        _fit,
        lags=int(config["lags"]),
        rounds=int(config["trees"]),
        parameters={
            "objective": "regression",
            "num_leaves": int(config["leaves"]),
            "learning_rate": float(config["learning_rate"]),
            "min_data_in_leaf": _FEWEST_IN_LEAF,
            "min_data_in_bin": 1,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        },
    )
    return forecast_one_by_one(batch, fit, "LightGBM", shortest=_SHORTEST, longest=_LONGEST)


def _fit(series: Series, *, lags: int, rounds: int, parameters: dict[str, object]) -> Fit:
    values = series.values
    wanted = lags or (min(series.season, _MOST_LAGS) if series.season > 1 else _LAGS)
    width = max(1, min(wanted, len(values) // _ROWS_PER_LAG))
    ago = series.season if not lags and series.season > _MOST_LAGS else 0
    begin = max(width, ago)  # the season is seen twice
    windows = np.lib.stride_tricks.sliding_window_view(values, width)[begin - width : -1]
    means = windows.mean(axis=1)
    rows = _rows(series, values, ago, windows, np.arange(begin, len(values)))
    booster = lightgbm.train(
        parameters,
        lightgbm.Dataset(rows, values[begin:] - means, free_raw_data=False),
        num_boost_round=rounds,
    )
    known = np.concatenate([values, np.empty(series.steps)])
    for step in range(len(values), len(known)):
        window = known[step - width : step]
        known[step] = (
            window.mean() + booster.predict(_rows(series, known, ago, window[np.newaxis], np.array([step])))[0]
        )
    return Fit(known[len(values) :], np.full(series.steps, np.nan))


def _rows(series: Series, known: FloatArray, ago: int, windows: FloatArray, steps: NDArray[np.int64]) -> FloatArray:
    """What the trees see of each step: [len(steps), features]; also of the `known` values the one `ago`, unless 0."""
    means = windows.mean(axis=1, keepdims=True)
    columns = [windows - means, means, (steps % series.season)[:, np.newaxis]]
    if ago:
        columns.append(known[steps - ago, np.newaxis] - means)
    if series.covariates is not None:
        columns.append(series.covariates[steps])
    return np.concatenate(columns, axis=1, dtype=np.float64)
