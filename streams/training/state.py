"""What the state has for training jobs."""

from dataclasses import dataclass

from schemas.training import TrainingJobRecord
from streams.rows.event_table import RecordTable
from streams.runtime import Part, StateRuntime

__all__ = ["TrainingJobsState", "open_state"]


@dataclass(frozen=True, kw_only=True)
class TrainingJobsState(Part):
    """Rows of training jobs."""

    jobs: RecordTable[TrainingJobRecord]


def open_state(runtime: StateRuntime) -> Part:
    """The state's part."""
    topic = runtime.topics.training_jobs_changelog
    return TrainingJobsState(jobs=RecordTable(runtime.app, "training_jobs", topic, **runtime.table_options))
