"""Fit on all but the newest rows, score those, and forecast: what one submission yields, for many series at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray
from models.arrays.filling import filled
from models.arrays.levels import chosen_levels
from models.arrays.published_values import ValueKinds, publishable, value_kinds
from models.arrays.season import chosen_season_length
from models.forecasts import Forecasts, SeriesBatch
from models.hyper_parameters import ConfigValue
from models.model_spec import ForecastFunction
from models.scores.names import IN_SAMPLE
from models.scores.windows import Windows, in_sample_scale

__all__ = [
    "SHORTEST_HOLD_OUT",
    "HoldOutForecast",
    "TunedBatch",
    "chosen_rows",
    "fitted_part",
    "forecast_with_hold_out",
    "hold_out_length",
    "scorable",
    "without_gaps",
]

SHORTEST_HOLD_OUT = 5  # J-119

_FEWEST_FITTED = 2  # observed values; with fewer there is no hold-out (J-119: h + 1 points or less in all)


@dataclass(frozen=True, slots=True, eq=False)
class TunedBatch(SeriesBatch):
    """Series of which each has a configuration of its own, `configs` [N], instead of `config`.

    Only a model made by `models.tuning.tuned_model.tuned_model` can forecast it.
    """

    configs: Sequence[Mapping[str, ConfigValue]] = ()

    @classmethod
    def of(cls, batch: SeriesBatch, configs: Sequence[Mapping[str, ConfigValue]]) -> "TunedBatch":
        """The batch with these configurations, one for each row."""
        return cls(**_values(batch) | {"config": {}}, configs=configs)

    def alike(self, rows: NDArray[np.intp]) -> SeriesBatch:
        """These rows, which agree in their configuration, as an ordinary batch."""
        return SeriesBatch(**_values(chosen_rows(self, rows)) | {"config": self.configs[rows[0]]})


@dataclass(frozen=True, slots=True, eq=False)
class HoldOutForecast:
    """The results for N series.

    `predictions` is [N, prediction_length], with `quantiles` of the same shape by level where the model has them.
    `scored` [N] tells which series had a hold-out; `backtest` [N, h] is its forecast and `scores` its metrics [N], both
    NaN in the other rows. A NaN score in a scored row is undefined (null). `answered_by`, `saved` and `notes` are those
    of the fit that made the predictions, see `models.forecasts.Forecasts`. `mase_insample` [N] is the mean absolute
    error by the mean absolute difference of values one season apart before the hold-out, NaN where that is undefined;
    `windows` [N] is how many stretches the scores are the mean of, and `errors` those of all of them, side by side.
    """

    predictions: FloatArray
    backtest: FloatArray
    scored: NDArray[np.bool_]
    scores: dict[str, FloatArray]
    quantiles: dict[str, FloatArray] = field(default_factory=dict)
    answered_by: list[str | None] = field(default_factory=list)
    saved: list[bytes | None] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    mase_insample: FloatArray = field(default_factory=lambda: np.empty(0))
    windows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    errors: FloatArray = field(default_factory=lambda: np.empty(0))


def hold_out_length(prediction_length: int) -> int:
    """How many rows at the end of a history are kept back for scoring (J-119)."""
    return max(SHORTEST_HOLD_OUT, prediction_length)


def fitted_part(batch: SeriesBatch, held_out: int, *, end: int | None = None) -> SeriesBatch:
    """The batch without its last `held_out` rows, to be forecast by so many; their covariates become the future's.

    With `end` the rows from there on count as not there.
    """
    steps = batch.history.shape[1] if end is None else end
    covariates = None if batch.covariates is None else batch.covariates[:, :steps]
    left_out = batch.history.shape[1] - steps + held_out
    return replace(
        batch,
        history=batch.history[:, : max(0, steps - held_out)],
        horizon=held_out,
        covariates=covariates,
        held_back=batch.held_back + left_out,
    )


def without_gaps(batch: SeriesBatch) -> SeriesBatch:
    """The batch as a model is to see it: its gaps filled by the rule that was asked for, from what is in it."""
    history = filled(batch.history, batch.options.fill)
    return batch if history is batch.history else replace(batch, history=history)


def scorable(fitted: FloatArray) -> NDArray[np.bool_]:
    """Which rows of the part before a hold-out have enough observed values to be fitted on it alone (J-119)."""
    enough: NDArray[np.bool_] = np.count_nonzero(~np.isnan(fitted), axis=1) >= _FEWEST_FITTED
    return enough


def forecast_with_hold_out(
    batch: SeriesBatch, model: ForecastFunction, *, refit: bool, metrics: tuple[str, ...]
) -> HoldOutForecast:
    """Forecast each row of a batch by its horizon.

    1. The last h rows in time, missing ones included, are held out. A series with fewer than two observed values before
       them has no hold-out: it is fitted on all it has and not scored (J-119).
    2. The model, fitted on the rest, forecasts the hold-out; made publishable (J-108, decision 22), this is what
       `metrics` score. With `batch.options.windows` above 1 so are the h rows before, and so on, as long as h observed
       values are left before them; the score is then the mean over the windows.
    3. Without `refit` these same numbers are the predictions (J-118, J-120); with it the model is fitted again on the
       whole history (J-121).
    """
    series, steps = batch.history.shape
    held_out = hold_out_length(batch.horizon)
    first = fitted_part(batch, held_out)
    scored = scorable(first.history)
    options = batch.options
    kinds = value_kinds(batch.history, allow_negative=batch.allow_negative, lower=options.lower, upper=options.upper)
    scale = in_sample_scale(first.history, _season(batch))

    backtest = np.full((series, held_out), np.nan)
    windows = Windows(series, held_out, (*metrics, IN_SAMPLE))
    published = _Published(series, batch.horizon)
    if scored.any():
        rows = _rows(scored)
        forecasts = _run(model, chosen_rows(first, rows))
        backtest[rows] = publishable(forecasts.mean, kinds.rows(rows))
        windows.take(rows, batch.history[rows, steps - held_out :], backtest[rows], scale[rows])
        if not refit:
            published.take(rows, forecasts, kinds)
    for window in range(1, options.windows):
        part = fitted_part(batch, held_out, end=steps - window * held_out)
        long_enough = scored & (np.count_nonzero(~np.isnan(part.history), axis=1) >= held_out)
        if not long_enough.any():
            break
        rows = _rows(long_enough)
        earlier = publishable(_run(model, chosen_rows(part, rows)).mean, kinds.rows(rows))
        end = part.history.shape[1]
        windows.take(rows, batch.history[rows, end : end + held_out], earlier, scale[rows])
    if refit:
        published.take(slice(None), _run(model, batch), kinds)
    elif not scored.all():
        rows = _rows(~scored)
        published.take(rows, _run(model, chosen_rows(batch, rows)), kinds)
    scores = windows.scores()
    mase_insample = scores.pop(IN_SAMPLE)
    return HoldOutForecast(
        predictions=published.predictions,
        backtest=backtest,
        scored=scored,
        scores=scores,
        quantiles=chosen_levels(published.predictions, published.quantiles, windows.errors, options.levels, kinds),
        answered_by=published.answered_by,
        saved=published.saved,
        notes=published.notes,
        mase_insample=mase_insample,
        windows=windows.counts,
        errors=windows.errors,
    )


def _season(batch: SeriesBatch) -> int:
    """That of the series, whether or not the model makes use of it."""
    if "season_length" in batch.config:
        return chosen_season_length(batch.config, batch.season_length)
    return max(1, batch.season_length)


class _Published:
    """Puts together, row by row, what the fits have made that the predictions come from."""

    def __init__(self, series: int, horizon: int) -> None:
        self.predictions = np.full((series, horizon), np.nan)
        self.quantiles: dict[str, FloatArray] = {}
        self.answered_by: list[str | None] = [None] * series
        self.saved: list[bytes | None] = [None] * series
        self.notes = [""] * series

    def take(self, rows: "slice | NDArray[np.bool_]", forecasts: Forecasts, kinds: ValueKinds) -> None:
        """Publish the first steps of `forecasts` for these rows."""
        horizon, kinds = self.predictions.shape[1], kinds.rows(rows)
        self.predictions[rows] = publishable(forecasts.mean[:, :horizon], kinds)
        for level, values in forecasts.quantiles.items():
            quantile = self.quantiles.setdefault(level, np.full_like(self.predictions, np.nan))
            quantile[rows] = publishable(values[:, :horizon], kinds)
        if forecasts.answered_by is None and forecasts.saved is None and forecasts.notes is None:
            return
        places = np.arange(len(self.predictions))[rows].tolist()
        for row, place in enumerate(places):
            self.answered_by[place] = forecasts.answered_by[row] if forecasts.answered_by else None
            self.saved[place] = forecasts.saved[row] if forecasts.saved else None
            self.notes[place] = forecasts.notes[row] if forecasts.notes else ""


def _rows(chosen: NDArray[np.bool_]) -> slice | NDArray[np.bool_]:
    """All rows as a slice, which copies nothing, or a mask."""
    return slice(None) if chosen.all() else chosen


def _values(batch: SeriesBatch) -> dict[str, Any]:
    """What every batch has, a new field included."""
    return {it.name: getattr(batch, it.name) for it in fields(SeriesBatch)}


def chosen_rows(batch: SeriesBatch, rows: slice | NDArray[np.bool_] | NDArray[np.intp]) -> SeriesBatch:
    """The batch with these rows only: a mask or their numbers; any slice stands for all."""
    if isinstance(rows, slice):
        return batch
    part = replace(
        batch,
        history=batch.history[rows],
        seeds=None if batch.seeds is None else batch.seeds[rows],
        covariates=None if batch.covariates is None else batch.covariates[rows],
        ends=None if batch.ends is None else batch.ends[rows],
    )
    if isinstance(part, TunedBatch):
        numbers = np.arange(len(batch.history))[rows].tolist()
        return replace(part, configs=[part.configs[number] for number in numbers])
    return part


def _run(model: ForecastFunction, batch: SeriesBatch) -> Forecasts:
    forecasts = model(without_gaps(batch))
    expected = batch.history.shape[0], batch.horizon
    shapes: Sequence[tuple[int, ...]] = [forecasts.mean.shape, *(v.shape for v in forecasts.quantiles.values())]
    if any(shape != expected for shape in shapes):
        raise ValueError(f"the model returned {shapes} instead of {expected}")
    return forecasts
