"""Says when jobs are to be refreshed: the worker that owns a job's row appends a command, and its agent decides.

What is due follows from the rows and from the object store, and said twice it does no harm (`streams.reminders`). A
look costs what has changed since the last: rows that were written, data sets that have grown, and times that have come.
All rows are read once for each assignment of partitions.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from connectors.datasets.added_rows import latest
from connectors.kafka.publisher import Record, partition_for
from schemas.forecasting import CmdStatus, JobRecord, RefreshJob
from streams.forecasting.state import ForecastingState
from streams.reminders import DueTimes, Reminders, look_again_and_again, wall_ms
from streams.rows.ownership import owned_offsets
from streams.runtime import StateRuntime
from streams.standing.elements import earliest_due, has_stale, pause_ms

__all__ = ["RefreshWatch"]

_IN_ONE_TURN: Final = 50  # rows that are read in one turn of the event loop: some milliseconds
_LOOKED_AT: Final = 8  # data sets whose files are listed in each look, in turn: who tells that they grow may be behind


class _Watched(NamedTuple):
    """What of a job's row says when it is due."""

    project: str
    data_id: int
    refreshes: int
    seen: int
    tried: int
    due: int | None
    pause: int | None
    has_stale: bool

    @classmethod
    def of(cls, job: JobRecord) -> "_Watched":
        """Of a job that stands."""
        return cls(
            job.project,
            job.data_id,
            job.refreshes,
            job.seen,
            job.tried,
            earliest_due(job),
            pause_ms(job),
            has_stale(job),
        )


class RefreshWatch:
    """Looks at the jobs of this worker again and again."""

    def __init__(self, state: StateRuntime, now: Callable[[], int] = wall_ms) -> None:
        self._state = state
        self._now = now
        self._generation: int | None = None  # of the assignment whose rows are known
        self._said = Reminders[int]()  # of a job by id: the number of the refresh
        self._jobs: dict[int, _Watched] = {}  # those that stand and are not being trained
        self._on: dict[int, set[int]] = {}  # data set → the jobs among them that wait for it to grow
        self._newest: dict[int, int] = {}  # data set → its last observation
        self._unknown: set[int] = set()  # data sets of which that is to be looked up
        self._in_turn = deque[int]()  # data sets in the order in which their files are listed, all of `_on` among them
        self._news: dict[int, tuple[tuple[int, int], int]] = {}  # what a job was like when there were news, and when
        self._times = DueTimes[int]()

    async def watch(self) -> None:
        """To be run all the time."""
        await look_again_and_again(self.look, not_told="refreshes_not_told", not_looked_at="refreshes_not_looked_at")

    async def look(self) -> None:
        """Append a command for each job that is due and is this worker's."""
        own, owned = ForecastingState.of(self._state), owned_offsets(self._state.app, self._state.topics.job_commands)
        if owned is None:
            return
        generation, partitions = owned
        now, changed = self._now(), own.jobs.take_changed()
        if changed is None or generation != self._generation:
            changed = {*self._jobs, *own.jobs.ids()}
            self._unknown |= self._on.keys()  # while partitions were elsewhere, nobody here was told
        self._generation = None  # if this fails, all are read again
        await self._read(changed, partitions, now)
        self._generation = generation
        await self._look_at_data(own.news.take(), now)
        for job_id in self._times.come(now):
            await self._look_at_job(job_id, now)

    async def _read(self, job_ids: Collection[int], partitions: Collection[int], now: int) -> None:
        """Take note of rows as they are now."""
        table, topics = ForecastingState.of(self._state).jobs, self._state.topics
        for number, job_id in enumerate(job_ids, 1):
            if not number % _IN_ONE_TURN:
                await asyncio.sleep(0)
            home = partition_for(b"%d" % job_id, topics.partitions)
            job = table.look(job_id) if home in partitions else None
            if job is None or not job.standing:
                self._said.forget(job_id)
                self._news.pop(job_id, None)
                self._put(job_id, None)
            else:
                self._put(job_id, None if job.status is CmdStatus.COMITTED else _Watched.of(job))
            self._plan(job_id, now)

    def _put(self, job_id: int, job: _Watched | None) -> None:
        before = self._jobs.pop(job_id, None)
        if job is not None:
            self._jobs[job_id] = job
            if job.pause is not None:
                if job.data_id not in self._on:
                    self._on[job.data_id] = set()
                    self._unknown.add(job.data_id)
                    self._in_turn.append(job.data_id)
                self._on[job.data_id].add(job_id)
        if before is not None and (job is None or job.pause is None) and before.data_id in self._on:
            self._on[before.data_id].discard(job_id)  # a set that is empty goes when its turn comes

    async def _look_at_data(self, grown: Mapping[int, int], now: int) -> None:
        """Take note of data sets that have grown: as is told, and as the files of some of them show."""
        for data_id, last in grown.items():
            self._note(data_id, last, now)
        listed = self._unknown
        for _ in range(min(_LOOKED_AT, len(self._in_turn))):
            data_id = self._in_turn.popleft()
            if self._on[data_id]:
                self._in_turn.append(data_id)
                listed.add(data_id)
            else:
                del self._on[data_id]
                self._newest.pop(data_id, None)
        store = self._state.store
        found = await asyncio.to_thread(lambda: {data_id: latest(store, data_id) for data_id in listed})
        self._unknown = set()
        for data_id, last in found.items():
            self._note(data_id, last, now)

    def _note(self, data_id: int, last: int, now: int) -> None:
        if data_id in self._on and last > self._newest.get(data_id, -1):
            self._newest[data_id] = last
            for job_id in self._on[data_id]:
                self._plan(job_id, now)

    def _plan(self, job_id: int, now: int) -> None:
        """Look at a job when it is due, as far as that is known now."""
        job = self._jobs.get(job_id)
        due = None if job is None else self._due(job_id, job, now)
        self._times.put(job_id, due)

    def _due(self, job_id: int, job: _Watched, now: int) -> int | None:
        times = [] if job.due is None else [job.due]
        if job.pause is not None:
            newest = self._newest.get(job.data_id, -1)
            if newest > job.tried and (newest > job.seen or job.has_stale):
                like = job.refreshes, job.seen
                known, since = self._news.get(job_id, (None, now))
                if known != like:
                    since = now
                    self._news[job_id] = like, now
                times.append(since + job.pause)
            else:
                self._news.pop(job_id, None)
        return min(times, default=None)

    async def _look_at_job(self, job_id: int, now: int) -> None:
        """Say that it is due, and look again whether that had an effect."""
        job, state = self._jobs[job_id], self._state
        number = job.refreshes + 1
        if (again := self._said.again(job_id, number, now)) > now:
            self._times.put(job_id, again)
            return
        self._said.say(job_id, number, now)
        self._times.put(job_id, self._said.again(job_id, number, now))
        command = RefreshJob(f"refresh {job_id} {number}", job_id, job.project, number)
        record = Record(state.topics.job_commands, b"%d" % job_id, state.codec.encode(command))
        await state.publisher.send([record])
