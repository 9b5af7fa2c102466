"""Shapes of the answers, for the API document, and of the body that takes points."""

from typing import Annotated

from pydantic import BaseModel, Field

from streams.views.web.reading import SEVERAL

__all__ = [
    "AcceptedReply",
    "AvailableReply",
    "PlacesReply",
    "PointParameters",
    "PointsBody",
    "PointsReply",
    "WorkloadsReply",
]


class WorkloadItem(BaseModel):
    """A workload (M-011)."""

    workload_uid: str
    name: str
    kind: str = Field(
        description="forecast, training-job, run, wandb-run, mlflow-run; unknown for a producer that is not ours."
    )
    status: str = Field(description="running, paused, succeeded, failed, stopped, or unknown.")
    create_time: int = Field(description="When it was created or began, or its first point came, epoch milliseconds.")


class WorkloadsReply(BaseModel):
    """All workloads, the newest first."""

    workloads: list[WorkloadItem]
    total_count: int


class MetricItem(BaseModel):
    """A metric (M-021 … M-023)."""

    name: str
    data_source: list[str]
    count: int = Field(description="Points of all sources together.")


class AvailableReply(BaseModel):
    """The metrics of a workload, in order of first appearance."""

    workload_uid: str
    metrics: list[MetricItem]
    total_count: int = Field(description="Number of metrics.")


class Point(BaseModel):
    """A point: every one has all five fields (M-052)."""

    metric_name: str = Field(description="What was measured.")
    value: float | None = Field(description="null: could not be computed, or was not finite.")
    timestamp: int = Field(description="Epoch milliseconds.")
    iteration: int = Field(description="The training step.")
    data_source: str = Field(description="log, wandb or tensorflow.")


class PointsReply(BaseModel):
    """Points by time, then iteration, then arrival."""

    workload_uid: str
    data_source: str | None = Field(None, description="The filter, where it was given.")
    data: list[Point]
    total_count: int


class PointParameters(BaseModel):
    """What may be asked of points; other names are ignored, near-misses of these are refused (M-036)."""

    metrics: Annotated[str | None, SEVERAL] = Field(None, description="Names, parted by commas; absent: all.")
    data_source: Annotated[str | None, SEVERAL] = Field(
        None, description="log, wandb, tensorflow, parted by commas; absent: all."
    )
    start: str | None = Field(None, description="First time, epoch milliseconds; with `end`.")
    end: str | None = Field(None, description="Last time, epoch milliseconds; with `start`.")
    tail: str | None = Field(None, description="Only so many points, the last ones.")
    max_points: str | None = Field(None, description="Thin each series to so many points, for a chart.")
    format: str | None = Field(None, description="json, or csv as pandas would write it.")


class PointsBody(BaseModel):
    """Points to be kept."""

    data: list[Point]


class AcceptedReply(BaseModel):
    """How many points were taken; those that were there already are taken too."""

    accepted: int


class PlaceItem(BaseModel):
    """How far a partition of the topic is in the view."""

    partition: int
    place: int
    end: int
    current: bool


class PlacesReply(BaseModel):
    """How far the view is."""

    partitions: list[PlaceItem]
