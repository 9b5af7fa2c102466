"""Refusals of contract 004: `{"code", "message"}` with the real status (M-071); of a point also which one."""

from enum import StrEnum
from typing import Final

from pydantic import BaseModel

from streams.views.web.envelope import Envelope

__all__ = ["METRICS"]


class _Code(StrEnum):
    """The contract's codes follow from the status."""

    INVALID = "RequestParameterInvalid"
    FORBIDDEN = "Forbidden"
    NOT_FOUND = "NotFound"
    METHOD_NOT_ALLOWED = "MethodNotAllowed"
    TIMEOUT = "RequestTimeout"
    CONFLICT = "Conflict"
    TOO_LARGE = "RequestTooLarge"
    UNSUPPORTED_MEDIA_TYPE = "UnsupportedMediaType"
    MISDIRECTED = "Misdirected"
    INTERNAL = "InternalError"
    UNAVAILABLE = "ServiceUnavailable"
    INSUFFICIENT_STORAGE = "InsufficientStorage"


_CODES: Final = {
    400: _Code.INVALID,
    403: _Code.FORBIDDEN,
    404: _Code.NOT_FOUND,
    405: _Code.METHOD_NOT_ALLOWED,
    408: _Code.TIMEOUT,
    409: _Code.CONFLICT,
    413: _Code.TOO_LARGE,
    415: _Code.UNSUPPORTED_MEDIA_TYPE,
    421: _Code.MISDIRECTED,
    500: _Code.INTERNAL,
    503: _Code.UNAVAILABLE,
    504: _Code.TIMEOUT,
    507: _Code.INSUFFICIENT_STORAGE,
}


class MetricsError(BaseModel):
    """What went wrong: a name for programs, a sentence for people; of a point its number, from 0, and its field."""

    code: str
    message: str
    element: int | None = None
    field: str | None = None


METRICS: Final = Envelope(
    body=lambda it: {"code": _CODES.get(it.status, _Code.INVALID), "message": it.message, **it.place},
    shown={"model": MetricsError},
    meanings={
        404: "Nothing was ever heard of this workload, and `strict=true` was asked.",
        503: "The points are being read from the log, or the write could not be confirmed: retry after the seconds "
        "that Retry-After names.",
    },
)
