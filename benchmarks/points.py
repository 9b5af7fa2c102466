"""Points of metrics: kept, read and rebuilt, against a bare consumer that only decodes them."""

import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from fastavro import parse_schema, schemaless_reader

from benchmarks.report import Figure, console, show
from connectors.kafka.publisher import partition_for
from schemas.catalogue import current_schemas
from schemas.coding.codec import Codec
from schemas.coding.point_writer import PointBatch, encoded_points
from streams.settings import Settings
from streams.topics import Topics
from streams.workers.stack import Stack

__all__ = ["run"]

_AT = 1_704_067_200_000
_HOT = 1_000_000  # points of one metric, among the others
_WINDOW = 10_000
_READS = 100
_POST_BATCH = 5_000
_METRICS = 20
_CLIENTS = 3
_TURN = 100  # points of a workload before another's turn comes
_BARE = 1_000_000  # points that the bare loop reads: its rate is that of any number


def run(points: int | None = None, hot: int | None = None) -> None:
    """Measure and print; BENCH_POINTS says how many points there are, ten million where it is not set."""
    count = points or int(os.environ.get("BENCH_POINTS", "10000000"))
    one = min(hot or _HOT, count // 2)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home", http_port=0, kafka_port=0)
        with Stack(settings, progress=lambda text: console.print(f"[dim]{text}[/]")) as stack:
            _Bench(stack, Topics(settings).metrics, settings.partitions).measure(count, one)


class _Bench:
    def __init__(self, stack: Stack, topic: str, partitions: int) -> None:
        self._stack = stack
        self._topic = topic
        self._partitions = partitions
        self._http = httpx.Client(base_url=stack.url, timeout=600)

    def measure(self, count: int, hot: int) -> None:
        """Each row of the table."""
        rows = []
        produced = self._timed(lambda: self._produce(count, hot), count)
        self._wait(count)
        rows.append(("produced to the topic (nothing of ours)", str(produced), ""))
        read = min(count, _BARE)
        bare = [self._timed(lambda: self._bare(read), read)]
        rebuilt = [self._timed(self._rebuild, count)]
        bare.append(self._timed(lambda: self._bare(read), read))
        rebuilt.append(self._timed(self._rebuild, count))
        loop = Figure(tuple(s for it in bare for s in it.seconds), read)
        ours = Figure(tuple(s for it in rebuilt for s in it.seconds), count)
        rows.append(("bare consumer, decodes with fastavro", str(loop), ""))
        rows.append(("rebuilt from the topic", str(ours), f"{ours.rate / loop.rate:.2f} of the loop; 300,000/s"))
        bodies = self._bodies(min(count // 10, 200_000))
        sent = self._timed(lambda: self._post(bodies), len(bodies) * _POST_BATCH)
        rows.append(("posted, confirmed and readable", str(sent), f"{sent.rate / loop.rate:.2f} of the loop; 0.5"))
        rows += self._reads(hot)
        show(
            f"{count:,} points, {_METRICS} metrics of 100 workloads, {hot:,} of one metric", ("what", "", "goal"), rows
        )

    def _timed(self, work: Any, count: int) -> Figure:
        begun = time.perf_counter()
        work()
        return Figure((time.perf_counter() - begun,), count)

    def _produce(self, count: int, hot: int) -> None:
        """Points as events, encoded beforehand as far as they are alike; of workload `hot` as many as are asked for."""
        producer = Producer(
            {"bootstrap.servers": self._stack.bootstrap, "linger.ms": 20, "compression.type": "lz4", "acks": "all"}
        )
        for index, (key, value) in enumerate(_records(count, hot)):
            while True:
                try:
                    producer.produce(self._topic, value, key, partition_for(key, self._partitions))
                    break
                except BufferError:
                    producer.poll(0.1)
            if index % 5000 == 0:
                producer.poll(0)
        producer.flush()

    def _places(self) -> tuple[int, bool]:
        answer = self._http.get("/api/v1/metrics/places").json()["partitions"]
        return sum(it["place"] for it in answer), bool(answer) and all(it["current"] for it in answer)

    def _wait(self, count: int) -> None:
        while self._places()[0] < count:
            time.sleep(0.05)

    def _rebuild(self) -> None:
        self._http.post("/api/v1/metrics/rebuild").raise_for_status()
        time.sleep(0.1)
        while not self._places()[1]:
            time.sleep(0.05)

    def _bare(self, count: int) -> None:
        schema = parse_schema(current_schemas()["MetricPoint"], named_schemas={})
        consumer = Consumer(
            {"bootstrap.servers": self._stack.bootstrap, "group.id": "bench", "enable.auto.commit": False}
        )
        consumer.assign([TopicPartition(self._topic, number, 0) for number in range(self._partitions)])
        read = 0
        while read < count:
            for message in consumer.consume(min(10_000, count - read), 0.2):
                schemaless_reader(BytesIO(message.value()[5:]), schema, None)
                read += 1
        consumer.close()

    def _bodies(self, count: int) -> Sequence[bytes]:
        steps = (range(first, first + _POST_BATCH) for first in range(0, count, _POST_BATCH))
        return [json.dumps({"data": [_row(step) for step in each]}).encode() for each in steps]

    def _post(self, bodies: Sequence[bytes]) -> None:
        """By several clients, as trainers are; each waits for its answer."""

        def send(body: bytes) -> None:
            given = {"content": body, "headers": {"Content-Type": "application/json"}}
            self._http.post("/api/v1/workloads/posted/metrics", **given).raise_for_status()

        with ThreadPoolExecutor(_CLIENTS) as pool:
            list(pool.map(send, bodies))
        count = len(bodies) * _POST_BATCH
        while self._http.get("/api/v1/workloads/posted/metrics/available").json()["metrics"][0]["count"] < count:
            time.sleep(0.02)

    def _reads(self, hot: int) -> Iterator[tuple[str, str, str]]:
        path, dice, seconds = "/api/v1/workloads/hot/metrics/data", np.random.default_rng(1), []
        for begin in dice.integers(0, max(1, hot - _WINDOW), _READS).tolist():
            asked = {"metrics": "loss", "start": _AT + begin, "end": _AT + begin + _WINDOW - 1}
            begun = time.perf_counter()
            content = self._http.get(path, params=asked).content
            seconds.append(time.perf_counter() - begun)
        assert json.loads(content)["total_count"] == min(_WINDOW, hot)
        p50, p99 = np.percentile(seconds, [50, 99]) * 1000
        yield f"a window of {_WINDOW:,} points", f"p50 {p50:.0f} ms, p99 {p99:.0f} ms", "p99 50 ms"
        process = psutil.Process(self._stack.pid("state"))
        before = most = process.memory_info().rss
        begun, size = time.perf_counter(), 0
        with self._http.stream("GET", path) as answer:
            for piece in answer.iter_bytes(1 << 20):
                size += len(piece)
                most = max(most, process.memory_info().rss)
        took = time.perf_counter() - begun
        more = (most - before) / 2**20
        yield f"all {hot:,} as JSON, {size / 1e6:.0f} MB", f"{took:.2f} s, +{more:.0f} MiB in the state", "+64 MiB"


def _row(step: int) -> dict[str, Any]:
    at = _AT + step
    return {"metric_name": "loss", "value": 1 / (step + 1), "timestamp": at, "iteration": step, "data_source": "log"}


def _records(count: int, hot: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values: every so many of the hot metric, the others of many workloads in turn."""
    codec, every, done = Codec(), max(1, count // hot), 0
    for first in range(0, count, _TURN):
        steps = np.arange(first, min(first + _TURN, count))
        of_hot = np.flatnonzero(steps % every == 0)[: hot - done]
        others = np.delete(steps, of_hot)
        at = np.arange(done, done + len(of_hot))
        done += len(of_hot)
        names = [f"train/m{step % _METRICS}" for step in others.tolist()]
        for batch in (
            _batch("hot", ["loss"] * len(at), at / 7, at, "wandb"),
            _batch(f"w-{first // _TURN % 100}", names, others / 7, others // _METRICS, "log"),
        ):
            key = batch.workload_uid.encode()
            for value in encoded_points(codec, batch):
                yield key, value


def _batch(uid: str, names: Sequence[str], value: Any, steps: Any, source: str) -> PointBatch:
    count = len(names)
    return PointBatch(uid, names, value, _AT + steps, steps, [source] * count, [""] * count)
