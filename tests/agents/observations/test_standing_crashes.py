"""Refreshes that are cut short, fail, or are read in the middle: no row is passed over, readers find what is said."""

import asyncio
from typing import Any

import pytest

from agents.forecasting import job_rows
from agents.forecasting.growth import split_anew
from connectors.datasets.added_rows import append
from schemas.forecasting import CmdStatus, JobRecord, RefreshJob
from streams.forecasting.state import ForecastingState
from streams.settings import Settings
from tests.agents.bench import Worker, restarted
from tests.agents.forecasting.jobs.samples import DATA_ID, JOB_ID, asked, job_of
from tests.agents.observations.test_standing import ON_DATA, answered, every, refreshed, row, submitted, watched


async def test_after_a_crash_the_table_is_split_as_it_is_then(state: Worker) -> None:
    """A split that was made before the crash lacks rows: the row of the job would say that they were seen."""
    first = job_of(state).first_ts_id
    await submitted(state, every(ON_DATA, model_name="Regression", feature_indexs=(3,)))
    command = RefreshJob("refresh 1", JOB_ID, number=1)
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await split_anew(state.runtime, job_of(state), command)  # and here it dies
    append(state.runtime.store, DATA_ID, [row(1, "east", 13, 1.0)])

    await state.commands(command)

    assert [(one.ts_id, len(one.target)) for one in asked(state)] == [(first, 13), (first + 1, 13)]
    assert job_of(state).seen == 1


async def test_an_element_that_takes_the_table_is_for_the_series_that_are_new_there(state: Worker) -> None:
    """They were seen with it, so no refresh would have them."""
    first = job_of(state).first_ts_id
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0)])
    await state.commands(RefreshJob("by hand", JOB_ID))  # the rows lie beside the split: it has no table any more
    append(state.runtime.store, DATA_ID, [row(number, "south", number, 1.0) for number in range(1, 13)])

    await submitted(state, every(ON_DATA, model_name="Regression", holidays="DE"))

    job = job_of(state)
    assert (job.series_count, job.submitted, job.standing[0].stale) == (4, 4, ())
    append(state.runtime.store, DATA_ID, [row(20, "south", 13, 1.0)])
    assert await refreshed(state, 1) == [(first + 3, 4)]


async def test_what_a_failed_refresh_was_for_is_in_the_next(
    state: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the process is another one by then. Until there are news it is not said again."""
    first = job_of(state).first_ts_id
    await submitted(state, every(ON_DATA))
    ForecastingState.of(state.runtime).splits._max_series = 3
    append(state.runtime.store, DATA_ID, [row(0, "west", 13, 1.0), row(1, "south", 1, 2.0)])
    await state.commands(RefreshJob("refresh 1", JOB_ID, number=1))
    assert len(state.dead()) == 1
    assert (job_of(state).series_count, job_of(state).status) == (3, CmdStatus.DONE)

    worker = await restarted(state, settings, monkeypatch)
    said = watched(worker, monkeypatch, 60_000)

    assert await said() == []
    append(worker.runtime.store, DATA_ID, [row(2, "east", 13, 1.0)])
    assert await said() == [2]
    assert await refreshed(worker, 2) == [(first, 3), (first + 1, 4), (first + 3, 5)]
    assert await said() == []


async def test_who_reads_while_the_row_is_written_finds_its_series(
    state: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the write on the row is read, before the broker has it; and what is read then is no older one afterwards."""
    await submitted(state, every(ON_DATA))
    own, put, found = ForecastingState.of(state.runtime), job_rows.put_job_for, list[int]()

    def slow(runtime: Any, event: Any, job: JobRecord) -> "asyncio.Future[Any]":
        written = put(runtime, event, job)

        async def read() -> None:
            found.append(len((await own.splits.of(job_of(state))).target))
            await written

        return asyncio.ensure_future(read())

    monkeypatch.setattr(job_rows, "put_job_for", slow)
    for number in (1, 2):
        news = [row(2 * number, "west", 12 + number, 1.0), row(2 * number + 1, "south", number, 1.0)]
        append(state.runtime.store, DATA_ID, news)
        await state.commands(RefreshJob(f"refresh {number}", JOB_ID, number=number))
        await answered(state)
        found.append(len((await own.splits.of(job_of(state))).target))

    assert found == [38, 38, 40, 40]
    assert len(own.splits._layered) == 1
