"""kill -9 of the state worker while points stream in: every point is there once, whatever was under way."""

import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import pytest
from confluent_kafka import Producer

from connectors.kafka.publisher import partition_for
from schemas.coding.codec import Codec
from schemas.workloads import MetricPoint
from tests.faults.figures import CaseFigures
from tests.integration.services import Service, running_service, until

_AT: Final = 1_704_067_200_000
_BATCHES, _BATCH = 20, 500
_EVENTS: Final = 30_000
_KILLS: Final = 2


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("points")) as running:
        yield running


def _post(url: str, uid: str) -> None:
    """As a patient trainer does: what was not confirmed is sent again."""
    with httpx.Client(base_url=url, timeout=20) as client:
        for batch in range(_BATCHES):
            steps = range(batch * _BATCH, (batch + 1) * _BATCH)
            points = [
                {"metric_name": "loss", "value": s / 7, "timestamp": _AT + s, "iteration": s, "data_source": "log"}
                for s in steps
            ]
            while True:
                try:
                    answer = client.post(f"/api/v1/workloads/{uid}/metrics", json={"data": points})
                except httpx.TransportError:
                    time.sleep(0.1)
                    continue
                if answer.status_code == 202:
                    break
                assert answer.status_code == 503, answer.text
                time.sleep(0.1)


def _produce(service: Service, uid: str) -> None:
    """Events by a producer of one's own, each twice."""
    codec, key = Codec(), uid.encode()
    producer = Producer({"bootstrap.servers": service.bootstrap, "log_level": 0, "linger.ms": 20})
    partition = partition_for(key, 4)
    for step in range(_EVENTS):
        value = codec.encode(MetricPoint(uid, f"m{step % 5}", step / 3, _AT + step, step, "wandb"))
        for _ in range(2):
            producer.produce(service.topics.metrics, value, key, partition)
        if step % 1000 == 0:
            producer.flush()
            time.sleep(0.05)
    producer.flush()


def _data(url: str, uid: str) -> list[dict[str, Any]]:
    with httpx.Client(base_url=url, timeout=30) as client:
        answer = client.get(f"/api/v1/workloads/{uid}/metrics/data")
        return answer.json()["data"] if answer.status_code == 200 else []


def test_fault_every_point_once_over_kills_of_the_state(service: Service, figures: CaseFigures) -> None:
    """Posted by a patient client, and as events: in order, none lost, none twice, and as many as are counted."""
    posted, produced = f"w-{uuid.uuid4().hex}", f"w-{uuid.uuid4().hex}"
    url = service.stack.url
    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(_post, url, posted), pool.submit(_produce, service, produced)]
        for _ in range(_KILLS):
            time.sleep(0.8)
            service.signal("state", signal.SIGKILL)
            until(service.is_ready, why="the state is ready again")
        for task in tasks:
            task.result(timeout=120)
    begun = time.monotonic()
    until(lambda: len(_data(url, produced)) == _EVENTS, why="all events are kept")
    figures.time("read after the last kill", time.monotonic() - begun)

    steps = [point["iteration"] for point in _data(url, posted)]
    events = _data(url, produced)
    counts = httpx.get(f"{url}/api/v1/workloads/{produced}/metrics/available").json()["metrics"]
    assert steps == list(range(_BATCHES * _BATCH))
    assert [point["iteration"] for point in events] == list(range(_EVENTS))
    assert [point["value"] for point in events] == [step / 3 for step in range(_EVENTS)]
    assert {item["name"]: item["count"] for item in counts} == {f"m{n}": _EVENTS // 5 for n in range(5)}


def test_fault_rebuilt_while_points_come(service: Service, figures: CaseFigures) -> None:
    """The view is wiped in the middle, and has everything again; meanwhile it says 503, never half of it."""
    uid, url = f"w-{uuid.uuid4().hex}", service.stack.url
    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(_post, url, uid)
        time.sleep(0.5)
        begun = time.monotonic()
        assert httpx.post(f"{url}/api/v1/metrics/rebuild").status_code == 202
        assert httpx.get(f"{url}/api/v1/workloads/{uid}/metrics/data").status_code in (200, 503)
        task.result(timeout=60)
    steps = until(lambda: [it["iteration"] for it in _data(url, uid)], why="the view is there again")
    figures.time("rebuilt", time.monotonic() - begun)

    assert steps == list(range(_BATCHES * _BATCH))
