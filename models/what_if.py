"""A forecast as it is, and as it would be if its features were others in the steps to come.

Both are made alike: the same model is fitted to the same history, so that what differs is what was changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from models import auto
from models.answers import INFINITE, NOTHING_OBSERVED
from models.arrays.columns import FloatArray
from models.arrays.filling import filled
from models.arrays.levels import chosen_levels
from models.arrays.published_values import publishable, value_kinds
from models.batch import SeriesRequest
from models.catalog import model_spec
from models.errors import RejectedInputError
from models.forecasts import Forecasts, SeriesBatch
from models.holdout import forecast_with_hold_out
from models.model_spec import ForecastFunction

__all__ = ["Both", "Change", "Kind", "Shown", "changed_features", "changing_s", "forecast_both"]

_AUTO: Final = "Auto"
_FITS: Final = 2  # of a model: one for each forecast; more where the quantiles are made of errors
_AUTO_FITS: Final = 5  # of each of its models: three folds, and one for each forecast
_SERIES_S: Final = 1e-3  # a fit of any model, and
_POINT_S: Final = 2e-6  # each of its points: what takes longer says so in its candidate, or here
_SLOWER_S: Final = {"CES": 1e-4, "Theta": 3e-5}  # as measured at 400 points
_LARGEST: Final = 1e100  # beyond, a model may leave the feature out for its size: of one forecast, not of the other
_NOT_FINITE: Final = "{} gives no finite forecast for this series with these features: change them by less"

Kind = Literal["set", "add", "multiply"]


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to one feature, by its place, from step `first` to step `last` to be forecast, both from 1.

    `values` has one for all of these steps, or one for each.
    """

    feature: int
    kind: Kind
    values: Sequence[float]
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A forecast as it is published, with its quantiles by level."""

    predictions: FloatArray
    quantiles: Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Both:
    """`features` [F, prediction_length] are those of `base` and `changes` what was made of them, of `changed`.

    `answered_by` is the model that made both, where it is not the one that was asked for.
    """

    base: Shown
    changed: Shown
    features: FloatArray
    changes: FloatArray
    answered_by: str | None
    note: str


def changed_features(features: FloatArray, changes: Sequence[Change]) -> FloatArray:
    """Features [F, steps] after changes, one after the other; RejectedInputError for numbers beyond all measure."""
    made = features.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        for change in changes:
            steps = made[change.feature, change.first - 1 : change.last]
            values = np.asarray(change.values, dtype=np.float64)
            steps[:] = values if change.kind == "set" else steps + values if change.kind == "add" else steps * values
    if not (np.abs(made) <= _LARGEST).all():
        raise RejectedInputError("changes", f"they make a feature larger than {_LARGEST:g}: change it by less")
    return made


def changing_s(model_name: str, points: int, chosen: str | None) -> float:
    """Seconds of a core that both forecasts of a series take, to within a small factor."""
    by_label = {one.label: one for one in (*auto.WITH_FEATURES, *auto.CANDIDATES)}
    names = (chosen or "").split(" + ") if model_name == _AUTO else [model_name]
    fits = _AUTO_FITS if model_name == _AUTO else _FITS
    slow = [by_label[name] for name in names if name in by_label]
    each = sum(one.fit_ms * 1e-3 + max(one.point_us * 1e-6, _SLOWER_S.get(one.label, 0.0)) * points for one in slow)
    return fits * (each + _SERIES_S + _POINT_S * points)


def forecast_both(request: SeriesRequest, changes: Sequence[Change], chosen: str | None = None) -> Both:
    """Both forecasts of the steps behind the series' end, whatever the request says of refit.

    `chosen` says for Auto which models it had chosen for the series, so that it need not look for them anew.
    RejectedInputError where a series cannot be forecast.
    """
    assert request.covariates is not None  # who asks has features
    steps, spec = request.prediction_length, model_spec(request.model_name)
    features = request.covariates[-steps:].T
    made = changed_features(features, changes)
    history = filled(np.asarray(request.target, dtype=np.float64)[np.newaxis], request.options.fill)
    _check(history)
    batch = SeriesBatch(
        history=history,
        horizon=steps,
        config=spec.resolve(request.config),
        season_length=request.season_length,
        seeds=np.array([request.seed], dtype=np.uint64),
        covariates=request.covariates[np.newaxis],
        step_ms=request.step_ms,
        allow_negative=request.allow_negative,
        freq=request.freq,
        options=request.options,
    )
    other = np.concatenate([request.covariates[:-steps], made.T])[np.newaxis]
    model = spec.load()
    if spec.name == _AUTO and chosen is not None:
        base, changed = auto.forecast_again(batch, [chosen], [other])
    else:
        base, changed = model(batch), model(replace(batch, covariates=other))
    show = _shower(batch, model)
    both = show(base), show(changed)
    if not all(np.isfinite(one.predictions).all() for one in both):
        raise RejectedInputError("changes", _NOT_FINITE.format(spec.name))
    answered_by = base.answered_by[0] if base.answered_by else None
    return Both(*both, features, made, answered_by, base.notes[0] if base.notes else "")


def _check(history: FloatArray) -> None:
    if np.isnan(history).all():
        raise RejectedInputError("target", NOTHING_OBSERVED)
    if np.isinf(history).any():
        raise RejectedInputError("target", INFINITE)


def _shower(batch: SeriesBatch, model: ForecastFunction) -> Callable[[Forecasts], Shown]:
    """What publishes the forecasts of a batch of one series, as `models.holdout` does."""
    options = batch.options
    kinds = value_kinds(batch.history, allow_negative=batch.allow_negative, lower=options.lower, upper=options.upper)
    known: list[FloatArray] = []

    def errors() -> FloatArray:
        """Those of the backtest, which takes as long as a forecast: asked for where quantiles are made of them."""
        if not known:
            known.append(forecast_with_hold_out(batch, model, refit=False, metrics=()).errors)
        return known[0]

    def show(forecasts: Forecasts) -> Shown:
        mean = publishable(forecasts.mean, kinds)
        own = {level: publishable(values, kinds) for level, values in forecasts.quantiles.items()}
        needed = options.levels and not (own and all(np.isfinite(values).all() for values in own.values()))
        found = chosen_levels(mean, own, errors() if needed else np.full((1, 1), np.nan), options.levels, kinds)
        whole = {level: values[0] for level, values in found.items() if np.isfinite(values).all()}
        return Shown(mean[0], whole)

    return show
