"""Errors of contract 001: `{"code", "message"}` with the real status (D-081)."""

from typing import Any, Final

from fastapi import Response
from pydantic import BaseModel

from streams.views.web.answers import json_response
from streams.views.web.envelope_route import EnvelopeRoute

__all__ = ["REFUSALS", "ServingRoute", "refusal"]

_CODES: Final = {
    400: "ValidationError",
    403: "ForbiddenError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    408: "TimeoutError",
    409: "ConflictError",
    413: "TooLargeError",
    415: "UnsupportedMediaTypeError",
    421: "MisdirectedError",
    500: "InternalError",
    503: "UnavailableError",
    507: "InsufficientStorageError",
}
_MEANINGS: Final = {
    400: "The request is wrong; the message names the field and the remedy.",
    404: "There is no such thing.",
    408: "The body stopped coming: send it again.",
    409: "The present state does not allow it.",
    413: "The request is larger than a limit.",
    415: "The content type or encoding is not supported.",
    503: "Not ready, or the write could not be confirmed in time: retry after the seconds that Retry-After names.",
}


class ServingError(BaseModel):
    """What went wrong: a name for programs, a sentence for people."""

    code: str
    message: str


def REFUSALS(*statuses: int) -> dict[int | str, dict[str, Any]]:  # noqa: N802  # as `ERRORS` of the other views
    """The `responses` argument of a route that may answer these errors."""
    return {status: {"model": ServingError, "description": _MEANINGS[status]} for status in statuses}


class ServingRoute(EnvelopeRoute):
    """A route whose refusals have this envelope."""

    @staticmethod
    def refused(status: int, message: str, code: str = "") -> Response:
        """An error in this envelope, whose codes follow from the status."""
        del code
        return refusal(status, message)


def refusal(status: int, message: str) -> Response:
    """An error in this envelope."""
    headers = {"Retry-After": "2"} if status == 503 else {}  # a rebalance or a broker's restart takes about that
    return json_response({"code": _CODES[status], "message": message}, status, headers)
