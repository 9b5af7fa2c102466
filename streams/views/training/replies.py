"""What the addresses of training jobs answer, for the API document (contract 002)."""

from typing import Literal

from pydantic import (
    BaseModel,
    Field,
)

from streams.views.training.bodies import ParameterBody, TrainingStatus

__all__ = [
    "TrainingCreatedReply",
    "TrainingDoneReply",
    "TrainingJobSummary",
    "TrainingJobsReply",
    "TrainingVersionFields",
    "TrainingVersionReply",
    "TrainingVersionsReply",
]


class TrainingDoneReply(BaseModel):
    """It is done."""

    is_success: Literal[True]


class TrainingCreatedReply(TrainingDoneReply):
    """The new job and its first version."""

    job_id: int
    job_name: str
    status: int = Field(description="1: a new job.")
    create_time: int = Field(description="Epoch milliseconds, as all times.")
    version_id: int
    resource_id: str
    version_name: str


class TrainingJobSummary(BaseModel):
    """A job in a list, with the state of its newest version."""

    job_id: int
    job_name: str
    version_id: int
    status: TrainingStatus
    create_time: int
    duration: int = Field(description="Milliseconds of training, up to now or to its end.")
    job_desc: str
    version_count: int


class TrainingJobsReply(TrainingDoneReply):
    """One page of the jobs that fit."""

    job_total_count: int = Field(description="Jobs that fit, on all pages.")
    job_count_limit: int = Field(description="How many more jobs the project may have.")
    quotas: int = Field(description="How many jobs a trainer trains at a time; the others wait.")
    jobs: list[TrainingJobSummary]


class TrainingVersionFields(BaseModel, protected_namespaces=()):
    """A version: what was sent, and how far it is."""

    version_id: int = Field(description="The version.")
    version_name: str = Field(description="V0001 and so on.")
    status: TrainingStatus
    create_time: int = Field(description="Epoch milliseconds, as all times.")
    start_time: int | None = Field(None, description="When it began to run; absent before.")
    duration: int
    model_id: int
    parameter: list[ParameterBody]
    data_url: str
    train_url: str
    log_url: str
    resource_id: str
    model_metric_list: str = Field(description="JSON in a text: the scores are in total_metric_values.")
    epoch: int = Field(description="Epochs completed.")
    epochs: int = Field(description="Epochs asked for; training may stop earlier.")
    loss: float | None = Field(None, description="Of the last epoch; absent before.")
    validation_loss: float | None = None
    metrics: dict[str, float | None] = Field(description="The scores on the validation window, in plain form.")
    endpoint: str = Field(description="The endpoint that serves the model; empty until it does.")
    message: str = Field(description="What the user should know: what was ignored, or why it failed.")


class TrainingVersionsReply(TrainingDoneReply):
    """A job and its versions, the newest first."""

    job_id: int
    job_name: str
    job_desc: str
    version_count: int
    versions: list[TrainingVersionFields]


class TrainingVersionReply(TrainingVersionFields, TrainingDoneReply):
    """One version with its job."""

    job_id: int
    job_name: str
    job_desc: str
