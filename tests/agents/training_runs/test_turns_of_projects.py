"""Trainings that take long take turns by project at a trainer's places: commands in, ends out, in which order."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.deepar.job_calls import Trained
from agents.deepar.pool import TrainingPool
from agents.deepar.together_calls import SeriesForecast, TogetherRun
from agents.training import runs as training_runs
from agents.training_runs import kinds
from agents.user_code.run import UserCodeRun
from agents.versions.places import Places
from models.answers import SeriesAnswer
from schemas.series import TrainTogether
from streams.settings import Settings
from streams.workers import apps
from tests.agents.bench import FakePublisher, Worker
from tests.agents.deepar.runs.samples import MODEL, PARAMETERS, Agent
from tests.agents.training_runs.runs_samples import run, told

MANY = range(20, 26)
DEEPAR = [{"label": label, "value": value} for label, value in PARAMETERS.items()]
TOGETHER = TrainTogether(
    70, "splits/70/a.npz", 1000, "DeepAR", {"epochs": 1}, 1, ("mse",), ns=[0], ts_ids=[1000], project="stock"
)


class Computing(TrainingPool):
    """The trainer's own pool, which computes when the test says so; `begun` is what has a place, in its order."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.begun: list[str] = []
        self.gate = asyncio.Semaphore(0)

    async def _try(self, argument: Any, limit_s: float, on_report: Any) -> Any:
        self.begun.append(argument.split if isinstance(argument, TogetherRun) else argument.data_key)
        await self.gate.acquire()
        if isinstance(argument, TogetherRun):
            return [SeriesForecast(SeriesAnswer([1.0], None, {}, None), "('a',)", 86_400_000, (0,))]
        return Trained(MODEL)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One place."""
    return Settings(home=tmp_path, training_processes=1, user_code="process", max_message_bytes=1024 * 1024)


@pytest.fixture
async def pool(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Computing:
    pool = Computing(settings)
    monkeypatch.setattr(training_runs, "TrainingPool", lambda *_: pool)
    return pool


@pytest.fixture
async def worker(settings: Settings, publisher: FakePublisher) -> Worker:
    """A trainer, with data for DeepAR."""
    made = Worker(apps.create_trainer(settings, "127.0.0.1:1"), publisher)
    for key in ("uploads/sales.jsonl", "project-files/stock/uploads/sales.jsonl", "uploads/app/boot.py"):
        made.runtime.store.put_bytes(key, b"{}\n")
    made.runtime.store.put_bytes("project-files/stock/uploads/app/boot.py", b"")
    return made


def of(project: str, version_id: int, **config: Any) -> Any:
    """A command for a version of a project, each of another job."""
    command = run(version_id, f"c-{version_id}", **config)
    return replace(
        command, project_id=project or "default", project=project, job_id=version_id, job_name=f"n{version_id}"
    )


def deepar(project: str, version_id: int) -> Any:
    return of(project, version_id, model_id=5, data_url="/uploads/sales.jsonl", parameter=DEEPAR)


def program(project: str, version_id: int) -> Any:
    return of(project, version_id, app_url="/uploads/app/", boot_file_url="/uploads/app/boot.py")


async def test_one_projects_trainings_do_not_hold_up_anothers(worker: Worker, pool: Computing) -> None:
    """What came last, of a project that had nothing, gets the next place; then the two take turns."""
    async with Agent(worker) as agent:
        for version_id in MANY:
            agent.command(deepar("", version_id))
        agent.command(deepar("stock", 90))
        agent.command(TOGETHER)
        await agent.until(lambda: pool._places.waiting == len(MANY) + 1)
        for _ in range(len(MANY) + 2):
            pool.gate.release()
        await agent.settled()

    of_stock = [place for place, one in enumerate(pool.begun) if "stock" in one or one == TOGETHER.split]
    assert len(of_stock) == 2
    assert max(of_stock) <= 4, pool.begun
    assert {(status.version_id, status.status) for status in told(worker)} == {(one, 10) for one in (*MANY, 90)}


async def test_programs_of_users_take_turns_too(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have places of their own."""
    begun: list[int] = []
    gate = asyncio.Semaphore(0)

    async def computed(self: UserCodeRun, _: int) -> None:
        begun.append(self.version.version_id)
        await gate.acquire()

    made: list[Places] = []

    def places_of(most: int) -> Places:
        made.append(Places(most))
        return made[-1]

    monkeypatch.setattr(UserCodeRun, "_run", computed)
    monkeypatch.setattr(kinds, "Places", places_of)

    def waiting() -> int:
        return sum(places.waiting for places in made)

    async with Agent(worker) as agent:
        for version_id in MANY:
            agent.command(program("", version_id))
        agent.command(program("stock", 90))
        await agent.until(lambda: waiting() == len(MANY))
        for _ in range(len(MANY) + 1):
            gate.release()
        await agent.settled()

    assert begun.index(90) <= 2, begun
    assert {(status.version_id, status.status) for status in told(worker)} == {(one, 10) for one in (*MANY, 90)}
