"""Says when jobs are to be refreshed: the worker that owns a job's row appends a command, and its agent decides.

What is due follows from the rows and from the object store, and said twice it does no harm (`streams.reminders`).
"""

import asyncio
from collections.abc import Callable, Mapping

from connectors.datasets.added_rows import latest
from connectors.kafka.publisher import Record, partition_for
from schemas.forecasting import CmdStatus, JobRecord, RefreshJob
from streams.forecasting.state import ForecastingState
from streams.reminders import Reminders, look_again_and_again, wall_ms
from streams.rows.ownership import owned_offsets
from streams.runtime import StateRuntime
from streams.standing.elements import earliest_due, has_stale, pause_ms

__all__ = ["RefreshWatch"]


class RefreshWatch:
    """Looks at the jobs of this worker again and again."""

    def __init__(self, state: StateRuntime, now: Callable[[], int] = wall_ms) -> None:
        self._state = state
        self._now = now
        self._said = Reminders[int]()  # of a job by id: the number of the refresh
        # Of a job: what it was like when there were news, and since when there are.
        self._news: dict[int, tuple[tuple[int, int], int]] = {}

    async def watch(self) -> None:
        """To be run all the time."""
        await look_again_and_again(self.look, not_told="refreshes_not_told", not_looked_at="refreshes_not_looked_at")

    async def look(self) -> None:
        """Append a command for each job that is due and is this worker's."""
        state, table = self._state, ForecastingState.of(self._state).jobs
        owned = owned_offsets(state.app, state.topics.job_commands)
        if owned is None:
            return
        now, jobs = self._now(), []
        standing = table.standing()
        self._said.keep_only(standing)
        for job_id in self._news.keys() - set(standing):
            del self._news[job_id]
        for job_id in standing:
            job = table.get(job_id)
            if (
                job is not None
                and job.standing
                and job.status is not CmdStatus.COMITTED
                and partition_for(b"%d" % job_id, state.topics.partitions) in owned[1]
            ):
                jobs.append(job)
        newest = await self._newest({job.data_id for job in jobs if pause_ms(job) is not None})
        for job in jobs:
            number = job.refreshes + 1
            if self._is_due(job, newest, now) and not self._said.said_lately(job.job_id, number, now):
                self._said.say(job.job_id, number, now)
                command = RefreshJob(f"refresh {job.job_id} {number}", job.job_id, job.project, number)
                record = Record(state.topics.job_commands, b"%d" % job.job_id, state.codec.encode(command))
                await state.publisher.send([record])

    async def _newest(self, data_ids: set[int]) -> Mapping[int, int]:
        """The last observation of each data set."""
        store = self._state.store
        return await asyncio.to_thread(lambda: {data_id: latest(store, data_id) for data_id in data_ids})

    def _is_due(self, job: JobRecord, newest: Mapping[int, int], now: int) -> bool:
        due, pause = earliest_due(job), pause_ms(job)
        if due is not None and due <= now:
            return True
        if pause is None or not _has_news(job, newest[job.data_id]):
            self._news.pop(job.job_id, None)
            return False
        like = job.refreshes, job.seen
        known, since = self._news.get(job.job_id, (None, now))
        if known != like:
            since = now
            self._news[job.job_id] = like, now
        return now - since >= pause


def _has_news(job: JobRecord, newest: int) -> bool:
    """Whether series may have changed since it was refreshed, and since that failed last."""
    return newest > job.tried and (newest > job.seen or has_stale(job))
