"""How long a client waits for the status of its job while the service trains as fast as it can.

An HTTP server that does nothing is asked in turns with it: what it needs is the machine's, and its clients', doing.
"""

import multiprocessing
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from benchmarks.end_to_end import configured_job, patch_to_done, service, training_of
from benchmarks.report import show

__all__ = ["run"]

_ROOT: Final = Path(__file__).parents[1]
_SERIES = 10_000
_POINTS = 400
_MEASURED_S = 40.0
_READY_WITHIN_S = 30.0
_PAUSE_S = 0.01  # between two requests of the poller, as an eager client does
_LOADS = {"none": None, "LinearFit, 10,000 series a PATCH": "LinearFit", "LSTM, 10,000 series a PATCH": "Lstm"}


def run() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home") as url, _empty() as empty:
        with httpx.Client(base_url=url, timeout=300) as client:
            job_id, details = configured_job(client, Path(folder), _SERIES, points=_POINTS)
            polled, probes = configured_job(client, Path(folder), 1, points=_POINTS)
            patch_to_done(client, polled, training_of(probes, "LinearFit"), ts_id=probes[0]["ts_id"])
        rows = [_row((url, empty), job_id, details, load, model, polled) for load, model in _LOADS.items()]
    show(
        "GET /job/{id}/job_results/ of one small job, in turns with an empty handler of aiohttp",
        ("load", "requests", "p50", "p99", "longest", "empty: p50", "p99", "longest", "p99 to p99"),
        rows,
    )


@contextmanager
def _empty() -> Iterator[str]:
    """The address of a handler that does nothing, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.peers.empty_aiohttp", str(port)], cwd=_ROOT)
    url, deadline = f"http://127.0.0.1:{port}/", time.monotonic() + _READY_WITHIN_S
    try:
        while True:
            try:
                httpx.get(url).raise_for_status()
                break
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_S)
        yield url
    finally:
        process.kill()
        process.wait()


def _row(
    urls: tuple[str, str], job_id: int, details: list[dict[str, Any]], load: str, model: str | None, polled: int
) -> tuple[str, ...]:
    # A process of its own: answers of 10,000 series are not to be read beside the clock.
    spawn = multiprocessing.get_context("spawn")
    end = spawn.Event()
    url, empty = urls
    loader = spawn.Process(target=_load, args=(url, job_id, details, model, end))
    if model is not None:
        loader.start()
    asked = (f"{url}/job/{polled}/job_results/", empty)
    seconds: dict[str, list[float]] = {address: [] for address in asked}
    deadline = time.perf_counter() + _MEASURED_S
    with httpx.Client(timeout=60) as client:
        while time.perf_counter() < deadline:
            for address in asked:
                begun = time.perf_counter()
                client.get(address).raise_for_status()
                seconds[address].append(time.perf_counter() - begun)
                time.sleep(_PAUSE_S)
    end.set()
    if model is not None:
        loader.join()
    ours, theirs = (_quantiles(taken) for taken in seconds.values())
    return load, f"{len(seconds[empty]):,}", *_shown(ours), *_shown(theirs), f"{ours[1] / theirs[1]:.2f}x"


def _quantiles(seconds: list[float]) -> tuple[float, float, float]:
    p50, p99 = np.quantile(seconds, (0.5, 0.99))
    return float(p50), float(p99), max(seconds)


def _shown(figures: tuple[float, float, float]) -> tuple[str, str, str]:
    p50, p99, longest = (1e3 * seconds for seconds in figures)
    return f"{p50:.1f} ms", f"{p99:.1f} ms", f"{longest:.0f} ms"


def _load(url: str, job_id: int, details: list[dict[str, Any]], model: str, end: Event) -> None:
    """Submit again as soon as the submission before is done."""
    body = training_of(details, model)
    with httpx.Client(base_url=url, timeout=300) as client:
        while not end.is_set():
            patch_to_done(client, job_id, body, ts_id=details[0]["ts_id"])
