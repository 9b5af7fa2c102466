"""What the state has for experiments and runs."""

from dataclasses import dataclass

from schemas.tracking import ExperimentRecord, TrackedRun
from streams.rows.event_table import RecordTable
from streams.runtime import Part, StateRuntime

__all__ = ["TrackingState", "open_state"]


@dataclass(frozen=True, kw_only=True)
class TrackingState(Part):
    """Rows of experiments, by id, and of runs, by workload_uid."""

    experiments: RecordTable[ExperimentRecord]
    runs: RecordTable[TrackedRun]


def open_state(runtime: StateRuntime) -> Part:
    """The state's part."""
    app, topics, options = runtime.app, runtime.topics, runtime.table_options
    return TrackingState(
        experiments=RecordTable(app, "experiments", topics.experiments_changelog, **options),
        runs=RecordTable(app, "tracked_runs", topics.tracked_runs_changelog, **options),
    )
