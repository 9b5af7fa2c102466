"""Forecasts of one series over HTTP from a DeepAR endpoint: latency at 1 and 16 clients, requests per second."""

import asyncio
import tempfile
import time
from math import isnan
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
from numpy.typing import NDArray

from benchmarks.deepar_data import synthetic
from benchmarks.end_to_end import service
from benchmarks.report import console, show

__all__ = ["run"]

_CLIENTS = (1, 16)
_REQUESTS = 400  # of each number of clients, after some to warm up
_WARM_UP = 40


def run(horizon: int = 24) -> None:
    """Train a model of the default size for a moment, then measure its endpoint."""
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home") as url:
        starts, targets = synthetic(50)
        instances = [_instance(start, target) for start, target in zip(starts, targets, strict=True)]
        _train(url, horizon, instances)
        bodies = [orjson.dumps({"instances": [instance]}) for instance in instances]
        rows = [asyncio.run(_clients(url, bodies, clients)) for clients in _CLIENTS]
    show(
        f"One series per request over HTTP, 720 values, P = {horizon}, 100 samples, mean and nine quantiles",
        ("clients", "p50", "p99", "requests/s"),
        rows,
    )


def _instance(start: str, target: NDArray[np.float32]) -> dict[str, Any]:
    return {"start": start, "target": [None if isnan(value) else value for value in target.tolist()]}


def _train(url: str, horizon: int, instances: list[dict[str, Any]]) -> None:
    lines = b"".join(orjson.dumps(instance) + b"\n" for instance in instances)
    parameters = {"time_freq": "H", "prediction_length": horizon, "epochs": 1, "num_batches_per_epoch": 10}
    with httpx.Client(base_url=url, timeout=60) as client:
        client.put("/uploads/bench.jsonl", content=lines).raise_for_status()
        config = {
            "worker_server_num": 1,
            "model_id": 5,
            "data_url": "/uploads/bench.jsonl",
            "parameter": [{"label": label, "value": value} for label, value in parameters.items()],
        }
        answer = client.post("/v1/bench/training-jobs", json={"job_name": "bench", "config": config})
        answer.raise_for_status()
        while client.get("/endpoints/bench").status_code != 200:
            time.sleep(0.5)
    console.print("[dim]the endpoint answers[/]")


async def _clients(url: str, bodies: list[bytes], clients: int) -> tuple[str, ...]:
    """Each client sends its next request when it has the answer to the one before."""
    seconds: list[float] = []
    left = iter(range(_REQUESTS + _WARM_UP))

    async def work(client: httpx.AsyncClient) -> None:
        for number in left:
            begun = time.perf_counter()
            answer = await client.post(
                "/endpoints/bench/invocations",
                content=bodies[number % len(bodies)],
                headers={"content-type": "application/json"},
            )
            answer.raise_for_status()
            if number >= _WARM_UP:
                seconds.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await asyncio.gather(*(work(client) for _ in range(clients)))
    took = time.perf_counter() - begun
    p50, p99 = np.quantile(seconds, (0.5, 0.99))
    return str(clients), f"{1e3 * p50:.1f} ms", f"{1e3 * p99:.1f} ms", f"{(_REQUESTS + _WARM_UP) / took:.0f}"
