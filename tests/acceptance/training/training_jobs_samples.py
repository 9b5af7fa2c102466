"""What tests of training jobs are made of."""

import uuid
from typing import Any, Final

import httpx

from tests.integration.services import Api, until

ENDED: Final = (5, 10, 11, 12, 13, 14)
TINY: Final = {  # about a second of training
    "time_freq": "D",
    "prediction_length": "3",
    "context_length": "6",
    "epochs": "1",
    "num_batches_per_epoch": "5",
    "num_cells": "8",
    "num_layers": 1,
    "cardinality": "",
    "num_dynamic_feat": "",
}


def name_of(word: str) -> str:
    """A job's name that no other test has: all projects share the names of endpoints."""
    return f"{word}-{uuid.uuid4().hex[:12]}"


def body(name: str, data_url: str = "/uploads/nothing.jsonl", **changes: Any) -> dict[str, Any]:
    """A request for a tiny training; `changes` are of its config."""
    parameter = [{"label": label, "value": value} for label, value in TINY.items()]
    config = {"worker_server_num": 1, "model_id": 5, "data_url": data_url, "parameter": parameter, **changes}
    return {"job_name": name, "config": config}


def create(api: Api, project: str, sent: dict[str, Any]) -> dict[str, Any]:
    """A new job."""
    answer = api.call("POST", f"/v1/{project}/training-jobs", json=sent)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def refused(answer: httpx.Response, status: int, code: str, *words: str) -> None:
    """Check an error's envelope (T-030, T-031)."""
    assert answer.status_code == status, answer.text
    shown = answer.json()
    assert set(shown) == {"is_success", "error_code", "error_message"}
    assert (shown["is_success"], shown["error_code"]) == (False, f"ModelArts.{code}")
    for word in words:
        assert word in shown["error_message"], shown["error_message"]
    assert "Traceback" not in shown["error_message"]


def version(api: Api, project: str, job: dict[str, Any]) -> dict[str, Any]:
    """The first version as it is now."""
    shown: dict[str, Any] = api.get(f"/v1/{project}/training-jobs/{job['job_id']}/versions/{job['version_id']}")
    return shown


def ended(api: Api, project: str, job: dict[str, Any]) -> dict[str, Any]:
    """The version at its end."""

    def at_its_end() -> dict[str, Any] | None:
        shown = version(api, project, job)
        return shown if shown["status"] in ENDED else None

    return until(at_its_end, why=f"job {job['job_id']} ends")
