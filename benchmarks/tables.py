"""Our tables against Faust's own: updates per second, and how long a worker reads before it can answer."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from benchmarks.report import Figure, console, show
from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.jars import default_cache_dir, obtain_jars
from connectors.embedded_kafka.java import find_java
from connectors.kafka.admin import Topic, ensure_topics
from connectors.kafka.publisher import Publisher, Record

__all__ = ["run"]

_PARTITIONS = 4
_ROW = 600  # bytes: about a SeriesResult of five steps with two metrics
_RUNS = 3
_FROM, _TO = 0.2, 0.95  # of the updates: start-up and the last, smaller batches are not what is compared
_POLL_S = 0.02
_LIMIT_S = 600.0
_CHUNK = 20_000  # records sent at once while a topic is filled
_UPDATES = {"Faust, one event at a time": ("stock", 10_000), "ours, memory": ("memory", 200_000)}
_UPDATES |= {"ours, RocksDB": ("rocksdb", 200_000)}
_KEYS, _MANY_KEYS = 100_000, 1_000_000
_RECOVERIES = {
    "Faust, memory": ("stock", True),
    "ours, memory": ("memory", True),
    "ours, RocksDB, empty folder": ("rocksdb", True),
    "ours, RocksDB, restarted": ("rocksdb", False),
}


def run() -> None:
    """Measure and print; the ways take turns, so that a busy machine hits all of them."""
    with tempfile.TemporaryDirectory() as folder:
        jars = obtain_jars(default_cache_dir(), progress=console.print)
        with EmbeddedKafka(Path(folder), port=0, jars=jars, java=find_java()) as broker:
            bench = _Bench(broker.bootstrap, Path(folder))
            _updates(bench)
            _recoveries(bench, _KEYS, runs=_RUNS, ways=tuple(_RECOVERIES))
            _recoveries(bench, _MANY_KEYS, runs=1, ways=tuple(_RECOVERIES)[1:])


def _updates(bench: "_Bench") -> None:
    seconds: dict[str, list[float]] = {name: [] for name in _UPDATES}
    for _ in range(_RUNS):
        for name, (way, count) in _UPDATES.items():
            seconds[name].append(bench.updating(way, count))
    figures = {name: Figure(tuple(taken), int(_UPDATES[name][1] * (_TO - _FROM))) for name, taken in seconds.items()}
    stock = next(iter(figures.values()))
    show(
        f"Table updates, rows of {_ROW} bytes, acknowledged by the changelog",
        ("how", "updates", "to Faust"),
        [(name, str(figure), f"{figure.rate / stock.rate:.1f}x") for name, figure in figures.items()],
    )
    console.print(f"goal: ours ≥ 5 x Faust ({list(figures.values())[1].rate / stock.rate:.1f})")


def _recoveries(bench: "_Bench", keys: int, *, runs: int, ways: tuple[str, ...]) -> None:
    prefix = bench.filled("changelog", keys)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _ in range(runs):
        for name in ways:
            way, cold = _RECOVERIES[name]
            found[name].append(bench.recovering(way, prefix, cold=cold))
    rows, first = [], 0.0
    for name, taken in found.items():
        seconds = median(one["seconds"] for one in taken)
        first = first or seconds
        spread = f"[{min(one['seconds'] for one in taken):.2f} … {max(one['seconds'] for one in taken):.2f}]"
        memory = median(one["rss"] for one in taken) / 2**20
        rows.append(
            (
                name,
                f"{seconds:.2f} s {spread}",
                f"{keys / seconds:,.0f}",
                f"{first / seconds:.1f}x",
                f"{memory:.0f} MiB",
            )
        )
    columns = ("how", "start of the app to readable", "keys/s", f"to {ways[0]}", "memory then")
    show(f"Recovery of {keys:,} keys, rows of {_ROW} bytes", columns, rows)


class _Bench:
    """Topics, workers and clocks on one broker."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self._bootstrap = bootstrap
        self._folder = folder

    def filled(self, topic: str, count: int) -> str:
        """The prefix of new topics, of which one has so many records."""
        prefix = f"bench-{uuid.uuid4().hex[:8]}."
        compact = {"cleanup.policy": "compact"}
        topics = [Topic(f"{prefix}source", _PARTITIONS, 1, {}), Topic(f"{prefix}changelog", _PARTITIONS, 1, compact)]
        ensure_topics(self._bootstrap, topics)
        asyncio.run(self._fill(f"{prefix}{topic}", count))
        return prefix

    async def _fill(self, topic: str, count: int) -> None:
        publisher = Publisher(self._bootstrap, client_id="bench")
        padding = os.urandom(_ROW)
        for first in range(0, count, _CHUNK):
            numbers = range(first, min(first + _CHUNK, count))
            await publisher.send(
                Record(topic, b"%d" % number, b"%020d" % number + padding[20:], partition=number % _PARTITIONS)
                for number in numbers
            )
        await publisher.close()

    def updating(self, way: str, count: int) -> float:
        """Seconds in which the changelog gets the middle part of so many updates."""
        prefix = self.filled("source", count)
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": "watch"})
        parts = [TopicPartition(f"{prefix}changelog", number) for number in range(_PARTITIONS)]
        first = (0.0, 0)
        deadline = time.monotonic() + _LIMIT_S
        with self._worker(way, prefix):
            while time.monotonic() < deadline:
                done = sum(consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts)
                now = time.perf_counter()
                if not first[1] and done >= _FROM * count:
                    first = (now, done)
                if done >= _TO * count:
                    consumer.close()
                    return (now - first[0]) * (_TO - _FROM) * count / (done - first[1])
                time.sleep(_POLL_S)
        raise RuntimeError("the worker did not update its table in time")

    def recovering(self, way: str, prefix: str, *, cold: bool) -> dict[str, Any]:
        """What a worker says of its start, with its folder emptied before or not."""
        if cold:
            shutil.rmtree(self._folder / f"{prefix}{way}", ignore_errors=True)
        with self._worker(way, prefix) as worker:
            assert worker.stdout is not None
            for line in worker.stdout:
                if line.startswith(b"{"):  # Faust prints too
                    found: dict[str, Any] = json.loads(line)
                    return found
        raise RuntimeError((self._folder / f"{prefix}log").read_text("utf-8")[-3000:])

    @contextmanager
    def _worker(self, way: str, prefix: str) -> Iterator["subprocess.Popen[bytes]"]:
        environment = os.environ | {
            "BENCH_WAY": way,
            "BENCH_PARTITIONS": str(_PARTITIONS),
            "TIDECAST_HOME": str(self._folder / f"{prefix}{way}"),
            "TIDECAST_KAFKA_BOOTSTRAP": self._bootstrap,
            "TIDECAST_TOPIC_PREFIX": prefix,
        }
        with (self._folder / f"{prefix}log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.peers.table_rows"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
