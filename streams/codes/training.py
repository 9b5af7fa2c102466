"""For programs: what is wrong with training jobs, as ModelArts numbers it (contract T-033)."""

from enum import StrEnum

__all__ = ["TrainingCode"]


class TrainingCode(StrEnum):
    """Beside those of `streams.errors`, which become one of these by their status."""

    NAME_TAKEN = "ModelArts.0103"
    WRONG_PARAMETER = "ModelArts.0104"
    FAILED_OPERATION = "ModelArts.0105"
    LIMIT_REACHED = "ModelArts.0116"
    STATUS_TOO_LARGE = "status_too_large"
    """Only in a dead letter."""
