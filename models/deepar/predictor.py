"""Forecasts of a trained DeepAR model as sample paths, in numpy: a process that serves needs no TensorFlow.

The history is read once per series. From there on every sample path is a column of its own. What the network reads at a
step without knowing the path, which is all but the lags that reach into the path itself, is projected once per series.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from models.deepar import artefact as artefacts
from models.deepar.artefact import Artefact
from models.deepar.cells import Layer, State, advance
from models.deepar.inputs import known_inputs, scale_of
from models.deepar.sampling import Sampler, sampler
from models.deepar.series import Series

__all__ = ["Predictor"]

# Columns that are worked on together: their gates, 1 MB for 40 cells, stay in the cache. Measured: half and double cost
# 5 to 10 % more.
_COLUMNS: Final = 1600
_MOST_SCALED: Final = np.float32(1e6)  # scaled values are near 1; far beyond this, sums of gates would overflow
_LARGEST: Final = np.float32(1e37)  # below float32's end, so that sums of samples are finite too

Array = NDArray[np.float32]


class Predictor:
    """A trained model that forecasts. Used by several threads at once: it keeps nothing of a call."""

    def __init__(self, artefact: Artefact) -> None:
        self.artefact = artefact
        config = self.config = artefact.config
        weights = artefact.weights
        self._frequency = config.frequency
        self._lags = np.array(self._frequency.lags())
        self._embeddings = [weights[f"embedding_{place}"] for place in range(len(config.cardinality or ()))]
        self._layers = [
            Layer(weights[f"lstm_{layer}/kernel"], weights[f"lstm_{layer}/bias"], stacked=layer > 0)
            for layer in range(config.num_layers)
        ]
        self._projection: Array = np.ascontiguousarray(weights["projection/kernel"].T * np.float32(0.5))
        self._projection_bias: Array = weights["projection/bias"][:, np.newaxis]
        first = self._layers[0].inputs
        static = sum(table.shape[1] for table in self._embeddings) + 1
        self._lag_weights: Array = first[:, : len(self._lags)]
        self._step_weights: Array = np.ascontiguousarray(first[:, : first.shape[1] - static].T)
        self._static_weights: Array = np.ascontiguousarray(first[:, first.shape[1] - static :].T)
        # Into a layer: from below and from its own last output, which lie one above the other.
        self._stacked = [np.concatenate((layer.inputs, layer.recurrent), axis=1) for layer in self._layers[1:]]

    @classmethod
    def load(cls, content: bytes) -> Self:
        """The predictor of a model's file; ArtefactError where it is none."""
        return cls(artefacts.load(content))

    def sample(self, series: Sequence[Series], num_samples: int, seeds: Sequence[int]) -> list[Array]:
        """For each series `num_samples` paths of the steps behind its last value: [num_samples, prediction_length].

        All numbers are finite. A series' paths follow from its own seed, whatever the other series are.
        """
        together = max(1, round(_COLUMNS / num_samples))
        paths: list[Array] = []
        for first in range(0, len(series), together):
            part = slice(first, first + together)
            paths += self._sample(series[part], num_samples, seeds[part])
        return paths

    def _sample(self, series: Sequence[Series], num_samples: int, seeds: Sequence[int]) -> list[Array]:
        config = self.config
        scales = np.array([self._scale(one) for one in series], np.float32)
        known = self._projected(series, scales)
        states, raw = self._read(known[: config.context_length + 1])
        draws = sampler(config.likelihood, seeds, scales, steps=config.prediction_length, samples=num_samples)
        values = self._continue(known[config.context_length :], states, raw, draws, num_samples)
        values *= scales[:, np.newaxis]
        np.clip(values, -_LARGEST, _LARGEST, out=values)
        if config.likelihood == "negative-binomial":
            np.rint(values, out=values)
        return [values[:, place].T for place in range(len(series))]

    def _scale(self, series: Series) -> float:
        context = series.target[max(0, len(series.target) - self.config.context_length) :]
        return scale_of(
            context, series.target, default=self.artefact.default_scale, scaled=self.config.likelihood != "beta"
        )

    def _projected(self, series: Sequence[Series], scales: Array) -> Array:
        """What the inputs known beforehand add to the first layer's gates: [all steps, series, 4 cells, 1]."""
        config = self.config
        count = config.context_length + config.prediction_length
        longest = int(self._lags[-1])
        past = np.zeros((len(series), longest + count), np.float32)
        known = []
        for row, one in zip(past, series, strict=True):
            reach = min(len(one.target), longest + config.context_length)
            end = longest + config.context_length
            row[end - reach : end] = one.target[len(one.target) - reach :]
            known.append(known_inputs(self._frequency, one, len(one.target) - config.context_length, count))
        np.nan_to_num(past, copy=False, nan=0.0)
        past /= scales[:, np.newaxis]
        np.clip(past, -_MOST_SCALED, _MOST_SCALED, out=past)
        inputs = np.concatenate((past[:, _lag_places(tuple(self._lags.tolist()), count)], np.stack(known)), axis=2)
        gates = inputs @ self._step_weights
        gates += self._static(series, scales) @ self._static_weights + self._layers[0].bias[:, 0]
        return gates.transpose(1, 0, 2)[..., np.newaxis]

    def _static(self, series: Sequence[Series], scales: Array) -> Array:
        """What the network is told of a series at every step: [series, 1, embeddings + 1]."""
        codes = np.array([one.cat for one in series], np.intp).reshape(len(series), -1)
        parts = [table[codes[:, place]] for place, table in enumerate(self._embeddings)]
        return np.concatenate([*parts, np.log(scales)[:, np.newaxis]], axis=1)[:, np.newaxis]

    def _read(self, known: Array) -> tuple[list[State], Array]:
        """Read the history and take the first step of the forecast: the states then, and that step's raw parameters."""
        states = [State.empty(known.shape[1], layer.cells) for layer in self._layers]
        for of_step in known:
            gates = self._layers[0].recurrent @ states[0].output
            gates += of_step
            advance(gates, states[0])
            for place, layer in enumerate(self._layers[1:], 1):
                gates = layer.inputs @ states[place - 1].output
                gates += layer.recurrent @ states[place].output
                gates += layer.bias
                advance(gates, states[place])
        return states, self._projection @ states[-1].output + self._projection_bias

    def _continue(self, known: Array, states: list[State], raw: Array, draws: Sampler, num_samples: int) -> Array:
        """The paths from the first step on, divided by the scale: [steps, series, num_samples]."""
        steps, series = known.shape[:2]
        cells = self._layers[0].cells
        near = self._lags[self._lags < steps]  # those that will reach into the path
        below = np.empty((series, cells + len(near), num_samples), np.float32)
        stacks = [np.empty((series, 2 * layer.cells, num_samples), np.float32) for layer in self._layers[1:]]
        states = [
            state.repeated(num_samples, below[:, :cells] if place == 0 else stacks[place - 1][:, cells:])
            for place, state in enumerate(states)
        ]
        gates = np.empty((series, 4 * cells, num_samples), np.float32)
        paths = np.empty((steps, series, num_samples), np.float32)
        raw = np.repeat(raw, num_samples, axis=2)
        for step in range(steps):
            if step:
                reach = int(np.searchsorted(near, step, side="right"))
                for place, lag in enumerate(near[:reach].tolist()):
                    below[:, cells + place] = paths[step - lag]
                weights = np.concatenate((self._layers[0].recurrent, self._lag_weights[:, :reach]), axis=1)
                np.matmul(weights, below[:, : cells + reach], out=gates)
                gates += known[step]
                advance(gates, states[0])
                for place, layer in enumerate(self._layers[1:], 1):
                    stacks[place - 1][:, :cells] = states[place - 1].output
                    np.matmul(self._stacked[place - 1], stacks[place - 1], out=gates)
                    gates += layer.bias
                    advance(gates, states[place])
                raw = self._projection @ states[-1].output
                raw += self._projection_bias
            np.clip(draws.draw(step, raw), -_MOST_SCALED, _MOST_SCALED, out=paths[step])
        return paths


@lru_cache(maxsize=64)
def _lag_places(lags: tuple[int, ...], count: int) -> NDArray[np.intp]:
    """Where the lags of each of `count` steps lie in an array that begins the longest lag before: [count, lags]."""
    places: NDArray[np.intp] = np.arange(count)[:, np.newaxis] + lags[-1] - np.array(lags)
    return places
