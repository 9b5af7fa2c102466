"""Says when schedules are due: the worker that owns a job's row appends a command, and its agent decides.

Twice the same time does no harm (`streams.reminders`). A look costs what has changed since the last: rows of jobs and
runs that were written, and times that have come. All jobs are read once for each assignment of partitions.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from connectors.kafka.publisher import Record, partition_for
from schemas.scoring_jobs import FireScoringJob, ScoringJobRecord
from streams.reminders import DueTimes, Reminders, look_again_and_again, wall_ms
from streams.rows.ownership import owned_offsets
from streams.runtime import StateRuntime
from streams.scoring_jobs import runs
from streams.scoring_jobs.state import ScoringJobsState

__all__ = ["Clock"]

_IN_ONE_TURN: Final = 50  # rows that are read in one turn of the event loop: some milliseconds


class Clock:
    """Looks at the jobs of this worker again and again."""

    def __init__(self, state: StateRuntime, now: Callable[[], int] = wall_ms) -> None:
        self._state = state
        self._now = now
        self._generation: int | None = None  # of the assignment whose rows are known
        self._said = Reminders[bytes]()  # of a job by its key: the time that is due
        self._times = DueTimes[bytes]()
        self._waiting: set[bytes] = set()  # jobs that are due, while an earlier run goes on

    async def watch(self) -> None:
        """To be run all the time."""
        await look_again_and_again(self.look, not_told="schedules_not_told", not_looked_at="schedules_not_looked_at")

    async def look(self) -> None:
        """Append a command for each job that is due and is this worker's."""
        state = self._state
        owned = owned_offsets(state.app, state.topics.scoring_job_commands)
        if owned is None:
            return
        generation, partitions = owned
        own, now = ScoringJobsState.of(state), self._now()
        jobs, ran = own.jobs.take_changed(), own.runs.take_changed()
        if jobs is None or generation != self._generation:
            jobs = set(own.jobs.keys())
        # Of a job that waits for a run whose row was written: it may have ended.
        jobs |= self._waiting if ran is None else self._waiting & {key.rpartition(b"/")[0] for key in ran}
        self._generation = None  # if this fails, all are read again
        await self._read(jobs)
        self._generation = generation
        for key in self._times.come(now):
            await self._look_at(key, partitions, now)

    async def _read(self, keys: Collection[bytes]) -> None:
        """Take note of when jobs are due, as their rows are now."""
        table = ScoringJobsState.of(self._state).jobs
        for number, key in enumerate(keys, 1):
            if not number % _IN_ONE_TURN:
                await asyncio.sleep(0)
            job = table.get(key)
            self._waiting.discard(key)
            self._times.put(key, None if job is None else job.next_due)
            if job is None:
                self._said.forget(key)

    async def _look_at(self, key: bytes, partitions: Collection[int], now: int) -> None:
        """Say that a job is due, and look again whether that had an effect."""
        state = self._state
        job = ScoringJobsState.of(state).jobs.get(key)
        if job is None or job.next_due is None or partition_for(key, state.topics.partitions) not in partitions:
            return
        again = max(job.next_due, self._said.again(key, job.next_due, now))
        if again > now:
            self._times.put(key, again)
        elif self._run_goes_on(job):
            self._waiting.add(key)
        else:
            self._said.say(key, job.next_due, now)
            self._times.put(key, self._said.again(key, job.next_due, now))
            # The id is the run's, the same from whichever worker: the second is a repeat.
            command = FireScoringJob(runs.id_of(job, f"due {job.next_due}"), job.name, job.next_due)
            record = Record(state.topics.scoring_job_commands, key, state.codec.encode(command))
            await state.publisher.send([record])

    def _run_goes_on(self, job: ScoringJobRecord) -> bool:
        """Whether an earlier run of the schedule does: runs of one do not overlap."""
        earlier = ScoringJobsState.of(self._state).runs_of(job.name)
        return any(run.due is not None and runs.goes_on(run) for run in earlier)
