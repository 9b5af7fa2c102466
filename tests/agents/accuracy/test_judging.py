"""Rows of data sets in; judgements of forecasts out."""

from pathlib import Path
from typing import Any

import pytest

from schemas.observations import DatasetGrown, Observation
from schemas.workloads import MetricPoint
from tests.agents.accuracy.samples import AT_MS, FIRST, KEY, observed
from tests.agents.bench import Worker
from tests.agents.forecasting.jobs.samples import (
    CONFIGURE,
    CREATE,
    DATA_ID,
    DAY,
    DELETE,
    HOME,
    JOB_ID,
    add_sample,
    job_of,
    result,
    results,
    submission,
    training,
)

_QUANTILES = {"0.1": [110.0, 110.0], "0.9": [120.0, 120.0]}


@pytest.fixture
async def ts_id(state: Worker, tmp_path: Path) -> int:
    """The first series of a job that has two forecasts of it, the second from a day later on."""
    add_sample(state, tmp_path)
    await state.commands(CREATE, CONFIGURE)
    first = job_of(state).first_ts_id
    await state.commands(submission(training(first), training(first)))
    await results(
        state,
        *(
            result(
                first,
                n,
                timestamps=[FIRST + n * DAY, FIRST + (n + 1) * DAY],
                predictions=[112.0, 113.0],
                quantiles=quantiles,
            )
            for n, quantiles in enumerate([{}, _QUANTILES])
        ),
    )
    state.forget()
    return first


async def _kept(state: Worker, *observations: Observation) -> list[Any]:
    """What partitions are told of them, by partition."""
    topic = state.runtime.topics.observations
    await state.consume(topic, *(state.message(topic, KEY, one) for one in observations))
    return state.sent(state.runtime.topics.dataset_changes)


async def _told(state: Worker, record: Any) -> tuple[Any, list[MetricPoint]]:
    """The message, and what was published on it."""
    state.forget()
    message = state.message(record.topic, record.key, record.value, partition=record.partition)
    await state.consume(record.topic, message)
    return message, state.events(state.runtime.topics.metrics)


async def _judged(state: Worker, *observations: Observation) -> list[MetricPoint]:
    _, points = await _told(state, (await _kept(state, *observations))[HOME])
    return points


async def test_every_partition_is_told_once_what_was_kept(state: Worker, ts_id: int) -> None:
    """Of all rows of a batch together; not of what could not be kept."""
    records = await _kept(state, observed(13, 110.0), observed(99, 1.0), observed(14, 111.0))

    assert [record.partition for record in records] == [0, 1, 2, 3]
    assert set(state.events(state.runtime.topics.dataset_changes)) == {DatasetGrown(DATA_ID, 2, (0,), (AT_MS,))}
    assert len(state.dead()) == 1


async def test_a_value_judges_each_forecast_of_its_time(state: Worker, ts_id: int) -> None:
    """By its step ahead, in the workload of its training, at the time at which the log got the value."""
    points = await _judged(state, observed(14, 109.0))

    first, second = (f"fj-{JOB_ID}-{ts_id}-{n}" for n in (0, 1))
    assert points == [
        MetricPoint(first, "live_error", -4.0, AT_MS, 2, "log"),
        MetricPoint(first, "live_scaled_error", 4.0, AT_MS, 2, "log"),
        MetricPoint(second, "live_error", -3.0, AT_MS, 1, "log"),
        MetricPoint(second, "live_scaled_error", 3.0, AT_MS, 1, "log"),
        MetricPoint(second, "live_inside_80", 0.0, AT_MS, 1, "log"),
    ]


async def test_read_again_it_says_the_same(state: Worker, ts_id: int) -> None:
    """As after a crash before it was acknowledged; other values may have come since."""
    [record] = [one for one in await _kept(state, observed(14, 109.0)) if one.partition == HOME]
    message, once = await _told(state, record)
    await _kept(state, observed(13, 1.0))
    _, again = await _told(state, record)

    assert state.committed(message)
    assert again == once


async def test_a_corrected_value_judges_anew(state: Worker, ts_id: int) -> None:
    """By points of its own."""
    before = await _judged(state, observed(13, 109.0))
    state.forget()
    points = await _judged(state, observed(13, 112.0))

    assert [point.value for point in before] == [-3.0, 3.0]
    assert [point.value for point in points] == [0.0, 0.0]


@pytest.mark.parametrize(
    "observation",
    [
        observed(13, None),
        observed(12, 1.0),
        observed(13, 1.0, "east"),
        observed(13, 1.0, "south"),
        Observation(DATA_ID, "2020-08-13 00:00:00", {"load": 3.0}, {"Region": "west"}),
    ],
    ids=["no value", "before the forecast", "a series without a forecast", "a series of no job", "a feature"],
)
async def test_what_was_not_forecast_judges_nothing(state: Worker, ts_id: int, observation: Observation) -> None:
    """It is a row, nothing else."""
    assert await _judged(state, observation) == []
    assert state.dead() == []


async def test_other_partitions_have_nothing_to_say(state: Worker, ts_id: int) -> None:
    """Each speaks of its own jobs."""
    records = await _kept(state, observed(13, 109.0))
    for record in records:
        if record.partition != HOME:
            assert (await _told(state, record))[1] == []


async def test_a_job_that_is_deleted_is_not_judged(state: Worker, ts_id: int) -> None:
    """Though the data set is still there."""
    assert await _judged(state, observed(13, 109.0))
    await state.commands(DELETE)
    state.forget()

    assert await _judged(state, observed(14, 109.0)) == []


@pytest.mark.parametrize("bad", [CREATE, b"\0\0\0\0\1 no Avro"], ids=["another record", "no record"])
async def test_what_cannot_be_read_is_a_dead_letter(state: Worker, ts_id: int, bad: Any) -> None:
    """The others of its batch are judged."""
    good = (await _kept(state, observed(13, 109.0)))[HOME]
    state.forget()
    messages = [state.message(good.topic, KEY, it, partition=HOME) for it in (bad, good.value)]
    await state.consume(good.topic, *messages)

    assert state.committed(messages[-1])
    assert len(state.dead()) == 1
    assert state.events(state.runtime.topics.metrics)
