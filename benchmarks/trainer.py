"""Trainer events per second: ours against Faust, Quix Streams, Bytewax, and a bare confluent-kafka loop.

Quix Streams and Bytewax have environments of their own (`make bench-streams`) and are left out without them.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import psutil
from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.report import Figure, console, show
from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.jars import default_cache_dir, obtain_jars
from connectors.embedded_kafka.java import find_java
from connectors.kafka.publisher import Publisher, Record
from schemas.coding.codec import Codec
from schemas.series import TrainSeries
from streams.settings import Settings
from streams.topics import Topics
from streams.workers.apps import declare_topics

__all__ = ["fill", "run"]

_ROOT: Final = Path(__file__).parents[1]
_POINTS = 400
_RUNS = int(os.environ.get("TIDECAST_BENCH_RUNS", "3"))
_FROM, _TO = 0.2, 0.95  # of the answers: start-up and the last, smaller batches are not what is compared
_POLL_S = 0.02
_LIMIT = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class _Way:
    """A program that answers commands, and how many it gets."""

    name: str
    command: Sequence[str]
    count: int


_FAUST: Final = _Way(
    "Faust agent, one event at a time", (sys.executable, "-m", "benchmarks.peers.faust_per_event"), 4_000
)
_LOOP: Final = _Way("bare confluent-kafka loop", (sys.executable, "-m", "benchmarks.peers.raw_loop"), 30_000)
_OURS: Final = _Way("Tidecast trainer", (sys.executable, "-m", "streams.cli", "trainer"), 30_000)


def _ways() -> list[_Way]:
    quix = _peer("quix", "TIDECAST_QUIX_VENV")
    bytewax = _peer("bytewax", "TIDECAST_BYTEWAX_VENV")
    others = [
        _Way("Quix Streams, one event at a time", (quix, "-m", "benchmarks.peers.quix_streams"), 8_000),
        _Way("Bytewax, one event at a time", (bytewax, "-m", "benchmarks.peers.bytewax_flow", "one"), 8_000),
        _Way("Bytewax, batches of its source", (bytewax, "-m", "benchmarks.peers.bytewax_flow", "batch"), 30_000),
    ]
    there = [way for way in others if Path(way.command[0]).exists()]
    if len(there) < len(others):
        console.print("without Quix Streams or Bytewax: `make bench-streams` installs what ours is compared with")
    return [_FAUST, *there, _LOOP, _OURS]


def _peer(name: str, variable: str) -> str:
    """The interpreter of its environment."""
    return str(Path(os.environ.get(variable, _ROOT / f".venv-{name}")) / "bin" / "python")


def run() -> None:
    """Measure and print; the ways take turns, so that a busy machine hits all of them."""
    ways = _ways()
    taken: dict[str, list[_Taken]] = {way.name: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        jars = obtain_jars(default_cache_dir(), progress=console.print)
        with EmbeddedKafka(Path(folder), port=0, jars=jars, java=find_java()) as broker:
            for _ in range(_RUNS):
                for way in ways:
                    taken[way.name].append(_taken(broker.bootstrap, Path(folder), way.command, way.count))
    figures = {way.name: Figure(tuple(one.seconds for one in taken[way.name]), _counted(way)) for way in ways}
    processor = {way.name: Figure(tuple(one.processor for one in taken[way.name]), _counted(way)) for way in ways}
    ours, loop = figures[_OURS.name], figures[_LOOP.name]
    show(
        f"Trainer: LinearFit, {_POINTS} points, refit, 4 records out per event",
        ("how", "events", "to the bare loop", "ours to it", "µs of processor", "ours to it"),
        [
            (
                name,
                str(figure),
                f"{figure.rate / loop.rate:.2f}x",
                f"{ours.rate / figure.rate:.2f}x",
                f"{1e6 / processor[name].rate:.0f}",
                f"{processor[_OURS.name].rate / processor[name].rate:.2f}x",
            )
            for name, figure in figures.items()
        ],
    )


def _counted(way: _Way) -> int:
    return int(way.count * (_TO - _FROM))


class _Seen(NamedTuple):
    """How many answers are there, and the clocks then."""

    done: int
    clock: float
    processor: float


@dataclass(frozen=True, slots=True)
class _Taken:
    """By the clock, and of processor by the process: its threads, but neither the broker nor its other processes."""

    seconds: float
    processor: float


def _taken(bootstrap: str, folder: Path, command: Sequence[str], count: int) -> _Taken:
    """Time in which the process answers the middle part of `count` commands on topics of its own."""
    prefix = f"bench-{uuid.uuid4().hex[:8]}."
    settings = Settings(topic_prefix=prefix, group_prefix=prefix)
    topics = Topics(settings)
    declare_topics(settings, topics, bootstrap)
    asyncio.run(fill(bootstrap, topics, count))
    environment = os.environ | {
        "TIDECAST_HOME": str(folder / prefix),
        "TIDECAST_KAFKA_BOOTSTRAP": bootstrap,
        "TIDECAST_TOPIC_PREFIX": prefix,
        "TIDECAST_GROUP_PREFIX": prefix,
    }
    with (folder / f"{prefix}log").open("wb") as log:
        process = subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=log, stderr=log)
        try:
            return _watch(bootstrap, topics, count, process)
        except RuntimeError as error:
            raise RuntimeError(Path(log.name).read_text("utf-8")[-3000:]) from error
        finally:
            process.kill()
            process.wait()


async def fill(bootstrap: str, topics: Topics, count: int) -> None:
    """Put commands on the topic of the trainers, spread over its partitions."""
    rng = np.random.default_rng(1)
    codec, publisher = Codec(), Publisher(bootstrap, client_id="bench")
    history = (100 + rng.normal(0, 2, (count, _POINTS)).cumsum(axis=1)).round(2)
    records = [
        Record(
            topics.series_commands,
            b"%d" % number,
            codec.encode(TrainSeries(1, number, number, "LinearFit", 0, 86_400_000, history[number], refit=True)),
        )
        for number in range(count)
    ]
    await publisher.send(records)
    await publisher.close()


def _watch(bootstrap: str, topics: Topics, count: int, process: "subprocess.Popen[bytes]") -> _Taken:
    """Read the end offsets of the results until all are there."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "watch"})
    parts = [TopicPartition(topics.job_results, number) for number in range(topics.partitions)]
    deadline = time.monotonic() + _LIMIT.total_seconds()
    watched = psutil.Process(process.pid)
    first = _Seen(0, 0.0, 0.0)
    try:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                done = sum(consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts)
            except KafkaException:  # a new topic, whose partitions have no leader yet
                done = 0
            now = _Seen(done, time.perf_counter(), sum(watched.cpu_times()[:2]))
            if not first.done and done >= _FROM * count:
                first = now
            if done >= _TO * count:
                share = (_TO - _FROM) * count / (done - first.done)
                return _Taken((now.clock - first.clock) * share, (now.processor - first.processor) * share)
            time.sleep(_POLL_S)
    finally:
        consumer.close()
    raise RuntimeError("the process under test ended or did not answer in time")
