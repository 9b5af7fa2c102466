"""Refusals of contract 002: is_success, error_code and error_message, with the real status (T-030 … T-034)."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel

from streams.codes.training import TrainingCode
from streams.views.training.replies import TrainingDoneReply
from streams.views.web.envelope import Envelope, Refusal

__all__ = ["TRAINING", "done"]

_PREFIX: Final = "ModelArts."


class TrainingError(BaseModel):
    """What went wrong: 0103 a name is taken, 0104 a parameter is wrong, 0116 a limit is reached, 0105 anything else."""

    is_success: Literal[False]
    error_code: str
    error_message: str


def _body(told: Refusal) -> Mapping[str, Any]:
    """What has no code of this contract gets the one for its status."""
    code = told.code
    if not code.startswith(_PREFIX):
        code = TrainingCode.WRONG_PARAMETER if told.status == 400 else TrainingCode.FAILED_OPERATION
    return {"is_success": False, "error_message": told.message, "error_code": code}


TRAINING: Final = Envelope(
    body=_body,
    shown=TrainingError,
    meanings={
        400: "The request is wrong, the name is taken or the job's state does not allow it; the message says which.",
        409: "The Idempotency-Key was sent before with another body.",
    },
)


def done(*statuses: int) -> dict[str, Any]:
    """What the API document is told of a route that answers that it is done, or one of these errors."""
    return {"response_model": TrainingDoneReply, "responses": TRAINING.responses(*statuses)}
