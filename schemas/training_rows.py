"""What the state keeps of training jobs, their versions, configurations and visualizations: the rows of its tables.

Times are epoch milliseconds.
"""

from collections.abc import Mapping
from dataclasses import field

from schemas.values import ParameterValue, record

__all__ = [
    "TYPES",
    "TrainingConfigurationRecord",
    "TrainingJobRecord",
    "TrainingVersionRecord",
    "VisualizationJobRecord",
]


@record()
class TrainingJobRecord:
    """A training job, as the table `training_jobs` keeps it, with what lists show of its newest version.

    `next_version` is the number of the next version, which is never that of another one. A row whose next_version is 0
    was written by a release that had one version in each job, and has all that is known of it. `version_id` is 0 while
    there is no version.
    """

    project_id: str
    job_id: int
    job_name: str
    version_id: int
    version_name: str
    command_id: str
    create_time: int
    status: int
    data_url: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    job_desc: str = ""
    workspace_id: str = "0"
    train_url: str = ""
    log_url: str = ""
    start_time: int | None = None
    changed: int | None = None
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    endpoint: str | None = None
    message: str | None = None
    config: str = "{ }"  # not "{}": Apicurio 3.3 takes no schema with that default
    note: str | None = None
    digest: str = ""
    run_offset: int = -1
    next_version: int = 0
    version_count: int = 0


@record()
class TrainingVersionRecord:
    """A version of a training job, as the table `training_versions` keeps it; `given`: a trainer will find it."""

    project_id: str
    job_id: int
    version_id: int
    number: int
    version_name: str
    job_name: str
    command_id: str
    create_time: int
    status: int
    config: str
    pre_version_id: int = 0
    digest: str = ""
    start_time: int | None = None
    changed: int | None = None
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    endpoint: str | None = None
    message: str | None = None
    note: str | None = None
    run_offset: int = -1
    given: bool = False
    system_metrics: str = ""
    model_metrics: str = ""
    log_files: int = 0
    forecast_job_id: int | None = None
    project: str = ""


@record()
class TrainingConfigurationRecord:
    """A stored configuration, as the table `training_configurations` keeps it."""

    project_id: str
    config_name: str
    command_id: str
    create_time: int
    config: str
    config_desc: str = ""
    digest: str = ""


@record()
class VisualizationJobRecord:
    """A visualization job, as the table `visualization_jobs` keeps it; it stops by itself at `until`."""

    project_id: str
    job_id: int
    job_name: str
    command_id: str
    create_time: int
    status: int
    train_url: str
    job_desc: str = ""
    job_type: str = "tensorboard"
    flavor_code: str = ""
    schedule_hours: int = 0
    start_time: int | None = None
    until: int | None = None
    changed: int | None = None
    digest: str = ""


TYPES: tuple[type, ...] = (
    TrainingJobRecord,
    TrainingVersionRecord,
    TrainingConfigurationRecord,
    VisualizationJobRecord,
)
