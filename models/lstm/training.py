"""Many small LSTM networks trained at once: the same arithmetic as `keras.Model.fit`, in numpy.

Each network is Keras' `LSTM(cells)` that sees its lags as one time step, then `Dense(1)`; one of `LOSSES`, Adam with
its defaults. With a single time step both the hidden and the cell state are zero when the step begins, so the recurrent
kernel and the forget gate are multiplied by zero: they change neither the output nor, their gradient being zero, during
training. What is left are the gates input, output and cell, and these alone are computed.

The weights of all networks lie along a first axis, and one step updates all of them; Adam works on each weight by
itself, so stacking changes nothing. Why numpy and not a `tf.function`, which `benchmarks/lstm.py` measures beside it:

- The bits of a network's weights must not depend on how many are trained with it. TensorFlow's do: Eigen computes
  the odd values at an array's end by other instructions than the rest.
- It takes a third of the graph's time for one network, the same for many small ones, and up to 1.3 times for many with
  32 or 100 cells. XLA was faster than numpy for one shape of four, after compiling each for one to four seconds.
- A worker is spared the import of TensorFlow: seconds, and half a gigabyte.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = ["LOSSES", "Float32Array", "Networks", "continue_series", "initial_networks", "train"]

Float32Array = NDArray[np.float32]

# Keras' defaults for Adam.
_LEARNING_RATE = 1e-3
_BETA_1, _BETA_2 = 0.9, 0.999
_EPSILON = np.float32(1e-7)

_HALF = np.float32(0.5)


def _huber_slope(error: Float32Array, out: Float32Array) -> None:
    np.clip(error, -1, 1, out=out)  # Keras' delta is 1


LOSSES: Mapping[str, tuple[float, Callable[..., object] | None]] = MappingProxyType(
    {"mean_squared_error": (2.0, None), "mean_absolute_error": (1.0, np.sign), "huber": (1.0, _huber_slope)}
)
"""By Keras' names: the slope of a sample's loss, as a multiple of a function of its error (None: the error itself)."""

# Weights that are trained together. A step passes ten times over them, their gradients and Adam's two moments: with
# this many, all of it stays in a core's own cache (2 MiB), where larger stacks were up to twice as slow.
_WEIGHTS_AT_ONCE = 2**16

# Entries of the orders in which one network's samples are visited that are drawn in one go.
_ORDERS_AT_ONCE = 2**14


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """N networks in Keras' own layout, gates in the order input, forget, cell, output.

    `kernel` [N, lags, 4 x cells] and `bias` [N, 4 x cells] are the LSTM's, `dense_kernel` [N, cells] and `dense_bias`
    [N] the output layer's. The recurrent kernel has no part in the forecast, see above.
    """

    kernel: Float32Array
    bias: Float32Array
    dense_kernel: Float32Array
    dense_bias: Float32Array


def initial_networks(generators: list[np.random.Generator], lags: int, cells: int) -> Networks:
    """Draw one network from each generator, by Keras' defaults: Glorot-uniform kernels, zero bias but 1 to forget."""
    inputs = lags * 4 * cells
    drawn = np.stack([random.random(inputs + cells, dtype=np.float32) for random in generators])
    drawn = drawn * np.float32(2) - np.float32(1)
    bias = np.zeros((len(generators), 4 * cells), dtype=np.float32)
    bias[:, cells : 2 * cells] = 1
    return Networks(
        kernel=drawn[:, :inputs].reshape(-1, lags, 4 * cells) * np.float32(np.sqrt(6 / (lags + 4 * cells))),
        bias=bias,
        dense_kernel=drawn[:, inputs:] * np.float32(np.sqrt(6 / (cells + 1))),
        dense_bias=np.zeros(len(generators), dtype=np.float32),
    )


def train(
    networks: Networks,
    inputs: Float32Array,
    targets: Float32Array,
    *,
    epochs: int,
    batch_size: int,
    generators: list[np.random.Generator] | None,
    loss: str = "mean_squared_error",
) -> Networks:
    """Return the networks after training each on its own `inputs` [N, samples, lags] and `targets` [N, samples].

    In each epoch a network visits its samples in an order drawn from its generator; None keeps them as they are, as
    `keras.Model.fit(shuffle=False)` does. Where one batch holds all samples the order has no effect and is not drawn.
    `loss` is the name of one of `LOSSES`, averaged over a batch.
    """
    trained = [
        _train_together(
            _rows(networks, part),
            inputs[part],
            targets[part],
            epochs,
            batch_size,
            None if generators is None else generators[part],
            loss,
        )
        for part in _parts(networks)
    ]
    return Networks(*(np.concatenate([getattr(part, name) for part in trained]) for name in Networks.__slots__))


def continue_series(networks: Networks, lags: Float32Array, steps: int) -> Float32Array:
    """Return the next `steps` values [N, steps] after `lags` [N, lags]; each value is a lag of those that follow."""
    series, width = lags.shape
    forward = _Forward(_Weights(networks), samples=1)
    values = np.empty((series, width + steps), dtype=np.float32)
    values[:, :width] = lags
    for step in range(steps):
        window = _with_ones(values[:, np.newaxis, step : width + step])
        values[:, width + step] = forward(window)[:, 0]
    return values[:, width:]


def _parts(networks: Networks) -> Iterator[slice]:
    """Yield the networks that are trained together; which ones has no effect on the results."""
    series, lags, gates = networks.kernel.shape
    size = max(1, _WEIGHTS_AT_ONCE // (lags * gates))
    for first in range(0, series, size):
        yield slice(first, first + size)


def _rows(networks: Networks, part: slice) -> Networks:
    return Networks(*(getattr(networks, name)[part] for name in Networks.__slots__))


def _with_ones(inputs: Float32Array) -> Float32Array:
    """Append a lag that is always one, whose weights are the biases."""
    return np.concatenate([inputs, np.ones((*inputs.shape[:2], 1), dtype=np.float32)], axis=2)


class _Weights:
    """The weights that matter, as views of one array [N, P]: `gates` [N, 3 x cells, lags + 1], `output` [N, cells + 1].

    Gates are in the order input, output, cell, so that those with a sigmoid are neighbours; biases come last.
    """

    def __init__(self, networks: Networks) -> None:
        series, lags, four_gates = networks.kernel.shape
        self.cells = four_gates // 4
        entry, _, cell, leave = np.arange(four_gates).reshape(4, self.cells)
        self._kept = np.concatenate([entry, leave, cell])
        self._start = networks
        self.flat = np.empty((series, 3 * self.cells * (lags + 1) + self.cells + 1), dtype=np.float32)
        self.gates, self.output = self.views(self.flat)
        self.gates[:, :, :-1] = networks.kernel[:, :, self._kept].transpose(0, 2, 1)
        self.gates[:, :, -1] = networks.bias[:, self._kept]
        self.output[:, :-1] = networks.dense_kernel
        self.output[:, -1] = networks.dense_bias

    def views(self, flat: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Show an array that is laid out like `flat` as gates and output."""
        gates, output = np.split(flat, [flat.shape[1] - self.cells - 1], axis=1)
        return gates.reshape(len(flat), 3 * self.cells, -1), output

    def networks(self) -> Networks:
        """Return the networks with these weights."""
        kernel, bias = self._start.kernel.copy(), self._start.bias.copy()
        kernel[:, :, self._kept] = self.gates[:, :, :-1].transpose(0, 2, 1)
        bias[:, self._kept] = self.gates[:, :, -1]
        return Networks(kernel, bias, self.output[:, :-1].copy(), self.output[:, -1].copy())


class _Forward:
    """The forward pass for a fixed number of samples; what it leaves behind is what the gradient needs.

    Arrays are [N, cells, samples], so that a gate is one block of memory. sigmoid(x) is computed as ½ + ½ tanh(x / 2).
    """

    def __init__(self, weights: _Weights, samples: int) -> None:
        series, cells = len(weights.flat), weights.cells
        self._weights = weights
        self.activated = np.empty((series, 3 * cells, samples), dtype=np.float32)
        self.sigmoids = self.activated[:, : 2 * cells]
        self.entry, self.leave, self.cell = np.split(self.activated, 3, axis=1)
        self.state = np.empty((series, cells, samples), dtype=np.float32)
        self.hidden = np.ones((series, cells + 1, samples), dtype=np.float32)  # the last one feeds the output's bias

    def __call__(self, inputs: Float32Array) -> Float32Array:
        np.matmul(self._weights.gates, inputs.transpose(0, 2, 1), out=self.activated)
        self.sigmoids *= _HALF
        np.tanh(self.activated, out=self.activated)
        self.sigmoids *= _HALF
        self.sigmoids += _HALF
        np.multiply(self.entry, self.cell, out=self.state)
        np.tanh(self.state, out=self.state)
        np.multiply(self.leave, self.state, out=self.hidden[:, :-1])
        output: Float32Array = np.matmul(self._weights.output[:, np.newaxis], self.hidden)[:, 0]
        return output


class _Step:
    """One update of the weights from a batch of a fixed number of samples per network."""

    def __init__(self, weights: _Weights, samples: int, adam: "_Adam", loss: str) -> None:
        self._weights, self._adam = weights, adam
        self._forward = _Forward(weights, samples)
        self._slopes = np.empty_like(self._forward.activated)
        self._gates, self._output = weights.views(adam.gradient)
        factor, self._slope = LOSSES[loss]
        self._share = np.float32(factor / samples)

    def __call__(self, inputs: Float32Array, targets: Float32Array) -> None:
        at = self._forward
        entry_slope, leave_slope, cell_slope = np.split(self._slopes, 3, axis=1)
        error = at(inputs)
        error -= targets
        if self._slope is not None:
            self._slope(error, out=error)
        error *= self._share
        error = error[:, np.newaxis]
        np.matmul(error, at.hidden.transpose(0, 2, 1), out=self._output[:, np.newaxis])

        hidden_error = self._weights.output[:, :-1, np.newaxis] * error
        state_error = hidden_error * at.leave
        state_error *= 1 - at.state * at.state
        np.multiply(state_error, at.cell, out=entry_slope)
        np.multiply(hidden_error, at.state, out=leave_slope)
        self._slopes[:, : 2 * self._weights.cells] *= at.sigmoids - at.sigmoids * at.sigmoids
        np.multiply(state_error, at.entry, out=cell_slope)
        cell_slope *= 1 - at.cell * at.cell
        np.matmul(self._slopes, inputs, out=self._gates)
        self._adam.update(self._weights.flat)


class _Adam:
    """Adam's moments; `gradient` is to be filled before each update."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.gradient = np.zeros(shape, dtype=np.float32)
        self._mean, self._square, self._room = np.zeros((3, *shape), dtype=np.float32)
        self._steps = 0

    def update(self, weights: Float32Array) -> None:
        """Move the weights against the gradient."""
        self._steps += 1
        correction = np.sqrt(1 - _BETA_2**self._steps) / (1 - _BETA_1**self._steps)
        room = self._room
        np.subtract(self.gradient, self._mean, out=room)
        room *= np.float32(1 - _BETA_1)
        self._mean += room
        np.multiply(self.gradient, self.gradient, out=room)
        room -= self._square
        room *= np.float32(1 - _BETA_2)
        self._square += room
        np.sqrt(self._square, out=room)
        room += _EPSILON
        np.divide(self._mean, room, out=room)
        room *= np.float32(_LEARNING_RATE * correction)
        weights -= room


def _train_together(
    networks: Networks,
    inputs: Float32Array,
    targets: Float32Array,
    epochs: int,
    batch_size: int,
    generators: list[np.random.Generator] | None,
    loss: str,
) -> Networks:
    samples = targets.shape[1]
    weights = _Weights(networks)
    adam = _Adam(weights.flat.shape)
    inputs = _with_ones(inputs)
    batches = [slice(first, min(first + batch_size, samples)) for first in range(0, samples, batch_size)]
    steps = {size: _Step(weights, size, adam, loss) for size in {batch.stop - batch.start for batch in batches}}
    orders = None if generators is None or len(batches) == 1 else _orders(generators, samples, epochs)
    for _ in range(epochs):
        x, y = inputs, targets
        if orders is not None:
            order = next(orders)
            x = np.take_along_axis(inputs, order[:, :, np.newaxis], axis=1)
            y = np.take_along_axis(targets, order, axis=1)
        for batch in batches:
            steps[batch.stop - batch.start](x[:, batch], y[:, batch])
    return weights.networks()


def _orders(generators: list[np.random.Generator], samples: int, epochs: int) -> Iterator[NDArray[np.intp]]:
    """Yield for each epoch the order [N, samples] in which each network visits its samples."""
    at_once = max(1, _ORDERS_AT_ONCE // samples)
    for first in range(0, epochs, at_once):
        straight = np.tile(np.arange(samples), (min(at_once, epochs - first), 1))
        yield from np.stack([random.permuted(straight, axis=1) for random in generators], axis=1)
