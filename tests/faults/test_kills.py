"""kill -9 of any process, and of all of them, in the middle of a job: nothing is lost and nothing is shown twice."""

import os
import random
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from confluent_kafka import Producer

from connectors.kafka.admin import broker_reachable
from connectors.kafka.publisher import partition_for
from schemas.forecasting import ConfigureJob, CreateJob, JobCommand
from streams.workers import stack
from tests.faults.figures import CaseFigures
from tests.faults.history import History, RecordingApi
from tests.faults.load import Job
from tests.faults.log import offsets_watched
from tests.faults.verifier import Verifier
from tests.integration.services import Service, Tail, csv_of, running_service, until

_SERIES = 300
_MODELS = ("LinearFit", "AdaptiveMaxN", "LinearFit", "AdaptiveMaxN")  # 1200 results per submission, in 12 batches
_EVERYTHING = ("trainer-1", "state", "broker")
_SEED = 20
_KILLS = 30
_KILLS_PER_SUBMISSION = 10
_BUSY = 4  # large files that are read meanwhile
_ASKED = timedelta(seconds=1)
_HEALED_S = 240.0  # after many kills the supervisor waits longest
_PAUSES_S = (0.2, 0.9)  # between two kills: some come while a process starts, some while it works


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("kills"), batch_size=100) as running:
        yield running


def _job(service: Service, api: RecordingApi, series: int = _SERIES) -> Job:
    return Job.of_series(api, service.bootstrap, service.topics, series=series)


def _caught_in_the_middle(service: Service, job: Job) -> int:
    """Submit, and stop the trainer while some answers are in the log and many are missing; how many are there."""
    for _ in range(5):  # on a busy machine the trainer may have finished before we look
        before = job.answered()
        job.submit(_MODELS)
        job.wait_for_more(before)
        service.signal("trainer-1", signal.SIGSTOP)
        answered = job.answered()
        if answered < len(job.submissions):
            return answered
        service.signal("trainer-1", signal.SIGCONT)
    raise AssertionError("the trainer is too quick for this test: make the submissions larger")


@pytest.mark.parametrize("victims", [("broker",), _EVERYTHING], ids="+".join)
def test_fault_03_a_killed_process_loses_nothing(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures, victims: Sequence[str]
) -> None:
    """kill -9 while answers are missing: the job reaches DONE, each answer is in the log and shown exactly once."""
    job = _job(service, api)
    answered = _caught_in_the_middle(service, job)
    for victim in victims:
        service.signal(victim, signal.SIGKILL)
    if "trainer-1" not in victims:
        service.signal("trainer-1", signal.SIGCONT)
    killed = time.monotonic()
    job.wait_for_more(answered)
    until(service.is_ready, why="the service is ready again")
    figures.time("ready, and answers go on", time.monotonic() - killed)
    job.close()

    verifier.verify(api, job, figures=figures)


@pytest.mark.timeout(300)
def test_fault_03_thirty_random_kills_over_500_series(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trainer and state are killed by a seeded schedule while 500 series are submitted again and again: 0 lost."""
    monkeypatch.setattr(stack, "_LONGEST_PAUSE_S", 0.2)  # else all but a few kills would meet a worker that waits
    _kill_at_random(service, api, verifier, figures, lambda kills, _: kills < _KILLS)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_fault_03_random_kills_for_minutes(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures
) -> None:
    """The same for SOAK_MINUTES, with the broker among the victims and the supervisor's own pauses."""
    end = 60 * float(os.environ.get("SOAK_MINUTES", "20"))
    _kill_at_random(service, api, verifier, figures, lambda _, seconds: seconds < end, victims=_EVERYTHING)


def _kill_at_random(
    service: Service,
    api: RecordingApi,
    verifier: Verifier,
    figures: CaseFigures,
    goes_on: Callable[[int, float], bool],
    *,
    victims: Sequence[str] = ("trainer-1", "state"),
) -> None:
    dice = random.Random(_SEED)
    job = _job(service, api, series=500)
    kills, begun = 0, time.monotonic()
    with offsets_watched(service.bootstrap, verifier.groups):
        while goes_on(kills, time.monotonic() - begun):
            if kills % _KILLS_PER_SUBMISSION == 0:
                job.submit(("LinearFit", "AdaptiveMaxN"))
            _kill(service, dice.choice(victims))
            kills += 1
            time.sleep(dice.uniform(*_PAUSES_S))
        killed = time.monotonic()
        verifier.verify(api, job, figures=figures, within=_HEALED_S)
    figures.time(f"{kills} kills in", killed - begun)
    figures.time("healed and judged", time.monotonic() - killed)
    job.close()


def test_fault_08_the_state_is_killed_between_append_and_answer(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures
) -> None:
    """A job is created, in the log but not answered: the same Idempotency-Key later gives the id that the log has.

    The worker is busy with large files for that moment, as it is where a producer sends ConfigureJob. The client never
    looks for the answer, so it has none, however quick the worker is.
    """
    data_id, topic = api.add_dataset(csv_of(300, 1000)), service.topics.job_commands
    tail, key = service.tail(topic), uuid.uuid4().hex
    for busy in [api.create_job(data_id) for _ in range(_BUSY)]:
        configure = ConfigureJob(uuid.uuid4().hex, busy, (1,), (2,), (0,))
        _write(service, topic, b"%d" % busy, service.codec.encode(configure))
    until(lambda: configure in _commands(service, tail), why="the command is in the log")
    before = len(_created(service, tail))
    place = urlsplit(service.stack.url)
    body = b'{"data_id":%d}' % data_id
    head = (
        f"POST /job/ HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port)) as unread:
        unread.sendall(head.encode() + body)
        until(lambda: len(_created(service, tail)) > before, why="the command is in the log")
        service.signal("state", signal.SIGKILL)
    again = until(
        lambda: _answer(api.attempt("POST", "/job/", key=key, json={"data_id": data_id})), why="the retry is answered"
    )
    created = _created(service, tail)
    tail.close()

    assert again["job_id"] == created[before]
    assert set(created[before:]) == {again["job_id"]}
    assert [one["job_id"] for one in api.get("/job/")["jobs"]].count(again["job_id"]) == 1
    job = _job(service, api, series=10)
    job.submit()
    job.close()
    verifier.verify(api, job, figures=figures)


def _write(service: Service, topic: str, key: bytes, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": service.bootstrap})
    producer.produce(topic, value, key, partition=partition_for(key, service.topics.partitions))
    assert producer.flush(30) == 0


def _commands(service: Service, tail: Tail) -> list[JobCommand]:
    return [service.codec.decode(message.value()) for message in tail.poll()]


def _created(service: Service, tail: Tail) -> list[int]:
    """Ids of the jobs that commands ask to create, in the order of each partition as it was read."""
    return [command.job_id for command in _commands(service, tail) if isinstance(command, CreateJob)]


def _answer(answer: httpx.Response | None) -> dict[str, int] | None:
    return answer.json() if answer is not None and answer.status_code == 201 else None


def test_fault_03_everything_survives_a_restart(tmp_path: Path, figures: CaseFigures) -> None:
    """Stop in order and start on the same home, at other ports: the same jobs, series and results."""
    with running_service(tmp_path, batch_size=100) as service:
        api = RecordingApi(service.stack.url, History())
        job = _job(service, api, series=20)
        job.submit(_MODELS)
        before = Verifier.of(service).verify(api, job, figures=figures)[job.job_id]
        listed, details = api.get("/job/"), api.get(f"/job/{job.job_id}/ts_details/")
        job.close()
        api.close()
    (tmp_path / "http.port").unlink()
    with running_service(tmp_path, batch_size=100) as service:
        assert service.api.finished(job.job_id) == before
        assert service.api.get("/job/") == listed
        assert service.api.get(f"/job/{job.job_id}/ts_details/") == details


def _kill(service: Service, name: str) -> None:
    """kill -9, waiting for a process to kill where the last one has not been replaced yet.

    A broker is killed when it answers: one that ends three times while it starts, ends the service with its last words.
    """
    if name == "broker":
        until(lambda: broker_reachable(service.bootstrap, _ASKED), within=120, why="the broker answers")

    def killed() -> bool:
        try:
            service.signal(name, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    until(killed, why=f"{name} runs")
