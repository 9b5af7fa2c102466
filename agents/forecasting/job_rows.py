"""The row of a job: written with what the public topic is told of it."""

import asyncio
from typing import Any

from connectors.kafka.publisher import Record
from schemas.forecasting import JobRecord
from streams.engine.tenure import check_writer
from streams.errors import TooManyError
from streams.forecasting import jobs
from streams.forecasting.state import ForecastingState
from streams.messages import Event
from streams.quotas.state import Quotas
from streams.runtime import StateRuntime

__all__ = ["put_job", "put_job_for", "put_where_room", "status_record"]


def put_job(state: StateRuntime, job: JobRecord, partition: int) -> "asyncio.Future[Any]":
    """Write a job's row now and tell the public topic, if its status changed; the future ends when the broker has it.

    No coroutine: two agents change rows, and between a row's reading and its writing nothing else may run.
    """
    known = ForecastingState.of(state).jobs.get(job.job_id)
    writes = [ForecastingState.of(state).jobs.put(partition, job)]
    if known is None or known.sequence != job.sequence:
        writes.append(state.publisher.send_nowait([status_record(state, job)]))
    return asyncio.gather(*writes)


def put_job_for(state: StateRuntime, event: Event, job: JobRecord) -> "asyncio.Future[Any]":
    """Write a job's row as a command wants it; SupersededError where the job may be another worker's by now."""
    check_writer(state.app, event)
    return put_job(state, job, event.message.partition)


async def put_where_room(state: StateRuntime, event: Event, job: JobRecord, **more: int) -> None:
    """Write a job's row, where its project has room for so much more of its quotas.

    Where it has not, the split that was made for the row goes. RejectedError 429.
    """
    own = ForecastingState.of(state)
    known = own.jobs.get(job.job_id)
    try:
        async with Quotas.of(state).room(event.message.partition, job.project, **more):
            written = put_job_for(state, event, job)
    except TooManyError:
        if job.split is not None and (known is None or known.split != job.split):
            await own.splits.delete(job.split)
        raise
    await written


def status_record(state: StateRuntime, job: JobRecord) -> Record:
    """What the public topic is told of the job."""
    status = jobs.status_event(job, ForecastingState.of(state).results.progress(job.job_id, job.settled))
    return Record(state.topics.job_status, b"%d" % job.job_id, state.codec.encode(status))
