"""Records that come twice, out of order, too large, from a clock that goes wrong, or empty; and a disk that is full."""

import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Message, Producer

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.kafka.publisher import partition_for
from tests.faults.figures import CaseFigures
from tests.faults.history import RecordingApi
from tests.faults.load import Job
from tests.faults.log import read_topics
from tests.faults.verifier import Verifier
from tests.integration.processes import WorkerProcess
from tests.integration.services import Service, csv_of, running_service, until
from tests.integration.workers import Cluster

_HOUR_MS = 3_600_000
_RECORD_BYTES = 1024 * 1024  # the smallest limit that the settings allow
_FILE_BYTES = 64 * 1024  # of the "disk" that is full: notes and log lines still fit, files do not


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("records"), max_message_bytes=_RECORD_BYTES) as running:
        yield running


def _finished(service: Service, api: RecordingApi, series: int = 20) -> Job:
    job = Job.of_series(api, service.bootstrap, service.topics, series=series)
    job.submit()
    api.finished(job.job_id)
    return job


def _write(service: Service, topic: str, key: bytes, value: bytes | None, *, at: int = 0) -> None:
    """Append a record as another program would, in the partition of its key; `at` 0: now."""
    producer = Producer({"bootstrap.servers": service.bootstrap})
    producer.produce(topic, value, key, partition=partition_for(key, service.topics.partitions), timestamp=at)
    assert producer.flush(30) == 0


def _of_job(service: Service, job: Job, topic: str) -> Sequence[Message]:
    keys = {b"%d" % number for number in (job.job_id, *job.ts_ids)}
    return [message for message in read_topics(service.bootstrap, [topic])[topic] if message.key() in keys]


@pytest.mark.parametrize("back_ms", [0, _HOUR_MS], ids=["now", "17: by a clock that is an hour behind"])
def test_fault_12_commands_that_come_twice(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures, back_ms: int
) -> None:
    """Every command of a job once more: handled once, and what is said twice is the same. Order is not by time."""
    job = _finished(service, api)
    for topic in (service.topics.job_commands, service.topics.series_commands):
        for message in _of_job(service, job, topic):
            at = int(time.time() * 1000) - back_ms
            _write(service, topic, message.key(), message.value(), at=at)
    until(
        lambda: job.all_answered() and len(job.answered_series) > len(job.submissions), why="the repeats are answered"
    )
    job.submit()
    job.close()

    verifier.verify(api, job, figures=figures)
    assert figures.repeated >= len(job.ts_ids)


def test_fault_13_events_in_another_order(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures
) -> None:
    """Results from last to first, and old statuses after new ones: nothing that is shown changes."""
    job = _finished(service, api)
    before = api.get(f"/job/{job.job_id}/job_results/")
    for topic in (service.topics.job_results, service.topics.job_status):
        for message in reversed(_of_job(service, job, topic)):
            _write(service, topic, message.key(), message.value())
    job.close()

    verifier.verify(api, job, figures=figures)
    assert api.get(f"/job/{job.job_id}/job_results/") == before


def test_fault_15_a_series_that_no_record_can_carry(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures
) -> None:
    """Refused where its columns are chosen, with the reason; without it the file is forecast."""
    points = 2 * _RECORD_BYTES // 8
    minutes = [str(minute) for minute in np.arange("2020-01-01T00:00", points, dtype="datetime64[m]")]
    short = [f"short,{minute},1" for minute in minutes[:30]]
    rows = [f"long,{minute},1" for minute in minutes] + short
    job_id = api.create_job(api.add_dataset("\n".join(["group,minute,value", *rows]).encode()))
    columns = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}
    refused = api.call("PUT", f"/job/{job_id}/", json=columns)
    job = Job(api, service.bootstrap, service.topics, csv="\n".join(["group,minute,value", *short]).encode())
    job.submit()
    job.close()

    assert (refused.status_code, refused.json()["code"]) == (400, "series_too_long")
    assert f"series ('long',) has {points} points, at most" in refused.json()["message"]
    verifier.verify(api, job, figures=figures)


def test_fault_24_tombstones_for_a_live_job(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures
) -> None:
    """On a command or result topic they are dead letters; on forecasts they remove the forecast. The job lives on."""
    job = _finished(service, api, series=2)
    topics = service.topics
    private = [
        *(topics.job_commands, topics.job_results, topics.dataset_commands, topics.series_commands),
        *(topics.training_commands, topics.training_runs, topics.training_status),
        *(topics.transform_commands, topics.inference_requests, topics.inference_results),
    ]
    for topic in private:
        _write(service, topic, b"%d" % job.job_id, None)
    verifier.expect_dead_letters(len(private))
    _write(service, topics.forecasts, b"%d" % job.ts_ids[0], None)
    until(lambda: api.call("GET", f"/forecasts/{job.ts_ids[0]}").status_code == 404, why="the forecast is gone")
    job.submit()
    job.close()

    verifier.verify(api, job, figures=figures)


def test_fault_18_a_full_disk(service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures) -> None:
    """Files cannot be written: 507 in words; when they can again, the same service takes them, and nothing is half."""
    job = _finished(service, api, series=3)
    state = service.pid("state")
    files = {"upload": ("large.csv", csv_of(100, 200))}
    _, most = resource.prlimit(state, resource.RLIMIT_FSIZE)
    resource.prlimit(state, resource.RLIMIT_FSIZE, (_FILE_BYTES, most))
    try:
        refused = api.call("POST", "/data/", files=files)
        listed = api.get("/data/")
        job.submit()
        verifier.verify(api, job, figures=figures)
    finally:
        resource.prlimit(state, resource.RLIMIT_FSIZE, (most, most))
    again = api.call("POST", "/data/", files=files)

    assert refused.status_code == 507, refused.text
    assert refused.json()["code"] == "insufficient_storage"
    assert again.status_code == 201
    assert len(api.get("/data/")["data"]) == len(listed["data"]) + 1
    assert service.pid("state") == state
    assert not list(Path(service.settings.home, "objects").rglob(".unfinished-*"))
    job.close()


@pytest.mark.parametrize("topic", ["job_commands", "forecasts"])
def test_fault_06_a_record_that_unpacks_hugely(service: Service, topic: str) -> None:
    """300 MB in 0.3 MB of gzip, more than the embedded broker's memory: skipped, with a dead letter; nobody ends.

    The last cases of this service: whoever reads its topics as a whole would unpack them.
    """
    before = {name: service.pid(name) for name in ("broker", "state", "trainer-1")}
    letters = service.tail(service.topics.dead_letters)
    placed: list[Message] = []
    producer = Producer(
        {"bootstrap.servers": service.bootstrap, "compression.type": "gzip", "message.max.bytes": 400_000_000}
    )
    producer.produce(
        getattr(service.topics, topic), bytes(300_000_000), b"1", on_delivery=lambda _, message: placed.append(message)
    )
    assert producer.flush(60) == 0
    (message,) = placed
    assert message.error() is None
    about = {("topic", (message.topic() or "").encode()), ("offset", b"%d" % (message.offset() or 0))}

    until(
        lambda: any(about <= set(letter.headers() or ()) for letter in letters.poll()),
        why="there is a dead letter of it",
    )
    letters.close()
    assert {name: service.pid(name) for name in before} == before


def test_fault_16_a_topic_with_fewer_partitions(broker: EmbeddedKafka, topic_prefix: str, tmp_path: Path) -> None:
    """A worker does not start on it, and its message names the topic and the remedy."""
    cluster = Cluster(broker.bootstrap, topic_prefix)
    cluster.topic("job-results", partitions=1)
    environment = {
        "TIDECAST_HOME": str(tmp_path),
        "TIDECAST_KAFKA_BOOTSTRAP": cluster.bootstrap,
        "TIDECAST_TOPIC_PREFIX": cluster.prefix,
        "TIDECAST_GROUP_PREFIX": cluster.prefix,
    }
    worker = WorkerProcess("state", "1", environment, tmp_path)
    status = until(lambda: worker.status, why="it has ended")
    said = " ".join(worker.log.read_text().split())

    assert status == 1
    assert f"topic {cluster.prefix}job-results has 1 partitions, 4 are declared: set TIDECAST_PARTITIONS=1" in said
