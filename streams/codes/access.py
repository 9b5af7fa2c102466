"""For programs: what is wrong with who asks, and with users, keys and projects."""

from enum import StrEnum

__all__ = ["AccessCode"]


class AccessCode(StrEnum):
    """Beside those of `streams.errors`."""

    ACCESS_OFF = "access_off"
    FORBIDDEN = "forbidden"
    IN_USE = "in_use"
    LAST_ADMINISTRATOR = "last_administrator"
    QUOTA_FULL = "quota_full"
    TOO_MANY_REQUESTS = "too_many_requests"
    TOO_MANY_TRIES = "too_many_tries"
    UNAUTHENTICATED = "unauthenticated"
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_PROJECT = "unknown_project"
    UNKNOWN_USER = "unknown_user"
