"""What models share that fit one series at a time: filled gaps, a sane scale, silence, and a fallback."""

import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
from threadpoolctl import ThreadpoolController

from models.arrays.columns import FloatArray
from models.arrays.intervals import STANDARD_NORMAL, normal_quantiles
from models.arrays.scaling import scaled_rows, unscaled
from models.arrays.season import NO_SEASON_NOTE, chosen_season_length, has_unknown_season
from models.forecasts import Forecasts, SeriesBatch
from models.quick.naive import forecast_seasonal

__all__ = [
    "FALLBACK",
    "SEASONS_TO_REMOVE",
    "Fit",
    "FitFunction",
    "Series",
    "forecast_one_by_one",
    "one_thread",
    "usable_covariates",
]

FALLBACK = "SeasonalNaive"
"""Answers, with a season of one step, where a model cannot."""

SEASONS_TO_REMOVE = 3
"""How many must be seen to remove one: it is lost at the ends of a moving average, and two must be left to compare."""

_SEASONS_TO_FIT = 2
_NUMBERS = {_SEASONS_TO_FIT: "two", SEASONS_TO_REMOVE: "three"}
_SEASONS_LOOKED_AT = 4  # of one to be removed, where they are more values than a model fits ...
_MOST_VALUES = 40_000  # ... but not more than these
_VALUES_PER_COVARIATE = 5  # fewer would let the covariates explain the noise
_SHARE_LEFT = 1e-6  # of a covariate, after removing what the earlier ones explain; less is rounding


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series, ready to be fitted.

    `values` has no gaps, is not constant, and its largest value is between 0.5 and 1 in size. `steps` are to be
    forecast. `season` is 1, or is seen at least twice, three times if the model removes it. `covariates`
    [len(values) + steps, F] are finite, standardised, and not combinations of one another and of a straight line; None
    where none are left.
    """

    values: FloatArray
    steps: int
    season: int
    covariates: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A forecast of `steps` values and the standard deviation of its error, NaN where that cannot be estimated."""

    mean: FloatArray
    deviation: FloatArray


class FitFunction(Protocol):
    """A model for one series."""

    def __call__(self, series: Series) -> Fit:
        """Fit and forecast; may raise anything if the series does not suit."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """The forecast of one row; `mean` is None if the model has none."""

    mean: FloatArray | None
    quantiles: Mapping[str, FloatArray]
    notes: tuple[str, ...]


def forecast_one_by_one(
    batch: SeriesBatch, fit: FitFunction, name: str, *, shortest: int, longest: int, longest_season: int | None = None
) -> Forecasts:
    """Fit every row by itself with the model called `name`.

    1. Missing values between observed ones are interpolated linearly. Those after the last observed value are forecast
       too, and the steps after them returned. Missing covariates are interpolated, and repeat the nearest at the ends.
    2. Only the last `longest` values are fitted. A season that they do not show twice is left out. One of more than
       `longest_season` steps is not fitted but removed (`models.fitted.decomposition`): it has to be seen three times,
       and the values may be four seasons.
    3. Covariates that do not vary, or are combinations of earlier ones and a straight line, are left out, and all
       beyond one for five values.
    4. If the fit fails or is not finite, it is tried once more without covariates.
    5. If that fails too, and for a series of fewer than `shortest` observed values, and for one that does not vary,
       SeasonalNaive repeats the last value.

    The notes name all of this but the filling of gaps; they count what is fitted, which ends before the hold-out where
    values are held back.
    """
    model = _Model(fit, name, shortest, longest, longest_season)
    mean = np.empty((len(batch.history), batch.horizon))
    quantiles = {level: np.empty_like(mean) for level in STANDARD_NORMAL}
    answered_by, notes = [], []
    with one_thread(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for place in range(len(mean)):
            row = _forecast(batch, place, model)
            answered_by.append(FALLBACK if row.mean is None else name)
            notes.append("; ".join(row.notes))
            mean[place], levels = (row.mean, row.quantiles) if row.mean is not None else _last_value(batch, place)
            for level, values in levels.items():
                quantiles[level][place] = values
    return Forecasts(mean, quantiles, answered_by=answered_by, notes=notes)


def one_thread() -> AbstractContextManager[object]:
    """Let numpy and scipy use one thread: with two, a fit took 20 times as long on a busy machine."""
    limit: AbstractContextManager[object] = _blas().limit(limits=1)
    return limit


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def _last_value(batch: SeriesBatch, place: int) -> tuple[FloatArray, Mapping[str, FloatArray]]:
    alone = replace(batch, history=batch.history[place : place + 1], config={"season_length": 1})
    forecasts = forecast_seasonal(alone)
    return forecasts.mean[0], {level: values[0] for level, values in forecasts.quantiles.items()}


@dataclass(frozen=True, slots=True)
class _Model:
    """A model, and what `forecast_one_by_one` says of it."""

    fit: FitFunction
    name: str
    shortest: int
    longest: int
    longest_season: int | None

    def seasons_needed(self, season: int) -> int:
        removed = self.longest_season is not None and season > self.longest_season
        return SEASONS_TO_REMOVE if removed else _SEASONS_TO_FIT

    def most_values(self, season: int) -> int:
        if self.seasons_needed(season) == _SEASONS_TO_FIT:
            return self.longest
        return max(self.longest, min(_SEASONS_LOOKED_AT * season, _MOST_VALUES))


def _forecast(batch: SeriesBatch, place: int, model: _Model) -> _Row:
    history = batch.history[place]
    observed = np.flatnonzero(~np.isnan(history))
    fitted_part = " before the hold-out" if batch.held_back else ""
    if len(observed) < model.shortest:
        few = f"{model.name} needs {model.shortest} observed values and this series has {len(observed)}{fitted_part}"
        return _Row(None, {}, (f"{few}: {_REPEATED}",))
    season = chosen_season_length(batch.config, batch.season_length)
    end = int(observed[-1]) + 1
    first = max(int(observed[0]), end - model.most_values(season))
    values = np.interp(np.arange(first, end), observed, history[observed])
    if values.min() == values.max():
        return _Row(None, {}, (f"the series does not vary{fitted_part}: {_REPEATED}",))

    scaled, exponents = scaled_rows(values[np.newaxis])
    steps = len(history) - end + batch.horizon
    notes = []
    if first > observed[0]:
        notes.append(f"fitted to the last {len(values)} values")
    needed = model.seasons_needed(season)
    if season > 1 and len(values) < needed * season:
        many = f"{_NUMBERS[needed]} seasons of {season} steps"
        notes.append(f"too short{fitted_part} for {many}, so fitted without a season")
        season = 1
    elif has_unknown_season(batch.config, batch.season_length):
        notes.append(NO_SEASON_NOTE)
    series = Series(scaled[0], steps, season)
    if batch.covariates is not None:
        covariates, left_out = usable_covariates(batch.covariates[place, first:], len(values))
        notes += left_out
        series = replace(series, covariates=covariates)

    fitted = _try(model.fit, series)
    if fitted is None and series.covariates is not None:
        notes.append("could not be fitted with the features, so fitted without them")
        fitted = _try(model.fit, replace(series, covariates=None))
    if fitted is not None:
        mean = unscaled(fitted.mean[np.newaxis, -batch.horizon :], exponents)
        if np.isfinite(mean).all():
            levels = normal_quantiles(fitted.mean[np.newaxis], fitted.deviation[np.newaxis])
            quantiles = {level: unscaled(q[:, -batch.horizon :], exponents)[0] for level, q in levels.items()}
            return _Row(mean[0], quantiles, tuple(notes))
    return _Row(None, {}, (f"{model.name} could not be fitted to this series: {_REPEATED}",))


_REPEATED = "its last value is repeated"


def _try(fit: FitFunction, series: Series) -> Fit | None:
    try:
        fitted = fit(series)
    except Exception:  # noqa: BLE001 - the libraries raise all kinds, ValueError to bare Exception, for odd series
        return None
    return fitted if np.isfinite(fitted.mean).all() else None


def usable_covariates(covariates: FloatArray, fitted: int) -> tuple[FloatArray | None, list[str]]:
    """Fill, standardise and choose covariates [len, F]; the first `fitted` rows are history. Also what to say of it."""
    steps = np.arange(len(covariates), dtype=np.float64)
    most = fitted // _VALUES_PER_COVARIATE
    basis = [_unit(np.ones(fitted)), _unit(steps[:fitted] - steps[:fitted].mean())]
    chosen: list[FloatArray] = []
    left_out: list[str] = []
    for number, column in enumerate(covariates.T):
        known = np.flatnonzero(~np.isnan(column))
        if known.size and len(chosen) < most:
            filled = _standardised(np.interp(steps, known, column[known]), fitted)
            rest = filled[:fitted].copy()
            for direction in basis + basis:  # twice, because once leaves rounding errors of the size of what is left
                rest -= (rest * direction).sum() * direction
            if (rest * rest).sum() > _SHARE_LEFT * fitted and np.isfinite(filled).all():
                basis.append(_unit(rest))
                chosen.append(filled)
                continue
        left_out.append(str(number + 1))
    return (np.column_stack(chosen) if chosen else None), _left_out_note(left_out, covariates.shape[1])


def _left_out_note(places: list[str], total: int) -> list[str]:
    """Users say features, and name them by column, which the models do not know: only the order in which they came."""
    if not places:
        return []
    features = "feature" if len(places) == 1 else "features"
    return [f"without {features} {', '.join(places)} of {total} (in the order sent): constant, redundant or too many"]


def _standardised(column: FloatArray, fitted: int) -> FloatArray:
    """Scale to mean 0 and deviation 1 over the first `fitted` values; all zeros if those do not vary."""
    scaled = scaled_rows(column[np.newaxis])[0][0]
    centred: FloatArray = scaled - scaled[:fitted].mean()
    deviation = np.sqrt((centred[:fitted] ** 2).mean())
    return centred / deviation if deviation > 0 else np.zeros_like(centred)


def _unit(direction: FloatArray) -> FloatArray:
    unit: FloatArray = direction / np.sqrt((direction * direction).sum())
    return unit
