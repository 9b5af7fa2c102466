"""Two state workers that share the partitions: killed, held up while they lose them, asked at once, started anew."""

import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.config import ForwardedPort
from connectors.embedded_kafka.java import Java
from connectors.embedded_kafka.ports import free_port
from connectors.kafka.publisher import partition_for
from schemas.coding.codec import Codec
from schemas.forecasting import CmdStatus
from tests.faults.figures import CaseFigures
from tests.faults.history import History
from tests.faults.load import Job
from tests.faults.states import HELD_UP, SilentLink, States
from tests.faults.verifier import Verifier
from tests.integration.services import csv_of, read_all, until

pytestmark = pytest.mark.timeout(400, func_only=True)  # a case has several waits, of which each may take long

_OTHER = "2"
_MODELS = ("LinearFit", "AdaptiveMaxN", "LinearFit", "AdaptiveMaxN")
_JOBS = 16  # so that a new worker gets some of them, all but once in 30,000 times
_MENDED_S = 20.0  # on an idle machine: a second
_BORROWED = 150  # ids are minted by the second: a burst takes them from the future, further than a restart takes
_TRIES = 20


@pytest.fixture(scope="module")
def link_ports() -> tuple[int, int]:
    """Of the link, and of the broker behind it."""
    return free_port(), free_port()


@pytest.fixture(scope="module")
def kafka(
    link_ports: tuple[int, int], kafka_jars: Path, java: Java, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedKafka]:
    forwarded = ForwardedPort(link_ports[1], link_ports[0])
    home = tmp_path_factory.mktemp("kafka")
    with EmbeddedKafka(home, port=0, jars=kafka_jars, java=java, forwarded=[forwarded]) as broker:
        yield broker


@pytest.fixture(scope="module")
def link(kafka: EmbeddedKafka, link_ports: tuple[int, int]) -> Iterator[SilentLink]:
    made = SilentLink(*link_ports)
    yield made
    made.close()


@pytest.fixture(scope="module")
def states(
    kafka: EmbeddedKafka, link: SilentLink, link_ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[States]:
    del link  # is there
    made = States(kafka, link_ports[0], tmp_path_factory.mktemp("states"), f"test-{uuid.uuid4().hex[:8]}.")
    yield made
    made.end()


@pytest.fixture(scope="module")
def verifier(states: States) -> Verifier:
    """The judge reads around the link."""
    return Verifier(states.bootstrap, states.topics, group_prefix=states.prefix)


@pytest.fixture
def history() -> History:
    """Of all clients of a case."""
    return History()


def _job(states: States, api: Any, series: int) -> Job:
    return Job.of_series(api, states.bootstrap, states.topics, series=series)


def test_fault_one_of_two_states_is_killed(
    states: States, history: History, verifier: Verifier, figures: CaseFigures
) -> None:
    """kill -9 of one in the middle of jobs of both; what is submitted meanwhile, at the other one, is not lost."""
    states.are(HELD_UP, _OTHER)
    apis = [states.api(name, history) for name in (HELD_UP, _OTHER)]
    jobs = [_job(states, apis[turn % 2], series=25) for turn in range(4)]
    for turn, job in enumerate(jobs):
        job.api = apis[(turn + 1) % 2]
        job.submit(_MODELS)
    jobs[0].wait_for_more(0)
    states[_OTHER].kill()
    killed = time.monotonic()
    for job in jobs:
        job.api = apis[0]
        job.submit()
    figures.time("the other one answers for all", time.monotonic() - killed)
    states.start(_OTHER)
    for job in jobs:
        job.submit()
        job.close()

    verifier.verify(apis[0], *jobs, figures=figures)


def test_fault_a_producer_is_stuck_while_its_worker_loses_partitions(
    states: States, link: SilentLink, history: History, verifier: Verifier, figures: CaseFigures
) -> None:
    """Its rows come after those of the new owner, which has answered a second submission: nothing goes back."""
    states.are(HELD_UP)
    api = states.api(HELD_UP, history)
    jobs = [_job(states, api, series=1) for _ in range(_JOBS)]
    states.trainer.signal(signal.SIGSTOP)
    for job in jobs:
        job.submit()
    until(lambda: _commanded(states, jobs) == len(jobs), why="the trainer's commands are in the log")
    with link.silent():
        states.trainer.signal(signal.SIGCONT)
        for job in jobs:
            until(lambda: api.get(f"/job/{job.job_id}/")["status"] == CmdStatus.DONE, why="the rows are handed over")  # noqa: B023
        begun = time.monotonic()
        states.start(_OTHER)
        until(lambda: states[_OTHER].is_ready() and states.owned(_OTHER), why="the new owner is ready")
        figures.time("the new owner is ready", time.monotonic() - begun)
        new = states.api(_OTHER, history)
        moved = until(lambda: [job for job in jobs if _owns(states, _OTHER, job)], why="it has some of the jobs")
        for job in moved:
            job.api = new
            job.submit(("AdaptiveMaxN",))
        for job in moved:
            until(lambda: new.get(f"/job/{job.job_id}/")["finished"] == 2, why="the second one is trained")  # noqa: B023
    late = until(lambda: _late(states, moved), why="rows of the past have come")
    healed = time.monotonic()
    for job in jobs:
        job.close()

    verifier.verify(new, *jobs, figures=figures, mended_within=_MENDED_S)
    figures.time("mended and judged", time.monotonic() - healed)
    figures.note(f"{len(moved)} jobs moved, rows of {late} came late")


def _commanded(states: States, jobs: list[Job]) -> int:
    keys = {b"%d" % ts_id for job in jobs for ts_id in job.ts_ids}
    return len(keys & {message.key() for message in read_all(states.bootstrap, states.topics.series_commands)})


def _owns(states: States, name: str, job: Job) -> bool:
    return states.has_itself(name, f"/job/{job.job_id}/")


def _late(states: States, jobs: list[Job]) -> int:
    """Of how many jobs a row with the first submission alone follows one with both."""
    codec, submitted, late = Codec(), {}, set()
    for message in read_all(states.bootstrap, states.topics.jobs_changelog):
        row = None if message.value() is None else codec.decode(message.value())
        if row is not None and row.submitted < submitted.get(row.job_id, 0):
            late.add(row.job_id)
        submitted.update({} if row is None else {row.job_id: row.submitted})
    return len(late & {job.job_id for job in jobs})


def test_fault_two_tries_of_one_key_at_once(
    states: States, history: History, verifier: Verifier, figures: CaseFigures
) -> None:
    """Both workers get the same POST under the same key at the same moment: both tell of one thing."""
    states.are(HELD_UP, _OTHER)
    apis = [states.api(name, history) for name in (HELD_UP, _OTHER)]
    job = _job(states, apis[0], series=5)
    job.submit()
    data_id = apis[1].get(f"/job/{job.job_id}/")["data_id"]
    upload = {"files": {"upload": ("race.csv", csv_of(2, 20))}}
    with ThreadPoolExecutor(2) as pool:
        for _ in range(_TRIES):
            for path, arguments in (("/job/", {"json": {"data_id": data_id}}), ("/data/", upload)):
                key = uuid.uuid4().hex
                tries = [pool.submit(api.attempt, "POST", path, key=key, **arguments) for api in apis]
                answers = [one.result() for one in tries]
                assert [answer and answer.status_code for answer in answers] == [201, 201]
    job.close()

    verifier.verify(apis[1], job, figures=figures)


def test_fault_a_restart_after_a_deletion(
    states: States, history: History, verifier: Verifier, figures: CaseFigures
) -> None:
    """A deleted job had ids of the seconds to come, another one is still trained: the next worker knows of both."""
    states.are(_OTHER)
    api = states.api(_OTHER, history)
    data_id = api.add_dataset(csv_of(2, 20))
    first = api.create_job(data_id)
    begun = time.monotonic()
    for _ in range(_BORROWED):
        api.configure(first)
    late = _job(states, api, series=20)
    states.trainer.signal(signal.SIGSTOP)
    late.submit()
    until(lambda: _commanded(states, [late]) == len(late.ts_ids), why="the trainer's commands are in the log")
    for job_id in (first, late.job_id):
        assert api.call("DELETE", f"/job/{job_id}/").status_code == 204
    until(lambda: not verifier.lag()[f"{states.prefix}state"], why="the commands are committed")
    states[_OTHER].kill()
    states.trainer.signal(signal.SIGCONT)
    states.are(_OTHER)
    api = states.api(_OTHER, history)
    home = partition_for(b"%d" % first, states.topics.partitions)
    second = until(lambda: _created_in(states, api, data_id, home), why="a job of the same partition")
    for _ in range(3):
        api.configure(second)
    assert time.monotonic() - begun < _BORROWED, "the machine is too slow for this case: borrow more"
    job = _job(states, api, series=2)
    job.submit()
    for one in (late, job):
        one.close()

    verifier.verify(api, job, figures=figures)


def _created_in(states: States, api: Any, data_id: int, home: int) -> int | None:
    """A new job; None where it is of another partition."""
    job_id: int = api.create_job(data_id)
    return job_id if partition_for(b"%d" % job_id, states.topics.partitions) == home else None
