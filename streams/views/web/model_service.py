"""Refusals of contract 003: `data.status` is false, and beside it a slug and a sentence (S-005)."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel

from streams.views.web.envelope import Envelope, Refusal

__all__ = ["MODEL_SERVICE", "ActionReply"]


class ModelServiceRefusal(BaseModel):
    status: Literal[False]


class ModelServiceError(BaseModel):
    """What went wrong: a slug for programs, a sentence for people."""

    data: ModelServiceRefusal
    code: str
    message: str


class ModelServiceAnswer(BaseModel):
    status: Literal[True]


class ActionReply(BaseModel):
    """What was asked for has been done (S-004)."""

    data: ModelServiceAnswer


def _body(told: Refusal) -> Mapping[str, Any]:
    slug = "".join(part[:1].upper() + part[1:] for part in told.code.split("_"))
    return {"data": {"status": False}, "code": slug, "message": told.message, **told.place}


MODEL_SERVICE: Final = Envelope(
    body=_body,
    shown=ModelServiceError,
    meanings={504: "No answer within the time limit: send less at once."},
)
"""Of models, services, data sets by name, scripts, jobs and runs."""
