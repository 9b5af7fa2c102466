"""LstmLong and Lstm: one small network per series, trained on the series' own recent past, thousands at a time.

Both forecast a value from the lags before it, by an LSTM that sees the lags as one time step (decision 4 of the
contract's decisions), and reach further ahead by taking their own forecasts as lags. They differ in what they train on:

- LstmLong: with n points and `sample_fold_used` f, the newest n // f points, each from all the n - n // f before it.
- Lstm: the newest `sample_num` observed points, each from the `feature_length_used` points before it.

Values are scaled so that the points in use span 0 … 1. NaN: a missing value is never a target, so it costs a sample;
as a lag it is replaced by the straight line between its neighbours, at the end by the last observed value.

Series of one shape (samples, lags) are trained together. A series' result depends on itself, its seed and the
configuration alone, to the last bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, isfinite

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from models.arrays.columns import FloatArray
from models.errors import RejectedInputError
from models.forecasts import Forecasts, SeriesBatch
from models.hyper_parameters import ConfigValue
from models.lstm.keras_file import keras_files
from models.lstm.training import Float32Array, continue_series, initial_networks, train
from models.quick.adaptive import forecast_average, forecast_max

__all__ = ["LONGEST_HISTORY", "forecast", "forecast_long"]

# LstmLong's work grows with the cube of the length. With this many points and default settings a series takes some
# seconds; with ten times as many it would take hours. Older points are left out, and the note says so.
LONGEST_HISTORY = 1_000

# One training sample is no pattern.
_FEWEST_SAMPLES = 2

# Values closer together than this cannot be scaled (1 / spread overflows); they count as one value.
_SMALLEST_SPREAD = 1e-300

# A limit for one series' training, in weights touched; 10¹¹ are about half a minute of one core.
_MOST_WORK = 10**11

# Adam passes about ten times over the weights after each batch.
_UPDATE_COST = 10

# 32-bit numbers of the samples and weights of one stack of series (16 MiB), whatever the size of the batch.
_NUMBERS_AT_ONCE = 2**22

_FALLBACK_POINTS = 5  # the contract's default of AdaptiveAverageN


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What one series is trained on: the points from `first` on, `lags` of them before each of `targets`."""

    first: int
    targets: NDArray[np.intp]
    lags: int
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Series:
    """A row of the batch that can be trained on, and its range."""

    row: int
    plan: _Plan
    low: float
    high: float


_Planner = Callable[[NDArray[np.bool_]], _Plan]
"""Given which points of a row are observed, at least one being so, tells what to train on."""


def forecast_long(batch: SeriesBatch) -> Forecasts:
    """Forecast with LstmLong (J-105).

    A series too short for two samples is answered by AdaptiveAverageN, one that never changes by AdaptiveMaxN; neither
    has a trained network.
    """
    fold = int(batch.config["sample_fold_used"])

    def plan(observed: NDArray[np.bool_]) -> _Plan:
        steps, oldest = len(observed), int(observed.argmax())
        first = max(oldest, steps - LONGEST_HISTORY)
        samples = (steps - first) // fold
        targets = np.arange(steps - samples, steps)
        note = f"trained on the newest {LONGEST_HISTORY:,} points" if first > oldest else ""
        return _Plan(first, targets[observed[targets]], steps - first - samples, note)

    return _forecast(batch, "LstmLong", plan, fewest_points=_FEWEST_SAMPLES * fold)


def forecast(batch: SeriesBatch) -> Forecasts:
    """Forecast with Lstm (J-105); what it cannot be trained on is answered as in `forecast_long`."""
    wanted = int(batch.config["sample_num"])
    lags = int(batch.config["feature_length_used"])

    def plan(observed: NDArray[np.bool_]) -> _Plan:
        first = int(observed.argmax())
        targets = first + lags + np.flatnonzero(observed[first + lags :])[-wanted:]
        note = f"trained on {len(targets)} samples, there are not {wanted}" if len(targets) < wanted else ""
        return _Plan(first, targets, lags, note)

    return _forecast(batch, "Lstm", plan, fewest_points=lags + _FEWEST_SAMPLES)


class _Answer:
    """The forecasts, put together row by row."""

    def __init__(self, batch: SeriesBatch, model_name: str) -> None:
        series = batch.history.shape[0]
        self._batch = batch
        self.mean = np.full((series, batch.horizon), np.nan)
        self.answered_by = [model_name] * series
        self.saved: list[bytes | None] = [None] * series
        self.notes = [""] * series

    def forecasts(self) -> Forecasts:
        return Forecasts(self.mean, answered_by=self.answered_by, saved=self.saved, notes=self.notes)

    def fall_back(self, rows: list[int], model: Callable[[SeriesBatch], Forecasts], name: str, note: str) -> None:
        """Let a simpler model answer these rows."""
        if not rows:
            return
        config = {"latest_n": _FALLBACK_POINTS}
        self.mean[rows] = model(replace(self._batch, history=self._batch.history[rows], config=config)).mean
        for row in rows:
            self.answered_by[row], self.notes[row] = name, note


def _forecast(batch: SeriesBatch, model_name: str, planner: _Planner, *, fewest_points: int) -> Forecasts:
    answer = _Answer(batch, model_name)
    shapes: dict[tuple[int, int], list[_Series]] = {}
    short, constant = [], []
    for row, (values, observed) in enumerate(zip(batch.history, ~np.isnan(batch.history), strict=True)):
        plan = planner(observed)
        if len(plan.targets) < _FEWEST_SAMPLES:
            short.append(row)
            continue
        low, high = float(np.fmin.reduce(values[plan.first :])), float(np.fmax.reduce(values[plan.first :]))
        if high - low < _SMALLEST_SPREAD:
            constant.append(row)
        elif isfinite(high - low):  # else the forecast stays NaN: the values are too large
            shapes.setdefault((len(plan.targets), plan.lags), []).append(_Series(row, plan, low, high))

    answer.fall_back(
        short,
        forecast_average,
        "AdaptiveAverageN",
        f"too few points to train {model_name} on, it needs {fewest_points} observed ones; "
        f"the mean of the latest {_FALLBACK_POINTS} is repeated",
    )
    answer.fall_back(constant, forecast_max, "AdaptiveMaxN", "the series never changes: its value is repeated")
    for samples, lags in shapes:
        _refuse_endless_work(batch.config, samples, lags)
    with _blas().limit(limits=1):
        for (samples, lags), members in shapes.items():
            weights = 4 * int(batch.config["lstm_cells_per_layer_used"]) * (lags + 2)
            size = max(1, _NUMBERS_AT_ONCE // (samples * lags + weights))
            for start in range(0, len(members), size):
                _train_and_forecast(batch, members[start : start + size], answer)
    return answer.forecasts()


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """Return the control of numpy's threads: a fit keeps to one, as the pool runs one fit per core."""
    return ThreadpoolController().select(user_api="blas")


def _refuse_endless_work(config: Mapping[str, ConfigValue], samples: int, lags: int) -> None:
    weights = 3 * int(config["lstm_cells_per_layer_used"]) * (lags + 1)
    batches = ceil(samples / int(config["batch_size_used"]))
    if int(config["epochs_used"]) * weights * (samples + _UPDATE_COST * batches) > _MOST_WORK:
        raise RejectedInputError(
            "epochs_used",
            f"training on {samples} samples of {lags} lags with these settings would take too long; "
            "lower epochs_used or lstm_cells_per_layer_used",
        )


def _train_and_forecast(batch: SeriesBatch, members: list[_Series], answer: _Answer) -> None:
    """Train series of one shape together, and put their forecasts and files into the answer."""
    lags, cells = members[0].plan.lags, int(batch.config["lstm_cells_per_layer_used"])
    low, high = np.array([series.low for series in members]), np.array([series.high for series in members])
    scaled = np.stack([_scaled(batch.history[series.row], series) for series in members])
    targets = np.stack([series.plan.targets for series in members])
    places = np.arange(len(members))[:, np.newaxis]

    generators = [np.random.default_rng(_seed(batch, series.row)) for series in members]
    networks = train(
        initial_networks(generators, lags, cells),
        sliding_window_view(scaled, lags, axis=1)[places, targets - lags],
        scaled[places, targets],
        epochs=int(batch.config["epochs_used"]),
        batch_size=int(batch.config["batch_size_used"]),
        loss=str(batch.config["loss_used"]),
        generators=generators,
    )
    ahead = continue_series(networks, scaled[:, -lags:], batch.horizon).astype(np.float64)
    rows = [series.row for series in members]
    with np.errstate(over="ignore"):
        answer.mean[rows] = low[:, np.newaxis] + ahead * (high - low)[:, np.newaxis]
    for series, content in zip(
        members, keras_files(networks, low, high, loss=str(batch.config["loss_used"])), strict=True
    ):
        answer.saved[series.row], answer.notes[series.row] = content, series.plan.note


def _scaled(values: FloatArray, series: _Series) -> Float32Array:
    """Scale the points in use to 0 … 1, missing ones filled in; the others are not looked at."""
    used = values[series.plan.first :]
    missing = np.isnan(used)
    if missing.any():
        places = np.arange(len(used))
        used = np.interp(places, places[~missing], used[~missing])
    scaled = np.zeros(len(values), dtype=np.float32)
    scaled[series.plan.first :] = (used - series.low) / (series.high - series.low)
    return scaled


def _seed(batch: SeriesBatch, row: int) -> int:
    return 0 if batch.seeds is None else int(batch.seeds[row])
