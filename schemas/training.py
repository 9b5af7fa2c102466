"""What is said of training jobs (contracts 001 and 002), and the row that is kept of each.

Times are epoch milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.values import ParameterValue

__all__ = ["TYPES", "DeleteTrainingJob", "StopTrainingJob", "TrainDeepAR", "TrainingJobRecord", "TrainingStatus"]


@dataclass(frozen=True, slots=True)
class TrainDeepAR:
    """Create a training job that trains a DeepAR model on a JSON Lines file (contract D-070).

    An endpoint of the job's name serves the model. `data_url` is a path under the data root, such as
    `/uploads/sales.jsonl`. `config` has the other fields of the request as JSON; it is kept and shown.
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


@dataclass(frozen=True, slots=True)
class StopTrainingJob:
    """Stop a version of a training job; the first version has the job's id. The job stays."""

    command_id: str
    project_id: str
    job_id: int
    version_id: int


@dataclass(frozen=True, slots=True)
class DeleteTrainingJob:
    """Stop a training job, and remove it and its endpoint."""

    command_id: str
    project_id: str
    job_id: int


@dataclass(frozen=True, slots=True)
class TrainingStatus:
    """What a training job has come to; `status` is a number of contract T-041. The last one is the outcome."""

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


@dataclass(frozen=True, slots=True)
class TrainingJobRecord:
    """One training job with its version, as the table `training_jobs` keeps it. Times are epoch milliseconds."""

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


TYPES: tuple[type, ...] = (TrainDeepAR, StopTrainingJob, DeleteTrainingJob, TrainingStatus, TrainingJobRecord)
