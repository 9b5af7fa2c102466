"""A whole service for a test, and what its clients see: over HTTP, and in the topics from their beginning."""

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from schemas.coding.codec import Codec
from streams.settings import Settings
from streams.topics import Topics
from streams.workers.stack import Stack

__all__ = ["READY_S", "Api", "Service", "Tail", "csv_of", "read_all", "running_service", "until"]

READY_S = 120.0  # for whatever takes seconds on an idle machine: others may use the cores of the tests
_NO_LEADER = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
_WATCH_S = 0.1  # as `tidecast up` does
_ANY = TypeVar("_ANY")


def until(what: Callable[[], _ANY], *, within: float = READY_S, why: str) -> _ANY:
    """The first true answer of `what`, asked again and again; AssertionError with `why` when the time is up."""
    deadline = time.monotonic() + within
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {why}; the last answer was {answer!r}")
        time.sleep(0.02)


def csv_of(series: int, points: int, *, seed: int = 1) -> bytes:
    """A CSV file of daily series: columns group, day, value."""
    rng = np.random.default_rng(seed)
    days = [str(day) for day in np.arange("2020-01-01", points, dtype="datetime64[D]")] if points else []
    lines = ["group,day,value"]
    for number in range(series):
        values = rng.integers(0, 1000, points)
        lines += [f"s{number},{day},{value}" for day, value in zip(days, values, strict=True)]
    return "\n".join(lines).encode()


def read_all(bootstrap: str, topic: str) -> list[Message]:
    """Every record of the topic that is there now, from the beginning; those of one partition in their order."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex, "enable.auto.commit": False, "log_level": 0}
    )
    try:
        metadata = consumer.list_topics(topic, timeout=READY_S).topics[topic]
        assert metadata.error is None, metadata.error
        ends, starts = {}, []
        for partition in metadata.partitions:
            low, high = _bounds(consumer, TopicPartition(topic, partition))
            if high > low:
                ends[partition] = high
                starts.append(TopicPartition(topic, partition, low))
        found: list[Message] = []
        consumer.assign(starts)
        deadline = time.monotonic() + READY_S
        while ends:
            assert time.monotonic() < deadline, f"{topic} is not read to its end"
            for message in consumer.consume(1000, timeout=1.0):
                assert message.error() is None, message.error()
                found.append(message)
            for position in consumer.position(starts):
                if position.offset >= ends.get(position.partition, 2**63):
                    del ends[position.partition]
        return found
    finally:
        consumer.close()


def _bounds(consumer: Consumer, at: TopicPartition) -> tuple[int, int]:
    """Where the log begins and ends; a broker that was started a moment ago leads no partition yet."""

    def asked() -> tuple[int, int] | None:
        try:
            found: tuple[int, int] = consumer.get_watermark_offsets(at, timeout=READY_S)
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER:
                raise
            return None
        return found

    return until(asked, why=f"{at.topic} has a leader of partition {at.partition}")


class Tail:
    """Follows a topic while the service works; survives the broker's restart."""

    def __init__(self, bootstrap: str, topic: str, partitions: int) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": uuid.uuid4().hex,
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
                "reconnect.backoff.max.ms": 200,
                "log_level": 0,
            }
        )
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        self.messages: list[Message] = []

    def poll(self) -> list[Message]:
        """All messages so far, after a look for new ones."""
        new = self._consumer.consume(1000, timeout=0.02)
        self.messages += [message for message in new if message.error() is None]
        return self.messages

    def close(self) -> None:
        self._consumer.close()


class Api:
    """A patient HTTP client: waits through refused connections and 503, repeats writes under one Idempotency-Key."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=30)

    def call(self, method: str, path: str, *, within: float = READY_S, **arguments: Any) -> httpx.Response:
        """The first answer that is not 503."""
        headers = {"Idempotency-Key": uuid.uuid4().hex, **arguments.pop("headers", {})}

        def ask() -> httpx.Response | None:
            with suppress(httpx.TransportError):
                answer = self._client.request(method, path, headers=headers, **arguments)
                return None if answer.status_code == 503 else answer
            return None

        return until(ask, within=within, why=f"{method} {path}")

    def get(self, path: str, **arguments: Any) -> Any:
        """The body of a 200."""
        answer = self.call("GET", path, **arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def add_dataset(self, csv: bytes) -> int:
        """Its id."""
        answer = self.call("POST", "/data/", files={"upload": ("series.csv", csv)})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["data"]["id"])

    def create_job(self, data_id: int) -> int:
        """Its id."""
        answer = self.call("POST", "/job/", json={"data_id": data_id})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["job_id"])

    def configure(self, job_id: int) -> list[int]:
        """Choose the columns of `csv_of`; the ids of the series."""
        body = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}
        answer = self.call("PUT", f"/job/{job_id}/", json=body)
        assert answer.status_code == 200, answer.text
        return [series["ts_id"] for series in answer.json()["ts_details"]]

    def new_job(self, csv: bytes) -> tuple[int, list[int]]:
        """A job on a data set of its own, and its series."""
        return self.job_on(self.add_dataset(csv))

    def job_on(self, data_id: int) -> tuple[int, list[int]]:
        """A job on a data set that is there, and its series."""
        job_id = self.create_job(data_id)
        return job_id, self.configure(job_id)

    def train(self, job_id: int, ts_ids: Sequence[int], models: Sequence[str] = ("LinearFit",)) -> httpx.Response:
        """Submit every series once per model."""
        elements = [
            {"ts_id": ts_id, "model_name": model, "hyper_params": [], "next_k_prediction": 3, "refit": 1}
            for model in models
            for ts_id in ts_ids
        ]
        answer = self.call("PATCH", f"/job/{job_id}/", json=elements)
        assert answer.status_code == 200, answer.text
        return answer

    def finished(self, job_id: int, *, within: float = READY_S) -> dict[str, Any]:
        """The results once the job is DONE or failed."""

        def ask() -> dict[str, Any] | None:
            body: dict[str, Any] = self.get(f"/job/{job_id}/job_results/?history=0")
            return body if body["status"] >= 3 else None

        return until(ask, within=within, why=f"job {job_id} is finished")

    def close(self) -> None:
        self._client.close()


class Service:
    """`tidecast up` inside the test: broker, state and trainer as processes, watched by a thread."""

    def __init__(self, settings: Settings, *, trainers: int = 1) -> None:
        self.settings = settings
        self.topics = Topics(settings)
        self.codec = Codec()
        self.stack = Stack(settings, trainers=trainers, progress=lambda text: None)
        self._end = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="watcher")
        self.api: Api

    def __enter__(self) -> Self:
        self.stack.start()
        self._watcher.start()
        self.api = Api(self.stack.url)
        return self

    def __exit__(self, *_: object) -> None:
        self.api.close()
        self._end.set()
        self._watcher.join()
        self.stack.stop()

    def _watch(self) -> None:
        while not self._end.wait(_WATCH_S):
            self.stack.watch()

    @property
    def bootstrap(self) -> str:
        return self.stack.bootstrap

    def pid(self, name: str) -> int:
        """Of `broker`, `state`, `trainer-1`, …"""
        if name == "broker":
            assert self.stack.broker is not None
            assert self.stack.broker.pid is not None
            return self.stack.broker.pid
        return self.stack.pid(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self.pid(name), number)

    def is_ready(self) -> bool:
        """Whether /readyz says so now."""
        try:
            return httpx.get(f"{self.stack.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def read_all(self, topic: str) -> list[Message]:
        return read_all(self.bootstrap, topic)

    def tail(self, topic: str) -> Tail:
        return Tail(self.bootstrap, topic, self.topics.partitions)


@contextmanager
def running_service(home: Path, *, trainers: int = 1, **settings: Any) -> Iterator[Service]:
    """A service on free ports with its data under `home`; again on the same home: the same service restarted."""
    given: Mapping[str, Any] = {"home": home, "http_port": 0, "kafka_port": 0, **settings}
    with Service(Settings(**given), trainers=trainers) as service:
        yield service
