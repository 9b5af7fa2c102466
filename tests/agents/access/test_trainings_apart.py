"""Versions of a project's training jobs read its files, serve its endpoint and measure its workload, nobody else's."""

from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest

from agents.training import runs as training_runs
from agents.versions.config import Data, read_config
from agents.versions.data_places import data_key, place_key
from agents.versions.run import RunFailedError
from connectors.objects import endpoints
from connectors.objects.endpoints import UnknownEndpointError
from connectors.objects.layout import UPLOADS, in_project
from schemas.training import CreateTrainingJob, CreateTrainingVersion, TrainingStatus
from streams.access.caller import calling
from streams.workloads.state import WorkloadsState
from tests.agents.access.asked import POINT
from tests.agents.access.things import ANNA, BOB, Things
from tests.agents.bench import Worker
from tests.agents.deepar.runs.samples import PARAMETERS, FakePool, consume, epochs
from tests.agents.training import training_jobs_samples as at_state
from tests.agents.training_runs.runs_samples import DELETE_JOB, JOB, NAME, PROJECT, STOP, log_of, points, run, told

_DEEPAR: Any = {"model_id": 5, "parameter": [{"label": label, "value": value} for label, value in PARAMETERS.items()]}


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> FakePool:
    """The pool of the trainer."""
    pool = FakePool()
    monkeypatch.setattr(training_runs, "TrainingPool", lambda *_: pool)
    return pool


def asked(path: str, **config: Any) -> Any:
    """What a trainer is told of a version of the project."""
    return replace(run(data_url=path, **_DEEPAR, **config), project=PROJECT)


def put(worker: Worker, name: str, project: str = "", content: bytes = b"{}\n") -> None:
    """Let a project have a file."""
    worker.runtime.store.put_bytes(in_project(project, UPLOADS.key(name)), content)


async def test_what_a_version_makes_is_its_projects(trainer: Worker, pool: FakePool) -> None:
    """Its data, its endpoint, its points, its log; deleting the job leaves an endpoint of the default project."""
    put(trainer, "mine.jsonl", PROJECT)
    pool.reports += epochs(1)
    at_state.publish(trainer, NAME, project=PROJECT, job_id=JOB + 1)
    await consume(trainer, asked("/uploads/mine.jsonl", log_url="/outputs/logs/"))

    (end,) = told(trainer)
    assert (end.status, end.endpoint, end.project) == (10, f"{PROJECT}={NAME}", PROJECT)
    assert pool.asked[0].data_key == f"project-files/{PROJECT}/uploads/mine.jsonl"
    assert {point.workload_uid for point in points(trainer)} == {f"{PROJECT}=tj-{JOB}-12"}
    assert trainer.runtime.store.exists(f"project-files/{PROJECT}/outputs/logs/{NAME}.0")
    assert not trainer.runtime.store.exists(f"outputs/logs/{NAME}.0")

    await consume(trainer, DELETE_JOB)
    with pytest.raises(UnknownEndpointError):
        endpoints.load(trainer.runtime.store, f"{PROJECT}={NAME}")
    assert endpoints.load(trainer.runtime.store, NAME).job_id == JOB + 1


@pytest.mark.parametrize("others", ["", "stock"])
async def test_files_of_others_are_not_there(trainer: Worker, pool: FakePool, others: str) -> None:
    """In the words for what nobody has; no word shows where a project's files lie."""
    put(trainer, "theirs.jsonl", others)
    await consume(trainer, asked("/uploads/theirs.jsonl"))

    (end,) = told(trainer)
    assert (end.status, end.message) == (
        5,
        "data_url: there is no file /uploads/theirs.jsonl: PUT it to /uploads/ first",
    )
    assert not pool.asked
    assert not any("project-files" in line for line in log_of(trainer))


async def test_nobody_learns_what_became_of_anothers_training(http: httpx.AsyncClient, things: Things) -> None:
    """Who posts points to a workload that is called as another project's training is, is not told of that."""
    runtime: Any = things.worker.runtime
    uid = "tj-77-77"
    status = TrainingStatus(ANNA.project, 77, 77, 10, 1, project=ANNA.project)
    WorkloadsState.of(runtime).producers.read([(b"k", runtime.codec.encode(status))])
    for who in (BOB, ANNA):
        with calling(who):
            sent = await http.post(f"/api/v1/workloads/{uid}/metrics", json={"data": [orjson.loads(POINT)]})
        assert sent.status_code == 202
    things.keep()
    states = {}
    for who in (BOB, ANNA):
        with calling(who):
            listed = (await http.get("/api/v1/workloads")).json()["workloads"]
        states[who.name] = {one["workload_uid"]: one["status"] for one in listed}[uid]

    assert states == {"bob": "unknown", "anna": "succeeded"}


async def test_a_stop_before_the_run_is_told_of_the_project(trainer: Worker) -> None:
    """The trainer knows no more of the version than the command says."""
    await consume(trainer, replace(STOP, project=PROJECT))

    (end,) = told(trainer)
    assert end.project == PROJECT


def test_places_of_every_kind_are_the_projects(trainer: Worker) -> None:
    """Code, data and results alike; the service's own folders, where the projects' are too, stay closed."""
    store = trainer.runtime.store
    put(trainer, "app/boot.py", "stock")

    assert place_key("app_url", "/uploads/app/", "stock") == "project-files/stock/uploads/app"
    assert data_key(store, Data("/uploads/app"), "stock") == "project-files/stock/uploads/app"
    for path, project in (("/uploads/app", "sales"), ("/uploads/app", ""), ("/project-files/stock/uploads/app", "")):
        with pytest.raises(RunFailedError) as refused:
            data_key(store, Data(path), project)
        assert "project-files/" not in str(refused.value).replace(path, "")
    with pytest.raises(RunFailedError, match="the service's own"):
        place_key("train_url", "/project-files/stock/x", "sales")
    assert read_config("{}").data == ()


class TestCommands:
    """At the state."""

    async def test_the_run_is_told_its_project(self, state: Worker) -> None:
        """A job's first version and its later ones; who stops naming it gets no files of the project."""
        create = CreateTrainingJob("c-1", "p1", 11, "flights", at_state.CONFIG, project="p1")
        again = CreateTrainingVersion("c-2", "p1", 11, 12, at_state.CONFIG, project="p1")
        await at_state.command(state, create)
        await at_state.command(state, again)
        await at_state.command(state, replace(again, command_id="c-3", version_id=13, project=""))

        told_to = [(it.version_id, it.project) for _, it in at_state.runs(state)]
        assert told_to == [(11, "p1"), (12, "p1"), (13, "")]
        assert at_state.row(state, version_id=12).project == "p1"

    async def test_a_command_names_no_other_project(self, state: Worker) -> None:
        """Under p1's key nobody reads the files of p2."""
        create = CreateTrainingJob("c-1", "p1", 11, "flights", at_state.CONFIG, project="p2")
        error = await at_state.refusal(state, create)

        assert error.message == "project: found 'p2', expected the project_id, 'p1', or nothing"
        assert at_state.find(state) is None

    async def test_two_projects_have_endpoints_of_one_name(self, state: Worker) -> None:
        """The other's stays when one is deleted."""
        at_state.publish(state, "flights", project="default", job_id=99)
        create = CreateTrainingJob("c-1", "p1", 11, "flights", at_state.CONFIG, project="p1")
        await at_state.command(state, create)
        at_state.publish(state, "p1=flights")
        await at_state.command(state, at_state.DELETE)

        assert [it.name for it in endpoints.list_all(state.runtime.store)] == ["flights"]
