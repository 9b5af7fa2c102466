"""DeepAR models with random weights, and series for them: what is forecast is nonsense, but must be the right one."""

from typing import Any

import numpy as np

from models.deepar.artefact import Artefact, weight_shapes
from models.deepar.config import DeepARConfig
from models.deepar.predictor import Predictor
from models.deepar.series import Series

__all__ = ["artefact", "predictor", "series"]


def artefact(likelihood: str = "student-t", **changed: Any) -> Artefact:
    """A model of daily series with a category of three values and a dynamic feature, unless something is changed."""
    given = {"time_freq": "D", "prediction_length": 9, "context_length": 11, "num_cells": 6, "num_layers": 2}
    fields = given | {"cardinality": (3,), "num_dynamic_feat": 1} | changed
    config = DeepARConfig(likelihood=likelihood, **fields)
    random = np.random.default_rng(4)
    weights = {
        name: random.normal(0, 0.4, shape).astype(np.float32) for name, shape in sorted(weight_shapes(config).items())
    }
    return Artefact(config, 7.5, weights, {"epochs": 3, "loss": 0.25})


def predictor(likelihood: str = "student-t", **changed: Any) -> Predictor:
    """The predictor of such a model."""
    return Predictor(artefact(likelihood, **changed))


def series(values: Any, model: Predictor, *, place: int = 0) -> Series:
    """A history for a model; its codes and features follow from `place`."""
    config = model.config
    target = np.array(values, np.float32)
    known = len(target) + config.prediction_length
    features = np.random.default_rng(place).normal(size=(config.num_dynamic_feat or 0, known)).astype(np.float32)
    start = config.frequency.align(np.datetime64("2023-11-20T05:30", "m") + np.timedelta64(place * 1000, "m"))
    codes = tuple((place + at) % values for at, values in enumerate(config.cardinality or ()))
    return Series(start, target, codes, features)
