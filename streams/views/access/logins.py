"""What logging in and out has of its own: passwords are tried, tokens made and revoked."""

import asyncio
import uuid
from typing import Any

from fastapi import Request

from connectors.kafka.publisher import DeliveryError, Record
from schemas.access import RevokeToken
from streams.access.authenticator import TOKEN, Authenticator
from streams.access.caller import Caller
from streams.access.directory import KEY
from streams.access.state import AccessState
from streams.access.tokens import Claims
from streams.audit.notes import note_caller
from streams.codes.access import AccessCode
from streams.errors import Code, ConflictError, UnauthenticatedError, UnavailableError
from streams.runtime import StateRuntime
from streams.views.web.admission.password_tries import tried_password

__all__ = ["authenticator_of", "logged_in", "revoke", "wrong"]


def wrong() -> UnauthenticatedError:
    """What to raise of a user, password or token that is not good: whatever is wrong, in the same words."""
    return UnauthenticatedError(AccessCode.UNAUTHENTICATED, "the user, password or token is not valid")


def authenticator_of(state: StateRuntime) -> Authenticator:
    """The process's; RejectedError where there are no tokens."""
    found = AccessState.of(state).authenticator
    if found is None or TOKEN not in state.settings.auth_ways:
        raise ConflictError(
            AccessCode.ACCESS_OFF, "there are no tokens here: send requests without one, or set TIDECAST_AUTH=token"
        )
    return found


async def logged_in(state: StateRuntime, request: Request, user: str, password: str) -> Caller:
    """Who has this name and password; RejectedError where nobody has, or where too many were tried."""
    part = AccessState.of(state)
    who = await tried_password(authenticator_of(state), part.failures, user, password, request.scope)
    if who is None:
        raise wrong()
    note_caller(who)
    return who


async def revoke(state: StateRuntime, claims: Claims) -> None:
    """Let a token be void, at this worker when it returns; RejectedError 503 where that takes too long."""
    directory = AccessState.of(state).directory
    command: Any = RevokeToken(str(uuid.uuid4()), claims.token_id, round(claims.expires * 1000))
    record = Record(state.topics.access_commands, KEY, state.codec.encode(command))
    try:
        async with asyncio.timeout(state.settings.write_timeout_s):
            await state.publisher.send([record])
            await directory.until(lambda: directory.get("token", claims.token_id) is not None)
    except (TimeoutError, DeliveryError):
        raise UnavailableError(Code.NOT_CONFIRMED, "it could not be confirmed in time: send the same again") from None
