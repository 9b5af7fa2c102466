"""LstmLong and Lstm: the same arithmetic as Keras, the sample's accuracy, and what happens to difficult series."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import models
from models.batch import SeriesRequest, forecast_batch
from models.catalog import CATALOG
from models.forecasts import Forecasts, SeriesBatch
from models.hyper_parameters import HyperParameter, HyperParameterError
from models.lstm import forecast as lstm
from models.lstm import training as lstm_training
from models.lstm.training import LOSSES, Networks, continue_series, initial_networks, train
from tests.unit.models.lstm.lstm_samples import BOTH, QUICK, SAMPLE, batch_of, ragged_batch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
SAMPLE_CONFIG = {"batch_size_used": 8, "epochs_used": 145, "lstm_cells_per_layer_used": 6, "sample_fold_used": 4}


def rows_of(batch: SeriesBatch, rows: list[int]) -> SeriesBatch:
    """The same series in another company."""
    return replace(batch, history=batch.history[rows], seeds=batch.seeds[rows])


@pytest.mark.slow
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
