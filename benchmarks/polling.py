"""How long a client waits for the status of its job while the service trains as fast as it can."""

import multiprocessing
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from benchmarks.end_to_end import configured_job, patch_to_done, service, training_of
from benchmarks.report import show

__all__ = ["run"]

_SERIES = 10_000
_POINTS = 400
_MEASURED_S = 20.0
_PAUSE_S = 0.01  # between two requests of the poller, as an eager client does
_LOADS = {"none": None, "LinearFit, 10,000 series a PATCH": "LinearFit", "LSTM, 10,000 series a PATCH": "Lstm"}


def run() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home") as url:
        with httpx.Client(base_url=url, timeout=300) as client:
            job_id, details = configured_job(client, Path(folder), _SERIES, points=_POINTS)
            polled, probes = configured_job(client, Path(folder), 1, points=_POINTS)
            patch_to_done(client, polled, training_of(probes, "LinearFit"), ts_id=probes[0]["ts_id"])
        rows = [_row(url, job_id, details, load, model, polled) for load, model in _LOADS.items()]
    show(
        f"GET /job/{{id}}/job_results/ of one small job, a request every {1e3 * _PAUSE_S:.0f} ms",
        ("load", "requests", "p50", "p99", "longest"),
        rows,
    )


def _row(
    url: str, job_id: int, details: list[dict[str, Any]], load: str, model: str | None, polled: int
) -> tuple[str, ...]:
    # A process of its own: answers of 10,000 series are not to be read beside the clock.
    spawn = multiprocessing.get_context("spawn")
    end = spawn.Event()
    loader = spawn.Process(target=_load, args=(url, job_id, details, model, end))
    if model is not None:
        loader.start()
    seconds: list[float] = []
    deadline = time.perf_counter() + _MEASURED_S
    with httpx.Client(base_url=url, timeout=60) as client:
        while (begun := time.perf_counter()) < deadline:
            client.get(f"/job/{polled}/job_results/").raise_for_status()
            seconds.append(time.perf_counter() - begun)
            time.sleep(_PAUSE_S)
    end.set()
    if model is not None:
        loader.join()
    p50, p99 = np.quantile(seconds, (0.5, 0.99))
    return load, f"{len(seconds):,}", f"{1e3 * p50:.1f} ms", f"{1e3 * p99:.1f} ms", f"{1e3 * max(seconds):.0f} ms"


def _load(url: str, job_id: int, details: list[dict[str, Any]], model: str, end: Event) -> None:
    """Submit again as soon as the submission before is done."""
    body = training_of(details, model)
    with httpx.Client(base_url=url, timeout=300) as client:
        while not end.is_set():
            patch_to_done(client, job_id, body, ts_id=details[0]["ts_id"])
