"""PATCH to DONE over HTTP on a service with an embedded broker: series per second."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.report import Figure, console, show
from streams.settings import Settings
from streams.workers.stack import Stack

__all__ = ["configured_job", "patch_to_done", "run", "service", "synthetic_csv", "training_of"]

_POINTS = 400
_RUNS = 5
_POLL_S = 0.02


@contextmanager
def service(home: Path, **more: Any) -> Iterator[str]:
    """Address of a service of its own, with its broker, on free ports."""
    settings = Settings(home=home, http_port=0, kafka_port=0, **more)
    with Stack(settings, progress=lambda text: console.print(f"[dim]{text}[/]")) as stack:
        yield stack.url


def synthetic_csv(path: Path, series: int, points: int) -> None:
    """Daily random walks, the same in every run."""
    rng = np.random.default_rng(1)
    days = [str(day) for day in np.datetime64("2020-01-01") + np.arange(points)]
    with path.open("w", encoding="utf-8") as file:
        file.write("id,day,value\n")
        for number in range(series):
            values = (100 + rng.normal(0, 2, points).cumsum()).round(2).tolist()
            file.writelines(f"s{number:05d},{day},{value}\n" for day, value in zip(days, values, strict=True))


def run(sizes: tuple[int, ...] = (1_000, 10_000)) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home") as url:
        client = httpx.Client(base_url=url, timeout=120)
        rows = [_row(client, Path(folder), size) for size in sizes]
    show(
        f"PATCH to DONE, LinearFit, {_POINTS} points per series, 5 steps, refit",
        ("series", "upload", "PUT (split)", "series/s from PATCH to DONE"),
        rows,
    )


def _row(client: httpx.Client, folder: Path, size: int) -> tuple[str, ...]:
    uploaded, split, job_id, details = _timed_job(client, folder, size, points=_POINTS)
    body, probe = training_of(details, "LinearFit"), details[0]["ts_id"]
    patch_to_done(client, job_id, body, ts_id=probe)  # the first run pays for connections and imports
    seconds = tuple(patch_to_done(client, job_id, body, ts_id=probe) for _ in range(_RUNS))
    return f"{size:,}", f"{uploaded:.2f} s", f"{split:.2f} s", str(Figure(seconds, size))


def configured_job(client: httpx.Client, folder: Path, series: int, *, points: int) -> tuple[int, list[dict[str, Any]]]:
    """A new job on synthetic series, and their details."""
    _, _, job_id, details = _timed_job(client, folder, series, points=points)
    return job_id, details


def _timed_job(
    client: httpx.Client, folder: Path, series: int, *, points: int
) -> tuple[float, float, int, list[dict[str, Any]]]:
    """Seconds of the upload and of the PUT, the job, its series."""
    file = folder / f"{series}.csv"
    synthetic_csv(file, series, points)
    begun = time.perf_counter()
    with file.open("rb") as upload:
        data_id = _json(client.post("/data/", files={"upload": upload}))["data"]["id"]
    uploaded = time.perf_counter() - begun
    job_id = _json(client.post("/job/", json={"data_id": data_id}))["job_id"]
    begun = time.perf_counter()
    columns = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}
    details = _json(client.put(f"/job/{job_id}/", json=columns))["ts_details"]
    return uploaded, time.perf_counter() - begun, job_id, details


def training_of(details: list[dict[str, Any]], model_name: str) -> str:
    """The body of a PATCH that trains every series."""
    return json.dumps(
        [
            {"ts_id": item["ts_id"], "model_name": model_name, "hyper_params": [], "auto_tune": 0, "refit": 1}
            for item in details
        ]
    )


def patch_to_done(client: httpx.Client, job_id: int, body: str, *, ts_id: int, poll_s: float = _POLL_S) -> float:
    """Seconds from the PATCH until polling, with pauses of `poll_s`, sees that the job is done."""
    begun = time.perf_counter()
    _json(client.patch(f"/job/{job_id}/", content=body, headers={"Content-Type": "application/json"}))
    probe = {"ts_id": ts_id, "history": 0}  # a whole answer is megabytes, and reading it is not what is measured
    while (status := _json(client.get(f"/job/{job_id}/job_results/", params=probe))["status"]) == 2:
        time.sleep(poll_s)
    if status != 3:
        raise RuntimeError(f"the job ended with status {status}")
    return time.perf_counter() - begun


def _json(answer: httpx.Response) -> dict[str, Any]:
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body
