"""A job comes into being, gets its series, and goes with everything that was made for it."""

import asyncio
from collections.abc import Iterable
from typing import Any

from agents.forecasting.job_rows import put_where_room
from agents.forecasting.submission_runs import SubmissionRuns
from connectors.datasets.added_rows import RowLayout, set_layout
from connectors.kafka.publisher import Record
from connectors.objects.model_files import models_of
from schemas.forecasting import ConfigureJob, CreateJob, DeleteJob, JobRecord
from streams import idempotency
from streams.codes.forecasting import ForecastingCode
from streams.engine.tenure import check_writer
from streams.errors import NotFoundError, RejectedError
from streams.forecasting import jobs
from streams.forecasting.inputs import check_columns, dataset_of
from streams.forecasting.state import ForecastingState
from streams.forecasting.tables import Answer
from streams.messages import Event, time_of
from streams.runtime import StateRuntime

__all__ = ["configure", "create", "delete", "remove_late", "unknown"]


async def create(state: StateRuntime, command: CreateJob, event: Event) -> None:
    """Write the row of a job on a data set that there is, where there is room for it."""
    await dataset_of(state.store, command.data_id, command.project)
    job = jobs.created(command, at=time_of(event.message))
    ForecastingState.of(state).jobs.check_size(job)
    await put_where_room(state, event, job, jobs=1)


async def configure(state: StateRuntime, job: JobRecord, command: ConfigureJob, event: Event) -> None:
    """1. make the split, 2. write the job, 3. remove the split it replaces."""
    partition = event.message.partition
    dataset = await dataset_of(state.store, job.data_id, job.project)
    columns = check_columns(job, command, dataset.header)
    key, split = await ForecastingState.of(state).splits.make(command, dataset, columns)
    ForecastingState.of(state).series_ids.observe(partition, ForecastingState.of(state).jobs.highest_ts_id(partition))
    changed = jobs.configured(
        job,
        command,
        columns,
        split=key,
        series_count=len(split),
        first_ts_id=ForecastingState.of(state).series_ids.mint(partition, event.message.timestamp),
        column_count=len(dataset.header),
    )
    ForecastingState.of(state).jobs.check_size(changed)
    layout = RowLayout(split.timestamp_label, split.groupby_key, columns.timestamp_format or split.timestamp_format)
    await asyncio.to_thread(set_layout, state.store, job.data_id, layout)
    await put_where_room(state, event, changed, series=changed.series_count - job.series_count)
    if job.split is not None and job.split != key:
        await ForecastingState.of(state).splits.delete(job.split)


async def delete(
    state: StateRuntime, runs: SubmissionRuns, command: DeleteJob, job: JobRecord | None, event: Event
) -> None:
    """Remove what there is; without a job too, for a crash may have cut the command short the first time.

    A repeat of what was done to its end, and not acknowledged, is harmless.
    1. its Idempotency-Key is free, 2. the forecasts of its series, 3. its results, row and status: the results say
    which forecasts there are. 4. its files. What trainers are still at is removed when it comes (`remove_late`).
    """
    job_id, partition = command.job_id, event.message.partition
    await asyncio.to_thread(idempotency.free, state.store, job.commands[0] if job else "")
    series = ForecastingState.of(state).results.series_of(job_id)
    await state.publisher.send(_no_forecasts(state, series))
    check_writer(state.app, event)
    late = ForecastingState.of(state).results.series_of(job_id) - series
    is_repeat = ForecastingState.of(state).jobs.may_have_deleted(command.command_id, job_id)
    await asyncio.gather(
        state.publisher.send_nowait(_no_forecasts(state, late)),
        ForecastingState.of(state).results.delete(partition, job_id),
        ForecastingState.of(state).jobs.delete(partition, job_id, command.command_id),
        state.publisher.send_nowait([Record(state.topics.job_status, b"%d" % job_id, None)]),
    )
    runs.answered(job_id)
    await ForecastingState.of(state).splits.delete_all(job_id)
    await asyncio.to_thread(state.store.delete, models_of(job_id))
    if job is None and not is_repeat:
        raise unknown(job_id)


def unknown(job_id: int) -> RejectedError:
    """What is said of a job that there is not, and of another project's."""
    return NotFoundError(ForecastingCode.UNKNOWN_JOB, f"there is no job {job_id}")


def remove_late(state: StateRuntime, answers: Iterable[Answer]) -> "asyncio.Future[Any]":
    """Remove what trainers have made for jobs deleted meanwhile: forecasts come before their results, models too."""
    late = [
        answer
        for answer in answers
        if answer.error is None and ForecastingState.of(state).jobs.was_deleted(answer.job_id)
    ]
    folders = {models_of(answer.job_id) for answer in late}
    return asyncio.gather(
        state.publisher.send_nowait(_no_forecasts(state, {answer.ts_id for answer in late})),
        *(asyncio.to_thread(state.store.delete, folder) for folder in folders),
    )


def _no_forecasts(state: StateRuntime, ts_ids: Iterable[int]) -> list[Record]:
    """What removes forecasts from the public topic, and so from tables, Redis and the tables of others."""
    return [Record(state.topics.forecasts, b"%d" % ts_id, None) for ts_id in sorted(ts_ids)]
