"""The series of a job as its data set has them now, and which of them are others than before."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from connectors.datasets.added_rows import latest
from connectors.datasets.group_values import WHOLE, named_series
from connectors.datasets.splits import Split
from models.catalog import CATALOG
from schemas.forecasting import JobRecord, RefreshJob, Standing, SubmitJob
from streams.codes.forecasting import ForecastingCode
from streams.errors import ConflictError, TooManyError
from streams.forecasting.inputs import dataset_of
from streams.forecasting.split_store import Later, has_table
from streams.forecasting.state import ForecastingState
from streams.forecasting.submissions import Training
from streams.messages import Event, time_of
from streams.quotas.limits import waiting
from streams.quotas.state import Quotas
from streams.runtime import StateRuntime
from streams.standing.elements import DATA, refreshed, without_new
from streams.standing.shadows import series_among

__all__ = ["AGAIN_MS", "Growth", "grown", "needs_table", "split_anew", "where_room", "with_table"]

AGAIN_MS: Final = 60_000
"""What had no room is tried again then: it costs as much as any refresh."""
_MANY: Final = 500_000  # rows that come to a split before it is written anew with them: some seconds of reading
_SHARE: Final = 8  # or such a part of its rows, for writing costs all of them


class Growth(NamedTuple):
    """Where the split lies, how many series there are, and the places of those that changed, new ones among them.

    `names` are the columns and the values of the groups. `seen` and `split_seen` are those of the job's row. `later`
    is there where the split has not been made anew. `waiting` are the places of new series for which there is no room,
    and `no_room` says so: they are not among the others, and lie behind them in the split.
    """

    split: str
    series: int
    changed: Sequence[int]
    columns: tuple[str, ...]
    names: Sequence[str]
    seen: int
    split_seen: int
    later: Later | None = None
    waiting: Sequence[int] = ()
    no_room: TooManyError | None = None

    def without_new(self, job: JobRecord, no_room: TooManyError) -> "Growth":
        """The same of the series alone that the job has."""
        known = [place for place in self.changed if place < job.series_count]
        new = range(job.series_count, self.series)
        return self._replace(series=job.series_count, changed=known, waiting=new, no_room=no_room)

    def lacking(self, job: JobRecord, due: Collection[int]) -> list[int]:
        """The places of the elements that are for series which wait."""
        return [place for place in due if self.chosen(job, job.standing[place], self.waiting)]

    def chosen(self, job: JobRecord, element: Standing, places: Sequence[int]) -> list[int]:
        """The ids of those of the series that an element is for."""
        if element.series is None:
            return [element.ts_id] if element.ts_id - job.first_ts_id in places else []
        ts_ids = [job.first_ts_id + place for place in places]
        if element.series == WHOLE and not element.less:
            return ts_ids
        groups = [named_series(self.columns, self.names[place]).groups for place in places]
        return [ts_ids[at] for at in series_among(element, groups, ts_ids)]


async def where_room(state: StateRuntime, job: JobRecord, growth: Growth, partition: int) -> Growth:
    """The growth without new series, where the project has no room for all of them: they wait for it."""
    more, quotas = growth.series - job.series_count, Quotas.of(state)
    if more <= 0:
        return growth
    try:
        async with quotas.room(partition, job.project, series=more):
            return growth
    except TooManyError:
        limit = quotas.limits_of(job.project)["series"]
        return growth.without_new(job, waiting("series", job.project, limit=limit))


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
    places = sorted({*changed.tolist(), *range(job.series_count, len(layers))})  # also those that have waited for room
    return Growth(later.split, len(layers), places, columns, layers.names, later.seen, later.split_seen, later)


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


async def with_table(state: StateRuntime, job: JobRecord, command: SubmitJob, event: Event) -> JobRecord:
    """The job with a split that has a table; what has changed meanwhile waits for the next refresh.

    New series for which there is no room are tried again a little later.
    """
    if has_table(job):
        return job
    growth = await where_room(state, job, await split_anew(state, job, command), event.message.partition)
    standing = refreshed(job.standing, (), growth.changed, at=0)
    if growth.no_room is not None:
        lacking = growth.lacking(job, [place for place, one in enumerate(job.standing) if one.on == DATA])
        again = time_of(event.message) + AGAIN_MS
        standing = without_new(standing, lacking, growth.no_room.message, again=again)
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
