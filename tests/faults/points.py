"""Points of metrics that a patient trainer posts, and what can be read of them."""

import time
from collections.abc import Sequence
from typing import Any, Final

import httpx

__all__ = ["AT", "points_of", "send_points"]

AT: Final = 1_704_067_200_000
"""The time of step 0; each step is a millisecond later."""


def send_points(url: str, uid: str, steps: Sequence[int]) -> None:
    """A point for each step, in one request; what was not confirmed is sent again."""
    points = [
        {"metric_name": "loss", "value": s / 7, "timestamp": AT + s, "iteration": s, "data_source": "log"}
        for s in steps
    ]
    while True:
        try:
            answer = httpx.post(f"{url}/api/v1/workloads/{uid}/metrics", json={"data": points}, timeout=20)
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if answer.status_code == 202:
            break
        assert answer.status_code == 503, answer.text
        time.sleep(0.1)


def points_of(url: str, uid: str) -> list[dict[str, Any]]:
    """All that can be read; none while the service is not ready."""
    with httpx.Client(base_url=url, timeout=60) as client:
        answer = client.get(f"/api/v1/workloads/{uid}/metrics/data")
        return answer.json()["data"] if answer.status_code == 200 else []
