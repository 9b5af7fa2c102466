"""kill -9 of state worker and broker while points stream in: every point is there once, whatever was under way."""

import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

import httpx
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.kafka.publisher import partition_for
from schemas.coding.codec import Codec
from schemas.workloads import MetricPoint
from tests.faults.figures import CaseFigures
from tests.faults.points import AT, points_of, send_points
from tests.integration.services import Service, running_service, until

_BATCHES, _BATCH = 20, 500
_EVENTS: Final = 30_000
_STRETCH: Final = 10_000  # offsets behind which a workload is looked for
_KILLED: Final = ("state", "broker", "state")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("points")) as running:
        yield running


def _post(url: str, uid: str) -> None:
    """As a patient trainer does, batch after batch."""
    for batch in range(_BATCHES):
        send_points(url, uid, range(batch * _BATCH, (batch + 1) * _BATCH))


def _produce(service: Service, uid: str) -> None:
    """Events by a producer of one's own, each twice."""
    codec, key = Codec(), uid.encode()
    producer = Producer({"bootstrap.servers": service.bootstrap, "log_level": 0, "linger.ms": 20})
    partition = partition_for(key, 4)
    for step in range(_EVENTS):
        value = codec.encode(MetricPoint(uid, f"m{step % 5}", step / 3, AT + step, step, "wandb"))
        for _ in range(2):
            producer.produce(service.topics.metrics, value, key, partition)
        if step % 1000 == 0:
            producer.flush()
            time.sleep(0.05)
    producer.flush()


def test_fault_every_point_once_over_kills(service: Service, figures: CaseFigures) -> None:
    """Posted by a patient client, and as events: in order, none lost, none twice, and as many as are counted."""
    posted, produced = f"w-{uuid.uuid4().hex}", f"w-{uuid.uuid4().hex}"
    url = service.stack.url
    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(_post, url, posted), pool.submit(_produce, service, produced)]
        for process in _KILLED:
            time.sleep(0.8)
            service.signal(process, signal.SIGKILL)
            until(service.is_ready, why=f"all is ready again after {process} was killed")
        for task in tasks:
            task.result(timeout=120)
    begun = time.monotonic()
    until(lambda: len(points_of(url, produced)) == _EVENTS, why="all events are kept")
    figures.time("read after the last kill", time.monotonic() - begun)

    steps = [point["iteration"] for point in points_of(url, posted)]
    events = points_of(url, produced)
    counts = httpx.get(f"{url}/api/v1/workloads/{produced}/metrics/available").json()["metrics"]
    assert steps == list(range(_BATCHES * _BATCH))
    assert [point["iteration"] for point in events] == list(range(_EVENTS))
    assert [point["value"] for point in events] == [step / 3 for step in range(_EVENTS)]
    assert {item["name"]: item["count"] for item in counts} == {f"m{n}": _EVENTS // 5 for n in range(5)}


def test_fault_the_log_has_a_workload_no_more(service: Service, figures: CaseFigures) -> None:
    """As its retention would have it: the view forgets it too, and keeps one that went on, with all its points."""
    old, going = _neighbours(2)
    url, partition = service.stack.url, partition_for(old.encode(), 4)
    for uid, steps in ((going, range(10)), (old, range(10)), (going, range(10, _STRETCH + 30))):
        for first in range(0, len(steps), 4000):
            send_points(url, uid, steps[first : first + 4000])
    with closing(Consumer({"bootstrap.servers": service.bootstrap, "group.id": uuid.uuid4().hex})) as consumer:
        _, end = consumer.get_watermark_offsets(TopicPartition(service.topics.metrics, partition), timeout=30)
    admin = AdminClient({"bootstrap.servers": service.bootstrap})
    for deleted in admin.delete_records([TopicPartition(service.topics.metrics, partition, end - 10)]).values():
        deleted.result()
    begun = time.monotonic()
    service.signal("state", signal.SIGKILL)  # with its start it looks for such workloads
    until(service.is_ready, why="the state is ready again")
    asked = f"{url}/api/v1/workloads/{old}/metrics/available?strict=true"
    until(lambda: httpx.get(asked).status_code == 404, why="it is forgotten")
    figures.time("forgotten", time.monotonic() - begun)

    assert [point["iteration"] for point in points_of(url, going)] == list(range(_STRETCH + 30))


def _neighbours(count: int) -> list[str]:
    """Workloads of one partition."""
    uids = [f"w-{uuid.uuid4().hex}" for _ in range(100)]
    first = partition_for(uids[0].encode(), 4)
    return [uid for uid in uids if partition_for(uid.encode(), 4) == first][:count]


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
    steps = until(lambda: [it["iteration"] for it in points_of(url, uid)], why="the view is there again")
    figures.time("rebuilt", time.monotonic() - begun)

    assert steps == list(range(_BATCHES * _BATCH))
