"""What a state worker has for judging: what it has looked up before, so that whoever looks again waits for nothing."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Generic, TypeVar

from connectors.datasets.added_rows import AddedRow, added, version
from connectors.datasets.splits import Split
from schemas.forecasting import JobRecord
from streams.accuracy.boards import Board, accuracy_board, judged_results
from streams.accuracy.judging import Judged
from streams.accuracy.observed import Values, observed, places_of, why_none
from streams.accuracy.rolling import Rolling
from streams.accuracy.watch import Watch
from streams.errors import RejectedError
from streams.forecasting.state import ForecastingState
from streams.forecasting.tables import JobTable
from streams.observations.forms import RowForm, form_of
from streams.runtime import Part, StateRuntime
from streams.standing.shadows import answered

__all__ = ["AccuracyState", "Came", "Shown", "board_of", "came", "judgements", "open_state", "watch_of"]

_BOARDS: Final = 16  # jobs whose table is kept: pages of it are asked one after the other
_WATCHES: Final = 64  # jobs; what of a job is not kept is made again of all rows with each event
_PLACES: Final = 64  # splits whose series are kept by name

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class _Latest(Generic[_Key, _Value]):
    """The latest few of what was looked up."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        """That of the key, made where it is not there. For any thread: at worst it is made twice."""
        found = self._kept.get(key)
        return self.keep(key, make()) if found is None else found

    def known(self, key: _Key) -> _Value | None:
        """That of the key, if it is there."""
        return self._kept.get(key)

    def drop(self, key: _Key) -> None:
        """Let it be there no more."""
        self._kept.pop(key, None)

    def keep(self, key: _Key, value: _Value) -> _Value:
        """Let it be there; the oldest goes."""
        self._kept[key] = value
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return value


@dataclass(frozen=True)
class Shown:
    """A job's table; `note` says why there is nothing in it, where nothing can be."""

    board: Board
    note: str | None


@dataclass(frozen=True)
class AccuracyState(Part):
    """The tables of the jobs that were asked for last, the series of splits by name, and the data sets of jobs."""

    boards: _Latest[Hashable, Shown] = field(default_factory=lambda: _Latest(_BOARDS))
    places: _Latest[Hashable, Mapping[tuple[str, ...], int]] = field(default_factory=lambda: _Latest(_PLACES))
    datasets: dict[int, int] = field(default_factory=dict)
    rolling: Rolling = field(default_factory=Rolling)
    watches: _Latest[Hashable, Watch] = field(default_factory=lambda: _Latest(_WATCHES))

    async def close(self) -> None:
        """End the process that forecasts histories."""
        await self.rolling.close()

    def jobs_of(self, jobs: JobTable, data_id: int) -> list[int]:
        """The ids of this worker's jobs on a data set, which is that of a job for good."""
        known, there = self.datasets, set(jobs.ids())
        for job_id in known.keys() - there:
            del known[job_id]
        for job_id in there - known.keys():
            job = jobs.look(job_id)
            if job is not None:
                known[job_id] = job.data_id
        return sorted(job_id for job_id, of in known.items() if of == data_id)


@dataclass(frozen=True)
class Came:
    """The values that came for a job's series, by place; `note` says why there are none where there cannot be any."""

    values: Mapping[int, Values]
    note: str | None = None


def open_state(_: StateRuntime) -> Part:
    """The state's part."""
    return AccuracyState()


def came(
    state: StateRuntime, job: JobRecord, split: Split, rows: Callable[[], Sequence[AddedRow]] | None = None
) -> Came:
    """What came for the series of a job by these rows, or by all that were added to its data set. For a thread."""
    if job.columns is not None and job.columns.aggregate is not None:
        return Came({}, "the job's steps are made of several rows each: no forecast can be judged by one")
    try:
        form = form_of(state.store, job.data_id, job.project)
    except RejectedError as error:
        return Came({}, error.message)
    note = why_none(form, split)
    if note is not None:
        return Came({}, note)
    return Came(_values(state, job, split, form, added(state.store, job.data_id) if rows is None else rows()))


def _values(
    state: StateRuntime, job: JobRecord, split: Split, form: RowForm, rows: Sequence[AddedRow]
) -> Mapping[int, Values]:
    own = AccuracyState.of(state)
    places = own.places.get((job.split, job.series_count, form.layout.groups), partial(places_of, form, split))
    return observed(form, split.target_label, places, rows)


async def board_of(state: StateRuntime, job: JobRecord) -> Shown:
    """The table of a job whose series are there; made of results and rows as they are now, and kept until they change.

    Results are looked up here, where they are written; the rest is done in threads.
    """
    forecasting, own = ForecastingState.of(state), AccuracyState.of(state)
    assert job.split is not None
    split = await forecasting.splits.of(job)
    names = await asyncio.to_thread(version, state.store, job.data_id)
    answered = len(forecasting.results.progress(job.job_id).finished)
    key = job.job_id, job.split, job.sequence, job.submitted, answered, names
    shown = own.boards.known(key)
    if shown is None:
        found = await asyncio.to_thread(came, state, job, split)
        board = accuracy_board(job, split, await judgements(state, job, split, found.values))
        shown = own.boards.keep(key, Shown(board, found.note))
    return shown


async def judgements(
    state: StateRuntime, job: JobRecord, split: Split, values: Mapping[int, Values]
) -> Sequence[Judged]:
    """What values, by the place of their series, say of the forecasts of a job."""
    ts_ids = [job.first_ts_id + place for place in values]
    rows = ForecastingState.of(state).results.of_series(job.job_id, ts_ids)
    return await asyncio.to_thread(lambda: list(judged_results(state.codec, job, split, rows, values)))


async def watch_of(state: StateRuntime, job: JobRecord, split: Split, key: Hashable, offset: int) -> Watch:
    """What is remembered of a job's series; made of what was there before the observation with this offset."""
    own = AccuracyState.of(state)
    watch = own.watches.known(key)
    if watch is None:
        rows = await asyncio.to_thread(added, state.store, job.data_id)
        before, later = [row for row in rows if row.last < offset], [row for row in rows if row.last >= offset]
        known = await asyncio.to_thread(came, state, job, split, lambda: before)
        unknown = await asyncio.to_thread(came, state, job, split, lambda: later)
        made = await judgements(state, job, split, known.values)
        watch = own.watches.keep(key, await asyncio.to_thread(_begun, job, split, known.values, unknown.values, made))
    return watch


def _begun(
    job: JobRecord,
    split: Split,
    known: Mapping[int, Values],
    unknown: Mapping[int, Values],
    made: Sequence[Judged],
) -> Watch:
    watch = Watch()
    watch.grow(split, job.split or "", unknown)
    watch.values_came(split, known)
    watch.judged(answered(job, made))
    return watch
