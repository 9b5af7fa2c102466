"""Tries a password that came with a request, where not too many have been tried from there."""

import math
import time

from starlette.types import Scope

from streams.access.authenticator import Authenticator
from streams.access.caller import Caller
from streams.access.failures import Failures
from streams.access.passwords import TooManyTriesError
from streams.audit.notes import note_user
from streams.codes.access import AccessCode
from streams.errors import TooManyError

__all__ = ["address_of", "too_often", "tried_password"]


def address_of(scope: Scope) -> str:
    """Where a request came from, as far as this service sees it: behind a proxy that is the proxy."""
    client = scope.get("client")
    return client[0] if client else ""


def too_often(wait_s: float = 1.0) -> TooManyError:
    """What to raise where an address has asked too often without a name."""
    error = TooManyError(
        AccessCode.TOO_MANY_REQUESTS, "too many requests from your address did not show who asks: wait, and log in"
    )
    error.retry_after_s = math.ceil(wait_s)
    return error


async def tried_password(
    authenticator: Authenticator, failures: Failures, user: str, password: str, scope: Scope
) -> Caller | None:
    """Who has this name and password; RejectedError where too many were tried from the request's address, or by all."""
    if authenticator.stamp_of(user) is not None:  # what else stands there may be a password
        note_user(user)
    address = address_of(scope)
    if (known := authenticator.remembered(user, password)) is not None:
        return known  # also while somebody at the same address, which may be a proxy's, guesses
    refused = TooManyError(AccessCode.TOO_MANY_TRIES, "too many passwords were tried: wait a minute")
    if (wait_s := failures.wait_s(address, user, time.monotonic())) > 0:
        refused.retry_after_s = math.ceil(wait_s)
        raise refused
    try:
        who = await authenticator.by_password(user, password, address)
    except TooManyTriesError:
        raise refused from None
    if who is None:
        failures.note(address, user, time.monotonic())
    return who
