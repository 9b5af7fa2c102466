"""The series of a job as its data set has them now, and which of them are others than before."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from connectors.datasets.added_rows import latest
from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from models.catalog import CATALOG
from schemas.forecasting import JobRecord, RefreshJob, SubmitJob
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError
from streams.forecasting.inputs import dataset_of
from streams.forecasting.split_store import Later, has_table
from streams.forecasting.state import ForecastingState
from streams.forecasting.submissions import Training
from streams.runtime import StateRuntime
from streams.standing.elements import refreshed

__all__ = ["Growth", "grown", "needs_table", "split_anew", "with_table"]

_MANY: Final = 500_000  # rows that come to a split before it is written anew with them: some seconds of reading
_SHARE: Final = 8  # or such a part of its rows, for writing costs all of them


class Growth(NamedTuple):
    """Where the split lies, how many series there are, and the places of those that changed, new ones among them.

    `names` are the columns and the values of the groups. `seen` and `split_seen` are those of the job's row. `later`
    is there where the split has not been made anew.
    """

    split: str
    series: int
    changed: Sequence[int]
    columns: tuple[str, ...]
    names: Sequence[str]
    seen: int
    split_seen: int
    later: Later | None = None


async def grown(state: StateRuntime, job: JobRecord, command: RefreshJob) -> Growth:
    """What has become of the job's series; RejectedError where they are no longer those of its data set.

    It costs the series that changed, unless rows are of a make that takes a split anew.
    """
    splits = ForecastingState.of(state).splits
    await dataset_of(state.store, job.data_id, job.project)  # it may be gone
    later = await splits.later(job)
    if later is None:
        return await split_anew(state, job, command)
    if later.seen - later.split_seen > max(_MANY, later.layers.rows // _SHARE):
        later = await splits.saved(command.command_id, job, later)
    layers, changed = later.layers, later.changed.places
    assert changed is not None  # they are some
    columns = layers.layers[0].groupby_key
    return Growth(
        later.split, len(layers), changed.tolist(), columns, layers.names, later.seen, later.split_seen, later
    )


async def split_anew(state: StateRuntime, job: JobRecord, command: RefreshJob | SubmitJob) -> Growth:
    """The same by splitting the whole table, which is kept beside the split."""
    assert job.split is not None  # the caller has seen that it has series
    assert job.columns is not None
    own = ForecastingState.of(state)
    dataset = await dataset_of(state.store, job.data_id, job.project)
    seen = await asyncio.to_thread(latest, state.store, job.data_id)  # first: what comes meanwhile is seen next time
    before = await own.splits.of(job)
    key, now = await own.splits.make(command, dataset, job.columns, seen=seen)
    changed = await asyncio.to_thread(_changed, job, before, now)
    return Growth(key, len(now), changed, now.groupby_key, now.groupby_val, seen, seen)


def needs_table(trainings: Sequence[Training]) -> bool:
    """Whether any of them is made of more than its own series: columns of the table, or all series at once."""
    plans = {id(one.plan): one.plan for one in trainings}.values()
    return any(plan.features or plan.future or plan.holidays or CATALOG[plan.model_name].together for plan in plans)


async def with_table(state: StateRuntime, job: JobRecord, command: SubmitJob) -> JobRecord:
    """The job with a split that has a table; what has changed meanwhile waits for the next refresh."""
    if has_table(job):
        return job
    growth = await split_anew(state, job, command)
    standing = refreshed(job.standing, (), growth.changed, at=0)
    return replace(
        job,
        split=growth.split,
        series_count=growth.series,
        seen=growth.seen,
        split_seen=growth.split_seen,
        standing=standing,
    )


def _changed(job: JobRecord, before: Split, now: Split) -> list[int]:
    if _names(now)[: len(before)] != _names(before):
        text = f"the series of job {job.job_id} are no longer those of its data set: create another job"
        raise ConflictError(ForecastingCode.NO_SERIES, text)
    return [place for place in range(len(now)) if place >= len(before) or not _are_equal(before, now, place)]


def _names(split: Split) -> list[str]:
    """Not their texts: a column of numbers is written otherwise once a word has come to it."""
    return [named_series(split.groupby_key, text).key for text in split.groupby_val]


def _are_equal(before: Split, now: Split, place: int) -> bool:
    if before.future[place] != now.future[place]:
        return False
    one, other = before.series(place), now.series(place)
    return np.array_equal(one.target, other.target, equal_nan=True) and np.array_equal(one.times, other.times)
