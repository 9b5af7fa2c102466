"""DeepAR's network in TensorFlow: one step of training, and the loss of windows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.deepar.artefact import weight_shapes
from models.deepar.config import DeepARConfig
from models.deepar.learning.likelihoods import NEGATIVE_LOG_LIKELIHOODS
from models.deepar.learning.windows import Batch

__all__ = ["Network", "initial_weights"]

_CLIPPED: Final = 10.0  # longest gradient, as in GluonTS
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8  # Adam's usual constants (Kingma and Ba 2015)

Array = NDArray[np.float32]
Tensor = Any


def initial_weights(config: DeepARConfig, random: np.random.Generator) -> dict[str, Array]:
    """Weights to begin with: Glorot's uniform for matrices, small ones for embeddings, 1 for the forget gates' bias."""
    weights: dict[str, Array] = {}
    for name, shape in weight_shapes(config).items():
        if name.startswith("embedding"):
            weights[name] = random.uniform(-0.05, 0.05, shape).astype(np.float32)
        elif name.endswith("bias"):
            weights[name] = np.zeros(shape, np.float32)
            if name.startswith("lstm"):
                weights[name][config.num_cells : 2 * config.num_cells] = 1.0
        else:
            columns = config.num_cells if name.startswith("lstm") else shape[1]  # each gate is a matrix of its own
            reach = np.sqrt(6.0 / (shape[0] + columns))
            weights[name] = random.uniform(-reach, reach, shape).astype(np.float32)
    return weights


class Network:
    """Weights and Adam's memory as TensorFlow variables. `weights` are those of `models.deepar.artefact`."""

    def __init__(self, config: DeepARConfig, weights: Mapping[str, Array]) -> None:
        self._config = config
        self._names = tuple(weight_shapes(config))
        self._weights = {name: tf.Variable(_swapped(name, weights[name])) for name in self._names}
        self._first = {name: tf.Variable(tf.zeros_like(weight)) for name, weight in self._weights.items()}
        self._second = {name: tf.Variable(tf.zeros_like(weight)) for name, weight in self._weights.items()}
        self._loss = NEGATIVE_LOG_LIKELIHOODS[config.likelihood]
        self._no_peepholes = tf.zeros(config.num_cells)
        self._trained = tf.function(self._train, jit_compile=False)
        self._measured = tf.function(self._losses)

    def train(self, batch: Batch, *, step: int, learning_rate: float, seed: int) -> Tensor:
        """Adjust the weights to a batch; `step` counts from 1 and chooses the dropout together with `seed`.

        The mean loss of the batch's prediction steps before that, as a tensor: reading it waits for the computation.
        Nothing is learnt from the context steps: their values are part of the scale that the network is told.
        """
        return self._trained(
            _tensors(batch),
            tf.constant(step, tf.float32),
            tf.constant(learning_rate, tf.float32),
            tf.constant([seed & 0x7FFFFFFF, step], tf.int32),
        )

    def loss(self, batch: Batch) -> tuple[float, float]:
        """The sum of the losses over the prediction steps observed, and how many there are; nothing is dropped out."""
        total, count = self._measured(_tensors(batch))
        return float(total), float(count)

    def weights(self) -> dict[str, Array]:
        """The weights now."""
        return {name: _swapped(name, weight.numpy()) for name, weight in self._weights.items()}

    def state(self) -> dict[str, Array]:
        """Weights and Adam's memory, for `restore`."""
        return {
            f"{kind}/{name}": variable.numpy()
            for kind, variables in self._kinds().items()
            for name, variable in variables.items()
        }

    def restore(self, state: Mapping[str, Array]) -> None:
        """Go back to what `state` gave."""
        for kind, variables in self._kinds().items():
            for name, variable in variables.items():
                variable.assign(state[f"{kind}/{name}"])

    def _kinds(self) -> dict[str, dict[str, Any]]:
        return {"weight": self._weights, "first": self._first, "second": self._second}

    def _raw(self, read: Sequence[Tensor], seed: Tensor | None) -> Tensor:
        """The raw parameters of every step: [B, T, parameters]."""
        lags, known, cat, scale = read
        config, weights = self._config, self._weights
        steps = config.context_length + config.prediction_length
        static = [tf.gather(weights[f"embedding_{j}"], cat[:, j]) for j in range(len(config.cardinality or ()))]
        static.append(tf.math.log(scale)[:, tf.newaxis])
        told = tf.repeat(tf.concat(static, axis=1)[:, tf.newaxis], steps, axis=1)
        below = tf.transpose(tf.concat((lags, known, told), axis=2), (1, 0, 2))
        start = tf.zeros((tf.shape(lags)[0], config.num_cells))
        for layer in range(config.num_layers):
            if layer and seed is not None and config.dropout_rate:
                kept = tf.random.stateless_uniform(tf.shape(below), seed + layer * 1_000_003) >= config.dropout_rate
                below = below * tf.cast(kept, tf.float32) / (1.0 - config.dropout_rate)
            # One operation for all steps; unrolled it takes many times as long. Not BlockLSTMV2: the gradient
            # registered for it has the gates in the first version's order (TensorFlow 2.21), so it trains to nonsense.
            below = tf.raw_ops.BlockLSTM(
                seq_len_max=tf.constant(steps, tf.int64),
                x=below,
                cs_prev=start,
                h_prev=start,
                w=weights[f"lstm_{layer}/kernel"],
                wci=self._no_peepholes,
                wcf=self._no_peepholes,
                wco=self._no_peepholes,
                b=weights[f"lstm_{layer}/bias"],
                forget_bias=0.0,
                cell_clip=-1.0,
                use_peephole=False,
            ).h
        raw = tf.tensordot(below, weights["projection/kernel"], 1) + weights["projection/bias"]
        return tf.transpose(raw, (1, 0, 2))

    def _train(self, windows: tuple[Tensor, ...], step: Tensor, rate: Tensor, seed: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            total, count = self._losses(windows, seed)
            loss = total / tf.maximum(count, 1.0)
        variables = [self._weights[name] for name in self._names]
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]
        gradients, _ = tf.clip_by_global_norm(gradients, _CLIPPED)
        for name, gradient in zip(self._names, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=self._weights[name].handle,
                m=self._first[name].handle,
                v=self._second[name].handle,
                beta1_power=tf.pow(_BETA_1, step),
                beta2_power=tf.pow(_BETA_2, step),
                lr=rate,
                beta1=_BETA_1,
                beta2=_BETA_2,
                epsilon=_EPSILON,
                grad=gradient,
            )
        return loss

    def _losses(self, windows: tuple[Tensor, ...], seed: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The sum of the losses over the prediction steps observed, and how many there are."""
        *read, target, observed = windows
        predicted = slice(self._config.context_length, None)
        raw = self._raw(read, seed)[:, predicted]
        counted = observed[:, predicted]
        losses = self._loss(raw, target[:, predicted], read[-1][:, tf.newaxis])
        return tf.reduce_sum(losses * counted), tf.reduce_sum(counted)


def _tensors(batch: Batch) -> tuple[Tensor, ...]:
    return tuple(
        tf.convert_to_tensor(part)
        for part in (batch.lags, batch.known, batch.cat, batch.scale, batch.target, batch.observed)
    )


def _swapped(name: str, weight: Array) -> Array:
    """The gates in the order of BlockLSTM (input, cell, forget, output), or back in ours: two change places."""
    if not name.startswith("lstm"):
        return weight
    gates = np.split(weight, 4, axis=-1)
    return np.concatenate((gates[0], gates[2], gates[1], gates[3]), axis=-1)
