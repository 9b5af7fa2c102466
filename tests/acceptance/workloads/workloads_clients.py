"""What users of contract 004 do: send points, ask, wait until they are there."""

import uuid
from collections.abc import Sequence
from typing import Any

import httpx

from tests.integration.services import until

AT = 1_704_067_200_000  # 2024-01-01 00:00:00 UTC
SAMPLE = [  # M-050
    {"metric_name": "train/loss", "value": 2.3456, "timestamp": AT, "iteration": 1, "data_source": "wandb"},
    {"metric_name": "train/accuracy", "value": 0.1234, "timestamp": AT, "iteration": 1, "data_source": "wandb"},
    {"metric_name": "train/loss", "value": 1.8765, "timestamp": AT + 60_000, "iteration": 2, "data_source": "wandb"},
]


def new_uid() -> str:
    """A workload that no other test knows."""
    return f"w-{uuid.uuid4().hex}"


def point(step: int, *, metric: str = "train/loss", source: str = "log", value: float | None = None) -> dict[str, Any]:
    """A point of a step, a second after the one before."""
    return {
        "metric_name": metric,
        "value": 1 / (step + 1) if value is None else value,
        "timestamp": AT + step * 1000,
        "iteration": step,
        "data_source": source,
    }


def send(http: httpx.Client, uid: str, points: Sequence[dict[str, Any]]) -> None:
    """POST them."""
    answer = http.post(f"/api/v1/workloads/{uid}/metrics", json={"data": points})
    assert (answer.status_code, answer.json()) == (202, {"accepted": len(points)})


def data(http: httpx.Client, uid: str, **query: Any) -> dict[str, Any]:
    """The data call's answer."""
    answer = http.get(f"/api/v1/workloads/{uid}/metrics/data", params=query)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    assert content["total_count"] == len(content["data"])
    return content


def available(http: httpx.Client, uid: str) -> dict[str, Any]:
    """The available call's answer."""
    answer = http.get(f"/api/v1/workloads/{uid}/metrics/available")
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def sent_sample(http: httpx.Client) -> str:
    """A workload with the sample's points, which are there to be read."""
    uid = new_uid()
    send(http, uid, SAMPLE)
    until(lambda: data(http, uid)["total_count"] == 3, within=10, why="points are visible within 2 s (M-064)")
    return uid
