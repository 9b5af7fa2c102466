"""A forecast as it is, and as it would be if its features were others in the steps to come.

Both are made alike: the same model is fitted to the same history, so that what differs is what was changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from models.arrays.columns import FloatArray
from models.arrays.levels import chosen_levels
from models.arrays.published_values import publishable, value_kinds
from models.batch import SeriesRequest
from models.errors import RejectedInputError
from models.forecasts import Forecasts, SeriesBatch
from models.holdout import forecast_with_hold_out
from models.model_spec import ForecastFunction
from models.questions.futures import Futures, fit_s

__all__ = ["Both", "Change", "Kind", "Shown", "changed_features", "changing_s", "forecast_both"]

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
    return fit_s(model_name, points, chosen, futures=2)


def forecast_both(request: SeriesRequest, changes: Sequence[Change], chosen: str | None = None) -> Both:
    """Both forecasts of the steps behind the series' end, whatever the request says of refit.

    `chosen` is as `Futures` has it. RejectedInputError where a series cannot be forecast.
    """
    futures = Futures(request, chosen)
    made = changed_features(futures.features, changes)
    base, changed = futures.forecasts([futures.features, made])
    show = _shower(futures.batch, futures.model)
    both = show(base), show(changed)
    if not all(np.isfinite(one.predictions).all() for one in both):
        raise RejectedInputError("changes", _NOT_FINITE.format(request.model_name))
    answered_by = base.answered_by[0] if base.answered_by else None
    return Both(*both, futures.features, made, answered_by, base.notes[0] if base.notes else "")


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
