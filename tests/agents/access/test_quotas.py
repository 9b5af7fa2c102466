"""Quotas of projects: what is beyond one is refused by the agent and at the HTTP door, naming it, limit and remedy."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.datasets import manifests as datasets
from connectors.kafka.publisher import partition_for
from schemas.access import AccessRecord, ChangeProject, ProjectUsage
from schemas.datasets import AddDataset, DeleteDataset
from schemas.deployments import DeleteService, DeployService, ScaleService
from schemas.forecasting import ConfigureJob, CreateJob, DeleteJob
from schemas.scoring import AddModel
from streams.access.caller import Caller, Role, calling
from streams.access.directory import row_key
from streams.access.state import AccessState
from streams.deployments.state import DeploymentsState, users_of
from streams.engine.tenure import SupersededError
from streams.errors import RejectedError
from streams.forecasting.state import ForecastingState
from streams.quotas import state as quotas_state
from streams.quotas.state import Quotas
from streams.scoring.state import ScoringState
from streams.settings import Settings
from streams.views.access import usage
from streams.views.application import create_http
from streams.views.web import forwarding
from streams.workers import apps
from tests.agents.bench import CODEC, FakePublisher, Worker, refusal, restarted
from tests.agents.forecasting.jobs.samples import CONFIGURE, CREATE, add_sample
from tests.iris_models import model_file

Make = Callable[..., Worker]
CSV = b"Region,When,cores\nwest,2020-08-01,152\neast,2020-08-01,1377\n"


@pytest.fixture
async def make(settings: Settings, publisher: FakePublisher, tmp_path: Path) -> AsyncIterator[Make]:
    """Makes a state worker with these limits, and a data set of three series."""
    made: list[Worker] = []

    def make(**limits: int) -> Worker:
        worker = Worker(apps.create_state(settings.model_copy(update=limits), "127.0.0.1:1"), publisher)
        add_sample(worker, tmp_path)
        made.append(worker)
        return worker

    yield make
    for worker in made:
        await DeploymentsState.of(worker.runtime).close()
        await ScoringState.of(worker.runtime).close()


async def job_commands(worker: Worker, *commands: Any) -> None:
    await worker.commands(*commands)


async def dataset_commands(worker: Worker, *commands: Any) -> None:
    topic = worker.runtime.topics.dataset_commands
    await worker.consume(topic, *(worker.message(topic, b"%d" % one.data_id, one) for one in commands))


async def service_commands(worker: Worker, *commands: Any) -> None:
    topic = worker.runtime.topics.service_commands
    await worker.consume(topic, *(worker.message(topic, one.service.encode(), one) for one in commands))


async def access_commands(worker: Worker, *commands: Any) -> None:
    topic = worker.runtime.topics.access_commands
    await worker.consume(topic, *(worker.message(topic, b"access", one) for one in commands))


def follow(worker: Worker) -> None:
    """What every worker with access control does: knows the rows of the table."""
    part = AccessState.of(worker.runtime)
    for key in part.access.beginning_with(b""):
        part.directory.told(key, part.access.get(key))


def create(number: int, project: str = "") -> CreateJob:
    return replace(CREATE, command_id=f"create-{number}", job_id=number, project=project)


def configure(number: int) -> ConfigureJob:
    return replace(CONFIGURE, command_id=f"configure-{number}", job_id=number)


def said(error: RejectedError, quota: str, limit: int, used: int) -> None:
    """It is told which quota is full, how far, and what can be done."""
    assert (error.status, error.code) == (429, "quota_full")
    assert error.place == {"field": quota}
    assert f"quota {quota}: " in error.message
    assert f"may have {limit} " in error.message
    assert f"has {used}," in error.message
    assert "TIDECAST_MAX_" in error.message


async def test_jobs_are_limited_and_a_deleted_one_makes_room(make: Make) -> None:
    """The sender is told; a command that nobody waits for is a dead letter; a repeat is none more."""
    state = make(max_project_jobs=2)
    await job_commands(state, create(1), create(2), create(2))
    said(await refusal(job_commands, state, create(3)), "jobs", 2, 2)
    await job_commands(state, create(3))
    assert [letter["error-class"] for letter in state.dead()] == ["RejectedError"]
    assert ForecastingState.of(state.runtime).jobs.get(3) is None

    await job_commands(state, DeleteJob("d-1", 1), create(3))
    assert ForecastingState.of(state.runtime).jobs.ids() == [2, 3]


async def test_one_that_joins_later_knows_what_a_lonely_worker_has_made(make: Make) -> None:
    """It is told before the row is written, though nobody is there to read it."""
    state = make(max_project_jobs=2)
    await job_commands(state, create(1))
    topics = state.runtime.topics
    sent = [one for one in state.publisher.records if one.topic in (topics.project_usage, topics.jobs_changelog)]

    assert sent[0].topic == topics.project_usage
    assert CODEC.decode(sent[0].value) == ProjectUsage(partition_for(b"1", 4), "", {"jobs": 1})


async def test_of_commands_side_by_side_no_more_are_followed(make: Make) -> None:
    """They are handled at the same time, whatever their partition."""
    state = make(max_project_jobs=3)
    await job_commands(state, *(create(number) for number in range(1, 11)))

    assert len(ForecastingState.of(state.runtime).jobs.ids()) == 3
    assert len(state.dead()) == 7


async def test_series_of_all_jobs_are_limited(make: Make) -> None:
    """The split that was made is gone; the same job split anew counts once."""
    state = make(max_project_series=5)
    await job_commands(state, create(1), create(2), configure(1))
    said(await refusal(job_commands, state, configure(2)), "series", 5, 3)
    assert {key.split("/")[1] for key in state.runtime.store.keys("splits")} == {"1"}
    await job_commands(state, replace(configure(1), command_id="again"))

    assert state.dead() == []


async def test_projects_do_not_count_for_one_another(make: Make) -> None:
    state = make(max_project_datasets=1)
    put(state, 1)
    await dataset_commands(state, replace(add(1), project="p1"), replace(add(2), project="p2"))

    assert [datasets.is_there(state.runtime.store, number) for number in (1, 2)] == [True, True]


def add(number: int) -> AddDataset:
    return AddDataset(f"add-{number}", number, "data", "producer/a.csv", f"{number}.csv", 1)


def put(worker: Worker, times: int) -> None:
    for folder in ("", "project-files/p1/", "project-files/p2/"):
        worker.runtime.store.put_bytes(f"{folder}producer/a.csv", CSV * times)


async def test_data_sets_are_limited(make: Make) -> None:
    """The sample is one of them; a repeat is none more, and a deletion makes room."""
    state = make(max_project_datasets=2)
    put(state, 1)
    await dataset_commands(state, add(21), add(21))
    said(await refusal(dataset_commands, state, add(22)), "datasets", 2, 2)
    await dataset_commands(state, DeleteDataset("d-1", 21), add(22))

    assert datasets.is_there(state.runtime.store, 22)
    assert state.dead() == []


async def test_a_refused_upload_does_not_stay(make: Make) -> None:
    """What lies there for one command goes with it."""
    state = make(max_project_datasets=1)
    path = "incoming/00000000-0000-4000-8000-00000000000a.csv"
    state.runtime.store.put_bytes(path, CSV)
    said(await refusal(dataset_commands, state, replace(add(21), path=path)), "datasets", 1, 1)

    assert not state.runtime.store.exists(path)


async def test_bytes_are_limited(make: Make) -> None:
    """Data sets, uploads and outputs together; what others have stored is seen by the next look."""
    state = make(max_project_bytes=6000)
    put(state, 1)
    quotas = Quotas.of(state.runtime)
    before = (await quotas.stored(""))["stored_bytes"]
    state.runtime.store.put_bytes("outputs/a/b.out", b"o" * (5990 - before))
    quotas._stored._looked = float("-inf")
    said(await refusal(dataset_commands, state, add(21)), "stored_bytes", 6000, 5990)
    state.runtime.store.delete("outputs/a/b.out")
    quotas._stored._looked = float("-inf")
    await dataset_commands(state, add(21))

    assert datasets.is_there(state.runtime.store, 21)


async def test_what_another_worker_has_removed_makes_room_at_every_door(make: Make) -> None:
    """Nothing is refused by a look of some seconds ago."""
    state = make(max_project_bytes=6000)
    quotas, store = Quotas.of(state.runtime), state.runtime.store

    async def check() -> None:
        await quotas.check_storage("", stored_bytes=500)

    async def store_it() -> None:
        async with quotas.storage("", stored_bytes=500):
            pass

    async def upload() -> None:
        async with quotas.upload("", 500):
            pass

    for door in (check, store_it, upload):
        store.put_bytes("outputs/full", b"o" * 5990)
        quotas._stored._looked = float("-inf")
        with pytest.raises(RejectedError):
            await door()
        quotas._stored._looked -= 2
        store.delete("outputs/full")
        await door()


async def test_services_and_replicas_are_limited(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that a refused service would have used may still be removed."""
    state = make(max_project_services=2, max_project_replicas=3)
    monkeypatch.setattr(DeploymentsState.of(state.runtime).running, "settle", lambda: None)
    topic = state.runtime.topics.model_commands
    state.runtime.store.put_bytes("producer/iris_logistic.onnx", model_file("iris_logistic.onnx"))
    await state.consume(topic, state.message(topic, b"iris", AddModel("m-1", "iris", "producer/iris_logistic.onnx")))

    def deploy(name: str, replicas: int) -> DeployService:
        return DeployService(f"d-{name}-{replicas}", name, "iris", "3.8", replicas)

    await service_commands(state, deploy("one", 2))
    said(await refusal(service_commands, state, deploy("two", 2)), "replicas", 3, 2)
    assert users_of(state.runtime.store, "iris") == ["one"]
    await service_commands(state, deploy("two", 1))
    said(await refusal(service_commands, state, deploy("three", 1)), "services", 2, 2)
    said(await refusal(service_commands, state, ScaleService("s-1", "one", 3)), "replicas", 3, 3)
    await service_commands(state, DeleteService("x-1", "two"))
    await service_commands(state, ScaleService("s-2", "one", 3))

    row = DeploymentsState.of(state.runtime).services.get(b"one")
    assert row is not None
    assert len(row.replicas) == 3


async def test_a_worker_that_starts_again_counts_what_there_is(
    make: Make, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the rows of its changelogs."""
    state = make(max_project_jobs=2)
    await job_commands(state, create(1), create(2))
    again = await restarted(state, settings.model_copy(update={"max_project_jobs": 2}), monkeypatch)

    said(await refusal(job_commands, again, create(3)), "jobs", 2, 2)


async def test_another_workers_rows_count(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has told of them; what this one is about to make is told before it is made."""
    state = make(max_project_jobs=5)
    quotas = Quotas.of(state.runtime)
    monkeypatch.setattr(quotas_state, "other_workers", lambda _: ["http://other"])
    monkeypatch.setattr(quotas, "_follow", lambda: None)
    own = {partition_for(b"%d" % number, 4) for number in (1, 2, 3)}
    other = min(set(range(4)) - own)
    monkeypatch.setattr(quotas, "_own", lambda: own)
    quotas._ledger.read([ProjectUsage(other, "", {"jobs": 3}), ProjectUsage(other, "p1", {"jobs": 5})])
    told: list[ProjectUsage] = []
    send = state.publisher.send_nowait

    def sent(records: Any, stored: object = None) -> Any:
        found = [CODEC.decode(one.value) for one in records if one.topic == state.runtime.topics.project_usage]
        told.extend(found)
        quotas._ledger.read(found)  # as the follower does once the broker has them
        return send(records, stored)

    monkeypatch.setattr(state.publisher, "send_nowait", sent)
    await state.commands(create(1), create(2), together=False)
    said(await refusal(job_commands, state, create(3)), "jobs", 5, 5)

    assert [sum(one.used.values()) for one in told][:1] == [1]
    assert ForecastingState.of(state.runtime).jobs.ids() == [1, 2]


async def test_a_worker_tells_nothing_of_a_partition_that_it_has_no_more(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rebalance the command comes to its new owner, who knows the rows."""
    state = make(max_project_jobs=5)
    quotas = Quotas.of(state.runtime)
    monkeypatch.setattr(quotas_state, "other_workers", lambda _: ["http://other"])
    monkeypatch.setattr(quotas, "_own", lambda: {0})
    told: list[ProjectUsage] = []
    monkeypatch.setattr(quotas._ledger, "_append", told.append)
    with pytest.raises(SupersededError):
        async with quotas.room(1, "", jobs=1):
            pytest.fail("it has no right to write")

    assert told == []
    assert quotas._pending == {}


class TestOwn:
    """Limits of a project's own: a command, the same over HTTP."""

    async def test_they_win_over_the_settings(self, make: Make) -> None:
        """In both directions, until they are taken back; what is not named stays."""
        state = make(max_project_jobs=1)
        await access_commands(state, ChangeProject("c-1", "", quotas={"jobs": 2, "series": 9}))
        follow(state)
        await job_commands(state, create(1), create(2))
        said(await refusal(job_commands, state, create(3)), "jobs", 2, 2)
        await access_commands(state, ChangeProject("c-2", "", quotas={"jobs": 0}))
        follow(state)
        await job_commands(state, create(3))
        await access_commands(state, ChangeProject("c-3", "", quotas={"jobs": -1}))
        follow(state)
        said(await refusal(job_commands, state, create(4)), "jobs", 1, 3)
        row: AccessRecord | None = AccessState.of(state.runtime).access.get(row_key("quotas", ""))

        assert row is not None
        assert dict(row.quotas) == {"series": 9}

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            (ChangeProject("c-1", "", quotas={"jops": 2}), "quotas: found 'jops', expected some of datasets, jobs"),
            (ChangeProject("c-1", "", quotas={"jobs": -2}), "jobs is -2"),
            (ChangeProject("c-1", "none", quotas={"jobs": 2}), "there is no project none"),
            (ChangeProject("c-1", "", title="x"), "title: the default project has none"),
        ],
    )
    async def test_what_cannot_be_is_refused(self, make: Make, sent: ChangeProject, words: str) -> None:
        assert words in (await refusal(access_commands, make(), sent)).message

    async def test_running_versions_and_training_jobs_have_the_contracts_words(self, make: Make) -> None:
        """Numbers in any case."""
        state = make(max_running_versions=5)
        await access_commands(state, ChangeProject("c-1", "", quotas={"running_versions": 2, "training_jobs": 0}))
        follow(state)
        quotas = Quotas.of(state.runtime)

        assert quotas.most("default", "running_versions") == 2
        assert quotas.most("other", "running_versions") == 5
        assert quotas.most("default", "training_jobs") == 2**53 - 1


class TestOverHttp:
    """At the door, before anything is stored."""

    @pytest.fixture
    def http(self, make: Make, monkeypatch: pytest.MonkeyPatch) -> tuple[Worker, httpx.AsyncClient]:
        monkeypatch.setattr(forwarding, "other_workers", lambda _: [])
        for module in (forwarding, usage):
            monkeypatch.setattr(module, "is_ready", lambda _: True)
        monkeypatch.setattr(forwarding, "owner_elsewhere", lambda *_: None)
        state = make(max_project_bytes=6000, max_project_datasets=1)
        app: Any = create_http(state.runtime)
        return state, httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")

    async def test_a_file_too_many_is_refused(self, http: tuple[Worker, httpx.AsyncClient]) -> None:
        """With and without a length; nothing of it is there, and of what was stored all counts."""
        state, client = http

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(60):
                yield b"x" * 100

        first = await client.put("/uploads/a.txt", content=b"x" * 900)
        answers = [
            await client.put("/uploads/b.txt", content=b"x" * 6000),
            await client.put("/uploads/b.txt", content=chunks()),
        ]

        assert first.status_code == 200
        for answer in answers:
            assert answer.status_code == 429, answer.text
            assert "retry-after" in answer.headers
            assert "quota stored_bytes: project default may have 6000 bytes" in answer.json()["message"]
        assert state.runtime.store.keys("uploads") == ["uploads/a.txt"]

    async def test_a_data_set_too_many_is_refused_before_it_is_kept(
        self, http: tuple[Worker, httpx.AsyncClient]
    ) -> None:
        state, client = http
        answer = await client.post("/data/", files={"upload": ("a.csv", CSV)})

        assert (answer.status_code, answer.json()["code"]) == (429, "quota_full")
        assert state.runtime.store.keys("incoming") == []
        assert state.publisher.records == []

    async def test_usage_is_shown_to_its_own_project(self, http: tuple[Worker, httpx.AsyncClient]) -> None:
        """Used and limit; another project's answers as one that is not there, but to administrators."""
        state, client = http
        await job_commands(state, create(1), configure(1))
        AccessState.of(state.runtime).directory.told(
            row_key("project", "p1"), AccessRecord(kind="project", name="p1", command_id="c", created=0)
        )
        with calling(Caller("ada", "", Role.VIEWER)):
            own = await client.get("/access/projects/default/usage")
            other, none = [await client.get(f"/access/projects/{name}/usage") for name in ("p1", "p3")]
        with calling(Caller("root", "", Role.ADMIN)):
            seen = await client.get("/access/projects/p1/usage")

        told = own.json()["usage"]
        assert (told["jobs"], told["series"]["used"]) == ({"used": 1, "limit": None, "own": False}, 3)
        assert told["datasets"] == {"used": 1, "limit": 1, "own": False}
        assert told["stored_bytes"]["used"] > 0
        assert (told["running_versions"]["limit"], told["running_versions"]["used"]) == (5, 0)
        assert (other.status_code, other.text.replace("p1", "p3")) == (404, none.text)
        assert seen.json()["usage"]["jobs"]["used"] == 0
