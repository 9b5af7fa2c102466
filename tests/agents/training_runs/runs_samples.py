"""Commands to run versions, and what a trainer has told of them."""

import json
from typing import Any

from connectors.objects.training_logs import read_tail
from schemas.training import (
    DeleteTrainingJob,
    DeleteTrainingVersion,
    RunTrainingVersion,
    StopTrainingJob,
    TrainingStatus,
)
from schemas.workloads import MetricPoint
from tests.agents.bench import Worker

__all__ = [
    "DELETE",
    "DELETE_JOB",
    "JOB",
    "NAME",
    "PROJECT",
    "STOP",
    "VERSION",
    "chunks",
    "log_of",
    "points",
    "run",
    "told",
]

PROJECT, JOB, VERSION, NAME = "p1", 7, 12, "sales"
STOP = StopTrainingJob("c-3", PROJECT, JOB, VERSION)
DELETE = DeleteTrainingVersion("c-4", PROJECT, JOB, VERSION)
DELETE_JOB = DeleteTrainingJob("c-5", PROJECT, JOB)


def run(version_id: int = VERSION, command_id: str = "c-1", **config: Any) -> RunTrainingVersion:
    """A command to run a version with this config."""
    fields = {"worker_server_num": 1, "spec_id": 1, **config}
    return RunTrainingVersion(command_id, PROJECT, JOB, version_id, NAME, "V0002", json.dumps(fields))


def told(worker: Worker) -> list[TrainingStatus]:
    """The statuses that are ends."""
    found: list[TrainingStatus] = worker.events(worker.runtime.topics.training_status)
    return [status for status in found if status.status != 8]


def points(worker: Worker) -> list[MetricPoint]:
    """The metric points that were sent."""
    found: list[MetricPoint] = worker.events(worker.runtime.topics.metrics)
    return found


def log_of(worker: Worker, number: int = 0, version_id: int = VERSION) -> list[str]:
    """The lines of a log, as readers find them."""
    return list(read_tail(worker.runtime.store, PROJECT, version_id, number, 1000).lines)


def chunks(worker: Worker) -> list[Any]:
    """What was told on the topic of logs."""
    return worker.events(worker.runtime.topics.training_logs)
