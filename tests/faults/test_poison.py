"""One message that cannot be handled must not stop the others: a handler that raises, one that ends the process."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer

from connectors.kafka.publisher import partition_for
from connectors.objects.store import ObjectStore
from schemas.coding.codec import Codec
from schemas.forecasting import CreateJob
from tests.acceptance.deepar import publish
from tests.integration.services import Service, csv_of, read_all, running_service, until

CODEC = Codec()
LINE = b'{"start": "2024-01-01", "target": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}\n'
# Read by every Python process of the service: what a handler might do, done for a job of one name.
CUSTOM = """
import os, sys
if "streams.cli" in sys.orig_argv and "state" in sys.orig_argv:
    import agents.forecasting.jobs as jobs
    real = jobs._create
    async def create(state, command, event):
        if command.name == "kills":
            os._exit(139)
        if command.name == "raises":
            raise KeyError("poison")
        await real(state, command, event)
    jobs._create = create
"""


@pytest.fixture
def _customised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "custom"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CUSTOM)
    monkeypatch.setenv("PYTHONPATH", str(folder))


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


@pytest.mark.usefixtures("_customised")
@pytest.mark.parametrize(("name", "ends"), [("raises", 0), ("kills", 3)])
def test_a_command_that_cannot_be_handled_becomes_a_dead_letter(tmp_path: Path, name: str, ends: int) -> None:
    """After three tries, be they errors or deaths of the worker; the next command of the partition takes effect."""
    with running_service(tmp_path / "home") as service:
        data_id = service.api.add_dataset(csv_of(3, 30))
        time.sleep(2.0)  # what came before is committed: of two in hand at a death nobody knows which it was
        pids = {service.pid("state")}

        def letters() -> list[dict[str, str]]:
            pids.add(service.pid("state"))
            return dead(service)

        create(service, 4242, name, data_id)
        (letter,) = until(letters, within=90, why="the dead letter")
        create(service, 4242, "good", data_id)
        job: Any = until(lambda: _job(service, 4242), within=60, why="the next command")

        assert letter["error-class"] == "GivenUpError"
        assert "good" in str(job)
        assert len(pids) - 1 == ends
        assert len(dead(service)) == 1


def _job(service: Service, job_id: int) -> Any:
    try:
        answer = httpx.get(f"{service.api.url}/job/{job_id}/", timeout=5)
    except httpx.TransportError:
        return None
    return answer.json() if answer.status_code == 200 else None


def test_F01_outputs_that_cannot_be_written_do_not_stop_the_state(tmp_path: Path) -> None:
    """Refused at the door, also where a folder has the output's name; the state stays the same process."""
    with running_service(tmp_path) as service:
        store = ObjectStore(str(tmp_path / "objects"))
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
