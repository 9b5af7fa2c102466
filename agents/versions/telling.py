"""How statuses and metric points of versions are sent."""

import math
import time

from connectors.kafka.publisher import Record
from schemas.training import TrainingStatus
from streams.runtime import TrainerRuntime

__all__ = ["finite", "now", "status_record"]


def status_record(runtime: TrainerRuntime, status: TrainingStatus) -> Record:
    """A status as it is sent."""
    return Record(runtime.topics.training_status, status.project_id.encode(), runtime.codec.encode(status))


def finite(value: float | None) -> float | None:
    """The value, None where it is infinite or no number, which JSON does not know."""
    return None if value is None or not math.isfinite(value) else value


def now() -> int:
    """The time in epoch milliseconds."""
    return round(time.time() * 1000)
