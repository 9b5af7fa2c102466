"""Writing rows of training jobs, whether for a message or of oneself: before each write it is asked who may."""

import asyncio
from dataclasses import dataclass

from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams.engine.tenure import SupersededError, may_write
from streams.messages import Event
from streams.runtime import StateRuntime
from streams.training.earlier import is_earlier, job_of, version_of
from streams.training.jobs import key_of, summarised
from streams.training.state import TrainingJobsState
from streams.training.versions import key_of_version

__all__ = ["Rows"]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a partition, for as long as this worker has it by the assignment of this generation.

    The methods are no coroutines: several agents change rows, and between a row's reading and its writing nothing else
    may run. They raise SupersededError, and their futures end when the changelog has the row.
    """

    state: StateRuntime
    partition: int
    generation: int

    @classmethod
    def of(cls, state: StateRuntime, event: Event) -> "Rows":
        """Those that a message may change."""
        return cls(state, event.message.partition, event.message.generation_id)

    @property
    def tables(self) -> TrainingJobsState:
        """All tables."""
        return TrainingJobsState.of(self.state)

    def check(self) -> None:
        """SupersededError where the rows may be another worker's by now."""
        if not may_write(self.state.app, self.generation):
            raise SupersededError

    def put_job(self, job: TrainingJobRecord) -> "asyncio.Future[None]":
        """Write a job's row."""
        self.check()
        return self.tables.jobs.put(self.partition, key_of(job.project_id, job.job_id), job)

    def put_version(self, version: TrainingVersionRecord) -> "asyncio.Future[list[None]]":
        """Write a version's row, and what its job's row says of it."""
        self.check()
        tables = self.tables
        key = key_of_version(version.project_id, version.job_id, version.version_id)
        return asyncio.gather(
            tables.versions.put(self.partition, key, version), *self.refresh(version.project_id, version.job_id)
        )

    def delete_version(self, version: TrainingVersionRecord) -> "asyncio.Future[list[None]]":
        """Remove a version's row, and let its job's row say so."""
        self.check()
        key = key_of_version(version.project_id, version.job_id, version.version_id)
        return asyncio.gather(
            self.tables.versions.delete(self.partition, key), *self.refresh(version.project_id, version.job_id)
        )

    def refresh(self, project_id: str, job_id: int) -> "list[asyncio.Future[None]]":
        """Let a job's row say what there is of versions; nothing is written where it does."""
        tables = self.tables
        row = tables.jobs.get(key_of(project_id, job_id))
        if row is None:
            return []
        told = summarised(row, tables.versions_of(project_id, job_id))
        return [] if told == row else [self.put_job(told)]

    def take_up(self, project_id: str, job_id: int) -> "list[asyncio.Future[None]]":
        """Write a job of an earlier release, which has its version in its own row, as such jobs are written now.

        1. the version, 2. the job: between the two it is what it was.
        """
        row = self.tables.jobs.get(key_of(project_id, job_id))
        if row is None or not is_earlier(row):
            return []
        self.check()
        version = version_of(row)
        key = key_of_version(project_id, job_id, version.version_id)
        return [self.tables.versions.put(self.partition, key, version), self.put_job(job_of(row))]
