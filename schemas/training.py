"""What is said of training jobs, their versions, configurations and visualizations (contracts 001 and 002).

Times are epoch milliseconds. A `config` is the JSON text of contract 002's fields T-054 … T-070, typed as they came.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from schemas.values import ParameterValue, record

__all__ = [
    "SYSTEM_METRICS",
    "TYPES",
    "CreateTrainingConfiguration",
    "CreateTrainingJob",
    "CreateTrainingVersion",
    "CreateVisualizationJob",
    "DeleteTrainingConfiguration",
    "DeleteTrainingJob",
    "DeleteTrainingVersion",
    "DeleteVisualizationJob",
    "RestartVisualizationJob",
    "RunTrainingVersion",
    "StopTrainingJob",
    "StopVisualizationJob",
    "TrainDeepAR",
    "TrainingLogChunk",
    "TrainingStatus",
    "UpdateTrainingConfiguration",
    "UpdateTrainingJob",
    "UpdateVisualizationJob",
]


SYSTEM_METRICS: Final = (
    "cpuUsage", "memUsage", "gpuUtil", "gpuMemUsage",
    "diskReadRate", "diskWriteRate", "recvBytesRate", "sendBytesRate",
)  # fmt: skip
"""What is measured of a version (T-125), in this order: percent of the machine, and bytes a second."""


@record()
class TrainDeepAR:
    """Create a training job that trains a DeepAR model on a JSON Lines file (contract D-070).

    An endpoint of the job's name serves the model. `data_url` is a path under the data root, such as
    `/uploads/sales.jsonl`. `config` has the other fields of the request as JSON; it is kept and shown. Since there is
    CreateTrainingJob, it says the same as that with model_id 5.
    """

    command_id: str
    project_id: str
    job_id: int
    job_name: str
    data_url: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    job_desc: str = ""
    workspace_id: str = "0"
    train_url: str = ""
    log_url: str = ""
    config: str = "{ }"  # not "{}": Apicurio 3.3 takes no schema with that default


@record()
class CreateTrainingJob:
    """Create a training job and, unless `create_version` in its config is false, its first version.

    `version_id` 0 lets the first version have the job's id. Fields that the config leaves out come from the stored
    configuration `config_name`, where one is named. `project` says whose its files, endpoint and points are: empty, or
    the `project_id`, which may be any text while access control is off.
    """

    command_id: str
    project_id: str
    job_id: int
    job_name: str
    config: str
    job_desc: str = ""
    workspace_id: str = "0"
    version_id: int = 0
    config_name: str = ""
    project: str = ""


@record()
class CreateTrainingVersion:
    """Run a training job once more; `pre_version_id` in the config is the version that it comes from.

    A `job_desc` replaces the job's description.
    """

    command_id: str
    project_id: str
    job_id: int
    version_id: int
    config: str
    job_desc: str | None = None
    config_name: str = ""
    project: str = ""


@record()
class UpdateTrainingJob:
    """Describe a training job anew."""

    command_id: str
    project_id: str
    job_id: int
    job_desc: str


@record()
class StopTrainingJob:
    """Stop a version of a training job; the first may have the job's id. `project` is for trainers: the version's."""

    command_id: str
    project_id: str
    job_id: int
    version_id: int
    project: str = ""


@record()
class DeleteTrainingVersion:
    """Stop a version of a training job, and remove it. The job stays."""

    command_id: str
    project_id: str
    job_id: int
    version_id: int


@record()
class DeleteTrainingJob:
    """Stop a training job's versions, and remove it with all of them and its endpoint."""

    command_id: str
    project_id: str
    job_id: int


@record()
class CreateTrainingConfiguration:
    """Keep a config under a name."""

    command_id: str
    project_id: str
    config_name: str
    config: str
    config_desc: str = ""


@record()
class UpdateTrainingConfiguration:
    """Change a configuration: fields of `config` replace, null clears, what is left out stays (decision 23)."""

    command_id: str
    project_id: str
    config_name: str
    config: str = "{ }"
    config_desc: str | None = None


@record()
class DeleteTrainingConfiguration:
    """Remove a configuration."""

    command_id: str
    project_id: str
    config_name: str


@record()
class CreateVisualizationJob:
    """Show the metrics of the versions that write to `train_url`, for so many hours; 0: until it is stopped."""

    command_id: str
    project_id: str
    job_id: int
    job_name: str
    train_url: str
    job_desc: str = ""
    job_type: str = "tensorboard"
    flavor_code: str = ""
    schedule_hours: int = 0


@record()
class UpdateVisualizationJob:
    """Describe a visualization job anew."""

    command_id: str
    project_id: str
    job_id: int
    job_desc: str


@record()
class StopVisualizationJob:
    """Show nothing more; the job stays."""

    command_id: str
    project_id: str
    job_id: int


@record()
class RestartVisualizationJob:
    """Show again what a stopped visualization job showed, for as many hours as it was made for."""

    command_id: str
    project_id: str
    job_id: int


@record()
class DeleteVisualizationJob:
    """Remove a visualization job."""

    command_id: str
    project_id: str
    job_id: int


@record()
class RunTrainingVersion:
    """For a trainer: run this version; there is nothing else that it has to know."""

    command_id: str
    project_id: str
    job_id: int
    version_id: int
    job_name: str
    version_name: str
    config: str
    project: str = ""


@record()
class TrainingStatus:
    """What a version of a training job has come to; `status` is a number of contract T-041. The last is the outcome.

    `system_metrics` and `model_metrics` are JSON texts as T-125 and T-123 have them; empty: as told before. `log_files`
    is how many workers have a log, `forecast_job_id` the job of contract 000 with the results, `project` whose it is.
    """

    project_id: str
    job_id: int
    version_id: int
    status: int
    at: int
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    endpoint: str | None = None
    message: str | None = None
    system_metrics: str = ""
    model_metrics: str = ""
    log_files: int = 0
    forecast_job_id: int | None = None
    project: str = ""


@record()
class TrainingLogChunk:
    """A piece of the log of one worker of a version; `offset` is the byte of the log where it begins."""

    project_id: str
    job_id: int
    version_id: int
    worker: int
    file_name: str
    offset: int
    text: str
    at: int


TYPES: tuple[type, ...] = (
    TrainDeepAR,
    CreateTrainingJob,
    CreateTrainingVersion,
    UpdateTrainingJob,
    StopTrainingJob,
    DeleteTrainingVersion,
    DeleteTrainingJob,
    CreateTrainingConfiguration,
    UpdateTrainingConfiguration,
    DeleteTrainingConfiguration,
    CreateVisualizationJob,
    UpdateVisualizationJob,
    StopVisualizationJob,
    RestartVisualizationJob,
    DeleteVisualizationJob,
    RunTrainingVersion,
    TrainingStatus,
    TrainingLogChunk,
)
