"""DeepAR's network in TensorFlow: the arithmetic of `models.deepar`, its gradient, and Adam's steps."""

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from models.deepar.artefact import PARAMETERS, weight_shapes
from models.deepar.learning.likelihoods import NEGATIVE_LOG_LIKELIHOODS
from models.deepar.learning.network import Network, initial_weights
from models.deepar.learning.windows import Batch, Windows
from models.deepar.predictor import Predictor
from models.deepar.series import Series
from tests.unit.models.deepar.deepar_models import artefact, predictor, series

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan
TINY = {"time_freq": "Y", "prediction_length": 3, "context_length": 4, "num_cells": 3, "dropout_rate": 0.0}
HISTORY = [NAN if n % 7 == 3 else 5.0 + n % 4 + n / 20 for n in range(60)]


def batch_of(model: Predictor, *histories: Any) -> Batch:
    """The windows that end these series."""
    many = []
    for place, values in enumerate(histories):
        one = series(values, model, place=place)
        many.append(Series(one.start, one.target, one.cat, None if one.feat is None else one.feat[:, : len(values)]))
    windows = Windows(many, model.config, hold_out=False, default_scale=model.artefact.default_scale)
    return windows.last(np.arange(len(many)))


def raw_of(model: Predictor, batch: Batch) -> NDArray[Any]:
    """The network's raw parameters of every step."""
    found: NDArray[Any] = Network(model.config, model.artefact.weights)._raw(_read(batch), None).numpy()
    return found


def _read(batch: Batch) -> list[Any]:
    return [tf.constant(part) for part in (batch.lags, batch.known, batch.cat, batch.scale)]


def unrolled(weights: dict[str, Any], batch: Batch, *, layers: int) -> Any:
    """Raw parameters [B, T, parameters] as `models.deepar` says, in double precision and with plain operations."""
    static = [tf.gather(weights[f"embedding_{place}"], batch.cat[:, place]) for place in range(batch.cat.shape[1])]
    static.append(tf.math.log(tf.constant(batch.scale, tf.float64))[:, tf.newaxis])
    states = [(0.0, tf.zeros((len(batch.scale), weights["projection/kernel"].shape[0]), tf.float64))] * layers
    raw = []
    for step in range(batch.lags.shape[1]):
        told = [tf.constant(part[:, step], tf.float64) for part in (batch.lags, batch.known)]
        below = tf.concat([*told, *static], axis=1)
        for layer, (cell, h) in enumerate(states):
            sums = tf.concat([below, h], axis=1) @ weights[f"lstm_{layer}/kernel"] + weights[f"lstm_{layer}/bias"]
            enter, forget, new, show = tf.split(sums, 4, axis=1)
            c = tf.sigmoid(forget) * cell + tf.sigmoid(enter) * tf.tanh(new)
            below = tf.sigmoid(show) * tf.tanh(c)
            states[layer] = c, below
        raw.append(below @ weights["projection/kernel"] + weights["projection/bias"])
    return tf.stack(raw, axis=1)


def gradients(
    model: Predictor, weights: dict[str, NDArray[Any]], batch: Batch
) -> tuple[float, dict[str, NDArray[Any]]]:
    """The loss of a batch's prediction steps and its gradient, by the means of TensorFlow but not of the network."""
    variables = {name: tf.Variable(weight, dtype=tf.float64) for name, weight in weights.items()}
    with tf.GradientTape() as tape:
        raw = unrolled(variables, batch, layers=model.config.num_layers)
        of = NEGATIVE_LOG_LIKELIHOODS[model.config.likelihood]
        losses = of(tf.cast(raw, tf.float32), tf.constant(batch.target), tf.constant(batch.scale)[:, tf.newaxis])
        observed = batch.observed * (np.arange(batch.observed.shape[1]) >= model.config.context_length)
        loss = tf.reduce_sum(losses * observed) / observed.sum()
    found = tape.gradient(loss, variables)
    return float(loss), {name: tf.convert_to_tensor(gradient).numpy() for name, gradient in found.items()}


@pytest.mark.parametrize("likelihood", PARAMETERS)
def test_weights_come_back_as_they_were_given(likelihood: str) -> None:
    """In the order of gates of `models.deepar`, whatever TensorFlow's operation needs."""
    model = artefact(likelihood)
    found = Network(model.config, model.weights).weights()

    assert found.keys() == model.weights.keys()
    for name, weight in found.items():
        assert np.array_equal(weight, model.weights[name])


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("cardinality", [(), (3, 30)])
@pytest.mark.parametrize("num_dynamic_feat", [0, 2])
def test_the_network_says_what_is_agreed(num_layers: int, cardinality: tuple[int, ...], num_dynamic_feat: int) -> None:
    """Every parameter of every step of several series: gaps, short and empty ones, layers, categories and features."""
    shape: dict[str, Any] = {"num_layers": num_layers, "cardinality": cardinality, "num_dynamic_feat": num_dynamic_feat}
    model = predictor("student-t", **shape)
    batch = batch_of(model, HISTORY, HISTORY[:15], [4.0], [NAN] * 30)
    weights = {name: tf.constant(weight, tf.float64) for name, weight in model.artefact.weights.items()}

    assert raw_of(model, batch) == pytest.approx(
        unrolled(weights, batch, layers=num_layers).numpy(), rel=1e-4, abs=1e-5
    )


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("time_freq", ["D", "H"])
def test_training_and_forecasting_are_one_network(num_layers: int, time_freq: str) -> None:
    """Shown a forecast as if it had come true, TensorFlow's network says at each step what was forecast in numpy."""
    model = predictor("deterministic-l1", num_layers=num_layers, time_freq=time_freq, cardinality=(3, 5))
    one = series(HISTORY, model, place=1)
    paths = model.sample([one], 1, [1])[0]
    whole = Series(one.start, np.concatenate([one.target, paths[0]]), one.cat, one.feat)
    batch = Windows([whole], model.config, hold_out=False, default_scale=1.0).last(np.array([0]))

    said = raw_of(model, batch)[:, model.config.context_length :, 0] * batch.scale

    assert said == pytest.approx(paths, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("num_layers", [1, 2])
def test_training_follows_the_gradient_by_adam(num_layers: int) -> None:
    """Three steps of all weights, as Kingma and Ba have them, along the gradient of the loss that is answered."""
    model = predictor("student-t", num_layers=num_layers, **TINY)
    batch = batch_of(model, HISTORY, HISTORY[:9], [4.0, 6.0])
    network = Network(model.config, model.artefact.weights)
    expected = {name: weight.astype(np.float64) for name, weight in model.artefact.weights.items()}
    first = {name: np.zeros_like(weight) for name, weight in expected.items()}
    second = {name: np.zeros_like(weight) for name, weight in expected.items()}
    for step in (1, 2, 3):
        loss, gradient = gradients(model, expected, batch)
        length = np.sqrt(sum((part**2).sum() for part in gradient.values()))
        for name, part in gradient.items():
            part = part * min(1, 10 / length)  # noqa: PLW2901
            first[name] = 0.9 * first[name] + 0.1 * part
            second[name] = 0.999 * second[name] + 0.001 * part**2
            rate = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            expected[name] -= rate * first[name] / (np.sqrt(second[name]) + 1e-8)

        answered = float(network.train(batch, step=step, learning_rate=0.01, seed=0))

        assert answered == pytest.approx(loss, rel=1e-4)
        for name, weight in network.weights().items():
            assert weight == pytest.approx(expected[name], abs=1e-4), name
            assert step == 1 or not np.allclose(weight, model.artefact.weights[name], atol=1e-3)


def test_a_long_gradient_is_cut() -> None:
    """Adam's memory, of one step a tenth of the gradient, is never longer than one, as its length is cut at ten."""
    model = predictor("gaussian", **TINY)
    weights = {**model.artefact.weights, "projection/bias": np.array([50.0, -6.0], np.float32)}
    network = Network(model.config, weights)
    network.train(batch_of(model, HISTORY), step=1, learning_rate=0.01, seed=0)
    memory = [array for name, array in network.state().items() if name.startswith("first/")]

    assert np.sqrt(sum((array**2).sum() for array in memory)) == pytest.approx(1, rel=1e-4)


def test_the_loss_is_that_of_the_prediction_steps_observed() -> None:
    """Sum and number, without the context, which was learnt from but is not judged."""
    model = predictor("gaussian", **TINY)
    batch = batch_of(model, [*HISTORY[:20], 5.0, NAN, 7.0], HISTORY[:18])
    raw, context = raw_of(model, batch), model.config.context_length
    losses = NEGATIVE_LOG_LIKELIHOODS["gaussian"](
        tf.constant(raw), tf.constant(batch.target), tf.constant(batch.scale)[:, tf.newaxis]
    ).numpy()
    observed = batch.observed[:, context:]

    total, count = Network(model.config, model.artefact.weights).loss(batch)

    assert count == observed.sum() == 4
    assert total == pytest.approx((losses[:, context:] * observed).sum(), rel=1e-5)


def test_what_is_missing_teaches_nothing() -> None:
    """Another value where none is observed changes neither loss nor weights."""
    model = predictor("student-t", **TINY)
    batch = batch_of(model, HISTORY)
    other = Batch(
        batch.lags, batch.known, batch.cat, batch.scale, np.where(batch.observed > 0, batch.target, 99), batch.observed
    )
    found = []
    for one in (batch, other):
        network = Network(model.config, model.artefact.weights)
        loss = float(network.train(one, step=1, learning_rate=0.1, seed=0))
        found.append((loss, network.weights()["lstm_0/kernel"].tolist()))

    assert (batch.observed == 0).any()
    assert found[0] == found[1]


def test_dropout_follows_from_seed_and_step() -> None:
    """It is drawn anew at each step, the same again for the same seed, between layers only, and never when judging."""
    model = predictor("gaussian", **{**TINY, "dropout_rate": 0.5})
    batch = batch_of(model, HISTORY)
    network = Network(model.config, model.artefact.weights)
    state = network.state()

    def loss(step: int, seed: int) -> float:
        network.restore(state)
        return float(network.train(batch, step=step, learning_rate=0.1, seed=seed))

    single = predictor("gaussian", **{**TINY, "num_layers": 1, "dropout_rate": 0.5})
    one_layer = Network(single.config, single.artefact.weights)
    first, second = (one_layer._raw(_read(batch), tf.constant([5, step])).numpy() for step in (1, 2))

    assert loss(1, 5) == loss(1, 5)
    assert len({loss(1, 5), loss(2, 5), loss(1, 6)}) == 3
    assert np.array_equal(first, second)
    network.restore(state)
    judged = Network(predictor("gaussian", **TINY).config, model.artefact.weights).loss(batch)
    assert network.loss(batch) == pytest.approx(judged)


def test_dropout_keeps_the_mean() -> None:
    """What is kept is larger by what is left out."""
    model = predictor("deterministic-l1", **{**TINY, "dropout_rate": 0.4})
    one = batch_of(model, HISTORY)
    batch = Batch(*(np.repeat(getattr(one, name), 2000, axis=0) for name in Batch.__slots__))
    network = Network(model.config, model.artefact.weights)
    plain = network._raw(_read(batch), None).numpy()[0]
    drawn = network._raw(_read(batch), tf.constant([1, 1])).numpy()

    assert len(np.unique(drawn)) > 100
    assert drawn.mean(axis=0) == pytest.approx(plain, abs=0.03)


def test_a_state_is_gone_back_to() -> None:
    """Weights and Adam's memory: the same steps follow."""
    model = predictor("gaussian", **TINY)
    batch = batch_of(model, HISTORY)
    network = Network(model.config, model.artefact.weights)
    network.train(batch, step=1, learning_rate=0.1, seed=0)
    state = {name: array.copy() for name, array in network.state().items()}
    network.train(batch, step=2, learning_rate=0.1, seed=0)
    after = network.weights()
    other = Network(model.config, initial_weights(model.config, np.random.default_rng(9)))
    other.restore(state)
    other.train(batch, step=2, learning_rate=0.1, seed=0)

    for name, weight in other.weights().items():
        assert np.array_equal(weight, after[name])


def test_the_first_weights_are_small_and_differ() -> None:
    """Shaped as the model's file has them, reproducible, with forget gates that remember."""
    config = artefact(num_cells=20, cardinality=(3, 40)).config
    weights = initial_weights(config, np.random.default_rng(1))
    again = initial_weights(config, np.random.default_rng(1))

    assert {name: weight.shape for name, weight in weights.items()} == weight_shapes(config)
    assert all(np.array_equal(weight, again[name]) for name, weight in weights.items())
    assert weights["lstm_1/bias"].tolist() == [0] * 20 + [1] * 20 + [0] * 40
    assert weights["projection/bias"].tolist() == [0, 0, 0]
    for name in ("lstm_0/kernel", "lstm_1/kernel", "projection/kernel", "embedding_1"):
        rows, columns = weights[name].shape
        reach = 0.05 if name.startswith("emb") else np.sqrt(6 / (rows + (20 if name.startswith("lstm") else columns)))
        assert 0.9 * reach < np.abs(weights[name]).max() <= reach
        assert len(np.unique(weights[name])) > 0.99 * weights[name].size
