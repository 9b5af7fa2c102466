"""Refusals that reach a user: over HTTP in the words of a contract, from a topic as a dead letter."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Self

__all__ = [
    "Code",
    "ConflictError",
    "ForbiddenError",
    "InvalidError",
    "NotFoundError",
    "RejectedError",
    "TimedOutError",
    "TooLargeError",
    "TooManyError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnsupportedError",
    "class_name",
]


class Code(StrEnum):
    """For programs: what is wrong, in whatever system. Each system has codes of its own beside these."""

    BROKER_UNREACHABLE = "broker_unreachable"
    COMMAND_ID_REUSED = "command_id_reused"
    FOREIGN_PAGE = "foreign_page"
    GIVEN_UP = "given_up"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    ID_TOO_LONG = "id_too_long"
    INSUFFICIENT_STORAGE = "insufficient_storage"
    INTERNAL_ERROR = "internal_error"
    INVALID_ID = "invalid_id"
    INVALID_NAME = "invalid_name"
    INVALID_REQUEST = "invalid_request"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    MISDIRECTED = "misdirected"
    NAME_TAKEN = "name_taken"
    NOT_CONFIRMED = "not_confirmed"
    NOT_FOUND = "not_found"
    OWNER_UNREACHABLE = "owner_unreachable"
    RECOVERING = "recovering"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    TOO_MANY_STREAMS = "too_many_streams"
    UNKNOWN_FILE = "unknown_file"
    UNKNOWN_PATH = "unknown_path"
    UNSUPPORTED_CHARSET = "unsupported_charset"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    WRONG_CLOCK = "wrong_clock"
    WRONG_KEY = "wrong_key"
    WRONG_TIME = "wrong_time"


class RejectedError(Exception):
    """A request or command is refused and nothing has changed. Its subclass tells what the sender can do about it.

    `status` is that of an HTTP answer, `code` a slug for programs, `message` names the field and the remedy for people.
    `place` says for programs where: `element`, from 0, and `field` (decision 19).
    """

    status: int
    called: ClassVar[str] = "RejectedError"
    """What dead letters and the log call it, whatever can be done about it."""
    retry_after_s: int | None = None
    """When the same may be sent again, where that is known; Retry-After says it, else some seconds."""

    def __init__(self, code: str, message: str, place: Mapping[str, int | str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.place = {} if place is None else place

    def saying(self, message: str, place: Mapping[str, int | str] | None = None) -> Self:
        """A refusal of the same class and code, in the words of whoever knows more of the place."""
        return type(self)(self.code, message, place)


class InvalidError(RejectedError):
    """It can never be followed as it is: mend it."""

    status = 400


class UnauthenticatedError(RejectedError):
    """It does not show who asks: send what does."""

    status = 401


class ForbiddenError(RejectedError):
    """Whoever asks may not: ask somebody who may."""

    status = 403


class NotFoundError(RejectedError):
    """What it names is not there: name another one, or make it first."""

    status = 404


class ConflictError(RejectedError):
    """The present state does not allow it: change that first, or leave it."""

    status = 409


class TooLargeError(RejectedError):
    """It is beyond a limit: send less, or raise the limit."""

    status = 413


class UnsupportedError(RejectedError):
    """It is written in a way that nobody reads here: write it in another one."""

    status = 415


class TooManyError(RejectedError):
    """So often, or so much, is not allowed: send it again later."""

    status = 429


class TimedOutError(RejectedError):
    """It takes longer than it is given: ask for less at once."""

    status = 504


class UnavailableError(RejectedError):
    """Not now: send the same again later."""

    status = 503


def class_name(error: Exception) -> str:
    """What dead letters and the log call an error."""
    return error.called if isinstance(error, RejectedError) else type(error).__name__
