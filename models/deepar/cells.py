"""LSTM cells for many paths of many series, without TensorFlow: how a trained network is laid out to be quick in numpy.

What belongs to a series is one matrix [features, paths] of a stack, so the gates of a cell are contiguous, and matrix
products have the same shape however many series there are: their last bits must not depend on that. With
sigmoid(x) = (1 + tanh(x / 2)) / 2 one tanh serves all gates: the halves, and the factor two by which the states here
are larger than those of `models.deepar`, are put into the weights beforehand.
"""

from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layer", "State", "advance"]

_HALF: Final = np.float32(0.5)

Array = NDArray[np.float32]


class Layer:
    """The weights of one layer: `inputs` [4 cells, inputs], `recurrent` [4 cells, cells], `bias` [4 cells, 1].

    Gates in the order input, forget, output, cell, the first three halved. `recurrent` expects the doubled output of
    `advance`, and so do `inputs` where they are those of the layer below (`stacked`).
    """

    def __init__(self, kernel: Array, bias: Array, *, stacked: bool) -> None:
        cells = len(bias) // 4
        order = np.r_[0:cells, cells : 2 * cells, 3 * cells : 4 * cells, 2 * cells : 3 * cells]
        halves = np.repeat(np.array([0.5, 0.5, 0.5, 1.0], np.float32), cells)[:, np.newaxis]
        weights = kernel.T[order] * halves
        self.cells = cells
        self.inputs: Array = np.ascontiguousarray(weights[:, :-cells] * (_HALF if stacked else np.float32(1)))
        self.recurrent: Array = np.ascontiguousarray(weights[:, -cells:] * _HALF)
        self.bias: Array = bias[order, np.newaxis] * halves


class State:
    """What a layer remembers of each path, doubled: [series, cells, paths]; and room for `advance` to work in."""

    def __init__(self, cell: Array, output: Array) -> None:
        self.cell = cell
        self.output = output
        self.room = np.empty_like(cell)

    @classmethod
    def empty(cls, series: int, cells: int) -> Self:
        """The state before the first step, one path per series."""
        return cls(np.zeros((series, cells, 1), np.float32), np.zeros((series, cells, 1), np.float32))

    def repeated(self, times: int, output: Array) -> "State":
        """Every path `times` times; the output goes to the place given."""
        output[:] = self.output
        return State(np.repeat(self.cell, times, axis=2), output)


def advance(gates: Array, state: State) -> None:
    """One step: from the sums of the gates [series, 4 cells, paths], which are overwritten, to the new state.

    With doubled states C and H and gates t = tanh(…): C = (1 + t_forget) C / 2 + (1 + t_input) t_cell, and
    H = (1 + t_output) tanh(C / 2).
    """
    cells = state.cell.shape[1]
    np.tanh(gates, out=gates)
    gates[:, : 3 * cells] += 1
    entered, forgot, shown, new = (gates[:, place * cells : (place + 1) * cells] for place in range(4))
    entered *= new
    cell, room = state.cell, state.room
    cell *= forgot
    cell *= _HALF
    cell += entered
    np.multiply(cell, _HALF, out=room)
    np.tanh(room, out=room)
    np.multiply(shown, room, out=state.output)
