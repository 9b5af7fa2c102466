"""A small DeepAR model for tests of what serves it: random weights, so that nothing needs to be trained."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import httpx
import numpy as np
import orjson

from connectors.objects import endpoints
from connectors.objects.endpoints import Endpoint, model_key
from connectors.objects.store import ObjectStore
from models.deepar.artefact import Artefact, dump, weight_shapes
from models.deepar.config import DeepARConfig

__all__ = ["JSON_LINES", "SEED", "artefact", "check_refusal", "instance", "invoke", "lines_of", "publish", "refused"]

SEED: Final[dict[str, Any]] = {"seed": 11, "num_samples": 20, "output_types": ["samples", "mean", "quantiles"]}
JSON_LINES: Final = {"Content-Type": "application/jsonlines"}


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


def invoke(http: httpx.Client, name: str, *instances: Any, **configuration: Any) -> list[Any]:
    """The predictions of an endpoint for these instances; the answer must be strict JSON."""
    body: dict[str, Any] = {"instances": list(instances)}
    if configuration:
        body["configuration"] = configuration
    answer = http.post(f"/endpoints/{name}/invocations", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    predictions: list[Any] = orjson.loads(answer.content)["predictions"]  # which refuses NaN and Infinity
    assert list(orjson.loads(answer.content)) == ["predictions"]
    assert len(predictions) == len(instances)
    return predictions


def lines_of(rows: Iterable[Any]) -> bytes:
    """JSON Lines."""
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def refused(http: httpx.Client, name: str, body: Any, *parts: str, status: int = 400) -> dict[str, Any]:
    """The body of the refusal of a request, checked as `check_refusal` does."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    headers = {"Content-Type": "application/json"}
    return check_refusal(http.post(f"/endpoints/{name}/invocations", content=content, headers=headers), status, *parts)


def check_refusal(answer: httpx.Response, status: int, *parts: str) -> dict[str, Any]:
    """The body of an error, after checking that it is the envelope of D-081 and that its message has every part."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert {"code", "message"} <= set(body) <= {"code", "message", "instance"}
    assert isinstance(body["code"], str)
    assert body["code"].isalnum()
    for part in parts:
        assert part in body["message"], body["message"]
    assert "Traceback" not in body["message"]
    assert 'File "' not in body["message"]
    return body
