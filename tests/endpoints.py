"""An endpoint as training makes it, and what it is asked, for tests of what serves it."""

from typing import Any

from connectors.objects.endpoints import Endpoint, model_key

__all__ = ["EXAMPLE", "endpoint"]

EXAMPLE: dict[str, Any] = {
    "instances": [
        {
            "start": "2009-11-01 00:00:00",
            "target": [4.0, 10.0, "NaN", 100.0, 113.0],
            "cat": [0, 1],
            "dynamic_feat": [[1.0, 1.1, 2.1, 0.5, 3.1, 4.1, 1.2, 5.0]],
        },
        {"start": "2012-01-30", "target": [1.0], "cat": [2, 1], "dynamic_feat": [[2.0, 3.1, 4.5, 1.5]]},
        {"start": "1999-01-30", "target": [2.0, 1.0], "cat": [1, 3], "dynamic_feat": [[1.0, 0.1, -2.5, 0.3, 2.0]]},
    ],
    "configuration": {"num_samples": 50, "output_types": ["mean", "quantiles", "samples"], "quantiles": ["0.5", "0.9"]},
}
"""The request that section 7 of contract 001 shows."""


def endpoint(name: str, version: str = "1", **changes: Any) -> Endpoint:
    """One of daily series, three steps ahead, but for `changes`; no model is behind it."""
    made: dict[str, Any] = {
        "project_id": "p",
        "job_id": 1,
        "time_freq": "D",
        "prediction_length": 3,
        "context_length": 3,
        "cardinality": None,
        "num_dynamic_feat": 0,
        "likelihood": "student-t",
        "num_cells": 4,
        "num_layers": 1,
        "created": 0,
    }
    return Endpoint(name=name, version=version, model_key=model_key(name, version), **{**made, **changes})
