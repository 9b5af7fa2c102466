"""One message that cannot be handled must not stop the others: a handler that raises, one that ends the process."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer

from connectors.kafka.publisher import partition_for
from connectors.objects.store import ObjectStore
from schemas.coding.codec import Codec
from schemas.forecasting import CreateJob
from tests.acceptance.deepar import publish
from tests.faults.figures import CaseFigures
from tests.faults.history import RecordingApi
from tests.faults.load import Job
from tests.faults.verifier import Verifier
from tests.integration.services import Service, read_all, running_service, until

CODEC = Codec()
LINE = b'{"start": "2024-01-01", "target": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}\n'
# Read by every Python process of the service: what a handler might do, done for a job of one name; and what it may do
# once with each result, while a file of that name lies in the service's home.
CUSTOM = """
import os, sys
from pathlib import Path
if "streams.cli" in sys.orig_argv and "state" in sys.orig_argv:
    import agents.forecasting.jobs as jobs
    from connectors.kafka.publisher import DeliveryError
    home, tried = Path(os.environ["TIDECAST_HOME"]), set()
    real_create, real_answer = jobs.create, jobs._answer
    async def create(state, command, event):
        if command.name == "kills":
            os._exit(139)
        if command.name == "raises":
            raise KeyError("poison")
        await real_create(state, command, event)
    def answer(state, message):
        place = message.partition, message.offset
        if place not in tried and (home / "raise-once").exists():
            tried.add(place)
            raise KeyError("once")
        if (home / "lose-a-delivery").exists():
            (home / "lose-a-delivery").unlink()
            raise DeliveryError(message.topic, "lost")
        return real_answer(state, message)
    jobs.create, jobs._answer = create, answer
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("poison")
    (folder / "sitecustomize.py").write_text(CUSTOM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        with running_service(folder / "home") as running:
            yield running


def dead(service: Service) -> list[dict[str, str]]:
    """The headers of the dead letters."""
    letters = read_all(service.bootstrap, service.topics.dead_letters)
    return [{name: (value or b"").decode() for name, value in letter.headers() or ()} for letter in letters]


def create(service: Service, job_id: int, name: str, data_id: int) -> None:
    """Send a command as a producer does."""
    producer = Producer({"bootstrap.servers": service.bootstrap, "linger.ms": 0})
    key = b"%d" % job_id
    value = CODEC.encode(CreateJob(f"c-{job_id}", job_id, data_id, name))
    producer.produce(service.topics.job_commands, value, key, partition=partition_for(key, 4))
    assert producer.flush(30) == 0


@pytest.mark.parametrize(("name", "ends"), [("raises", 0), ("kills", 3)])
def test_a_command_that_cannot_be_handled_becomes_a_dead_letter(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures, name: str, ends: int
) -> None:
    """After three tries, be they errors or deaths of the worker; the next command of the partition takes effect."""
    job, job_id = Job.of_series(api, service.bootstrap, service.topics, series=3), 4242 + ends
    data_id = api.get(f"/job/{job.job_id}/")["data_id"]
    time.sleep(2.0)  # what came before is committed: of two in hand at a death nobody knows which it was
    pids, before = {service.pid("state")}, len(dead(service))

    def letters() -> list[dict[str, str]]:
        pids.add(service.pid("state"))
        return dead(service)[before:]

    create(service, job_id, name, data_id)
    (letter,) = until(letters, within=90, why="the dead letter")
    verifier.expect_dead_letters(1)
    create(service, job_id, "good", data_id)
    made: Any = until(lambda: _job(service, job_id), within=60, why="the next command")
    job.submit()
    job.close()

    assert letter["error-class"] == "GivenUpError"
    assert "good" in str(made)
    assert len(pids) - 1 == ends
    verifier.verify(api, job, figures=figures, posted=[job_id])


@pytest.mark.parametrize(("fault", "ends"), [("raise-once", 0), ("lose-a-delivery", 1)])
def test_a_handler_that_fails_now_and_then_loses_nothing(
    service: Service, api: RecordingApi, verifier: Verifier, figures: CaseFigures, fault: str, ends: int
) -> None:
    """At the first try of each message, or with an error of the broker, which ends the worker: nothing is a letter."""
    job = Job.of_series(api, service.bootstrap, service.topics, series=40)
    pid = service.pid("state")
    mark = service.settings.home / fault
    mark.touch()
    try:
        job.submit()
        verifier.verify(api, job, figures=figures)
    finally:
        mark.unlink(missing_ok=True)
        job.close()

    assert (service.pid("state") != pid) is bool(ends)


def _job(service: Service, job_id: int) -> Any:
    try:
        answer = httpx.get(f"{service.api.url}/job/{job_id}/", timeout=5)
    except httpx.TransportError:
        return None
    return answer.json() if answer.status_code == 200 else None


def test_F01_outputs_that_cannot_be_written_do_not_stop_the_state(service: Service) -> None:
    """Refused at the door, also where a folder has the output's name; the state stays the same process."""
    store = ObjectStore(str(service.settings.home / "objects"))
    publish(store, "demo")
    service.api.call("PUT", "/uploads/in.jsonl", content=LINE)
    service.api.call("PUT", "/uploads/blocker", content=b"x")
    service.api.call("PUT", "/uploads/taken/in.jsonl.out/x", content=b"x")
    pid = service.pid("state")
    answers = [
        service.api.call(
            "POST",
            "/transform-jobs",
            json={
                "TransformJobName": f"t-{number}",
                "ModelName": "demo",
                "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "/uploads/in.jsonl"}}},
                "TransformOutput": {"S3OutputPath": path},
            },
        )
        for number, path in enumerate(("/uploads/blocker", "/uploads/blocker/deeper", "/uploads/taken"))
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 409]
    assert all("S3OutputPath" in answer.text for answer in answers)
    assert service.pid("state") == pid
    assert service.is_ready()
