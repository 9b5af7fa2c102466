"""The network of the LSTM models in TensorFlow: one Keras model per series, or all stacked in one `tf.function`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from tensorflow import keras

from models.lstm.training import Float32Array, Networks

__all__ = ["fit_one_by_one", "one_thread", "stacked_training"]


def one_thread() -> None:
    """Keep TensorFlow to one thread, as one fit of ours keeps to one; before its first operation."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def fit_one_by_one(
    inputs: Float32Array,
    targets: Float32Array,
    *,
    cells: int,
    epochs: int,
    batch_size: int,
    horizon: int,
    saved_as: Path | None = None,
) -> None:
    """Do for one series what a plain service does: build, compile, fit, predict step by step and, if asked, save."""
    keras.backend.clear_session()
    lags = inputs.shape[1]
    model = keras.Sequential([keras.Input((1, lags)), keras.layers.LSTM(cells), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(inputs[:, np.newaxis], targets, epochs=epochs, batch_size=batch_size, verbose=0)
    known = [*inputs[-1], targets[-1]]
    for _ in range(horizon):
        known.append(model.predict(np.array(known[-lags:], np.float32).reshape(1, 1, lags), verbose=0)[0, 0])
    if saved_as is not None:
        model.save(saved_as)


def stacked_training() -> Callable[[Networks, Float32Array, Float32Array, int, int], Any]:
    """Return `models.lstm.training.train` as one graph for all shapes; without shuffling, which costs extra."""
    arrays = [tf.TensorSpec((None,) * rank, tf.float32) for rank in (3, 2, 2, 2, 3, 2)]
    any_shape = [*arrays, tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.int32)]
    graph = tf.function(_train, input_signature=any_shape)

    def train(start: Networks, inputs: Float32Array, targets: Float32Array, epochs: int, batch_size: int) -> Any:
        entry, _, cell, leave = np.arange(start.bias.shape[1]).reshape(4, -1)
        kept = np.concatenate([entry, leave, cell])
        kernel, bias = start.kernel[:, :, kept], start.bias[:, kept]
        trained = graph(
            kernel, bias, start.dense_kernel, start.dense_bias[:, np.newaxis], inputs, targets, epochs, batch_size
        )
        return [weights.numpy() for weights in trained]

    return train


def _train(kernel: Any, bias: Any, dense: Any, dense_bias: Any, x: Any, y: Any, epochs: Any, batch_size: Any) -> Any:
    start = [kernel, bias, dense, dense_bias]
    zeros = [tf.zeros_like(weights) for weights in start]
    samples = tf.shape(y)[1]

    def update(first: Any, steps: Any, weights: Any, means: Any, squares: Any) -> Any:
        end = first + batch_size
        gradients = _gradients(*weights, x[:, first:end], y[:, first:end])
        steps += 1.0
        rate = 1e-3 * tf.sqrt(1 - 0.999**steps) / (1 - 0.9**steps)
        means = [m + (g - m) * 0.1 for m, g in zip(means, gradients, strict=True)]
        squares = [s + (g * g - s) * 0.001 for s, g in zip(squares, gradients, strict=True)]
        moved = [w - rate * m / (tf.sqrt(s) + 1e-7) for w, m, s in zip(weights, means, squares, strict=True)]
        return end, steps, moved, means, squares

    def epoch(number: Any, *state: Any) -> Any:
        _, *state = tf.while_loop(lambda first, *_: first < samples, update, [tf.constant(0), *state])
        return number + 1, *state

    state = [tf.constant(0), tf.constant(0.0), start, zeros, zeros]
    return tf.while_loop(lambda number, *_: number < epochs, epoch, state)[2]


def _gradients(kernel: Any, bias: Any, dense: Any, dense_bias: Any, x: Any, y: Any) -> list[Any]:
    entry, leave, cell = tf.split(tf.matmul(x, kernel) + bias[:, tf.newaxis], 3, axis=-1)
    entry, leave, cell = tf.sigmoid(entry), tf.sigmoid(leave), tf.tanh(cell)
    state = tf.tanh(entry * cell)
    hidden = leave * state
    error = tf.reduce_sum(hidden * dense[:, tf.newaxis], -1) + dense_bias - y
    error *= 2 / tf.cast(tf.shape(y)[1], tf.float32)
    hidden_error = error[..., tf.newaxis] * dense[:, tf.newaxis]
    state_error = hidden_error * leave * (1 - state * state)
    slopes = tf.concat(
        [
            state_error * cell * entry * (1 - entry),
            hidden_error * state * leave * (1 - leave),
            state_error * entry * (1 - cell * cell),
        ],
        -1,
    )
    return [
        tf.matmul(x, slopes, transpose_a=True),
        tf.reduce_sum(slopes, 1),
        tf.reduce_sum(error[..., tf.newaxis] * hidden, 1),
        tf.reduce_sum(error, 1, keepdims=True),
    ]
