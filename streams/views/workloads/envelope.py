"""Refusals of contract 004: `{"code", "message"}` with the real status (M-071); of a point also which one."""

from enum import StrEnum
from typing import Final

from pydantic import BaseModel

from streams.views.web.envelope import Envelope, codes_by_status

__all__ = ["METRICS"]


class _Code(StrEnum):
    """The contract's codes follow from the status."""

    INVALID = "RequestParameterInvalid"
    UNAUTHENTICATED = "Unauthorized"
    FORBIDDEN = "Forbidden"
    NOT_FOUND = "NotFound"
    METHOD_NOT_ALLOWED = "MethodNotAllowed"
    TIMEOUT = "RequestTimeout"
    CONFLICT = "Conflict"
    TOO_LARGE = "RequestTooLarge"
    UNSUPPORTED_MEDIA_TYPE = "UnsupportedMediaType"
    MISDIRECTED = "Misdirected"
    INTERNAL = "InternalError"
    TOO_MANY = "TooManyRequests"
    UNAVAILABLE = "ServiceUnavailable"
    INSUFFICIENT_STORAGE = "InsufficientStorage"


_CODES: Final = codes_by_status(_Code)


class MetricsError(BaseModel):
    """What went wrong: a name for programs, a sentence for people; of a point its number, from 0, and its field."""

    code: str
    message: str
    element: int | None = None
    field: str | None = None


METRICS: Final = Envelope(
    body=lambda it: {"code": _CODES[it.status], "message": it.message, **it.place},
    shown=MetricsError,
    meanings={
        404: "Nothing was ever heard of this workload, and `strict=true` was asked.",
        503: "The points are being read from the log, or the write could not be confirmed: retry after the seconds "
        "that Retry-After names.",
    },
)
