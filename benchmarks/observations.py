"""Observations of many hourly series: how soon a changed one has its new forecast, and how many are kept a second."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import numpy as np
import psutil
from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.report import Figure, console, show
from connectors.kafka.publisher import partition_for
from schemas.coding.codec import Codec
from schemas.observations import DatasetGrown, Observation
from schemas.series import Forecast
from streams.settings import Settings
from streams.topics import Topics
from streams.workers.stack import Stack

__all__ = ["run"]

_HOURS = 24  # that each series has from the beginning
_MODELS = ("LinearFit", "SES", "Theta")
_A_SECOND, _SECONDS = 200, 30
_PAUSE_S = 1
_KEPT = 200_000  # observations sent at once
_WITHIN_S = 600


def run() -> None:
    """Measure and print; BENCH_SERIES says how many series there are, a hundred thousand where it is not set."""
    count = max(_A_SECOND * _SECONDS, int(os.environ.get("BENCH_SERIES", "100000")))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home", http_port=0, kafka_port=0)
        with Stack(settings, progress=lambda text: console.print(f"[dim]{text}[/]")) as stack:
            _Bench(stack, Topics(settings), count, Path(folder)).measure()


class _Bench:
    def __init__(self, stack: Stack, topics: Topics, count: int, folder: Path) -> None:
        self._stack, self._topics, self._count, self._folder = stack, topics, count, folder
        self._http = httpx.Client(base_url=stack.url, timeout=_WITHIN_S)
        self._codec = Codec()
        self._data_id = 0
        self._hour = _HOURS  # the next one of every series

    def measure(self) -> None:
        """Each row of the table."""
        rows = []
        self._upload()
        for model in _MODELS:
            seconds = self._refreshed(model)
            late = np.quantile(seconds, (0.5, 0.99, 1))
            told = f"p50 {late[0]:.1f} s, p99 {late[1]:.1f} s, last {late[2]:.1f} s"
            rows.append((f"{model}: value sent to new forecast read, {_A_SECOND} series a second", told, "5 s"))
            self._call("PATCH", f"/job/{self._job_id}/", json=[{"ts_id": "all", "refresh": "never"}])
        sent = self._observations(_KEPT)
        kept, bare = [], []
        for _ in range(3):
            kept.append(self._kept(sent))
            bare.append(self._bare(len(sent)))
        ours, loop = Figure(tuple(kept), len(sent)), Figure(tuple(bare), len(sent))
        rows.append(("bare consumer, decodes with our codec", str(loop), ""))
        rows.append(("observations kept as rows", str(ours), f"{ours.rate / loop.rate:.2f} of the loop; 0.5"))
        rows.append(("memory of the state worker", f"{self._memory():.0f} MiB", ""))
        show(f"{self._count:,} hourly series", ("what", "", "goal"), rows)

    def _upload(self) -> None:
        file = self._folder / "hours.csv"
        with file.open("w", encoding="utf-8") as opened:
            opened.write("shop,hour,sold\n")
            for hour in range(_HOURS):
                at = _time(hour)
                opened.writelines(f"s{shop},{at},{(shop + hour) % 97}\n" for shop in range(self._count))
        with file.open("rb") as opened:
            self._data_id = self._call("POST", "/data/", files={"upload": opened})["data"]["id"]
        self._job_id = self._call("POST", "/job/", json={"data_id": self._data_id})["job_id"]
        columns = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}
        self._call("PUT", f"/job/{self._job_id}/", json=columns)

    def _refreshed(self, model: str) -> Sequence[float]:
        """Seconds from each value to the forecast that follows it, while so many series change each second."""
        element = {"ts_id": "all", "model_name": model, "hyper_params": [], "next_k_prediction": 24, "refit": 1,
                   "refresh": {"on": "data", "pause_s": _PAUSE_S}}  # fmt: skip
        self._call("PATCH", f"/job/{self._job_id}/", json=[element])
        while self._call("GET", f"/job/{self._job_id}/?series=0")["status"] == 2:
            time.sleep(0.5)
        sent: dict[str, float] = {}
        seconds: list[float] = []
        with self._reading(self._topics.forecasts) as read:
            reader = Thread(target=lambda: seconds.extend(self._answers(read, sent, _A_SECOND * _SECONDS)))
            reader.start()
            with self._producing() as producer:
                for second in range(_SECONDS):
                    begun = time.monotonic()
                    for shop in range(second * _A_SECOND, (second + 1) * _A_SECOND):
                        sent[f"s{shop}"] = time.monotonic()
                        self._produce(producer, self._observed(shop, self._hour))
                    producer.flush()
                    time.sleep(max(0.0, begun + 1 - time.monotonic()))
            reader.join(_WITHIN_S)
        self._hour += 1
        return seconds

    def _answers(self, read: Consumer, sent: dict[str, float], count: int) -> Iterator[float]:
        waited, deadline = set[str](), time.monotonic() + _SECONDS + 120
        first = int(np.datetime64(_time(self._hour + 1), "ms").astype(int))
        while len(waited) < count and time.monotonic() < deadline:
            for message in read.consume(500, 0.05):
                forecast = self._codec.decode(message.value())
                shop = forecast.groups.get("shop", "") if isinstance(forecast, Forecast) else ""
                if shop in sent and shop not in waited and forecast.timestamps[0] >= first:
                    waited.add(shop)
                    yield time.monotonic() - sent[shop]
        if len(waited) < count:
            console.print(f"[red]{count - len(waited)} series have no new forecast")

    def _observations(self, count: int) -> list[bytes]:
        """As many as there are series, hour by hour."""
        hours = range(self._hour, self._hour + 1 + count // self._count)
        made = (self._observed(shop, hour) for hour in hours for shop in range(self._count))
        return [value for value, _ in zip(made, range(count), strict=False)]

    def _kept(self, values: Sequence[bytes]) -> float:
        """Seconds until all are rows: they are there first, so that sending them is not measured."""
        with self._reading(self._topics.dataset_changes) as read:
            state = self._state()
            state.suspend()
            try:
                with self._producing() as producer:
                    for value in values:
                        self._produce(producer, value)
            finally:
                state.resume()
            begun = time.perf_counter()
            place = self._consumer()
            end = place.get_watermark_offsets(TopicPartition(self._topics.observations, self._partition))[1]
            place.close()
            while True:
                for message in read.consume(100, 0.05):
                    told = self._codec.decode(message.value())
                    if isinstance(told, DatasetGrown) and told.last == end - 1:
                        return time.perf_counter() - begun

    def _bare(self, count: int) -> float:
        """Seconds that the last `count` of the topic take to be read and decoded, with no work done."""
        consumer = self._consumer()
        topic = TopicPartition(self._topics.observations, self._partition)
        topic.offset = consumer.get_watermark_offsets(topic)[1] - count
        consumer.assign([topic])
        begun, read = time.perf_counter(), 0
        while read < count:
            for message in consumer.consume(10_000, 0.2):
                self._codec.decode(message.value())
                read += 1
        consumer.close()
        return time.perf_counter() - begun

    def _observed(self, shop: int, hour: int) -> bytes:
        event = Observation(self._data_id, _time(hour), {"sold": float((shop * 7 + hour) % 89)}, {"shop": f"s{shop}"})
        return self._codec.encode(event)

    @property
    def _partition(self) -> int:
        return partition_for(b"%d" % self._data_id, self._topics.partitions)

    def _produce(self, producer: Producer, value: bytes) -> None:
        produced = False
        while not produced:
            try:
                producer.produce(self._topics.observations, value, b"%d" % self._data_id, self._partition)
                produced = True
            except BufferError:
                producer.poll(0.1)

    @contextmanager
    def _producing(self) -> Iterator[Producer]:
        producer = Producer({"bootstrap.servers": self._stack.bootstrap, "linger.ms": 5, "acks": "all"})
        yield producer
        producer.flush()

    @contextmanager
    def _reading(self, topic: str) -> Iterator[Consumer]:
        """From the topic's end on."""
        consumer = self._consumer()
        places = [TopicPartition(topic, number) for number in range(self._topics.partitions)]
        for place in places:
            place.offset = consumer.get_watermark_offsets(place)[1]
        consumer.assign(places)
        yield consumer
        consumer.close()

    def _consumer(self) -> Consumer:
        return Consumer({"bootstrap.servers": self._stack.bootstrap, "group.id": "bench", "enable.auto.commit": False})

    def _memory(self) -> float:
        return float(self._state().memory_info().rss) / 2**20

    def _state(self) -> psutil.Process:
        (state,) = (it for it in psutil.Process().children(recursive=True) if it.cmdline()[-1:] == ["state"])
        return state

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self._http.request(method, path, **more)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


def _time(hour: int) -> str:
    return str(np.datetime64("2024-01-01T00", "h") + hour).replace("T", " ") + ":00:00"
