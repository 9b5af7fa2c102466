"""Lists of training jobs, 5,000 versions of 500, in memory and in RocksDB, against SQLite behind a bare server."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import numpy as np
import orjson
from confluent_kafka import Producer

from benchmarks.report import console, show
from schemas.coding.codec import Codec
from schemas.training import CreateTrainingJob, CreateTrainingVersion
from streams.settings import Settings
from streams.topics import Topics
from streams.workers.stack import Stack

__all__ = ["run"]

_JOBS = 500
_VERSIONS = 10
_PROJECT = "bench"
_REQUESTS = 150
_CONFIG = {
    "worker_server_num": 1,
    "spec_id": 1,
    "app_url": "/usr/app/",
    "boot_file_url": "/usr/app/boot.py",
    "data_url": "/usr/data/",
    "parameter": [{"label": "learning_rate", "value": "0.01"}, {"label": "batch_size", "value": "32"}],
}
_BASE = f"/v1/{_PROJECT}/training-jobs"
_LISTS: Mapping[str, tuple[str, str]] = {  # what is asked of us, and of the peer
    "ten jobs": ("", "/jobs"),
    "all 500 jobs": ("?per_page=1000", "/jobs?per_page=1000"),
    "ten found by name": ("?search_content=JOB-01", "/jobs?search_content=JOB-01"),
    "last page by duration": ("?sortBy=duration&page=50", "/jobs?sortBy=duration&page=50"),
    "ten versions of a job": ("/7/versions", "/versions?job=7"),
}


def run() -> None:
    """Measure and print; both sides are asked in turns."""
    with tempfile.TemporaryDirectory() as folder, _peer() as peer:
        rows: list[tuple[str, ...]] = []
        stores: tuple[Literal["memory", "rocksdb"], ...] = ("memory", "rocksdb")
        for store in stores:
            rows += _measured(Path(folder) / store, store, peer)
    show(
        f"Lists of training jobs, {_JOBS * _VERSIONS:,} versions of {_JOBS} jobs, {_REQUESTS} requests each",
        ("store", "list", "p50", "p99", "SQLite p50", "p99", "ours to SQLite"),
        rows,
    )
    console.print("goal: p99 ≤ 20 ms")


def _measured(home: Path, store: Literal["memory", "rocksdb"], peer: httpx.Client) -> Iterator[tuple[str, ...]]:
    settings = Settings(home=home, http_port=0, kafka_port=0, table_store=store)
    # Without a trainer all versions wait, which is the most that the state has to look at.
    with (
        Stack(settings, trainers=0, progress=lambda text: console.print(f"[dim]{text}[/]")) as stack,
        httpx.Client(base_url=stack.url, timeout=60) as client,
    ):
        _fill(stack.bootstrap, Topics(settings).training_commands)
        while _count(client) < (_JOBS, _VERSIONS):
            time.sleep(0.2)
        train_url = {"job_name": "curves", "train_url": "/usr/train/"}
        page = client.post(f"/v1/{_PROJECT}/visualization-jobs", json=train_url).json()["service_url"]
        for name, (ours, theirs) in _LISTS.items():
            yield _row(store, name, client, f"{_BASE}{ours}", peer, theirs)
        yield _row(store, "versions behind a chart", client, page, peer, "/versions?job=7")


def _count(client: httpx.Client) -> tuple[int, int]:
    """Jobs, and versions of the one that is filled last."""
    shown = client.get(_BASE, params={"order": "desc"}).json()
    newest = shown["jobs"][0]["version_count"] if shown.get("jobs") else 0
    return shown.get("job_total_count", 0), newest


def _fill(bootstrap: str, topic: str) -> None:
    """Commands of a stock producer, those of one project in their order."""
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 5})
    codec, config = Codec(), orjson.dumps(_CONFIG).decode()
    for job in range(1, _JOBS + 1):
        commands: list[Any] = [CreateTrainingJob(uuid.uuid4().hex, _PROJECT, job, f"job-{job:04d}", config, "words")]
        commands += [
            CreateTrainingVersion(uuid.uuid4().hex, _PROJECT, job, _JOBS + job * _VERSIONS + number, config)
            for number in range(1, _VERSIONS)
        ]
        for command in commands:
            producer.produce(topic, codec.encode(command), _PROJECT.encode())
    producer.flush()


def _row(store: str, name: str, client: httpx.Client, ours: str, peer: httpx.Client, theirs: str) -> tuple[str, ...]:
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(_REQUESTS):
        for asked, path, taken in ((client, ours, seconds[0]), (peer, theirs, seconds[1])):
            begun = time.perf_counter()
            asked.get(path, headers={"Accept": "application/json"}).raise_for_status()
            taken.append(time.perf_counter() - begun)
    (p50, p99), (peer50, peer99) = (1e3 * np.quantile(one, (0.5, 0.99)) for one in seconds)
    times = [f"{value:.1f} ms" for value in (p50, p99, peer50, peer99)]
    return (store, name, *times, f"{p50 / peer50:.1f}x, p99 {p99 / peer99:.1f}x")


@contextmanager
def _peer() -> Iterator[httpx.Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.peers.sqlite_lists", str(port), str(_JOBS), str(_VERSIONS)]
    process = subprocess.Popen(command, env=os.environ)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while True:
                try:
                    client.get("/jobs")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield client
    finally:
        process.kill()
        process.wait()
