"""Says when schedules are due: the worker that owns a job's row appends a command, and its agent decides.

Twice the same time does no harm, so nothing is noted of what was said: a worker that was restarted says it again.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from connectors.kafka.publisher import DeliveryError, Record, partition_for
from schemas.scoring_jobs import FireScoringJob, ScoringJobRecord
from streams.rows.ownership import owned_offsets
from streams.runtime import StateRuntime
from streams.scoring_jobs import runs
from streams.scoring_jobs.state import ScoringJobsState

__all__ = ["Clock"]

log = structlog.get_logger(__name__)

_EVERY_S: Final = 0.5  # half of the shortest interval
_AGAIN_MS: Final = 10_000  # what has had no effect in this time is said again


def _wall_ms() -> int:
    return round(time.time() * 1000)


class Clock:
    """Looks at the jobs of this worker again and again."""

    def __init__(self, state: StateRuntime, now: Callable[[], int] = _wall_ms) -> None:
        self._state = state
        self._now = now
        self._said: dict[str, tuple[int, int]] = {}  # of a job: which time, and when

    async def watch(self) -> None:
        """To be run all the time."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await self.look()
            except DeliveryError:
                log.warning("schedules_not_told")
            except Exception:
                log.exception("schedules_not_looked_at")

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
                self._said[job.name] = job.next_due, now
                # The id is the run's, the same from whichever worker: the second is a repeat.
                command = FireScoringJob(runs.id_of(job, f"due {job.next_due}"), job.name, job.next_due)
                record = Record(state.topics.scoring_job_commands, key, state.codec.encode(command))
                await state.publisher.send([record])

    def _waits(self, job: ScoringJobRecord, now: int) -> bool:
        """Whether it has just been said, or an earlier run of the schedule goes on: runs of one do not overlap."""
        due, said = self._said.get(job.name, (None, 0))
        if due == job.next_due and now - said < _AGAIN_MS:
            return True
        earlier = ScoringJobsState.of(self._state).runs_of(job.name)
        return any(run.due is not None and run.status in runs.ACTIVE for run in earlier)
