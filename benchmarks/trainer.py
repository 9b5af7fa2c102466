"""Trainer events per second: ours against an idiomatic Faust agent and against a bare confluent-kafka loop."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
from confluent_kafka import Consumer, TopicPartition

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

_POINTS = 400
_RUNS = 3
_FROM, _TO = 0.2, 0.95  # of the answers: start-up and the last, smaller batches are not what is compared
_POLL_S = 0.02
_LIMIT = timedelta(minutes=3)
_WAYS = {
    "Faust agent, one event at a time": ([sys.executable, "-m", "benchmarks.peers.faust_per_event"], 4_000),
    "bare confluent-kafka loop": ([sys.executable, "-m", "benchmarks.peers.raw_loop"], 30_000),
    "Tidecast trainer": ([sys.executable, "-m", "streams.cli", "trainer"], 30_000),
}


def run() -> None:
    """Measure and print; the ways take turns, so that a busy machine hits all of them."""
    seconds: dict[str, list[float]] = {way: [] for way in _WAYS}
    with tempfile.TemporaryDirectory() as folder:
        jars = obtain_jars(default_cache_dir(), progress=console.print)
        with EmbeddedKafka(Path(folder), port=0, jars=jars, java=find_java()) as broker:
            for _ in range(_RUNS):
                for way, (command, count) in _WAYS.items():
                    seconds[way].append(_seconds(broker.bootstrap, Path(folder), command, count))
    figures = {way: Figure(tuple(taken), int(_WAYS[way][1] * (_TO - _FROM))) for way, taken in seconds.items()}
    idiomatic, raw, ours = figures.values()
    show(
        f"Trainer: LinearFit, {_POINTS} points, refit, 4 records out per event",
        ("how", "events", "to idiomatic Faust", "to the bare loop"),
        [
            (way, str(figure), f"{figure.rate / idiomatic.rate:.2f}x", f"{figure.rate / raw.rate:.2f}x")
            for way, figure in figures.items()
        ],
    )
    console.print(
        f"goals: ours ≥ 5 x Faust ({ours.rate / idiomatic.rate:.2f}), ≥ 0.4 of the loop ({ours.rate / raw.rate:.2f})"
    )


def _seconds(bootstrap: str, folder: Path, command: Sequence[str], count: int) -> float:
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
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
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


def _watch(bootstrap: str, topics: Topics, count: int, process: "subprocess.Popen[bytes]") -> float:
    """Read the end offsets of the results until all are there."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "watch"})
    parts = [TopicPartition(topics.job_results, number) for number in range(topics.partitions)]
    deadline = time.monotonic() + _LIMIT.total_seconds()
    first = (0.0, 0)
    try:
        while time.monotonic() < deadline and process.poll() is None:
            done = sum(consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts)
            now = time.perf_counter()
            if not first[1] and done >= _FROM * count:
                first = (now, done)
            if done >= _TO * count:
                return (now - first[0]) * (_TO - _FROM) * count / (done - first[1])
            time.sleep(_POLL_S)
    finally:
        consumer.close()
    raise RuntimeError("the process under test ended or did not answer in time")
