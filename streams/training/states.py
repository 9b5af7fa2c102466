"""The numbers that contract 002 has for what a job has come to (T-041), and which of them are used here (T-042)."""

from enum import IntEnum
from typing import Final

__all__ = ["ENDED", "LARGEST_STATUS", "TOLD", "TrainingState"]


class TrainingState(IntEnum):
    """What a version of a job, or a visualization job, may have come to here."""

    INITIALISING = 1
    SUBMIT_FAILED = 5
    DELETE_FAILED = 6
    QUEUED = 7
    RUNNING = 8
    STOPPING = 9
    COMPLETED = 10
    FAILED = 11
    STOPPED = 12
    CANCELLED = 13
    LOST = 14


_OUTCOMES: Final = frozenset(
    (
        TrainingState.SUBMIT_FAILED,
        TrainingState.COMPLETED,
        TrainingState.FAILED,
        TrainingState.STOPPED,
        TrainingState.CANCELLED,
        TrainingState.LOST,
    )
)
ENDED: Final = _OUTCOMES | {TrainingState.DELETE_FAILED}
"""What goes no further by itself."""
TOLD: Final = _OUTCOMES | {TrainingState.QUEUED, TrainingState.RUNNING}
"""What a trainer may say."""
LARGEST_STATUS: Final = 21
"""Contract T-041 has more numbers than are used here; a filter may name them."""
