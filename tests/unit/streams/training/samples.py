"""What tests of training jobs as values are made of."""

from dataclasses import replace
from typing import Any

import orjson

from schemas.training import CreateTrainingJob, TrainDeepAR, TrainingStatus
from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams.training.configs import Limits
from streams.training.jobs import created

AT = 1_600_000_000_000
LIMITS = Limits(most_workers=16, most_samples=1000)
NEEDED: dict[str, Any] = {"time_freq": "D", "prediction_length": 7}
DEEPAR = TrainDeepAR("c-1", "p1", 11, "flights", "/uploads/flights.jsonl", NEEDED)
CONFIG: dict[str, Any] = {"worker_server_num": 1, "model_id": 1, "spec_id": 1, "data_url": "/uploads/flights.csv"}


def command(config: dict[str, Any] = CONFIG, **changes: Any) -> CreateTrainingJob:
    """A command that creates a job."""
    made = CreateTrainingJob("c-1", "p1", 11, "flights", orjson.dumps(config).decode())
    return replace(made, **changes)


def made(
    sent: CreateTrainingJob | TrainDeepAR | None = None, **stored: Any
) -> tuple[TrainingJobRecord, TrainingVersionRecord | None]:
    """The rows of a new job."""
    return created(sent or command(), stored, LIMITS, at=AT)


def job(**changes: Any) -> TrainingJobRecord:
    """The row of a job with a version."""
    return replace(made()[0], **changes)


def version(sent: CreateTrainingJob | TrainDeepAR | None = None, **changes: Any) -> TrainingVersionRecord:
    """The row of a first version."""
    found = made(sent)[1]
    assert found is not None
    return replace(found, **changes)


def told(status: int, **fields: Any) -> TrainingStatus:
    """What a trainer says of it."""
    return TrainingStatus("p1", 11, 11, status, AT + 1000, **fields)
