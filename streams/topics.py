"""The topics: who writes and reads them is in docs/architecture.md; here are their names, keys and clean-up."""

from collections.abc import Mapping
from dataclasses import dataclass

from streams.settings import Settings

__all__ = ["TopicSpec", "Topics", "record_subjects"]

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_FRAMING = 1024  # bytes above the largest record that Kafka needs for itself, see connectors.kafka.publisher


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic: its full name, the record types it may carry, and its settings on the broker."""

    name: str
    records: tuple[str, ...]
    config: Mapping[str, str]


class Topics:
    """Names and settings of all topics for one installation."""

    def __init__(self, settings: Settings) -> None:
        prefix = settings.topic_prefix
        self.largest_record = settings.max_message_bytes + _FRAMING
        size = {"max.message.bytes": str(self.largest_record)}
        commands = {**size, "cleanup.policy": "delete", "retention.ms": str(settings.event_retention_days * _DAY_MS)}
        long = {**size, "cleanup.policy": "delete", "retention.ms": str(settings.event_retention_days * 4 * _DAY_MS)}
        dead = {**long, "retention.ms": str(settings.dead_letter_retention_days * _DAY_MS)}
        compact = {**size, "cleanup.policy": "compact"}
        # A former owner's late row is undone a second later; until then the row that it hides must still be there.
        changelog = {**compact, "min.compaction.lag.ms": str(_HOUR_MS)}
        latest = {**long, "cleanup.policy": "compact,delete"}

        self.partitions = settings.partitions
        self.dataset_commands = f"{prefix}dataset-commands"
        self.job_commands = f"{prefix}job-commands"
        self.series_commands = f"{prefix}series-commands"
        self.forecasts = f"{prefix}forecasts"
        self.metrics = f"{prefix}metrics"
        self.job_results = f"{prefix}job-results"
        self.job_status = f"{prefix}job-status"
        self.training_commands = f"{prefix}training-commands"
        self.training_runs = f"{prefix}training-runs"
        self.training_status = f"{prefix}training-status"
        self.transform_commands = f"{prefix}transform-commands"
        self.inference_requests = f"{prefix}inference-requests"
        self.inference_results = f"{prefix}inference-results"
        self.dead_letters = f"{prefix}dead-letters"
        self.jobs_changelog = f"{prefix}jobs-changelog"
        self.results_changelog = f"{prefix}results-changelog"
        self.training_jobs_changelog = f"{prefix}training-jobs-changelog"
        self.transforms_changelog = f"{prefix}transforms-changelog"
        self.forecasts_changelog = f"{prefix}forecasts-changelog"
        self.all: tuple[TopicSpec, ...] = (
            TopicSpec(self.dataset_commands, ("AddDataset", "DeleteDataset"), commands),
            TopicSpec(self.job_commands, ("CreateJob", "ConfigureJob", "SubmitJob", "StopJob", "DeleteJob"), commands),
            TopicSpec(self.series_commands, ("TrainSeries",), commands),
            TopicSpec(self.forecasts, ("Forecast",), latest),
            TopicSpec(self.metrics, ("MetricPoint",), long),
            TopicSpec(self.job_results, ("SeriesResult",), long),
            TopicSpec(self.job_status, ("JobStatus",), compact),
            TopicSpec(self.training_commands, ("TrainDeepAR", "StopTrainingJob", "DeleteTrainingJob"), commands),
            TopicSpec(
                self.training_runs, ("TrainDeepAR", "StopTrainingJob", "DeleteTrainingJob", "TrainTogether"), commands
            ),
            TopicSpec(self.training_status, ("TrainingStatus",), long),
            TopicSpec(self.transform_commands, ("StartTransform", "StopTransform"), commands),
            TopicSpec(self.inference_requests, ("InferenceRequest",), commands),
            TopicSpec(self.inference_results, ("InferenceResult",), commands),
            TopicSpec(self.dead_letters, (), dead),
            TopicSpec(self.jobs_changelog, ("JobRecord",), changelog),
            TopicSpec(self.results_changelog, ("SeriesResult",), changelog),
            TopicSpec(self.training_jobs_changelog, ("TrainingJobRecord",), changelog),
            TopicSpec(self.transforms_changelog, ("TransformRecord",), changelog),
            TopicSpec(self.forecasts_changelog, ("Forecast",), changelog),
        )


def record_subjects(topics: Topics) -> Mapping[str, tuple[str, ...]]:
    """The registry subjects of each record type.

    A topic with one record type has the usual `<topic>-value`. Types that share a command topic are registered under
    their full names (Confluent's RecordNameStrategy), for they are no versions of one another; once, however many
    command topics carry them.
    """
    subjects: dict[str, tuple[str, ...]] = {}
    for spec in topics.all:
        for record in spec.records:
            subject = f"{spec.name}-value" if len(spec.records) == 1 else f"tidecast.{record}"
            subjects[record] = tuple(dict.fromkeys((*subjects.get(record, ()), subject)))
    return subjects
