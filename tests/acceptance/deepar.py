"""A small DeepAR model for tests of what serves it: random weights, so that nothing needs to be trained."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from connectors import endpoints
from connectors.endpoints import Endpoint, model_key
from connectors.object_store import ObjectStore
from models.deepar.artefact import Artefact, dump, weight_shapes
from models.deepar.config import DeepARConfig

__all__ = ["artefact", "instance", "publish"]


def artefact(**settings: Any) -> Artefact:
    """A model of daily series, three steps ahead; without categories and features unless `settings` say so."""
    given = {"time_freq": "D", "prediction_length": 3, "context_length": 5, "likelihood": "gaussian", "num_cells": 6}
    config = DeepARConfig(**{**given, "num_layers": 2, "cardinality": (), "num_dynamic_feat": 0, **settings})
    rng = np.random.default_rng(7)
    weights = {
        name: rng.normal(0, 0.2, shape).astype(np.float32) for name, shape in sorted(weight_shapes(config).items())
    }
    return Artefact(config, 1.0, weights)


def publish(store: ObjectStore, name: str, *, version: str = "1", environment: Any = None, **settings: Any) -> Endpoint:
    """Make such a model an endpoint."""
    model = artefact(**settings)
    config = model.config
    endpoint = Endpoint(
        name=name,
        version=version,
        model_key=model_key(name, version),
        project_id="p",
        job_id=1,
        time_freq=config.time_freq,
        prediction_length=config.prediction_length,
        context_length=config.context_length,
        cardinality=config.cardinality or None,
        num_dynamic_feat=config.num_dynamic_feat or 0,
        likelihood=config.likelihood,
        num_cells=config.num_cells,
        num_layers=config.num_layers,
        created=1_700_000_000_000,
        environment=environment or {},
    )
    endpoints.publish(store, endpoint, dump(model))
    return endpoint


def instance(target: Sequence[Any] = (1.0, 2.0, 3.0, 2.0), start: str = "2024-01-01", **fields: Any) -> dict[str, Any]:
    """A series as a request has it."""
    return {"start": start, "target": list(target), **fields}
