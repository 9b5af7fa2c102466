"""Refusals of contract 001: `{"code", "message"}` with the real status (D-081)."""

from enum import StrEnum
from typing import Final

from pydantic import BaseModel

from streams.views.web.envelope import Envelope, codes_by_status

__all__ = ["INVOCATIONS", "SERVING"]


class _Code(StrEnum):
    """The contract's codes follow from the status."""

    INVALID = "ValidationError"
    UNAUTHENTICATED = "UnauthenticatedError"
    FORBIDDEN = "ForbiddenError"
    NOT_FOUND = "NotFoundError"
    METHOD_NOT_ALLOWED = "MethodNotAllowedError"
    TIMEOUT = "TimeoutError"
    CONFLICT = "ConflictError"
    TOO_LARGE = "TooLargeError"
    UNSUPPORTED_MEDIA_TYPE = "UnsupportedMediaTypeError"
    MISDIRECTED = "MisdirectedError"
    INTERNAL = "InternalError"
    TOO_MANY = "TooManyRequestsError"
    UNAVAILABLE = "UnavailableError"
    INSUFFICIENT_STORAGE = "InsufficientStorageError"


_CODES: Final = codes_by_status(_Code)


class ServingError(BaseModel):
    """What went wrong: a name for programs, a sentence for people."""

    code: str
    message: str


class InvocationError(BaseModel):
    """What went wrong: a name for programs, a sentence for people, and the number of the wrong instance, from 0."""

    code: str
    message: str
    instance: int | None = None


SERVING: Final = Envelope(body=lambda it: {"code": _CODES[it.status], "message": it.message}, shown=ServingError)
"""Of transform jobs and files."""

INVOCATIONS: Final = Envelope(
    body=SERVING.body,
    shown=InvocationError,
    meanings={
        400: "The request is wrong: the message says what, `instance` where.",
        404: "There is no such endpoint.",
        413: "The request is larger than a limit, or would take longer than there is time.",
        500: "The model failed on this request.",
        503: "Nothing can be computed at the moment: retry after the seconds that Retry-After names.",
        504: "No answer in time: send fewer series, or ask for fewer samples.",
    },
)
"""Of endpoints; which instance is wrong, their models say themselves."""
