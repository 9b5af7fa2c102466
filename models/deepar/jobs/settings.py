"""How a forecasting job's settings become a DeepAR model's, and sample paths its answer. Loads no TensorFlow."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.arrays.columns import FloatArray
from models.deepar.artefact import Artefact
from models.deepar.config import DeepARConfig
from models.deepar.frequency import Frequency
from models.deepar.predictor import Predictor
from models.deepar.series import Series
from models.deepar.summaries import mean_of, quantiles_of
from models.hyper_parameters import ConfigValue

__all__ = ["LARGEST", "LEVELS", "TOO_LARGE", "mean_and_quantiles", "model_config"]

LEVELS: Final = ("0.025", "0.1", "0.5", "0.9", "0.975")
"""The quantiles answered with: those of the models with intervals (`models.arrays.intervals`), and the median."""

LARGEST: Final = 1e37
"""Beyond it sums of float32 would be infinite."""

TOO_LARGE: Final = "the series has values beyond 1e37, too large for DeepAR: divide them all by a constant"

_SAMPLES: Final = 200  # five paths lie beyond the outermost levels
_SHORTEST_CONTEXT: Final = 10
_LARGEST_SEED: Final = 2**63 - 1
_TOGETHER: Final = 1000  # series whose paths are kept at once: 30 MB of 40 steps


def model_config(
    settings: Mapping[str, ConfigValue],
    frequency: Frequency,
    prediction_length: int,
    *,
    seed: int,
    cardinality: tuple[int, ...] = (),
    allow_negative: bool = False,
) -> DeepARConfig:
    """The configuration of a model; `settings` are complete (`models.deepar.specs`)."""
    given = {name: value for name, value in settings.items() if name != "context_length"}
    context = int(settings["context_length"]) or max(_SHORTEST_CONTEXT, 2 * prediction_length)
    names = {"time_freq": str(frequency), "prediction_length": prediction_length, "context_length": context}
    config, _ = DeepARConfig.from_hyper_parameters(
        {
            **given,
            **names,
            "seed": seed & _LARGEST_SEED,
            "cardinality": cardinality,
            "num_dynamic_feat": 0,
            "allow_negative": int(allow_negative),
        }
    )
    return config


def mean_and_quantiles(
    model: Artefact, series: Sequence[Series], seeds: Sequence[int]
) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Means and quantiles of the steps behind each series, [N, prediction_length]."""
    predictor = Predictor(model)
    means: list[NDArray[np.float32]] = []
    quantiles: list[NDArray[np.float32]] = []
    levels = tuple(map(float, LEVELS))
    for first in range(0, len(series), _TOGETHER):
        part = slice(first, first + _TOGETHER)
        for paths in predictor.sample(series[part], _SAMPLES, [seed & _LARGEST_SEED for seed in seeds[part]]):
            means.append(mean_of(paths))
            quantiles.append(quantiles_of(paths, levels))
    by_level = np.stack(quantiles).astype(np.float64)
    return np.stack(means).astype(np.float64), {level: by_level[:, place] for place, level in enumerate(LEVELS)}
