"""A job's series grow with its data set, and keep their ids."""

from dataclasses import replace
from typing import Any

from connectors.datasets.added_rows import AddedRow, append
from schemas.forecasting import CmdStatus, JobRecord, RefreshJob, SeriesConfig, SubmitJob
from streams.forecasting.state import ForecastingState
from tests.agents.bench import Worker
from tests.agents.forecasting.jobs.samples import (
    CREATE,
    DATA_ID,
    JOB_ID,
    asked,
    result,
    results,
    statuses,
)

REFRESH = RefreshJob("refresh", JOB_ID)
DAY = 86_400_000_000
FIRST = 18_475 * DAY  # 2020-08-01


def row(offset: int, region: str, day: int, cores: float) -> AddedRow:
    """What was observed of a region on a day of August."""
    return AddedRow(
        offset, offset, (region,), FIRST + (day - 1) * DAY, f"2020-08-{day:02} 00:00:00", {"cores": cores, "load": 1.0}
    )


def job(state: Worker) -> JobRecord:
    """The job's row."""
    found = ForecastingState.of(state.runtime).jobs.get(JOB_ID)
    assert found is not None
    return found


async def refreshed(state: Worker, command: RefreshJob = REFRESH) -> Any:
    """What the sender of the command is told."""
    with state.runtime.waiters.waiting(command.command_id) as outcome:
        await state.commands(command)
        return await outcome


async def test_series_keep_their_ids_and_new_ones_come_behind(state: Worker) -> None:
    """Told are those that changed: one has a day more, one another value, one is new."""
    first = job(state).first_ts_id
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0), row(1, "south", 1, 2.0), row(2, "north", 12, 3.0)])

    changed = await refreshed(state)

    assert changed == [first, first + 2, first + 3]
    assert list(job(state).ts_ids) == [first, first + 1, first + 2, first + 3]
    split = await ForecastingState.of(state.runtime).splits.of(job(state))
    assert [int(count) for count in split.offsets] == [0, 13, 25, 37, 38]
    assert (split.target[12], split.target[36], split.target[37]) == (1.0, 3.0, 2.0)
    [told] = statuses(state)
    assert (told.series, told.first_ts_id) == (4, first)
    assert state.dead() == []


async def test_a_split_is_made_anew_only_where_that_is_needed(state: Worker) -> None:
    """Rows come to the split that is there. A feature is read of the table, which is kept beside a split made of it."""
    before = job(state).split
    for number in range(3):
        append(state.runtime.store, DATA_ID, [row(number, "west", 13, float(number))])
        await refreshed(state, replace(REFRESH, command_id=f"refresh {number}"))
    assert job(state).split == before
    assert state.runtime.store.keys(f"splits/{JOB_ID}") == [before]

    element = SeriesConfig(job(state).first_ts_id, "ARIMA", (), (3,), next_k_prediction=3)
    await state.commands(SubmitJob("submit", JOB_ID, (element,)))

    stem = str(job(state).split).removesuffix(".npz")
    assert state.runtime.store.keys(f"splits/{JOB_ID}") == sorted([f"{stem}.3.npz", f"{stem}.npz", f"{stem}.table.csv"])
    [command] = asked(state)
    assert [list(column)[-2:] for column in command.feat_dynamic_real] == [[12.0, 1.0]]
    assert list(command.target)[-2:] == [112.0, 2.0]


async def test_a_repeat_changes_nothing(state: Worker) -> None:
    """Rows that came in between wait for the next."""
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await refreshed(state)
    before = job(state)
    append(state.runtime.store, DATA_ID, [row(1, "west", 14, 1.0)])

    assert await refreshed(state) is None
    assert job(state) == before


async def test_without_new_rows_nothing_has_changed(state: Worker) -> None:
    """There is nothing to train."""
    assert await refreshed(state) == []


async def test_a_job_that_trains_is_left_as_it_is(state: Worker) -> None:
    """And taken when it is finished; results stay, and a PATCH trains what the series have now."""
    first = job(state).first_ts_id
    element = SeriesConfig(first, "LinearFit", (), next_k_prediction=3)
    await state.commands(SubmitJob("submit", JOB_ID, (element,)))
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await state.commands(REFRESH)
    [letter] = state.dead()
    assert "is being trained" in letter["error"]
    await results(state, result(first, 0))
    assert job(state).status is CmdStatus.DONE

    state.forget()
    assert await refreshed(state, replace(REFRESH, command_id="again")) == [first]
    await state.commands(SubmitJob("submit again", JOB_ID, (element,)))

    assert job(state).submitted == 2
    [command] = asked(state)
    assert (command.ts_id, command.n, len(command.target)) == (first, 1, 13)


async def test_a_job_without_series_has_none_to_refresh(state: Worker) -> None:
    """Its columns come first."""
    await state.commands(replace(CREATE, command_id="other", job_id=11))
    await state.commands(RefreshJob("refresh", 11))

    [letter] = state.dead()
    assert "has no series yet" in letter["error"]
