"""LSTM cells for many paths of many series, without TensorFlow: how a trained network is laid out to be quick in numpy.

What belongs to a series is one matrix [features, paths] of a stack, so the gates of a cell are contiguous, and matrix
products have the same shape however many series there are: their last bits must not depend on that. With
tanh(x) = 2 sigmoid(2 x) - 1 = 2 / (1 + exp(-2 x)) - 1 one exp serves all gates, which takes two thirds of the time of
numpy's tanh. The factors, and that the outputs and states here are half of those of `models.deepar`, are put into the
weights beforehand. So are the biases, as the weights of an input that is always 1: to add them afterwards would take a
tenth as long as the product itself.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cells", "Layer"]

_HALF: Final = np.float32(0.5)
_DOUBLED: Final = np.float32(2)  # weights of outputs, which are halved here
_OF_STATE: Final = np.float32(-4)  # tanh of a cell is taken of its halved state

Array = NDArray[np.float32]


class Layer:
    """The weights of one layer: `inputs` [4 cells, inputs], `recurrent` [4 cells, cells], `bias` [4 cells, 1].

    Gates in the order input, forget, output, cell, so that exp takes them as they come: the first three negative, the
    last one also doubled. `recurrent` expects the halved outputs of `Cells`, and so do `inputs` where they are those of
    the layer below (`stacked`).
    """

    def __init__(self, kernel: Array, bias: Array, *, stacked: bool) -> None:
        cells = len(bias) // 4
        order = np.r_[0:cells, cells : 2 * cells, 3 * cells : 4 * cells, 2 * cells : 3 * cells]
        factors = np.repeat(np.array([-1, -1, -1, -2], np.float32), cells)[:, np.newaxis]
        weights = kernel.T[order] * factors
        self.cells = cells
        self.inputs: Array = np.ascontiguousarray(weights[:, :-cells] * (_DOUBLED if stacked else np.float32(1)))
        self.recurrent: Array = np.ascontiguousarray(weights[:, -cells:] * _DOUBLED)
        self.bias: Array = bias[order, np.newaxis] * factors


class Cells:
    """All layers at work on some paths of each series, before the first step.

    `lags` [series, lags, paths] is where the caller puts the values that differ between the paths, for the weights
    `lag_weights` [4 cells, lags]. `top` [series, 1 + cells, paths] is a one and the halved output of the last layer.
    All of it is one array: a one and the output of a layer, from the last layer to the first, and the lags. So what
    goes into a layer always lies side by side: its own last output, the one and the output of the layer below; and for
    the first layer the one, its own last output and the lags.
    """

    def __init__(self, layers: Sequence[Layer], lag_weights: Array, *, series: int, paths: int) -> None:
        cells = self._cells = layers[0].cells
        self._layers, self._lag_weights = layers, lag_weights
        block = cells + 1
        column = np.zeros((series, len(layers) * block + lag_weights.shape[1], paths), np.float32)
        column[:, : len(layers) * block : block] = 1
        bottom = (len(layers) - 1) * block
        self._first_input = column[:, bottom:]
        self.top: Array = column[:, :block]
        self.lags: Array = column[:, len(layers) * block :]
        self._gates = np.empty((series, 4 * cells, paths), np.float32)
        room = np.empty((series, cells, paths), np.float32)
        outputs = [column[:, bottom - place * block + 1 :][:, :cells] for place in range(len(layers))]
        self._parts = [_Part(self._gates, output, room) for output in outputs]
        self._stacked = [
            (
                np.concatenate((layer.recurrent, layer.bias, layer.inputs), axis=1),
                column[:, bottom - place * block + 1 :][:, : cells + block],
                self._parts[place],
            )
            for place, layer in enumerate(layers[1:], 1)
        ]
        first = np.concatenate((layers[0].bias, layers[0].recurrent, lag_weights), axis=1)
        self._first_weights = np.repeat(first[np.newaxis], series, axis=0)

    def repeated(self, paths: int, lag_weights: Array) -> "Cells":
        """As many paths of each series, in the state of the only one that there is here."""
        more = Cells(self._layers, lag_weights, series=len(self._gates), paths=paths)
        for new, old in zip(more._parts, self._parts, strict=True):
            new.output[:] = old.output
            new.state[:] = old.state
        return more

    def step(self, known: Array, reach: int = 0) -> None:
        """Take a step: `known` [series, 4 cells] are the first layer's gates but for its own output and the lags.

        Of the lags the first `reach` are in place. exp becomes infinite in closed gates, which is right; the caller
        keeps numpy from warning.
        """
        self._first_weights[:, :, 0] = known
        ready = 1 + self._cells + reach
        np.matmul(self._first_weights[:, :, :ready], self._first_input[:, :ready], out=self._gates)
        self._parts[0].advance()
        for weights, inputs, part in self._stacked:
            np.matmul(weights, inputs, out=self._gates)
            part.advance()


class _Part:
    """One layer: its halved `state` [series, cells, paths] and `output`, and the views that a step works on."""

    def __init__(self, gates: Array, output: Array, room: Array) -> None:
        cells = output.shape[1]
        self._gates, self._room, self.output = gates, room, output
        self._views = [gates[:, place * cells : (place + 1) * cells] for place in range(4)]
        self.state = np.zeros(output.shape, np.float32)

    def advance(self) -> None:
        """From the sums of the gates, which are overwritten, to the new state and output.

        With s the sigmoids: c / 2 = s_forget c / 2 + s_input (s_cell - 1/2), and h / 2 = s_output (sigmoid(2 c) - 1/2).
        """
        entered, forgot, shown, new = self._views
        state, room = self.state, self._room
        _sigmoid(self._gates)
        new -= _HALF
        entered *= new
        state *= forgot
        state += entered
        np.multiply(state, _OF_STATE, out=room)
        _sigmoid(room)
        room -= _HALF
        np.multiply(shown, room, out=self.output)


def _sigmoid(negative: Array) -> None:
    """1 / (1 + exp(x)) in place."""
    np.exp(negative, out=negative)
    negative += 1
    np.reciprocal(negative, out=negative)
