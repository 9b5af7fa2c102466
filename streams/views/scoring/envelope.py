"""Answers and refusals of contract 003: whatever is told is under `data` (S-003 … S-005)."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from streams.views.web.answers import json_response
from streams.views.web.envelope import Envelope, Refusal

__all__ = ["SCORING", "Done", "data_response", "slug"]


class _Failed(BaseModel):
    status: Literal[False]


class ScoringError(BaseModel):
    """What went wrong: `data.status` is false, `code` is for programs, `message` for people."""

    data: _Failed
    code: str = Field(description="Such as UnknownModel.")
    message: str


class _Status(BaseModel):
    status: bool


class Done(BaseModel):
    """An action has taken effect."""

    data: _Status


def slug(code: str) -> str:
    """A code as this contract writes it: ``model_in_use`` is ``ModelInUse``."""
    return "".join(part[:1].upper() + part[1:] for part in code.split("_"))


def _body(told: Refusal) -> Mapping[str, Any]:
    return {"data": {"status": False}, "code": slug(told.code), "message": told.message}


SCORING: Final = Envelope(
    body=_body,
    shown={"model": ScoringError},
    meanings={
        404: "There is no such model.",
        409: "The name is taken, or the model is used by a service.",
        504: "No answer within the time limit: send fewer records at once.",
    },
)


def data_response(content: Mapping[str, Any], status: int = 200) -> Response:
    """`{"data": …}`."""
    return json_response({"data": content}, status)
