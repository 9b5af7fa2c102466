"""A broker that is away for a while, and one that comes back without its data."""

import os
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.embedded_kafka.broker import EmbeddedKafka
from connectors.embedded_kafka.java import Java
from tests.faults.figures import CaseFigures
from tests.faults.history import RecordingApi
from tests.faults.load import Job
from tests.faults.verifier import Verifier
from tests.integration.program import Up
from tests.integration.services import Service, csv_of, running_service, until

_DOWN_S = 30.0
_GIVEN_UP_S = 120.0  # records that the broker has not confirmed by then: a worker cannot know of them, and begins anew
_LATE_S = 60.0  # the goals are in the figures


@pytest.fixture(scope="module")
def home_of_broker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own-broker")


@pytest.fixture(scope="module")
def own_broker(kafka_jars: Path, java: Java, home_of_broker: Path) -> Iterator[EmbeddedKafka]:
    """A broker that nobody starts again when it is killed."""
    with EmbeddedKafka(home_of_broker, port=0, jars=kafka_jars, java=java) as broker:
        yield broker


@pytest.fixture(scope="module")
def service(own_broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("away")
    with running_service(home, kafka_bootstrap=own_broker.bootstrap, batch_size=100, write_timeout_s=3.0) as running:
        yield running


@pytest.mark.parametrize(
    "seconds", [pytest.param(_DOWN_S, id="30 s"), pytest.param(120.0, id="2 min", marks=pytest.mark.soak)]
)
@pytest.mark.timeout(400)
def test_fault_06_the_broker_is_down(
    service: Service,
    own_broker: EmbeddedKafka,
    api: RecordingApi,
    verifier: Verifier,
    figures: CaseFigures,
    seconds: float,
) -> None:
    """Killed while a job runs (5: and a submission is sent): writes get 503 with Retry-After, /readyz says so.

    Back again, the workers that were running go on by themselves, and the submission under its old key takes effect
    once.
    """
    job = Job.of_series(api, service.bootstrap, service.topics, series=300)
    workers = [service.pid(name) for name in ("state", "trainer-1")]
    job.submit(("LinearFit", "AdaptiveMaxN") * 2)
    job.wait_for_more(0)
    own_broker.kill()
    killed = time.monotonic()

    until(lambda: not service.is_ready(), why="/readyz is red")
    figures.time("red", time.monotonic() - killed)
    path, key = f"/job/{job.job_id}/", uuid.uuid4().hex
    body = [
        {"ts_id": ts_id, "model_name": "LinearFit", "hyper_params": [], "next_k_prediction": 3, "refit": 1}
        for ts_id in job.ts_ids
    ]
    for _ in range(2):
        answer = api.attempt("PATCH", path, key=key, json=body)
        assert answer is not None
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) > 0
    while time.monotonic() < killed + seconds:
        time.sleep(0.1)
    own_broker.start()
    own_broker.wait_ready()
    back = time.monotonic()
    until(service.is_ready, why="/readyz is green")
    green = time.monotonic() - back
    figures.time("back to green", green, goal=10)

    def repeated() -> bool:
        answer = api.attempt("PATCH", path, key=key, json=body)
        return answer is not None and answer.status_code == 200

    until(repeated, why="the write is taken under its old key")
    job.submissions += [(ts_id, "LinearFit") for ts_id in job.ts_ids]
    job.close()
    verifier.verify(api, job, figures=figures)
    figures.time("back to all answered, lag 0", time.monotonic() - back)
    if seconds < _GIVEN_UP_S:
        assert [service.pid(name) for name in ("state", "trainer-1")] == workers
    assert green < _LATE_S


def test_fault_07_the_broker_comes_back_with_an_empty_disk(
    service: Service, own_broker: EmbeddedKafka, home_of_broker: Path, api: RecordingApi, figures: CaseFigures
) -> None:
    """Workers that were running end, and refuse to start again; no answer ever shows fewer jobs than there were.

    Destroys the module's service: the last case.
    """
    job_id, _ = api.new_job(csv_of(2, 20))
    before = api.get("/job/")["jobs"]
    assert job_id in [job["job_id"] for job in before]
    own_broker.kill()
    shutil.rmtree(home_of_broker)
    own_broker.start()
    own_broker.wait_ready()
    back = time.monotonic()
    log = service.stack.log_folder / "state.log"

    def refused() -> bool:
        answer = api.attempt("GET", "/job/", key="")
        assert answer is None or answer.status_code != 200 or answer.json()["jobs"] == before, answer.text
        return "has lost the topics" in log.read_text() and "begin anew" in log.read_text()

    until(refused, within=120, why="the state worker says which topics are lost, and what to do")
    figures.time("refused", time.monotonic() - back)
    assert service.topics.dataset_commands in log.read_text()


@pytest.mark.soak  # the refusal itself is tested above; this is how the program on one machine ends with it
def test_fault_07_tidecast_up_finds_its_brokers_data_gone(tmp_path: Path, figures: CaseFigures) -> None:
    """The embedded broker's folder is emptied while it runs and it is killed: the program ends and says why.

    Started again it says so again, until the note of the topics is removed as the message says; then it begins anew.
    """
    home = tmp_path / "home"
    service = Up(home)
    service.up()
    try:
        shutil.rmtree(home / "data")
        os.kill(int((home / "broker.pid").read_text()), signal.SIGKILL)
        begun = time.monotonic()
        ended = service.wait()
        figures.time("ended", time.monotonic() - begun)
    finally:
        service.kill()
    said = " ".join(service.log.read_text("utf-8").split())
    again = service.run("up")
    note = home / "objects" / "installation" / "topics-tidecast..json"

    assert ended == 1
    for text in (said, " ".join((again.stdout + again.stderr).split())):
        assert "has lost the topics tidecast.dataset-commands," in text
        assert f"removing the object installation/{note.name} from" in text
    assert again.returncode == 1
    note.unlink()
    service.up()
    assert service.end() == 0
