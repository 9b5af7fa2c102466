"""Observations in; rows of data sets, answers and dead letters out."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from connectors.datasets import manifests
from connectors.datasets.grown_tables import grown_table
from connectors.kafka.publisher import partition_for
from schemas.observations import Observation
from streams.errors import NotFoundError
from streams.forecasting.state import ForecastingState
from tests.agents.bench import Worker
from tests.agents.forecasting.jobs.samples import CONFIGURE, CREATE, CSV, DATA_ID

KEY = b"%d" % DATA_ID
NEW = Observation(DATA_ID, "2020-08-13 00:00:00", {"cores": 113.0, "load": 13.0}, {"Region": "west"})
NORTH = Observation(DATA_ID, "2020-08-13 00:00:00", {"cores": 313.0}, {"Region": "north"})
CORRECTED = Observation(DATA_ID, "2020-08-12 00:00:00", {"cores": 5.0}, {"Region": "west"})


@pytest.fixture
def topic(state: Worker) -> str:
    """The topic of observations."""
    name: str = state.runtime.topics.observations
    return name


def rows(state: Worker) -> list[str]:
    """The data set's lines, as they are now."""
    store = state.runtime.store
    with grown_table(store, manifests.load(store, DATA_ID)) as path:
        return CSV.splitlines() if path is None else path.read_text("utf-8").splitlines()


async def told(state: Worker, topic: str, *observations: Observation) -> list[Any]:
    """The messages, taken as one batch."""
    messages = [state.message(topic, KEY, observation) for observation in observations]
    await state.consume(topic, *messages)
    return messages


async def test_observations_become_rows(state: Worker, topic: str) -> None:
    """A new one behind the others, a correction in its place; then they are acknowledged."""
    *_, last = await told(state, topic, NEW, CORRECTED, NORTH)

    assert state.committed(last)
    assert state.dead() == []
    before = CSV.splitlines()
    assert rows(state)[-2:] == ["west,2020-08-13 00:00:00,113,13", "north,2020-08-13 00:00:00,313,"]
    changed = [line for line, was in zip(rows(state), before, strict=False) if line != was]
    assert changed == ["west,2020-08-12 00:00:00,5,12"]


async def test_read_again_they_change_nothing(state: Worker, topic: str) -> None:
    """As after a crash before they were acknowledged, cut into other batches."""
    messages = await told(state, topic, NEW, CORRECTED, NORTH)
    once = rows(state)
    await state.consume(topic, messages[0])
    await state.consume(topic, *messages[1:])

    assert rows(state) == once


async def test_the_sender_is_told_when_its_last_row_is_kept(state: Worker, topic: str) -> None:
    """By the id that it waits for."""
    with state.runtime.waiters.waiting("c") as outcome:
        await told(state, topic, NEW, Observation(DATA_ID, NORTH.timestamp, NORTH.values, NORTH.groups, "c"))

        await asyncio.wait_for(outcome, 1)
    assert "north,2020-08-13 00:00:00,313," in rows(state)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Observation(DATA_ID, "tomorrow", {"cores": 1.0}, {"Region": "west"}), "tomorrow"),
        (Observation(DATA_ID, "2020-08-13", {"cores": 1.0}), "groups: has none"),
        (Observation(DATA_ID, "2020-08-13", {"cores": 1.0}, {"Region": "west"}, project="p"), "there is no dataset"),
        (Observation(DATA_ID, "2020-08-13", {"cores": 1.0}, {"Region": "west"}, project="?"), "project: found"),
        (Observation(99, "2020-08-13", {"cores": 1.0}, {"Region": "west"}), "the record's key must be the data_id"),
        (CREATE, "a CreateJob on the topic of observations"),
        (b"\0\0\0\0\1 no Avro", "schema 1 does not fit"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
async def test_what_cannot_be_a_row_is_a_dead_letter_with_its_reason(
    state: Worker, topic: str, bad: Any, reason: str
) -> None:
    """The others of its batch are kept."""
    messages = [state.message(topic, KEY, event) for event in (NEW, bad, NORTH)]
    await state.consume(topic, *messages)

    assert state.committed(messages[-1])
    [letter] = state.dead()
    assert reason in letter["error"]
    assert rows(state)[-2:] == ["west,2020-08-13 00:00:00,113,13", "north,2020-08-13 00:00:00,313,"]


async def test_a_data_set_that_is_gone_is_told_to_who_waits(state: Worker, topic: str) -> None:
    """It was deleted after the request was checked."""
    manifests.delete(state.runtime.store, DATA_ID)
    with state.runtime.waiters.waiting("c") as outcome:
        await told(state, topic, Observation(DATA_ID, NEW.timestamp, NEW.values, NEW.groups, "c"))

        with pytest.raises(NotFoundError):
            await asyncio.wait_for(outcome, 1)
    assert state.dead() == []


async def test_what_lies_in_another_partition_is_passed_on(state: Worker, topic: str) -> None:
    """A producer with another partitioner has put it there."""
    home = partition_for(KEY, 4)
    elsewhere = state.message(topic, KEY, NEW, partition=(home + 1) % 4)
    await state.consume(topic, elsewhere)

    [record] = state.sent(topic)
    assert (record.key, record.partition) == (KEY, home)
    assert rows(state) == CSV.splitlines()


async def test_a_new_job_has_what_was_added(state: Worker, topic: str) -> None:
    """Its series are those of the data set as it is now; a series that is new has an id behind the others."""
    south = Observation(DATA_ID, "2020-08-01 00:00:00", {"cores": 1.0}, {"Region": "south"})
    await told(state, topic, NEW, south)

    await state.commands(
        replace(CREATE, command_id="create-8", job_id=8), replace(CONFIGURE, command_id="configure-8", job_id=8)
    )

    own = ForecastingState.of(state.runtime)
    job = own.jobs.get(8)
    assert job is not None
    assert job.split is not None
    assert job.columns is not None
    split = await own.splits.load(job.split)
    assert split.groupby_val == ("('west',)", "('east',)", "('north',)", "('south',)")
    assert [int(count) for count in split.offsets] == [0, 13, 25, 37, 38]
    feature = await own.splits.feature(job.split, job.columns, 3, lambda: manifests.load(state.runtime.store, DATA_ID))
    assert feature[12] == 13.0
