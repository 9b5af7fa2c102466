"""The rows of jobs that score data sets, and of their runs, which lie in the partition of their job's name."""

from dataclasses import dataclass

from schemas.scoring_jobs import ScoringJobRecord, ScoringRunRecord
from streams.rows.event_table import RecordTable
from streams.runtime import Part, StateRuntime

__all__ = ["ScoringJobsState", "open_state"]


@dataclass(frozen=True, kw_only=True)
class ScoringJobsState(Part):
    """The tables."""

    jobs: RecordTable[ScoringJobRecord]
    runs: RecordTable[ScoringRunRecord]

    def job(self, name: str) -> ScoringJobRecord | None:
        """The job of this name, where this worker has it."""
        return self.jobs.get(name.encode("utf-8", "replace"))

    def runs_of(self, job_name: str) -> list[ScoringRunRecord]:
        """A job's runs, the oldest first."""
        return self._found(f"{job_name}/".encode("utf-8", "replace"))

    def all_runs(self) -> list[ScoringRunRecord]:
        """Those of all jobs that this worker has, the oldest first."""
        return self._found(b"")

    def _found(self, prefix: bytes) -> list[ScoringRunRecord]:
        found = (self.runs.get(key) for key in self.runs.beginning_with(prefix))
        return sorted((run for run in found if run is not None), key=lambda run: (run.created, run.run_id))


def open_state(runtime: StateRuntime) -> Part:
    """The state's part."""
    topics, options = runtime.topics, runtime.table_options
    return ScoringJobsState(
        jobs=RecordTable(runtime.app, "scoring_jobs", topics.scoring_jobs_changelog, **options),
        runs=RecordTable(runtime.app, "scoring_runs", topics.scoring_runs_changelog, **options),
    )
