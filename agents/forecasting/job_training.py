"""Commands that begin the training of a job's series, or end it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from agents.forecasting.growth import needs_table, with_table
from agents.forecasting.job_rows import put_job_for, put_where_room
from agents.forecasting.refusals import refusals, result_records
from agents.forecasting.submission_runs import Prepared, SubmissionRuns, prepared_for
from schemas.forecasting import JobRecord, SeriesConfig, StopJob, SubmitJob
from streams.codes.forecasting import ForecastingCode
from streams.engine.tenure import check_writer
from streams.errors import InvalidError, NotFoundError
from streams.forecasting import jobs
from streams.forecasting.inputs import chosen_series
from streams.forecasting.plans import packed, planned_again
from streams.forecasting.state import ForecastingState
from streams.forecasting.submissions import ACCEPTED, check_elements
from streams.forecasting.tables import Answer
from streams.messages import Event, time_of
from streams.repeats import digest_of
from streams.runtime import StateRuntime

__all__ = ["send_out", "stop", "submit"]

_SIDE: Final = {"field": "side"}


async def submit(
    state: StateRuntime,
    runs: SubmissionRuns,
    job: JobRecord,
    command: SubmitJob,
    event: Event,
    *,
    said: object = None,
    then: Callable[[JobRecord], JobRecord] = lambda row: row,
) -> None:
    """1. write the job with settings, numbers and plans, 2. answer the sender, 3. send out the training.

    The row has all that the rest needs: a crash after 1. cannot change what is trained, nor what is stored. Where the
    submission is made of another command, that is what was `said`, and `then` makes of the row what it means beside.
    """
    if said is None:
        _check_sides(command)
    begun = next((item for item in job.submissions if item.command_id == command.command_id), None)
    # In threads, for a submission may be long. Between here and the writing only results may change the job.
    limits = ForecastingState.of(state).limits if begun is None else ACCEPTED
    chosen = await chosen_series(ForecastingState.of(state).splits, job, command.elements)
    to_store, trainings = await asyncio.to_thread(check_elements, job, command.elements, limits, chosen)
    tabled = job
    if needs_table(trainings):
        tabled = await with_table(state, job, command, event)
    if tabled is not job:  # it may have new series
        chosen = await chosen_series(ForecastingState.of(state).splits, tabled, command.elements)
        to_store, trainings = await asyncio.to_thread(check_elements, tabled, command.elements, limits, chosen)
    prepared = await prepared_for(state, tabled, trainings) if trainings else None
    planned = await asyncio.to_thread(packed, state.codec, command, trainings) if trainings else None
    digest = await asyncio.to_thread(digest_of, said or command)
    at = time_of(event.message)

    def pack(element: SeriesConfig) -> bytes:
        return state.codec.encode(SubmitJob(command.command_id, job.job_id, (element,)))

    def changed(job: JobRecord) -> JobRecord:
        if tabled.split != job.split:
            job = replace(
                job,
                split=tabled.split,
                series_count=tabled.series_count,
                seen=tabled.seen,
                split_seen=tabled.split_seen,
                standing=tabled.standing,
            )
        if begun is None:
            begun_now = jobs.submitted(job, command, trainings, at=at, planned=planned)
            row = jobs.stored(begun_now, command, to_store, digest, at=at, pack=pack)
            return then(row)
        assert planned is not None  # what was begun by an earlier release, which kept its plan in the log alone
        return jobs.stored(planned_again(job, planned, begun.first_n), command, to_store, digest, at=at, pack=pack)

    await asyncio.to_thread(ForecastingState.of(state).jobs.check_size, changed(job))
    row = changed(ForecastingState.of(state).jobs.get(job.job_id) or job)
    await _put(state, event, row, series=row.series_count - job.series_count)
    state.waiters.applied(command.command_id)
    if tabled.split != job.split and job.split is not None:
        await ForecastingState.of(state).splits.delete(job.split)
    if prepared is not None:
        await send_out(runs, job.job_id, event, prepared)


async def _put(state: StateRuntime, event: Event, row: JobRecord, *, series: int) -> None:
    if series > 0:
        await put_where_room(state, event, row, series=series)
    else:
        await put_job_for(state, event, row)


def _check_sides(command: SubmitJob) -> None:
    if any(element.side is not None for element in command.elements):
        raise InvalidError("invalid_element", "side: is set by the service alone: StartShadow begins a shadow", _SIDE)


async def send_out(runs: SubmissionRuns, job_id: int, event: Event, prepared: Prepared | None = None) -> None:
    """Begin to; what takes long goes on by itself."""
    runs.begin(job_id, event.message.generation_id, prepared)
    await runs.under_way(job_id)


async def stop(
    state: StateRuntime, runs: SubmissionRuns, command: StopJob, job: JobRecord | None, event: Event
) -> None:
    """1. write that the job is stopped, 2. an error as the result of what has none, 3. the row without its plans.

    A repeat writes what a crash has prevented, and stops nothing that was submitted since.
    """
    if job is None:
        raise NotFoundError(ForecastingCode.UNKNOWN_JOB, f"there is no job {command.job_id}")
    if command.command_id not in job.commands:
        job = jobs.stopped(job, command)
        await put_job_for(state, event, job)
    runs.answered(job.job_id)
    at, partition = time_of(event.message), event.message.partition
    writes: list[asyncio.Future[Any]] = []
    for results in refusals(state, job, range(job.settled, job.stopped), jobs.CANCELLED):
        rows = ((one, state.codec.encode(replace(one, answered_at=at))) for one in results)
        answers = [Answer(one.job_id, one.ts_id, one.n, one.error, row) for one, row in rows]
        check_writer(state.app, event)
        writes += [
            ForecastingState.of(state).results.put(partition, answers),
            state.publisher.send_nowait(result_records(state, results)),
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*writes)
    latest = ForecastingState.of(state).jobs.get(job.job_id)
    if latest is not None and (changed := jobs.cancelled(latest)) is not latest:
        await put_job_for(state, event, changed)
