"""Says when schedules are due: the worker that owns a job's row appends a command, and its agent decides.

Twice the same time does no harm (`streams.reminders`).
"""

from collections.abc import Callable

from connectors.kafka.publisher import Record, partition_for
from schemas.scoring_jobs import FireScoringJob, ScoringJobRecord
from streams.reminders import Reminders, look_again_and_again, wall_ms
from streams.rows.ownership import owned_offsets
from streams.runtime import StateRuntime
from streams.scoring_jobs import runs
from streams.scoring_jobs.state import ScoringJobsState

__all__ = ["Clock"]


class Clock:
    """Looks at the jobs of this worker again and again."""

    def __init__(self, state: StateRuntime, now: Callable[[], int] = wall_ms) -> None:
        self._state = state
        self._now = now
        self._said = Reminders[str]()  # of a job by name: the time that is due

    async def watch(self) -> None:
        """To be run all the time."""
        await look_again_and_again(self.look, not_told="schedules_not_told", not_looked_at="schedules_not_looked_at")

    async def look(self) -> None:
        """Append a command for each job that is due and is this worker's."""
        state = self._state
        owned = owned_offsets(state.app, state.topics.scoring_job_commands)
        if owned is None:
            return
        own, now = ScoringJobsState.of(state), self._now()
        for key in own.jobs.keys():  # noqa: SIM118 - it is no mapping
            job = own.jobs.get(key)
            if job is None or job.next_due is None or job.next_due > now:
                continue
            if partition_for(key, state.topics.partitions) in owned[1] and not self._waits(job, now):
                self._said.say(job.name, job.next_due, now)
                # The id is the run's, the same from whichever worker: the second is a repeat.
                command = FireScoringJob(runs.id_of(job, f"due {job.next_due}"), job.name, job.next_due)
                record = Record(state.topics.scoring_job_commands, key, state.codec.encode(command))
                await state.publisher.send([record])

    def _waits(self, job: ScoringJobRecord, now: int) -> bool:
        """Whether it has just been said, or an earlier run of the schedule goes on: runs of one do not overlap."""
        if self._said.said_lately(job.name, job.next_due, now):
            return True
        earlier = ScoringJobsState.of(self._state).runs_of(job.name)
        return any(run.due is not None and runs.goes_on(run) for run in earlier)
