"""Commands that are under way when another worker gets their partition."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from connectors.datasets import manifests as datasets
from schemas.forecasting import JobRecord
from streams.forecasting.state import ForecastingState
from streams.settings import Settings
from streams.workers import apps
from tests.agents.bench import CODEC, Worker
from tests.agents.forecasting.jobs.samples import CONFIGURE, CREATE, DELETE, HOME, JOB_ID, submission, training


class Held:
    """Splits whose making takes until it is told to go on."""

    def __init__(self, splits: Any) -> None:
        self._splits = splits
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def make(self, *arguments: Any) -> Any:
        made = await self._splits.make(*arguments)
        self.begun.set()
        await self.go_on.wait()
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._splits, name)


@pytest.fixture
def held(state: Worker) -> Held:
    """The splits of the worker."""
    splits = Held(ForecastingState.of(state.runtime).splits)
    object.__setattr__(ForecastingState.of(state.runtime), "splits", splits)
    return splits


def _last_row(state: Worker) -> JobRecord:
    rows = [record for record in state.publisher.log if record.topic == state.runtime.topics.jobs_changelog]
    assert rows[-1].value is not None
    row: JobRecord = CODEC.decode(rows[-1].value)
    return row


async def test_a_late_command_leaves_the_new_owners_row_alone(state: Worker, settings: Settings, held: Held) -> None:
    """What the new owner has told its clients is in the changelog last, and the late command is not acknowledged."""
    topic = state.runtime.topics.job_commands
    await state.commands(CREATE)
    row = next(record for record in state.publisher.log if record.topic == state.runtime.topics.jobs_changelog)
    late = state.message(topic, b"7", CONFIGURE)
    task = state.start(topic, late)
    await held.begun.wait()
    state._app.consumer_generation_id += 1
    owner = Worker(apps.create_state(settings, "127.0.0.1:1"), state.publisher)
    ForecastingState.of(owner.runtime).jobs._rows.write(HOME, [(row.key, row.value)])
    await owner.commands(CONFIGURE)
    job = ForecastingState.of(owner.runtime).jobs.get(JOB_ID)
    assert job is not None
    await owner.commands(submission(training(job.first_ts_id)))
    held.go_on.set()
    await state.settled(task)
    task.cancel()

    assert _last_row(state) == ForecastingState.of(owner.runtime).jobs.get(JOB_ID)
    assert _last_row(state).submitted == 1
    assert not state.committed(late)


@pytest.mark.parametrize("command", [DELETE, replace(CREATE, data_id=99)], ids=["delete", "create"])
async def test_no_sender_is_told_of_what_is_not_there_any_more(
    state: Worker, monkeypatch: pytest.MonkeyPatch, command: Any
) -> None:
    """Rows and data may be with another worker; the command comes again there."""
    topic, looked = state.runtime.topics.job_commands, asyncio.Event()

    def superseded() -> None:
        state._app.consumer_generation_id += 1
        looked.set()

    async def send(records: Any) -> None:  # of forecasts to remove, while the partition goes
        superseded()

    def load(*_: Any) -> None:
        superseded()
        raise datasets.UnknownDatasetError(99)

    monkeypatch.setattr(state.runtime.publisher, "send", send)
    monkeypatch.setattr(datasets, "load", load)
    message = state.message(topic, b"7", command)
    with state.runtime.waiters.waiting(command.command_id) as outcome:
        task = state.start(topic, message)
        await looked.wait()
        await state.settled(task)
        task.cancel()
        told = outcome.done()

    assert not told
    assert state.publisher.records == []
    assert not state.committed(message)


@pytest.mark.parametrize("handing_over", [True, False])
async def test_a_command_may_end_while_open_batches_are_waited_for(
    state: Worker, held: Held, monkeypatch: pytest.MonkeyPatch, *, handing_over: bool
) -> None:
    """At the beginning of a rebalance no other worker has the partition yet; after the time for it one may."""
    topic = state.runtime.topics.job_commands
    await state.commands(CREATE)
    task = state.start(topic, state.message(topic, b"7", CONFIGURE))
    await held.begun.wait()
    monkeypatch.setattr(state._app.flow_control, "is_active", _never)
    monkeypatch.setattr(state._app.consumer, "handing_over", handing_over)
    held.go_on.set()
    await state.settled(task)
    task.cancel()

    assert bool(_last_row(state).series_count) is handing_over


def _never() -> bool:
    return False
