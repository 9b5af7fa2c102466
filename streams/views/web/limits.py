"""Limits of request bodies: their size, the time that they may take, and how they may be written."""

import asyncio
import re
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.errors import Code
from streams.settings import Settings
from streams.views.web.door import BodyLimit, Doors
from streams.views.web.packed_bodies import UnpackedBody, is_packed, unpacked_scope
from streams.views.web.reading import BodyRefusedError, too_large

__all__ = ["BodyLimits", "CountedBody"]

_CHARSET: Final = re.compile(rb";\s*charset\s*=\s*\"?([^\";\s]*)", re.IGNORECASE)
_UTF_8: Final = (b"utf-8", b"utf8", b"us-ascii")


class BodyLimits:
    """Refuses bodies above the limit: before they are read where their length is given, else once they pass it.

    And bodies that come too slowly: what counts is the time that was spent on waiting for them.
    """

    def __init__(self, app: ASGIApp, settings: Settings, doors: Doors) -> None:
        self._app = app
        self._settings = settings
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        door = self._doors.at(scope["path"])
        limit = BodyLimit() if door is None else door.body_limit
        body = CountedBody(scope, receive, self._settings, limit)
        counted: Receive = body
        if door is not None and door.packed and is_packed(scope):
            counted = UnpackedBody(body, limit.of(self._settings), limit.variable)
            scope = unpacked_scope(scope)
            body.packed = True
        try:
            await self._app(scope, counted, send)
        except BodyRefusedError as error:  # met by another middleware; the views' are answered by the application
            envelope = self._doors.envelope_at(scope["path"])
            await envelope.refusal(error.status_code, error.code, error.detail)(scope, receive, send)


class CountedBody:
    """What a request's body is received by."""

    def __init__(self, scope: Scope, receive: Receive, settings: Settings, limit: BodyLimit) -> None:
        self._headers = dict(scope["headers"])
        self._receive = receive
        self._settings = settings
        self._limit, self._name = limit.of(settings), limit.variable
        self._read = 0
        self._waited = 0.0
        self._ended = False
        self.packed = False

    async def __call__(self) -> Message:
        """The next message; BodyRefusedError where there is too much, or it comes too slowly."""
        if self._ended:  # what may still come is that the client has gone, for which there is no hurry
            return await self._receive()
        if not self._read:
            self._check()
        message = await self._next()
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self._read > self._limit:
                raise too_large(self._limit, self._name)
        return message

    async def _next(self) -> Message:
        """The next part, within the time that what has come so far allows."""
        clock = asyncio.get_running_loop().time
        silence = self._settings.body_timeout_s
        left = silence + self._read / self._settings.min_body_rate - self._waited
        begun = clock()
        try:
            async with asyncio.timeout(max(0.0, min(silence, left))):
                message = await self._receive()
        except TimeoutError:
            # Where the last silence is most of the time, that is what was wrong.
            raise self._too_slow(silence=clock() - begun >= self._waited) from None
        self._waited += clock() - begun
        return message

    def _too_slow(self, *, silence: bool) -> BodyRefusedError:
        seconds, rate = self._settings.body_timeout_s, self._settings.min_body_rate
        if silence:
            text = f"no byte of the body came for {seconds:g} s: send it again"
        else:
            text = (
                f"only {self._read} bytes of the body came in time: one that takes longer than {seconds:g} s must come "
                f"with {rate} bytes a second; send it quicker or in parts, or raise TIDECAST_BODY_TIMEOUT_S"
            )
        return BodyRefusedError(408, Code.TIMEOUT, text)

    def _check(self) -> None:
        encoding = self._headers.get(b"content-encoding", b"identity")
        if encoding.lower() != b"identity" and not self.packed:
            raise BodyRefusedError(415, Code.UNSUPPORTED_ENCODING, "Content-Encoding: send the body uncompressed")
        kind = self._headers.get(b"content-type", b"")
        charset = _CHARSET.search(kind) if kind.lower().startswith(b"multipart/") else None
        if charset is not None and charset[1].lower() not in _UTF_8:  # it would be any codec that Python has
            raise BodyRefusedError(
                415, Code.UNSUPPORTED_CHARSET, "Content-Type: send a form in UTF-8, or name no charset"
            )
        length = self._headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._limit:
            raise too_large(self._limit, self._name)
