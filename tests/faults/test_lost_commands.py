"""Commands that the log does not keep until somebody has done them."""

import signal
from collections.abc import Iterator

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.faults.figures import CaseFigures
from tests.faults.history import RecordingApi
from tests.faults.load import Job
from tests.faults.log import ends
from tests.faults.trainers import Trainers, trainers_of
from tests.faults.verifier import Verifier
from tests.integration.services import READY_S, Service, running_service, until

_WITHIN_S = 90.0  # a look every 10 s, once what was answered before is read


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("lost"), trainers=0) as running:
        yield running


@pytest.fixture(scope="module")
def trainers(service: Service) -> Iterator[Trainers]:
    with trainers_of(service) as running:
        yield running


def _remove(bootstrap: str, topic: str) -> int:
    """Let the topic begin where it ends now, as retention does; how many commands are gone."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    before = ends(bootstrap, [topic])
    places = [TopicPartition(name, number, offset) for (name, number), offset in before.items()]
    for done in admin.delete_records(places, request_timeout=READY_S).values():
        done.result()
    return sum(before.values())


def test_fault_26_a_backlog_older_than_what_the_log_keeps(
    service: Service, api: RecordingApi, trainers: Trainers, verifier: Verifier, figures: CaseFigures
) -> None:
    """Trainers are away for longer than commands are kept: what they missed is sent again, and all jobs are DONE."""
    topic = service.topics.series_commands
    trainers.are("1")
    job = Job.of_series(api, service.bootstrap, service.topics, series=30)
    job.submit()
    until(lambda: job.answered() == 30, why="the trainer has committed offsets")
    trainers.are()
    job.submit()
    job.commands_removed = True
    _remove(service.bootstrap, topic)
    job.submit()  # of this one, the commands are still there
    trainers.are("1")
    api.finished(job.job_id, within=_WITHIN_S)
    job.close()

    verifier.verify(api, job, figures=figures)
    figures.note(f"{sum(ends(service.bootstrap, [topic]).values()) - 90} sent again")


def test_fault_26_a_state_that_was_away_too(
    service: Service, api: RecordingApi, trainers: Trainers, verifier: Verifier, figures: CaseFigures
) -> None:
    """Its rows say what is missing, whichever process has them."""
    trainers.are()
    job = Job.of_series(api, service.bootstrap, service.topics, series=20)
    job.submit()
    service.signal("state", signal.SIGKILL)
    job.commands_removed = True
    _remove(service.bootstrap, service.topics.series_commands)
    trainers.are("1")
    api.finished(job.job_id, within=_WITHIN_S)
    job.close()

    verifier.verify(api, job, figures=figures)
