"""What the state has for training jobs."""

from dataclasses import dataclass

from schemas.training_rows import (
    TrainingConfigurationRecord,
    TrainingJobRecord,
    TrainingVersionRecord,
    VisualizationJobRecord,
)
from streams.rows.event_table import RecordTable
from streams.runtime import Part, StateRuntime

__all__ = ["TrainingJobsState", "open_state"]


@dataclass(frozen=True, kw_only=True)
class TrainingJobsState(Part):
    """Rows of training jobs, of their versions, of configurations and of visualization jobs."""

    jobs: RecordTable[TrainingJobRecord]
    versions: RecordTable[TrainingVersionRecord]
    configurations: RecordTable[TrainingConfigurationRecord]
    visualizations: RecordTable[VisualizationJobRecord]


def open_state(runtime: StateRuntime) -> Part:
    """The state's part."""
    app, topics, options = runtime.app, runtime.topics, runtime.table_options
    return TrainingJobsState(
        jobs=RecordTable(app, "training_jobs", topics.training_jobs_changelog, **options),
        versions=RecordTable(app, "training_versions", topics.training_versions_changelog, **options),
        configurations=RecordTable(app, "training_configurations", topics.training_configurations_changelog, **options),
        visualizations=RecordTable(app, "visualization_jobs", topics.visualization_jobs_changelog, **options),
    )
