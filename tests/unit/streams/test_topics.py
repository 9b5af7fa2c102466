"""Names, clean-up and record types of the topics, and the registry subjects that follow from them."""

import pytest

from schemas.coding.codec import EVENT_TYPES
from streams.settings import Settings
from streams.topics import Topics, TopicSpec, record_subjects

DAY_MS = 86_400_000

NAMES = (
    "dataset-commands",
    "job-commands",
    "series-commands",
    "forecasts",
    "job-results",
    "job-status",
    "observations",
    "dataset-changes",
    "alerts",
    "transform-commands",
    "inference-requests",
    "inference-results",
    "training-commands",
    "training-status",
    "training-logs",
    "training-runs",
    "metrics",
    "model-commands",
    "service-commands",
    "scoring-requests",
    "scoring-results",
    "scoring-job-commands",
    "scoring-runs",
    "scoring-run-status",
    "tracking-commands",
    "access-commands",
    "audit",
    "project-usage",
    "dead-letters",
    "jobs-changelog",
    "results-changelog",
    "forecasts-changelog",
    "transforms-changelog",
    "training-jobs-changelog",
    "training-versions-changelog",
    "training-configurations-changelog",
    "visualization-jobs-changelog",
    "models-changelog",
    "services-changelog",
    "scoring-answers-changelog",
    "scoring-jobs-changelog",
    "scoring-runs-changelog",
    "experiments-changelog",
    "tracked-runs-changelog",
    "access-changelog",
)


@pytest.fixture
def topics() -> Topics:
    """Topics of a default installation."""
    return Topics(Settings())


def spec(topics: Topics, name: str) -> TopicSpec:
    """The topic of that name."""
    return next(spec for spec in topics.all if spec.name == name)


def test_the_topics_of_the_architecture(topics: Topics) -> None:
    """Kebab-case nouns under the prefix, each declared once, each with an attribute of its name in snake case."""
    assert [spec.name for spec in topics.all] == [f"tidecast.{name}" for name in NAMES]
    assert [getattr(topics, name.replace("-", "_")) for name in NAMES] == [f"tidecast.{name}" for name in NAMES]


@pytest.mark.parametrize("prefix", ["", "blue.", "a_b-"])
def test_the_prefix_is_before_every_topic(prefix: str) -> None:
    """Two installations can share a cluster."""
    assert {spec.name for spec in Topics(Settings(topic_prefix=prefix)).all} == {prefix + name for name in NAMES}


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("dataset-commands", "delete"),
        ("job-commands", "delete"),
        ("series-commands", "delete"),
        ("forecasts", "compact,delete"),
        ("model-commands", "delete"),
        ("metrics", "delete"),
        ("job-results", "delete"),
        ("job-status", "compact"),
        ("training-commands", "delete"),
        ("training-runs", "delete"),
        ("training-status", "delete"),
        ("training-logs", "delete"),
        ("transform-commands", "delete"),
        ("inference-requests", "delete"),
        ("inference-results", "delete"),
        ("tracking-commands", "delete"),
        ("audit", "delete"),
        ("project-usage", "compact"),
        ("dead-letters", "delete"),
        ("jobs-changelog", "compact"),
        ("results-changelog", "compact"),
        ("training-jobs-changelog", "compact"),
        ("training-versions-changelog", "compact"),
        ("training-configurations-changelog", "compact"),
        ("visualization-jobs-changelog", "compact"),
        ("transforms-changelog", "compact"),
        ("forecasts-changelog", "compact"),
        ("models-changelog", "compact"),
        ("service-commands", "delete"),
        ("scoring-requests", "delete"),
        ("scoring-results", "delete"),
        ("services-changelog", "compact"),
        ("scoring-answers-changelog", "compact"),
        ("experiments-changelog", "compact"),
        ("tracked-runs-changelog", "compact"),
        ("scoring-job-commands", "delete"),
        ("scoring-runs", "delete"),
        ("scoring-run-status", "delete"),
        ("scoring-jobs-changelog", "compact"),
        ("scoring-runs-changelog", "compact"),
        ("access-commands", "delete"),
        ("observations", "delete"),
        ("dataset-changes", "delete"),
        ("alerts", "delete"),
        ("access-changelog", "compact"),
    ],
)
def test_clean_up(topics: Topics, name: str, policy: str) -> None:
    """State is compacted and never expires; commands and facts expire; the latest forecast does both."""
    config = spec(topics, f"tidecast.{name}").config

    assert config["cleanup.policy"] == policy
    assert ("retention.ms" in config) == ("delete" in policy)


def test_retention() -> None:
    """Days as set: commands and answers to inference once, results four times, dead letters their own."""
    topics = Topics(Settings(event_retention_days=2, dead_letter_retention_days=5))

    def kept(name: str) -> float:
        return int(spec(topics, f"tidecast.{name}").config["retention.ms"]) / DAY_MS

    commands = (
        "dataset-commands",
        "job-commands",
        "series-commands",
        "training-commands",
        "transform-commands",
        "tracking-commands",
    )
    assert {kept(name) for name in (*commands, "training-runs", "inference-requests", "inference-results")} == {2}
    assert {kept(name) for name in ("metrics", "job-results", "forecasts", "training-status", "training-logs")} == {8}
    assert kept("dead-letters") == 5


def test_every_topic_takes_the_largest_message() -> None:
    """Kafka's own limit of 1 MB would refuse long histories."""
    topics = Topics(Settings(max_message_bytes=3_000_000))

    assert {spec.config["max.message.bytes"] for spec in topics.all} == {"3001024"}


def test_settings_are_text_as_kafka_wants_them(topics: Topics) -> None:
    """The admin API takes strings only."""
    assert all(isinstance(value, str) for spec in topics.all for value in spec.config.values())


def test_partitions_are_those_of_the_settings() -> None:
    """The same for every topic, so that tables and their topics are partitioned alike."""
    assert Topics(Settings(partitions=7)).partitions == 7


def test_every_record_type_has_a_topic(topics: Topics) -> None:
    """And no topic carries a record that does not exist."""
    assert {record for spec in topics.all for record in spec.records} == {kind.__name__ for kind in EVENT_TYPES}


def test_public_topics_carry_one_record_type(topics: Topics) -> None:
    """Kafka Connect reads them; only command topics may mix."""
    assert {spec.name for spec in topics.all if len(spec.records) > 1} == {
        "tidecast.access-commands",
        "tidecast.dataset-commands",
        "tidecast.job-commands",
        "tidecast.model-commands",
        "tidecast.scoring-job-commands",
        "tidecast.scoring-runs",
        "tidecast.service-commands",
        "tidecast.tracking-commands",
        "tidecast.training-commands",
        "tidecast.training-runs",
        "tidecast.transform-commands",
    }


def test_subjects(topics: Topics) -> None:
    """TopicNameStrategy where a topic has one record type, RecordNameStrategy where several share it; each once."""
    assert record_subjects(topics) == {
        "AuditRecord": ("tidecast.audit-value",),
        "ProjectUsage": ("tidecast.project-usage-value",),
        "AddProject": ("tidecast.AddProject",),
        "ChangeProject": ("tidecast.ChangeProject",),
        "RevokeProject": ("tidecast.RevokeProject",),
        "AddUser": ("tidecast.AddUser",),
        "ChangeUser": ("tidecast.ChangeUser",),
        "RevokeUser": ("tidecast.RevokeUser",),
        "AddKey": ("tidecast.AddKey",),
        "RevokeKey": ("tidecast.RevokeKey",),
        "RevokeToken": ("tidecast.RevokeToken",),
        "AccessRecord": ("tidecast.access-changelog-value",),
        "AddDataset": ("tidecast.AddDataset",),
        "DeleteDataset": ("tidecast.DeleteDataset",),
        "CreateJob": ("tidecast.CreateJob",),
        "ConfigureJob": ("tidecast.ConfigureJob",),
        "SubmitJob": ("tidecast.SubmitJob",),
        "StopJob": ("tidecast.StopJob",),
        "RefreshJob": ("tidecast.RefreshJob",),
        "StartShadow": ("tidecast.StartShadow",),
        "SwitchShadow": ("tidecast.SwitchShadow",),
        "StopShadow": ("tidecast.StopShadow",),
        "DeleteJob": ("tidecast.DeleteJob",),
        "TrainSeries": ("tidecast.series-commands-value",),
        "Forecast": ("tidecast.forecasts-value", "tidecast.forecasts-changelog-value"),
        "MetricPoint": ("tidecast.metrics-value",),
        "SeriesResult": ("tidecast.job-results-value", "tidecast.results-changelog-value"),
        "JobStatus": ("tidecast.job-status-value",),
        "JobRecord": ("tidecast.jobs-changelog-value",),
        "TrainDeepAR": ("tidecast.TrainDeepAR",),
        "CreateTrainingJob": ("tidecast.CreateTrainingJob",),
        "CreateTrainingVersion": ("tidecast.CreateTrainingVersion",),
        "UpdateTrainingJob": ("tidecast.UpdateTrainingJob",),
        "StopTrainingJob": ("tidecast.StopTrainingJob",),
        "DeleteTrainingVersion": ("tidecast.DeleteTrainingVersion",),
        "DeleteTrainingJob": ("tidecast.DeleteTrainingJob",),
        "CreateTrainingConfiguration": ("tidecast.CreateTrainingConfiguration",),
        "UpdateTrainingConfiguration": ("tidecast.UpdateTrainingConfiguration",),
        "DeleteTrainingConfiguration": ("tidecast.DeleteTrainingConfiguration",),
        "CreateVisualizationJob": ("tidecast.CreateVisualizationJob",),
        "UpdateVisualizationJob": ("tidecast.UpdateVisualizationJob",),
        "StopVisualizationJob": ("tidecast.StopVisualizationJob",),
        "RestartVisualizationJob": ("tidecast.RestartVisualizationJob",),
        "DeleteVisualizationJob": ("tidecast.DeleteVisualizationJob",),
        "RunTrainingVersion": ("tidecast.RunTrainingVersion",),
        "TrainTogether": ("tidecast.TrainTogether",),
        "TrainingStatus": ("tidecast.training-status-value",),
        "TrainingLogChunk": ("tidecast.training-logs-value",),
        "TrainingJobRecord": ("tidecast.training-jobs-changelog-value",),
        "TrainingVersionRecord": ("tidecast.training-versions-changelog-value",),
        "TrainingConfigurationRecord": ("tidecast.training-configurations-changelog-value",),
        "VisualizationJobRecord": ("tidecast.visualization-jobs-changelog-value",),
        "StartTransform": ("tidecast.StartTransform",),
        "StopTransform": ("tidecast.StopTransform",),
        "TransformRecord": ("tidecast.transforms-changelog-value",),
        "InferenceRequest": ("tidecast.inference-requests-value",),
        "InferenceResult": ("tidecast.inference-results-value",),
        "AddModel": ("tidecast.AddModel",),
        "DeleteModel": ("tidecast.DeleteModel",),
        "ModelRecord": ("tidecast.models-changelog-value",),
        "DeployService": ("tidecast.DeployService",),
        "OperateReplica": ("tidecast.OperateReplica",),
        "ScaleService": ("tidecast.ScaleService",),
        "DeleteService": ("tidecast.DeleteService",),
        "ScoringRequest": ("tidecast.scoring-requests-value",),
        "ScoringResult": ("tidecast.scoring-results-value",),
        "ServiceRecord": ("tidecast.services-changelog-value",),
        "ScoringAnswerRecord": ("tidecast.scoring-answers-changelog-value",),
        "CreateExperiment": ("tidecast.CreateExperiment",),
        "TrackRun": ("tidecast.TrackRun",),
        "ExperimentRecord": ("tidecast.experiments-changelog-value",),
        "TrackedRun": ("tidecast.tracked-runs-changelog-value",),
        "GenerateScript": ("tidecast.GenerateScript",),
        "DeployScoringJob": ("tidecast.DeployScoringJob",),
        "DeleteScoringJob": ("tidecast.DeleteScoringJob",),
        "StartScoringRun": ("tidecast.StartScoringRun",),
        "FireScoringJob": ("tidecast.FireScoringJob",),
        "OperateScoringRun": ("tidecast.OperateScoringRun",),
        "Observation": ("tidecast.observations-value",),
        "DatasetGrown": ("tidecast.dataset-changes-value",),
        "Alert": ("tidecast.alerts-value",),
        "ScoreDataset": ("tidecast.ScoreDataset",),
        "EndScoringRun": ("tidecast.EndScoringRun",),
        "ScoringRunStatus": ("tidecast.scoring-run-status-value",),
        "ScoringJobRecord": ("tidecast.scoring-jobs-changelog-value",),
        "ScoringRunRecord": ("tidecast.scoring-runs-changelog-value",),
    }


def test_record_subjects_do_not_follow_the_prefix() -> None:
    """A record's full name is the schema's namespace and name, whatever the topics are called."""
    subjects = record_subjects(Topics(Settings(topic_prefix="blue.")))

    assert subjects["CreateJob"] == ("tidecast.CreateJob",)
    assert subjects["Forecast"] == ("blue.forecasts-value", "blue.forecasts-changelog-value")
