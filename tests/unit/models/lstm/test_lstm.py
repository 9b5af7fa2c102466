"""LstmLong and Lstm: the same arithmetic as Keras, the sample's accuracy, and what happens to difficult series."""

import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

import models
from models.batch import SeriesRequest, forecast_batch
from models.catalog import CATALOG
from models.errors import RejectedInputError
from models.forecasts import Forecasts, SeriesBatch
from models.hyper_parameters import HyperParameter, HyperParameterError
from models.lstm import forecast as lstm
from models.lstm import training as lstm_training
from models.lstm.training import LOSSES, Networks, continue_series, initial_networks, train

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan

SAMPLE = np.array(
    "227 246 247 249 255 249 246 228 246 246 245 249 235 233 224 230 261 238 242 "
    "266 258 226 233 242 236 236 233 260 219 230 235 237 226 227 226 221 222 227".split(),
    dtype=np.float64,
)
SAMPLE_CONFIG = {"batch_size_used": 8, "epochs_used": 145, "lstm_cells_per_layer_used": 6, "sample_fold_used": 4}

QUICK_LONG = CATALOG["LstmLong"].resolve(
    {"batch_size_used": 3, "epochs_used": 4, "lstm_cells_per_layer_used": 3, "sample_fold_used": 3}
)
QUICK = CATALOG["Lstm"].resolve(
    {"batch_size_used": 3, "epochs_used": 4, "lstm_cells_per_layer_used": 3, "sample_num": 4, "feature_length_used": 3}
)
BOTH = pytest.mark.parametrize(
    ("model", "config"), [(lstm.forecast_long, QUICK_LONG), (lstm.forecast, QUICK)], ids=["LstmLong", "Lstm"]
)


def batch_of(rows: list[list[float]], config: dict[str, Any], horizon: int = 3) -> SeriesBatch:
    """Lay rows side by side, right-aligned, with seeds 1, 2, …"""
    longest = max(map(len, rows))
    history = np.array([[NAN] * (longest - len(row)) + row for row in rows])
    return SeriesBatch(history, horizon, config, seeds=np.arange(1, len(rows) + 1, dtype=np.uint64))


def ragged_batch(config: dict[str, Any]) -> SeriesBatch:
    """Series of several lengths and sizes, some with gaps, one too short, one constant."""
    random = np.random.default_rng(5)
    rows = [(random.normal(0, 10.0 ** (n % 4), 14 + n % 5) + 7).tolist() for n in range(24)]
    rows[3][6] = rows[4][-1] = rows[5][-2] = NAN
    return batch_of([*rows, [1.0, 2.0], [4.5] * 15], config)


def rows_of(batch: SeriesBatch, rows: list[int]) -> SeriesBatch:
    """The same series in another company."""
    return replace(batch, history=batch.history[rows], seeds=batch.seeds[rows])


def saved_weights(content: bytes) -> dict[str, NDArray[np.float32]]:
    """Every array of a Keras file, by names such as "dense/bias"."""
    found: dict[str, NDArray[np.float32]] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name.split("/lstm_forecast/")[1]] = item[()]

    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(visit)
    return found


def load_keras_model(content: bytes, folder: Path) -> Any:
    """What a user does with the file."""
    from keras.models import load_model  # noqa: PLC0415 - seconds, and only a few tests need it

    path = folder / "model.h5"
    path.write_bytes(content)
    return load_model(path)


# --- the arithmetic -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "lags", "cells", "batch_size", "epochs", "loss"),
    [
        (8, 25, 6, 8, 145, "mean_squared_error"),
        (26, 12, 32, 32, 20, "mean_squared_error"),
        (7, 3, 4, 3, 30, "mean_squared_error"),
        (16, 17, 100, 5, 6, "mean_squared_error"),
        (5, 1, 1, 1, 10, "mean_squared_error"),
        (8, 25, 6, 8, 145, "huber"),
        (7, 3, 4, 3, 30, "huber"),
        # Of this loss only so many epochs that no error passes zero, where rounding would decide over its sign.
        (8, 25, 6, 8, 40, "mean_absolute_error"),
        (7, 3, 4, 3, 30, "mean_absolute_error"),
    ],
)
def test_training_equals_keras_fit(
    samples: int, lags: int, cells: int, batch_size: int, epochs: int, loss: str
) -> None:
    """From the same start and in the same order: weights and outputs within 1e-4 of the scaled range."""
    import keras  # noqa: PLC0415 - seconds, and only a few tests need it

    random = np.random.default_rng(samples)
    inputs, targets = random.random((3, samples, lags), np.float32), random.random((3, samples), np.float32)
    targets *= 3  # so that errors lie on both sides of huber's delta, 1
    peer = keras.Sequential([keras.Input((1, lags)), keras.layers.LSTM(cells), keras.layers.Dense(1)])
    peer.compile(optimizer="adam", loss=loss)
    kernel, _, bias, dense_kernel, dense_bias = peer.get_weights()
    start = Networks(*(np.stack([w] * 3) for w in (kernel, bias, dense_kernel[:, 0], dense_bias[0])))
    for _ in range(epochs):  # as fit does without shuffling, less its callbacks, which take ten times as long
        for first in range(0, samples, batch_size):
            batch = slice(first, first + batch_size)
            peer.train_on_batch(inputs[1][batch, np.newaxis], targets[1][batch])
    ours = train(start, inputs, targets, epochs=epochs, batch_size=batch_size, generators=None, loss=loss)
    outputs = np.array([continue_series(ours, inputs[:, n], 1)[1, 0] for n in range(samples)])
    trained, _, trained_bias, *_ = peer.get_weights()

    assert np.abs(outputs - peer(inputs[1][:, np.newaxis]).numpy()[:, 0]).max() < 1e-4
    assert np.abs(ours.kernel[1] - trained).max() < 1e-4
    assert np.abs(ours.bias[1] - trained_bias).max() < 1e-4
    assert np.abs(ours.kernel[1] - kernel).max() > 1e-3


def test_each_epoch_visits_the_samples_in_an_order_drawn_from_the_networks_generator() -> None:
    """Two epochs with a generator are one epoch on the samples laid out in that generator's two orders."""
    random = np.random.default_rng(2)
    inputs, targets = random.random((2, 8, 4), np.float32), random.random((2, 8), np.float32)
    start = initial_networks([random, random], 4, 3)
    generators = [np.random.default_rng(seed) for seed in (7, 8)]
    drawn = train(start, inputs, targets, epochs=2, batch_size=2, generators=generators)
    orders = [np.random.default_rng(seed).permuted(np.tile(np.arange(8), (2, 1)), axis=1).ravel() for seed in (7, 8)]
    places = np.arange(2)[:, np.newaxis], np.stack(orders)
    laid_out = train(start, inputs[places], targets[places], epochs=1, batch_size=2, generators=None)

    assert np.array_equal(drawn.kernel, laid_out.kernel)
    assert not np.array_equal(orders[0][:8], orders[0][8:])


def test_a_network_starts_as_keras_starts_it() -> None:
    """Glorot-uniform kernels up to their limits, no bias but one that keeps the cell; each seed its own."""
    start = initial_networks([np.random.default_rng(seed) for seed in range(200)], 5, 7)
    limit, dense_limit = np.sqrt(6 / (5 + 28)), np.sqrt(6 / 8)

    assert np.abs(start.kernel).max() == pytest.approx(limit, rel=1e-2)
    assert np.abs(start.dense_kernel).max() == pytest.approx(dense_limit, rel=1e-2)
    assert start.kernel.std() == pytest.approx(limit / np.sqrt(3), rel=2e-2)
    assert start.kernel.mean() == pytest.approx(0, abs=1e-2)
    assert start.bias.tolist() == [[0.0] * 7 + [1.0] * 7 + [0.0] * 14] * 200
    assert start.dense_bias.tolist() == [0.0] * 200
    assert len(np.unique(start.kernel[:, 0, 0])) == 200


def test_each_loss_makes_its_own_network_and_the_default_stays() -> None:
    """The same seed and series: three forecasts. An outlier draws squared errors most."""
    spike = [*SAMPLE.tolist()[:-6], 900.0, *SAMPLE.tolist()[-5:]]
    made = {loss: lstm.forecast(batch_of([spike], {**QUICK, "loss_used": loss})).mean.tolist() for loss in LOSSES}

    assert made["mean_squared_error"] == lstm.forecast(batch_of([spike], QUICK)).mean.tolist()
    assert len({str(mean) for mean in made.values()}) == len(LOSSES)
    for name in ("Lstm", "LstmLong"):
        options = next(one for one in CATALOG[name].hyper_parameters if one.name == "loss_used")
        assert (options.choice, options.default) == (tuple(LOSSES), "mean_squared_error")
        assert CATALOG[name].resolve({"loss_used": "mae"})["loss_used"] == "mean_absolute_error"
        assert CATALOG[name].resolve({"loss_used": "mse"})["loss_used"] == "mean_squared_error"


# --- the sample -----------------------------------------------------------------------------------------------------


def test_J118_the_samples_accuracy_is_the_published_one() -> None:
    """6 cells, batch 8, 145 epochs, fold 4: the middle mse over 256 seeds is near the published 110.2."""
    requests = [
        SeriesRequest(SAMPLE, "LstmLong", SAMPLE_CONFIG, 5, refit=False, eval_metrics=("mse",), seed=seed)
        for seed in range(256)
    ]
    answers = forecast_batch(requests)
    mse = [answer.metrics["mse"] for answer in answers]

    assert 95 <= np.median(mse) <= 122
    assert len(set(mse)) > 100
    assert {answer.answered_by for answer in answers} == {"LstmLong"}


def test_J105_the_samples_layout_is_eight_samples_of_25_lags(monkeypatch: pytest.MonkeyPatch) -> None:
    """33 points and fold 4: the newest 8 points, each with the 25 before it, between 0 and 1."""
    seen = []

    def spy(networks: Networks, inputs: Any, targets: Any, **rest: Any) -> Networks:
        seen.append((inputs, targets))
        return train(networks, inputs, targets, **rest)

    monkeypatch.setattr(lstm, "train", spy)
    config = CATALOG["LstmLong"].resolve(SAMPLE_CONFIG)
    lstm.forecast_long(SeriesBatch(SAMPLE[np.newaxis, :33], 5, config))
    scaled = (SAMPLE[:33] - SAMPLE[:33].min()) / (SAMPLE[:33].max() - SAMPLE[:33].min())
    (inputs, targets), *others = seen

    assert not others
    assert targets[0] == pytest.approx(scaled[25:], abs=1e-6)
    assert inputs[0] == pytest.approx(np.array([scaled[n : n + 25] for n in range(8)]), abs=1e-6)


def test_J105_lstm_takes_the_newest_samples_of_the_length_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """4 samples of 3 lags: of ten points the last seven are seen."""
    seen = []
    monkeypatch.setattr(lstm, "train", lambda start, x, y, **_: seen.append((x, y)) or start)
    lstm.forecast(batch_of([[float(n) for n in range(11)]], QUICK))
    inputs, targets = seen[0]

    assert (targets * 10).tolist() == [[7, 8, 9, 10]]
    assert np.rint(inputs * 10).tolist() == [[[4, 5, 6], [5, 6, 7], [6, 7, 8], [7, 8, 9]]]


@BOTH
def test_the_forecast_feeds_on_itself(model: Any, config: dict[str, Any]) -> None:
    """A longer horizon goes on where the shorter one ended."""
    batch = ragged_batch(config)

    assert np.array_equal(model(replace(batch, horizon=7)).mean[:, :3], model(batch).mean)
    assert len(np.unique(model(replace(batch, horizon=7)).mean[0])) == 7


# --- company and repetition -----------------------------------------------------------------------------------------


@BOTH
def test_J109_a_result_depends_on_its_series_and_seed_alone(
    model: Any, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit of forecast and file: alone, in other company, in other stacks."""
    batch = ragged_batch(config)
    everyone = list(range(len(batch.history)))
    together = model(batch)
    for others in ([row] for row in everyone), (everyone[n:] + everyone[:n] for n in (7, 13)), (everyone[::3],):
        for rows in others:
            result = model(rows_of(batch, rows))
            assert np.array_equal(result.mean, together.mean[rows])
            assert result.saved == [together.saved[row] for row in rows]
            assert result.notes == [together.notes[row] for row in rows]
            assert result.answered_by == [together.answered_by[row] for row in rows]
    monkeypatch.setattr(lstm, "_NUMBERS_AT_ONCE", 200)
    monkeypatch.setattr(lstm_training, "_WEIGHTS_AT_ONCE", 100)
    in_small_stacks = model(batch)

    assert np.array_equal(in_small_stacks.mean, together.mean)
    assert in_small_stacks.saved == together.saved


def test_J109_company_has_no_effect_on_larger_networks_either() -> None:
    """The published defaults, where numpy's products take other paths than with a few cells."""
    config = CATALOG["LstmLong"].resolve({"epochs_used": 3})
    random = np.random.default_rng(1)
    batch = SeriesBatch(random.normal(5, 2, (13, 41)), 4, config, seeds=np.arange(13, dtype=np.uint64))
    together = lstm.forecast_long(batch)
    for rows in ([0], [5], [12], [3, 4], list(range(11))):
        assert np.array_equal(lstm.forecast_long(rows_of(batch, rows)).mean, together.mean[rows])


@BOTH
def test_J109_the_same_seed_gives_the_same_forecast_and_file_in_another_process(
    model: Any, config: dict[str, Any]
) -> None:
    """Replay of a log, byte for byte; another seed gives another forecast, and no seed counts as 0."""
    batch = ragged_batch(config)
    code = (
        "from tests.unit.models.lstm import test_lstm as t; "
        f"r = t.lstm.{model.__name__}(t.ragged_batch({config!r})); print(t.fingerprint(r))"
    )
    root = Path(models.__file__).parent.parent
    replayed = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    other = model(replace(batch, seeds=batch.seeds + np.uint64(1)))
    zeros = np.zeros(len(batch.history), dtype=np.uint64)

    assert replayed.stdout.strip() == fingerprint(model(batch))
    assert (other.mean[:24] != model(batch).mean[:24]).all()
    assert fingerprint(model(replace(batch, seeds=None))) == fingerprint(model(replace(batch, seeds=zeros)))


def fingerprint(forecasts: Forecasts) -> str:
    """Forecasts and files as one short text."""
    return hashlib.sha256(
        forecasts.mean.tobytes() + b"".join(content or b"-" for content in forecasts.saved)
    ).hexdigest()


def test_neither_training_nor_saving_imports_tensorflow() -> None:
    """A worker need not pay for its import, in time or memory."""
    code = (
        "import sys; from tests.unit.models.lstm import test_lstm as t; t.lstm.forecast(t.ragged_batch(t.QUICK)); "
        "print(*({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    root = Path(models.__file__).parent.parent
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)

    assert found.stdout.split() == []
    assert found.stderr == ""


def test_a_fit_keeps_to_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numpy's products take one core while networks are trained, and what was set before is set again."""
    seen = []

    def spy(start: Networks, *_: Any, **__: Any) -> Networks:
        seen.append(blas_threads())
        return start

    def blas_threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    monkeypatch.setattr(lstm, "train", spy)
    with lstm._blas().limit(limits=2):
        lstm.forecast(batch_of([SAMPLE.tolist()], QUICK))
        after = blas_threads()

    assert set(seen[0]) == {1}
    assert 2 in after


# --- saved networks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "level"), [(1.0, 0.0), (1.0, 1e9), (1e-3, -5.0), (1e290, 0.0)])
@BOTH
def test_J107_a_saved_network_is_a_keras_file_that_gives_the_same_forecast(
    model: Any, config: dict[str, Any], size: float, level: float, tmp_path: Path
) -> None:
    """Stock `load_model`, fed with the latest values as they are, step by step; size and level do not matter."""
    values = level + SAMPLE * size
    forecasts = model(batch_of([SAMPLE.tolist(), values.tolist(), SAMPLE.tolist()], config))
    network = load_keras_model(forecasts.saved[1], tmp_path)
    lags = network.input_shape[-1]
    known = values.tolist()
    for _ in range(3):
        known.append(float(network(np.array(known[-lags:]).reshape(1, lags)).numpy()[0, 0]))

    assert known[-3:] == pytest.approx(forecasts.mean[1].tolist(), abs=1e-5 * np.ptp(values))


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras, for numpy 2
def test_J107_the_file_is_what_keras_itself_would_have_written(tmp_path: Path) -> None:
    """The same attributes, arrays and layers as the file of a stock model, and the weights of its own series."""
    import keras  # noqa: PLC0415 - seconds, and only a few tests need it

    batch = batch_of([SAMPLE.tolist(), SAMPLE[::-1].tolist()], QUICK)
    content = lstm.forecast(batch).saved[1]
    stock = keras.Sequential(
        [
            keras.Input((3,), dtype="float64", name="latest"),
            keras.layers.Reshape((3, 1), dtype="float64", name="column"),
            keras.layers.Dense(1, dtype="float64", trainable=False, name="scaled"),
            keras.layers.Reshape((1, 3), dtype="float64", name="one_step"),
            keras.layers.LSTM(3, name="lstm"),
            keras.layers.Dense(1, name="dense"),
            keras.layers.Dense(1, dtype="float64", trainable=False, name="forecast"),
        ],
        name="lstm_forecast",
    )
    loaded = load_keras_model(content, tmp_path)
    stock.compile(optimizer="adam", loss="mean_squared_error")
    stock.set_weights(loaded.get_weights())
    stock.save(tmp_path / "stock.h5", include_optimizer=False)
    recurrent = loaded.get_layer("lstm").get_weights()[1]

    assert loaded.get_config() == stock.get_config()
    assert structure(content) == structure((tmp_path / "stock.h5").read_bytes())
    assert np.ptp(SAMPLE) == loaded.get_layer("forecast").get_weights()[0]
    assert recurrent @ recurrent.T == pytest.approx(np.eye(3), abs=1e-6)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras, for numpy 2
@pytest.mark.parametrize("loss", LOSSES)
def test_the_file_names_the_loss_as_keras_does(loss: str, tmp_path: Path) -> None:
    """Keras gives it back compiled, with what a stock file of the same loss says."""
    content = lstm.forecast(batch_of([SAMPLE.tolist()], {**QUICK, "loss_used": loss})).saved[0]
    loaded = load_keras_model(content, tmp_path)
    loaded.compile(optimizer="adam", loss=loss)
    loaded.save(tmp_path / "stock.h5")
    ours, stock = (training_config(one) for one in (content, (tmp_path / "stock.h5").read_bytes()))

    assert load_keras_model(content, tmp_path).loss.__name__ == loss
    assert ours["loss"] == stock["loss"] == loss
    assert ours.keys() <= stock.keys()


def training_config(content: bytes) -> dict[str, Any]:
    """How the model of a Keras file was trained."""
    with h5py.File(io.BytesIO(content)) as file:
        found: dict[str, Any] = json.loads(file.attrs["training_config"])
    return found


def structure(content: bytes) -> dict[str, Any]:
    """Names, shapes and types of all that is in an HDF5 file, and its attributes but for the description of layers."""
    found: dict[str, Any] = {}
    described = ("model_config", "training_config")

    def visit(name: str, item: Any) -> None:
        array = (item.shape, str(item.dtype)) if isinstance(item, h5py.Dataset) else None
        attributes = {key: np.asarray(value).tolist() for key, value in item.attrs.items() if key not in described}
        found[name] = (array, attributes)

    with h5py.File(io.BytesIO(content)) as file:
        visit("", file)
        file.visititems(visit)
    return found


def test_J107_each_series_has_the_file_of_its_own_network() -> None:
    """The weights in the file are the trained ones, and forecast what was forecast."""
    batch = ragged_batch(QUICK)
    forecasts = lstm.forecast(batch)
    for row in (0, 7, 23):
        arrays = saved_weights(forecasts.saved[row])
        network = Networks(
            arrays["lstm/lstm_cell/kernel"][np.newaxis],
            arrays["lstm/lstm_cell/bias"][np.newaxis],
            arrays["dense/kernel"][np.newaxis, :, 0],
            arrays["dense/bias"],
        )
        values = batch.history[row][~np.isnan(batch.history[row])]
        scaled = ((values - values.min()) / np.ptp(values)).astype(np.float32)
        ahead = continue_series(network, scaled[np.newaxis, -3:], 3)[0]

        assert forecasts.mean[row] == pytest.approx(values.min() + ahead * np.ptp(values), rel=1e-6)


# --- difficult series -----------------------------------------------------------------------------------------------


@BOTH
def test_a_missing_lag_is_put_on_the_line_between_its_neighbours(model: Any, config: dict[str, Any]) -> None:
    """A gap of two among the lags gives what the filled series gives."""
    values = SAMPLE.tolist()
    place = -6  # a lag of samples of Lstm; LstmLong's newest third are targets
    place = place if model is lstm.forecast else 10
    gap, filled = values.copy(), values.copy()
    gap[place] = NAN
    filled[place] = (values[place - 1] + values[place + 1]) / 2

    assert model(batch_of([gap], config)).mean.tolist() == model(batch_of([filled], config)).mean.tolist()


def test_a_missing_value_is_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """LstmLong loses the sample; Lstm takes an older one instead; at the end, lags repeat the last observed value."""
    seen = []
    monkeypatch.setattr(lstm, "train", lambda start, x, y, **_: seen.append((x, y)) or start)
    row = [0.0, 1, 2, 3, 4, 5, NAN, 7, 8, 10, NAN]
    lstm.forecast_long(batch_of([row], QUICK_LONG))
    lstm.forecast(batch_of([row], QUICK))
    (long_inputs, long_targets), (inputs, targets) = seen

    assert np.rint(long_targets * 10).tolist() == [[8, 10]]
    assert np.rint(long_inputs * 10).tolist() == [[[0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7, 8]]]
    assert np.rint(targets * 10).tolist() == [[5, 7, 8, 10]]
    assert np.rint(inputs * 10).tolist() == [[[2, 3, 4], [4, 5, 6], [5, 6, 7], [6, 7, 8]]]


def test_a_forecast_starts_at_the_end_of_the_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values missing at the end count as steps: the last observed value stands for them."""
    seen = []
    spy = lambda networks, lags, steps: seen.append(lags) or continue_series(networks, lags, steps)  # noqa: E731
    monkeypatch.setattr(lstm, "continue_series", spy)
    lstm.forecast(batch_of([[0.0, 1, 2, 3, 4, 5, 6, 7, 8, 10, NAN, NAN]], QUICK))

    assert seen[0].tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@BOTH
def test_a_series_too_short_to_train_on_is_answered_by_its_mean_and_says_so(
    model: Any, config: dict[str, Any], length: int
) -> None:
    """Two samples are the least: with 4 points there are none, neither at fold 3 nor with 3 lags."""
    row = [3.0, 5.0, 10.0, 2.0][:length]
    forecasts = model(batch_of([row, SAMPLE.tolist()], config))

    assert forecasts.mean[0].tolist() == [sum(row) / length] * 3
    assert forecasts.answered_by[0] == "AdaptiveAverageN"
    assert forecasts.saved[0] is None
    assert "too few points to train" in forecasts.notes[0]
    assert forecasts.saved[1] is not None


@pytest.mark.parametrize(
    ("model", "config", "fewest"), [(lstm.forecast_long, QUICK_LONG, 6), (lstm.forecast, QUICK, 5)]
)
def test_the_note_names_the_fewest_points(model: Any, config: dict[str, Any], fewest: int) -> None:
    """With as many as the note asks for there is a network, with one less there is none."""
    enough, less = SAMPLE[:fewest].tolist(), SAMPLE[: fewest - 1].tolist()
    forecasts = model(batch_of([enough, less], config))

    assert [content is not None for content in forecasts.saved] == [True, False]
    assert f"needs {fewest} observed" in forecasts.notes[1]


def test_lstm_says_when_there_are_fewer_samples_than_asked_for() -> None:
    """Six points and 3 lags are 3 samples, not 4."""
    forecasts = lstm.forecast(batch_of([SAMPLE[:6].tolist(), SAMPLE[:7].tolist()], QUICK))

    assert forecasts.notes == ["trained on 3 samples, there are not 4", ""]


@pytest.mark.parametrize("value", [0.0, -3.25, 7.1, 1e300, -1.7e308, 5e-324])
@BOTH
def test_a_series_that_never_changes_is_continued_exactly(model: Any, config: dict[str, Any], value: float) -> None:
    """Also with gaps; there is no network, and the note says why."""
    forecasts = model(batch_of([[value] * 9 + [NAN] + [value] * 9], config))

    assert forecasts.mean.tolist() == [[value] * 3]
    assert forecasts.answered_by == ["AdaptiveMaxN"]
    assert forecasts.saved == [None]
    assert "never changes" in forecasts.notes[0]


@pytest.mark.parametrize("scale", [1e300, -1e300, 1e-200, 5e-324])
@BOTH
def test_huge_and_tiny_values_give_a_finite_forecast_near_the_series(
    model: Any, config: dict[str, Any], scale: float
) -> None:
    """No warning, nothing overflows."""
    values = (SAMPLE - 200) * scale
    forecasts = model(batch_of([values.tolist()], config))

    assert np.isfinite(forecasts.mean).all()
    assert (np.abs(forecasts.mean) <= 3 * np.abs(values).max()).all()


@BOTH
def test_a_spread_beyond_all_numbers_is_refused_without_a_warning(model: Any, config: dict[str, Any]) -> None:
    """From -1.7e308 to 1.7e308: the answer says that the values are too large, and the neighbour is not touched."""
    name = "LstmLong" if model is lstm.forecast_long else "Lstm"
    given = {key: value for key, value in config.items() if key != "loss_used"}
    wide, fine = [
        SeriesRequest(values, name, given, 5, refit=True, eval_metrics=(), seed=1)
        for values in (np.where(SAMPLE > 240, 1.7e308, -1.7e308), SAMPLE)
    ]
    answers = forecast_batch([wide, fine])

    assert "too large" in answers[0].error
    assert answers[1].error is None


def test_long_histories_are_cut_and_the_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest points count, for the scale too; a series with none among them keeps its old level."""
    monkeypatch.setattr(lstm, "LONGEST_HISTORY", 20)
    values = SAMPLE.tolist()
    silent = [*values[:6], *[NAN] * 32]
    whole = lstm.forecast_long(batch_of([values, values[-20:], silent], QUICK_LONG))
    newest = lstm.forecast_long(batch_of([values[-20:]], QUICK_LONG))

    assert whole.mean[0].tolist() == newest.mean[0].tolist()
    assert whole.notes[:2] == ["trained on the newest 20 points", ""]
    assert whole.mean[2].tolist() == pytest.approx([sum(values[1:6]) / 5] * 3)
    assert whole.answered_by[2] == "AdaptiveAverageN"


def test_endless_training_is_refused_before_it_begins() -> None:
    """Each value is allowed, together they would take hours; the message says what to lower."""
    config = CATALOG["LstmLong"].resolve({"batch_size_used": 1, "epochs_used": 1000, "lstm_cells_per_layer_used": 500})
    with pytest.raises(RejectedInputError, match="too long; lower epochs_used or lstm_cells_per_layer_used"):
        lstm.forecast_long(SeriesBatch(np.random.default_rng(1).normal(0, 1, (1, 900)), 1, config))


# --- the catalogue --------------------------------------------------------------------------------------------------


def test_J105_the_hyper_parameters_are_the_contracts() -> None:
    """Names, order and defaults, and both are heavy."""
    shared = {
        "batch_size_used": 5,
        "epochs_used": 100,
        "loss_used": "mean_squared_error",
        "lstm_cells_per_layer_used": 100,
    }

    assert CATALOG["LstmLong"].resolve({}) == shared | {"sample_fold_used": 2}
    assert CATALOG["Lstm"].resolve({}) == shared | {"sample_num": 5, "feature_length_used": 5}
    assert CATALOG["LstmLong"].heavy
    assert CATALOG["Lstm"].heavy


@pytest.mark.parametrize("name", ["LstmLong", "Lstm"])
@pytest.mark.parametrize("parameter", ["batch_size_used", "epochs_used", "lstm_cells_per_layer_used"])
def test_absurd_values_are_refused_with_the_range(name: str, parameter: str) -> None:
    """One fit stays bounded; the highest value itself is allowed."""
    highest = next(p.maximum for p in CATALOG[name].hyper_parameters if p.name == parameter)

    assert CATALOG[name].resolve({parameter: highest})[parameter] == highest
    with pytest.raises(HyperParameterError, match=rf"{parameter} of {name} must be a whole number from 1 to {highest}"):
        CATALOG[name].resolve({parameter: highest + 1})


def test_a_float_may_have_a_maximum() -> None:
    """The message names both limits."""
    share = HyperParameter(name="share", type="float", default=0.5, minimum=0, maximum=1)

    assert share.validate(1, "Example") == 1.0
    with pytest.raises(HyperParameterError, match=r"a finite number of at least 0 and at most 1, not 1\.5"):
        share.validate(1.5, "Example")
