"""Forecasts of a trained DeepAR model as sample paths, in numpy: a process that serves needs no TensorFlow.

The history is read once per series. From there on every sample path is a column of its own. What the network reads at a
step without knowing the path, which is all but the lags that reach into the path itself, is projected once per series.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from math import ceil
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from models.deepar import artefact as artefacts
from models.deepar.artefact import Artefact
from models.deepar.cells import Cells, Layer
from models.deepar.inputs import known_inputs, scale_of
from models.deepar.sampling import Sampler, sampler
from models.deepar.series import Series

__all__ = ["Predictor"]

# Columns that are worked on together: their gates, 1 MB for 40 cells, stay in the cache. Measured: half costs 5 % more,
# double at best 5 % less, and needs a cache twice as large.
_COLUMNS: Final = 1600
_FEWEST_COLUMNS: Final = 400  # a thread of its own for fewer costs more than it saves where other requests wait, too
_MOST_NUMBERS: Final = 10_000_000  # kept at once, 40 MB: few samples of long windows would ask for gigabytes
_MOST_SCALED: Final = np.float32(1e6)  # scaled values are near 1; far beyond this, sums of gates would overflow
_LARGEST: Final = np.float32(1e37)  # below float32's end, so that sums of samples are finite too

Array = NDArray[np.float32]


class Predictor:
    """A trained model that forecasts. Used by several threads at once: it keeps nothing of a call."""

    def __init__(self, artefact: Artefact, *, threads: int = 1) -> None:
        """`threads` is how many a call may take where it asks for many series."""
        self.artefact = artefact
        self._threads = threads
        config = self.config = artefact.config
        weights = artefact.weights
        self._frequency = config.frequency
        self._never_negative = bool(artefact.facts.get("non_negative")) and not config.allow_negative
        self._lags = np.array(self._frequency.lags())
        self._embeddings = [weights[f"embedding_{place}"] for place in range(len(config.cardinality or ()))]
        self._layers = [
            Layer(weights[f"lstm_{layer}/kernel"], weights[f"lstm_{layer}/bias"], stacked=layer > 0)
            for layer in range(config.num_layers)
        ]
        # Onto a one and the last layer's halved output.
        projection = weights["projection/bias"][:, np.newaxis], weights["projection/kernel"].T * np.float32(2)
        self._projection: Array = np.concatenate(projection, axis=1)
        first = self._layers[0].inputs
        static = sum(table.shape[1] for table in self._embeddings) + 1
        self._lag_weights: Array = first[:, : len(self._lags)]
        self._step_weights: Array = np.ascontiguousarray(first[:, : first.shape[1] - static].T)
        self._static_weights: Array = np.ascontiguousarray(first[:, first.shape[1] - static :].T)

    @classmethod
    def load(cls, content: bytes, *, threads: int = 1) -> Self:
        """The predictor of a model's file; ArtefactError where it is none."""
        return cls(artefacts.load(content), threads=threads)

    def sample(self, series: Sequence[Series], num_samples: int, seeds: Sequence[int]) -> list[Array]:
        """For each series `num_samples` paths of the steps behind its last value: [num_samples, prediction_length].

        All numbers are finite. A series' paths follow from its own seed, whatever the other series are. None is below
        zero where neither its history nor what the model was trained on is (decision 22), so that mean and quantiles,
        which are the paths' (D-036), are not either.
        """
        parts = self._parts(len(series), num_samples)

        def sampled(part: slice) -> list[Array]:
            return self._sample(series[part], num_samples, seeds[part])

        if self._threads == 1 or len(parts) == 1:
            return [paths for part in parts for paths in sampled(part)]
        with ThreadPoolExecutor(min(self._threads, len(parts))) as threads:
            return [paths for found in threads.map(sampled, parts) for paths in found]

    def _parts(self, count: int, num_samples: int) -> list[slice]:
        """The series that are worked on together: as many as the cache takes, and of equal parts for all threads."""
        config = self.config
        steps = config.context_length + config.prediction_length
        size = steps * 4 * config.num_cells + 4 * config.prediction_length * num_samples  # numbers kept per series
        most = max(1, min(round(_COLUMNS / num_samples), _MOST_NUMBERS // size))
        parts = ceil(count / most)
        if self._threads > 1:
            split = max(parts, min(self._threads, count * num_samples // _FEWEST_COLUMNS))
            parts = min(count, ceil(split / self._threads) * self._threads) if split > 1 else split
        bounds = [count * part // parts for part in range(parts + 1)] if parts else []
        return [slice(*pair) for pair in pairwise(bounds)]

    def _sample(self, series: Sequence[Series], num_samples: int, seeds: Sequence[int]) -> list[Array]:
        config = self.config
        scales = np.array([self._scale(one) for one in series], np.float32)
        known = self._projected(series, scales)
        draws = sampler(config.likelihood, seeds, scales, steps=config.prediction_length, samples=num_samples)
        with np.errstate(over="ignore"):  # of exp in closed gates; of values, which are clipped at once
            cells = self._read(known[: config.context_length + 1])
            values = self._continue(known[config.context_length :], cells, draws, num_samples)
            values *= scales[:, np.newaxis, np.newaxis]
        np.clip(values, -_LARGEST, _LARGEST, out=values)
        if config.likelihood == "negative-binomial":
            np.rint(values, out=values)
        if self._never_negative:
            for paths, one in zip(values, series, strict=True):
                if not (one.target < 0).any():
                    np.maximum(paths, 0, out=paths)
        return [paths.T for paths in values]

    def _scale(self, series: Series) -> float:
        context = series.target[max(0, len(series.target) - self.config.context_length) :]
        return scale_of(
            context, series.target, default=self.artefact.default_scale, scaled=self.config.likelihood != "beta"
        )

    def _projected(self, series: Sequence[Series], scales: Array) -> Array:
        """What the inputs known beforehand add to the first layer's gates: [all steps, series, 4 cells]."""
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
        with np.errstate(over="ignore"):  # likewise
            past /= scales[:, np.newaxis]
        np.clip(past, -_MOST_SCALED, _MOST_SCALED, out=past)
        inputs = np.concatenate((past[:, _lag_places(tuple(self._lags.tolist()), count)], np.stack(known)), axis=2)
        gates = inputs @ self._step_weights
        gates += self._static(series, scales) @ self._static_weights + self._layers[0].bias[:, 0]
        return gates.transpose(1, 0, 2)

    def _static(self, series: Sequence[Series], scales: Array) -> Array:
        """What the network is told of a series at every step: [series, 1, embeddings + 1]."""
        codes = np.array([one.cat for one in series], np.intp).reshape(len(series), -1)
        parts = [table[codes[:, place]] for place, table in enumerate(self._embeddings)]
        return np.concatenate([*parts, np.log(scales)[:, np.newaxis]], axis=1)[:, np.newaxis]

    def _read(self, known: Array) -> Cells:
        """Read the history and take the first step of the forecast, which is the same for all paths."""
        cells = Cells(self._layers, self._lag_weights[:, :0], series=known.shape[1], paths=1)
        for of_step in known:
            cells.step(of_step)
        return cells

    def _continue(self, known: Array, first: Cells, draws: Sampler, num_samples: int) -> Array:
        """The paths from the first step on, divided by the scale: [series, steps, num_samples]."""
        steps, series = known.shape[:2]
        near = self._lags[self._lags < steps]  # those that will reach into the path
        cells = first.repeated(num_samples, self._lag_weights[:, : len(near)])
        paths = np.empty((series, steps, num_samples), np.float32)
        raw = np.repeat(self._projection @ first.top, num_samples, axis=2)
        for step in range(steps):
            if step:
                reach = int(np.searchsorted(near, step, side="right"))
                cells.lags[:, :reach] = paths[:, step - near[:reach]]
                cells.step(known[step], reach)
                np.matmul(self._projection, cells.top, out=raw)
            np.clip(draws.draw(step, raw), -_MOST_SCALED, _MOST_SCALED, out=paths[:, step])
        return paths


@lru_cache(maxsize=64)
def _lag_places(lags: tuple[int, ...], count: int) -> NDArray[np.intp]:
    """Where the lags of each of `count` steps lie in an array that begins the longest lag before: [count, lags]."""
    places: NDArray[np.intp] = np.arange(count)[:, np.newaxis] + lags[-1] - np.array(lags)
    return places
