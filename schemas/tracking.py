"""What is said of runs that clients of experiment trackers report (contract 004): W&B's and MLflow's.

Times are epoch milliseconds. Their points are `schemas.workloads.MetricPoint`, under the run's workload_uid.
"""

from collections.abc import Mapping
from dataclasses import field

from schemas.values import record

__all__ = ["TYPES", "CreateExperiment", "ExperimentRecord", "TrackRun", "TrackedRun"]


@record()
class CreateExperiment:
    """Begin an experiment, which runs belong to; its id follows from its name."""

    command_id: str
    experiment_id: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)


@record()
class TrackRun:
    """Begin a run, or change what is known of one: what is None or empty stays as it is.

    `begin` is false where the run must be there already. `client` is `wandb` or `mlflow`.
    """

    command_id: str
    workload_uid: str
    run_id: str
    client: str
    begin: bool
    experiment_id: str = ""
    experiment: str = ""
    name: str | None = None
    user: str | None = None
    status: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    deleted: bool | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@record()
class ExperimentRecord:
    """An experiment, as the service keeps it."""

    experiment_id: str
    command_id: str
    name: str
    created_at: int
    tags: Mapping[str, str] = field(default_factory=dict)


@record()
class TrackedRun:
    """A run, as the service keeps it."""

    workload_uid: str
    run_id: str
    client: str
    experiment_id: str
    experiment: str
    name: str
    user: str
    status: str
    created_at: int
    start_time: int
    end_time: int | None = None
    deleted: bool = False
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


TYPES: tuple[type, ...] = (CreateExperiment, TrackRun, ExperimentRecord, TrackedRun)
