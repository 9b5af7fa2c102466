"""What the addresses of training jobs and versions answer, for the API document (contract 002)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

__all__ = [
    "ConfigFields",
    "TrainingCreatedReply",
    "TrainingDoneReply",
    "TrainingJobReply",
    "TrainingJobSummary",
    "TrainingJobsReply",
    "TrainingLogFilesReply",
    "TrainingLogReply",
    "TrainingStatus",
    "TrainingVersionFields",
    "TrainingVersionReply",
    "TrainingVersionsReply",
    "VersionCreatedReply",
]

TrainingStatus = Annotated[
    int,
    Field(
        description="1 initialising, 7 queued, 8 running, 9 stopping, 10 completed, 11 failed, 12 stopped, "
        "13 stopped before it ran, 5 could not be begun, 6 could not be removed, 14 lost."
    ),
]


class TrainingDoneReply(BaseModel):
    """It is done."""

    is_success: Literal[True]


class VersionCreatedReply(TrainingDoneReply):
    """The new version."""

    job_id: int
    job_name: str
    status: int = Field(description="1: it is new.")
    create_time: int = Field(description="Epoch milliseconds, as all times.")
    version_id: int = Field(description="Absent where create_version is false; so are the next ones.")
    version_name: str


class TrainingCreatedReply(VersionCreatedReply):
    """The new job and its first version."""

    resource_id: str


class TrainingJobSummary(BaseModel):
    """A job in a list, with the state of its newest version."""

    job_id: int
    job_name: str
    version_id: int | None = Field(None, description="Of the newest version; absent where there is none.")
    status: TrainingStatus | None = Field(None, description="Likewise.")
    create_time: int
    duration: int = Field(description="Milliseconds of training, up to now or to its end.")
    job_desc: str
    version_count: int


class TrainingJobsReply(TrainingDoneReply):
    """One page of the jobs that fit."""

    job_total_count: int = Field(description="Jobs that fit, on all pages.")
    job_count_limit: int = Field(description="How many more jobs the project may have.")
    quotas: int = Field(description="How many versions of the project run at a time; the others wait.")
    jobs: list[TrainingJobSummary]


class TrainingJobReply(TrainingJobSummary, TrainingDoneReply):
    """A job."""

    workspace_id: str


class ConfigFields(BaseModel, protected_namespaces=()):
    """A config as it was sent, and what is known of it."""

    worker_server_num: int | None = None
    app_url: str
    boot_file_url: str
    model_id: int | None = None
    parameter: list[dict[str, Any]] = Field(description="Labels and values, each with the type it came with.")
    spec_id: int | None = None
    spec_code: str
    core: str = Field(description="Cores.")
    cpu: str = Field(description="GiB of memory.")
    gpu: bool
    gpu_num: int
    gpu_type: str
    data_url: str
    dataset_id: str
    dataset_version_id: str
    dataset_name: str
    dataset_version_name: str
    data_source: list[dict[str, Any]]
    engine_type: int | None = None
    engine_name: str
    engine_id: int
    engine_version: str
    train_url: str
    log_url: str
    user_image_url: str
    user_command: str
    pool_id: str
    pool_name: str
    volumes: list[dict[str, Any]]
    nas_mount_path: str
    nas_share_addr: str
    nas_type: str


class TrainingVersionFields(ConfigFields):
    """A version: what was sent, and how far it is."""

    version_id: int = Field(description="The version.")
    version_name: str = Field(description="V0001 and so on; no number is used twice.")
    pre_version_id: int | None = Field(None, description="The version that it comes from.")
    status: TrainingStatus
    create_time: int = Field(description="Epoch milliseconds, as all times.")
    start_time: int | None = Field(None, description="When it began to run; absent before.")
    duration: int
    resource_id: str
    model_metric_list: str = Field(description="JSON in a text: the scores are in total_metric_values.")
    system_metric_list: str | dict[str, Any] = Field(
        description="What it used, one value for each interval: JSON in a text, an object where a single version is "
        "described or ?system_metric_list=object."
    )
    epoch: int = Field(description="Epochs completed.")
    epochs: int = Field(description="Epochs asked for; training may stop earlier.")
    loss: float | None = Field(None, description="Of the last epoch; absent before.")
    validation_loss: float | None = None
    metrics: dict[str, float | None] = Field(description="The scores, in plain form.")
    endpoint: str = Field(description="The endpoint that serves the model; empty until it does.")
    message: str = Field(description="What the user should know: what was ignored, or why it failed.")
    forecast_job_id: int | None = Field(None, description="The job whose GET /job/{job_id}/ has the results.")


class TrainingVersionsReply(TrainingDoneReply):
    """A job and its versions, the newest first."""

    job_id: int
    job_name: str
    job_desc: str
    version_count: int = Field(description="Of all versions, not of those shown.")
    versions: list[TrainingVersionFields]


class TrainingVersionReply(TrainingVersionFields, TrainingDoneReply):
    """One version with its job."""

    job_id: int
    job_name: str
    job_desc: str


class TrainingLogFilesReply(TrainingDoneReply):
    """The logs of a version."""

    log_file_list: list[str] = Field(description="One for each worker; none before it has begun.")


class TrainingLogReply(TrainingDoneReply):
    """A part of a log."""

    content: str = Field(description="The lines, parted by line feeds.")
    lines: int = Field(description="How many there are.")
    next_offset: int = Field(description="The byte after the last one: send it as offset to go on.")
