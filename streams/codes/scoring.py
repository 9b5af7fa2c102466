"""For programs: what is wrong with users' models and what is made of them (contract 003)."""

from enum import StrEnum

__all__ = ["ScoringCode"]


class ScoringCode(StrEnum):
    """Beside those of `streams.errors`; over HTTP they are written ``ModelInUse`` and so on."""

    BAD_INPUT = "bad_input"
    BAD_MODEL = "bad_model"
    MODEL_EXISTS = "model_exists"
    MODEL_IN_USE = "model_in_use"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_OPERATION = "unknown_operation"
    WRONG_TYPE = "wrong_type"
