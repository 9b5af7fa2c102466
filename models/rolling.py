"""Forecasts of a history by itself: again and again a model that saw the values before forecasts the next ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np

from models.arrays.columns import FloatArray
from models.arrays.levels import at_levels, conformal
from models.arrays.published_values import publishable, value_kinds
from models.batch import right_aligned
from models.forecasts import SeriesBatch
from models.hyper_parameters import ConfigValue
from models.model_spec import ModelSpec

__all__ = ["Rolled", "origins_of", "rolled"]

_FEWEST_BEFORE: Final = 10  # values before the first forecast, or two seasons
_CELLS: Final = 2**18  # of a matrix: each row is the history up to one origin


@dataclass(frozen=True, slots=True, eq=False)
class Rolled:
    """Of each step of a history from `first` on: what was forecast, and the edges of its interval.

    `every`: so many steps were forecast from each origin. Edges are NaN where there were too few errors for any.
    `own`: the interval is the model's own, else it is made of the errors of all these forecasts.
    """

    first: int
    every: int
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    own: bool


def origins_of(steps: int, season: int, *, most: int, fits: int) -> tuple[int, int]:
    """From which step on a history of so many is forecast, and how many steps from each origin.

    At most the last `most` steps, by at most so many `fits`; `steps` where it is too short for any.
    """
    first = max(_FEWEST_BEFORE, 2 * season, steps - most)
    if first >= steps:
        first = max(_FEWEST_BEFORE, steps - most)
    return (steps, 1) if first >= steps else (first, ceil((steps - first) / max(1, fits)))


def rolled(
    history: FloatArray,
    spec: ModelSpec,
    config: Mapping[str, ConfigValue],
    *,
    first: int,
    every: int,
    level: float,
    season_length: int = 1,
    freq: str = "",
) -> Rolled:
    """Forecast `history` [n], laid on its calendar, from step `first` on; `level` is that of the intervals, below 1.

    Each forecast sees what came before its origin alone. Intervals are the model's; where it has none, they reach as
    far as that share of the errors of all these forecasts.
    """
    steps, model = len(history), spec.load()
    origins = np.arange(first, steps, every)
    mean = np.full((len(origins), every), np.nan)
    quantiles: dict[str, FloatArray] = {}
    together = max(1, _CELLS // steps)
    for begin in range(0, len(origins), together):
        part = origins[begin : begin + together]
        rows = right_aligned([history[:origin] for origin in part.tolist()])
        seen = ~np.isnan(rows).all(axis=1)
        if not seen.any():
            continue
        forecasts = model(
            SeriesBatch(
                history=rows[seen],
                horizon=every,
                config=config,
                season_length=season_length,
                seeds=np.zeros(int(seen.sum()), dtype=np.uint64),
                freq=freq if spec.calendar else "",
            )
        )
        places = begin + np.flatnonzero(seen)
        mean[places] = forecasts.mean
        for name, values in forecasts.quantiles.items():
            quantiles.setdefault(name, np.full_like(mean, np.nan))[places] = values
    return _with_edges(history, first, every, mean, quantiles, level)


def _with_edges(
    history: FloatArray,
    first: int,
    every: int,
    mean: FloatArray,
    quantiles: Mapping[str, FloatArray],
    level: float,
) -> Rolled:
    levels = [(1 - level) / 2, (1 + level) / 2]
    steps = len(history) - first
    flat = mean.reshape(1, -1)
    errors = history[first:] - flat[:, :steps]
    edges = conformal(flat, errors, levels)
    own = bool(quantiles)
    if own:
        known = {float(name): values.reshape(1, -1) for name, values in quantiles.items()}
        made = at_levels(flat, known, levels)
        edges = [np.where(np.isnan(values), others, values) for values, others in zip(made, edges, strict=True)]
    kinds = value_kinds(history[np.newaxis])
    low, high = (publishable(values, kinds)[0, :steps] for values in edges)
    return Rolled(first, every, publishable(flat, kinds)[0, :steps], low, high, own)
