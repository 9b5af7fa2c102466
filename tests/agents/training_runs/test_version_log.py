"""A version's log while a rebalance goes on: nothing is written that may be another's to write, and nothing is lost."""

import asyncio
from pathlib import Path

import pytest

from agents.versions.log import VersionLog
from agents.versions.version import Version
from streams.settings import Settings
from streams.workers import apps
from tests.agents.bench import FakePublisher, Worker
from tests.agents.training_runs.runs_samples import JOB, NAME, PROJECT, VERSION, log_of
from tests.waiting import until


class Partition:
    """Whose it is now."""

    def __init__(self) -> None:
        self.ours = True
        self.asked = 0

    def is_ours(self) -> bool:
        self.asked += 1
        return self.ours


@pytest.fixture
async def worker(tmp_path: Path, publisher: FakePublisher) -> Worker:
    """A trainer."""
    return Worker(apps.create_trainer(Settings(home=tmp_path), "127.0.0.1:1"), publisher)


async def begun(worker: Worker, partition: Partition) -> VersionLog:
    """A log with a line, and another one that came when the partition was nobody's."""
    version = Version("c-1", PROJECT, JOB, VERSION, NAME, "V0001")
    log = VersionLog(worker.runtime, version, 0, partition.is_ours)
    log.say("before")
    await until(lambda: log_of(worker) == ["before"])
    partition.ours = False
    log.say("meanwhile")
    seen = partition.asked
    await until(lambda: partition.asked > seen + 1)
    assert log_of(worker) == ["before"]
    return log


async def test_what_is_said_during_a_rebalance_is_written_after_it(worker: Worker) -> None:
    """Though nothing more is said."""
    partition = Partition()
    log = await begun(worker, partition)
    partition.ours = True

    await until(lambda: log_of(worker) == ["before", "meanwhile"])
    await log.close()
    assert log_of(worker) == ["before", "meanwhile"]


async def test_what_another_trainer_has_is_dropped(worker: Worker) -> None:
    """It tells the version's log from there on; nobody asks any more whose it is."""
    partition = Partition()
    log = await begun(worker, partition)
    log.drop()
    partition.ours = True
    log.say("after")
    seen = partition.asked
    await asyncio.sleep(0.5)
    await log.close()

    assert log_of(worker) == ["before"]
    assert partition.asked <= seen + 1
