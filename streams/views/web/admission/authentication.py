"""Nobody comes in without showing who asks, and nobody does what the role does not allow.

It comes after the checks of hosts and pages, and before all that reads a body. What is signed is the path as it came;
what the role must be follows from the path that is answered, which is the same for everything behind this.
"""

import asyncio
import base64
import binascii
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.access.authenticator import AK_SK, TOKEN, Authenticator, project_named
from streams.access.caller import NOBODY, Caller, calling
from streams.access.failures import Failures
from streams.access.signatures import is_signed
from streams.access.state import AccessState
from streams.audit.notes import note_caller, note_hop
from streams.codes.access import AccessCode
from streams.errors import (
    Code,
    ForbiddenError,
    NotFoundError,
    RejectedError,
    UnauthenticatedError,
)
from streams.runtime import StateRuntime
from streams.views.web.admission.buckets import Rates
from streams.views.web.admission.hops import hops_of
from streams.views.web.admission.password_tries import address_of, too_often, tried_password
from streams.views.web.admission.signed_requests import Admitted, SignedRequests
from streams.views.web.door import BodyLimit, Door, Doors
from streams.views.web.limits import CountedBody
from streams.views.web.reading import BodyRefusedError

__all__ = ["COOKIE", "WATCHER", "Authentication", "sent_token"]

COOKIE: Final = "tidecast_session"
"""In which browsers have their token."""
_PAGES: Final = ("/docs", "/openapi.json", "/static-offline-docs")  # they have no door, and no data
_LOOK_S: Final = 1.0  # how soon a stream ends whose token has become void
_ONCE: Final = (b"authorization", b"x-auth-token", b"x-project-id")
_READS: Final = ("GET", "HEAD", "OPTIONS")
_LONGEST_SHOWN: Final = 80  # characters of a path that a message repeats
_REFUSED: Final = "the token, password or key is not valid, or not any more"
_MISSING: Final[Mapping[str, str]] = {
    TOKEN: "send a token of POST /v3/auth/tokens as X-Auth-Token or Authorization: Bearer",
    AK_SK: "sign the request with a key (SDK-HMAC-SHA256 or AWS4-HMAC-SHA256)",
}
_SCHEMES: Final[Mapping[str, str]] = {TOKEN: "Bearer", AK_SK: "SDK-HMAC-SHA256"}
WATCHER: Final = "tidecast.watcher"
"""In the scope of what `GET /watch` asks of the application by itself: whose stream it is.

A signature is of one address, and so of no use at those that are watched; the stream ends when its key does.
"""
_Headers = Mapping[bytes, bytes]
_ByNow = Callable[[], Caller | None]
"""Whom that by which somebody came in lets in by now."""
_Found = tuple[Caller, Admitted | None, _ByNow]
"""Who asks, how a signed request goes on, and who it is by now."""


class Authentication:
    """Lets in whoever shows who asks, and tells the views; what other workers pass on is marked.

    Where access control is off it only looks for that mark.
    """

    def __init__(self, app: ASGIApp, runtime: StateRuntime, doors: Doors) -> None:
        self._app = app
        self._doors = doors
        self._settings = runtime.settings
        self._hops = hops_of(runtime)
        self._ways = [way for way in (TOKEN, AK_SK) if way in runtime.settings.auth_ways]
        self._authenticator = AccessState.of(runtime).authenticator if self._ways else None
        self._failures = AccessState.of(runtime).failures if self._ways else Failures()
        self._signed = None if self._authenticator is None else SignedRequests(self._authenticator)
        per_s, at_once = runtime.settings.requests_per_s, runtime.settings.request_burst
        self._refusals = Rates(per_s, at_once) if per_s else None  # what nobody's name is on is counted by address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may come in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope, forwarded = self._hops.marked(scope)
        if forwarded is not None:
            note_hop()
            with calling(forwarded):
                await self._app(scope, receive, send)
        elif self._authenticator is None:
            await self._app(scope, receive, send)
        else:
            await self._admit(self._authenticator, scope, receive, send)

    async def _admit(self, authenticator: Authenticator, scope: Scope, receive: Receive, send: Send) -> None:
        door = self._doors.at(scope["path"])
        if _is_open(door, scope):
            with calling(NOBODY):
                await self._app(scope, receive, send)
            return
        admitted: Admitted | None = None
        try:
            who, admitted, by_now = await self._found(authenticator, scope, receive, door)
            note_caller(who)
            who = _in_asked_project(authenticator, who, scope)
            _check_role(who, door, scope)
        except (RejectedError, BodyRefusedError) as error:
            await self._refuse(error, scope, receive, send)
        else:
            note_caller(who)

            def is_good() -> bool:
                return _is_still(who, by_now(), authenticator, scope)

            with calling(who):
                if admitted is None:
                    await self._app(scope, _while_good(is_good, scope, receive), send)
                else:
                    await self._pass_on(admitted, _while_good(is_good, scope, admitted.receive), scope, send)
        finally:
            if admitted is not None and admitted.kept is not None:
                admitted.kept.close()

    async def _found(self, authenticator: Authenticator, scope: Scope, receive: Receive, door: Door | None) -> _Found:
        """Who asks; RejectedError where that is not shown."""
        _check_once(scope)
        headers = dict(scope["headers"])
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        if is_signed(authorization) and self._signed is not None and AK_SK in self._ways:
            if (watcher := scope.get(WATCHER)) is not None:
                return watcher, None, lambda: watcher
            body = CountedBody(scope, receive, self._settings, BodyLimit() if door is None else door.body_limit)
            body.packed = door is not None and door.packed
            once = not (door is not None and door.reads(scope["method"], scope["path"]))
            admitted = await self._signed.admitted(scope, body, authorization, once=once)
            key = admitted.access_key
            return admitted.caller, admitted, lambda: found[0] if (found := authenticator.by_key(key)) else None
        token = sent_token(headers)
        if token is None and not authorization:
            raise UnauthenticatedError(
                AccessCode.UNAUTHENTICATED, f"who asks? {', or '.join(_MISSING[way] for way in self._ways)}"
            )
        who = authenticator.by_token(token) if token is not None and TOKEN in self._ways else None
        if who is not None and token is not None:
            sent = token
            return who, None, lambda: authenticator.by_token(sent)
        found = None
        if authorization[:6].lower() == "basic ":
            found = await self._by_basic(authenticator, authorization[6:], scope)
        if found is None:
            raise UnauthenticatedError(AccessCode.UNAUTHENTICATED, _REFUSED)
        return found[0], None, found[1]

    async def _by_basic(self, authenticator: Authenticator, encoded: str, scope: Scope) -> tuple[Caller, _ByNow] | None:
        """For clients that know nothing else: a name and a password, anything and a token, a key and its secret.

        W&B's sends one secret word, of a key here, and a name of its own.
        """
        try:
            name, _, word = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if AK_SK in self._ways and (known := authenticator.by_secret(name, word)) is not None:
            return known, lambda: authenticator.by_secret(name, word)
        if TOKEN not in self._ways:
            return None
        if (known := authenticator.by_token(word)) is not None:
            return known, lambda: authenticator.by_token(word)
        beyond = self._refusals is not None and self._refusals.is_beyond(address_of(scope), time.monotonic())
        if beyond and authenticator.remembered(name, word) is None:
            raise too_often()
        stamp = authenticator.stamp_of(name)
        known = await tried_password(authenticator, self._failures, name, word, scope)
        if known is None:
            return None
        return known, lambda: authenticator.named(name) if authenticator.stamp_of(name) == stamp else None

    async def _pass_on(self, admitted: Admitted, receive: Receive, scope: Scope, send: Send) -> None:
        """Let the views answer; what they could not follow for lack of a worker may be sent again as it is.

        The signature stands for a write also at workers that have not seen it: there it is an Idempotency-Key.
        """
        if scope["method"] not in _READS and not any(key == b"idempotency-key" for key, _ in scope["headers"]):
            key = (b"idempotency-key", f"signature {admitted.signature}".encode())
            scope = {**scope, "headers": [*scope["headers"], key]}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 429 and self._signed is not None:
                self._signed.replays.forget(admitted.signature)
            await send(message)

        await self._app(scope, receive, sending)

    async def _refuse(
        self, error: RejectedError | BodyRefusedError, scope: Scope, receive: Receive, send: Send
    ) -> None:
        envelope = self._doors.envelope_at(scope["path"])
        if isinstance(error, UnauthenticatedError) and self._refusals is not None:
            wait_s = self._refusals.wait_s(address_of(scope), time.monotonic())
            error = too_often(wait_s) if wait_s else error
        if isinstance(error, BodyRefusedError):
            answer = envelope.refusal(error.status_code, error.code, error.detail)
        else:
            answer = envelope.rejected(error)
        if answer.status_code == 401:
            answer.headers["WWW-Authenticate"] = ", ".join(f'{_SCHEMES[way]} realm="tidecast"' for way in self._ways)
        await answer(scope, receive, send)


def _check_once(scope: Scope) -> None:
    """Refuse what would be looked at once by what is before this service, and another time by it."""
    names = [name for name, _ in scope["headers"] if name in _ONCE]
    for name in names:
        if names.count(name) > 1:
            raise UnauthenticatedError(
                AccessCode.UNAUTHENTICATED, f"{name.decode()}: is sent more than once; send it once"
            )


def sent_token(headers: _Headers) -> str | None:
    """The token that a request carries: as X-Auth-Token, as Bearer, or in a browser's cookie."""
    token = headers.get(b"x-auth-token")
    if token is not None:
        return token.decode("latin-1")
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    if authorization:
        return authorization[7:].strip() if authorization[:7].lower() == "bearer " else None
    cookie = headers.get(b"cookie")
    if cookie is None:
        return None
    try:
        morsel = SimpleCookie(cookie.decode("latin-1")).get(COOKIE)
    except CookieError:
        return None
    return None if morsel is None else morsel.value


def _is_still(who: Caller, now: Caller | None, authenticator: Authenticator, scope: Scope) -> bool:
    """Whether it is the same caller by now, in the same project and role: else a stream would go on in the old ones."""
    try:
        return now is not None and _in_asked_project(authenticator, now, scope) == who
    except RejectedError:
        return False


def _while_good(is_good: Callable[[], bool], scope: Scope, receive: Receive) -> Receive:
    """Where a GET is received: for a stream its client is as good as gone once what it came in by is void."""
    if scope["method"] != "GET":
        return receive

    async def receiving() -> Message:
        waiting = asyncio.ensure_future(receive())
        try:
            while True:
                done, _ = await asyncio.wait((waiting,), timeout=_LOOK_S)
                if done:
                    return waiting.result()
                if not is_good():
                    return {"type": "http.disconnect"}
        finally:
            waiting.cancel()

    return receiving


def _is_open(door: Door | None, scope: Scope) -> bool:
    path: str = scope["path"]
    if door is not None:
        return door.is_open(scope["method"], path)
    return any(path == page or path.startswith(f"{page}/") for page in _PAGES)


def _in_asked_project(authenticator: Authenticator, who: Caller, scope: Scope) -> Caller:
    """In the project that X-Project-Id names (T-022), which must be the caller's."""
    asked = next((value for key, value in scope["headers"] if key == b"x-project-id"), None)
    if asked is None:
        return who
    found = authenticator.in_project(who, project_named(asked.decode("latin-1")))
    if found is None:
        raise ForbiddenError(AccessCode.FORBIDDEN, f"X-Project-Id: is not the project of {who.name}: leave it out")
    return found


def _check_role(who: Caller, door: Door | None, scope: Scope) -> None:
    if door is None:  # whatever routes may find there: it would be asked without a role
        shown = scope["path"][:_LONGEST_SHOWN]
        raise NotFoundError(Code.NOT_FOUND, f"there is nothing at {shown}: /docs lists the addresses")
    least = door.least(scope["method"], scope["path"])
    if who.role < least:
        text = f"{who.name} is {who.role.name.lower()}, and this takes the role {least.name.lower()}"
        raise ForbiddenError(AccessCode.FORBIDDEN, text)
