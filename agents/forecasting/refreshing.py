"""Lets a job's series grow with its data set: each keeps its id, and those that are new get the ids behind them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agents.forecasting.job_rows import put_where_room
from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from schemas.forecasting import CmdStatus, JobRecord, RefreshJob
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError
from streams.forecasting.inputs import dataset_of
from streams.forecasting.state import ForecastingState
from streams.messages import Event
from streams.repeats import digest_of, with_command
from streams.runtime import StateRuntime

__all__ = ["refresh"]


async def refresh(state: StateRuntime, job: JobRecord, command: RefreshJob, event: Event) -> Sequence[int]:
    """1. make the split of the data set as it is now, 2. write the job, 3. remove the split that it replaces.

    The ids of the series whose history is another one than before, those that are new among them. RejectedError where
    the job has no series yet, or trains: what is on its way is of the split that there is.
    """
    own = ForecastingState.of(state)
    if job.split is None or job.columns is None:
        text = f"job {job.job_id} has no series yet: choose its columns first"
        raise ConflictError(ForecastingCode.NO_SERIES, text)
    if job.status is CmdStatus.COMITTED:
        text = f"job {job.job_id} is being trained: refresh it once it is finished, or stop it first"
        raise ConflictError(ForecastingCode.NOT_FINISHED, text)
    dataset = await dataset_of(state.store, job.data_id, job.project)
    before = await own.splits.load(job.split)
    key, now = await own.splits.make(command, dataset, job.columns)
    changed = await asyncio.to_thread(_changed, job, before, now)
    grown = replace(
        job,
        sequence=job.sequence + 1,
        split=key,
        series_count=len(now),
        **with_command(job, command.command_id, digest_of(command)),
    )
    own.jobs.check_size(grown)
    await put_where_room(state, event, grown, series=len(now) - job.series_count)
    await own.splits.delete(job.split)
    return changed


def _changed(job: JobRecord, before: Split, now: Split) -> list[int]:
    if _names(now)[: len(before)] != _names(before):
        text = f"the series of job {job.job_id} are no longer those of its data set: create another job"
        raise ConflictError(ForecastingCode.NO_SERIES, text)
    return [
        job.first_ts_id + place
        for place in range(len(now))
        if place >= len(before) or not _are_equal(before, now, place)
    ]


def _names(split: Split) -> list[str]:
    """Not their texts: a column of numbers is written otherwise once a word has come to it."""
    return [named_series(split.groupby_key, text).key for text in split.groupby_val]


def _are_equal(before: Split, now: Split, place: int) -> bool:
    if before.future[place] != now.future[place]:
        return False
    one, other = before.series(place), now.series(place)
    return np.array_equal(one.target, other.target, equal_nan=True) and np.array_equal(one.times, other.times)
