"""Answers: JSON by orjson, and errors as {status, code, message} (contract J-145)."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Response
from pydantic import BaseModel, Field

__all__ = ["ERRORS", "ErrorBody", "error_response", "json_response"]


class ErrorBody(BaseModel):
    """What went wrong: the HTTP status, a slug for programs, a sentence for people."""

    status: int = Field(description="The HTTP status.")
    code: str = Field(description="For programs.")
    message: str = Field(description="For people: the field, what was found, and the remedy.")
    element: int | None = Field(None, description="The wrong element of an array, from 0; only where it is one.")
    field: str | None = Field(None, description="The field of that element.")


_MEANINGS = {
    400: "The request is wrong; the message names the field and the remedy.",
    404: "There is no such thing.",
    408: "The body stopped coming: send it again.",
    409: "The present state does not allow it.",
    413: "The request is larger than a limit.",
    415: "The content type or encoding is not supported.",
    503: "Not ready, or the write could not be confirmed in time: retry after the seconds that Retry-After names.",
    507: "The object store is full; nothing has changed.",
}
# For the API page: a code that goes with each status, and there are others.
_CODES = {
    400: "invalid_request",
    404: "unknown_job",
    408: "timeout",
    409: "name_taken",
    413: "too_large",
    415: "unsupported_media_type",
    503: "not_confirmed",
    507: "insufficient_storage",
}


def ERRORS(*statuses: int) -> dict[int | str, dict[str, Any]]:  # noqa: N802  # reads as the constant that it stands for
    """The `responses` argument of a route that may answer these errors."""
    return {status: _documented(status) for status in statuses}


def _documented(status: int) -> dict[str, Any]:
    meaning = _MEANINGS[status]
    example = {"status": status, "code": _CODES[status], "message": meaning}
    return {"model": ErrorBody, "description": meaning, "content": {"application/json": {"example": example}}}


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`content` as JSON; non-finite numbers become null."""
    return Response(
        orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS),
        status_code=status,
        media_type="application/json",
        headers=dict(headers or {}),
    )


def error_response(status: int, code: str, message: str, place: Mapping[str, int | str] | None = None) -> Response:
    """An error in this API's envelope; `place` says where, as `RejectedError` has it."""
    headers = {"Retry-After": "2"} if status == 503 else {}  # a rebalance or a broker's restart takes about that
    return json_response({"status": status, "code": code, "message": message, **(place or {})}, status, headers)
