"""Bodies of signed requests: their digest is part of what was signed."""

import asyncio
import hashlib
import hmac
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from starlette.types import Message, Receive

from streams.codes.access import AccessCode
from streams.views.web.reading import BodyRefusedError

__all__ = ["CheckedBody", "KeptBody"]

_IN_MEMORY: Final = 8 * 1024 * 1024  # bytes; what is longer lies on the disk until the request is answered
_PART: Final = 256 * 1024


class CheckedBody:
    """Hands a body on whose digest was told, and was signed; the last part only where it is right."""

    def __init__(self, receive: Receive, digest: str) -> None:
        self._receive = receive
        self._digest = digest
        self._made = hashlib.sha256()
        self._ended = False

    async def __call__(self) -> Message:
        """The next message; BodyRefusedError at the end of another body."""
        message = await self._receive()
        if message["type"] == "http.request" and not self._ended:
            self._made.update(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self._ended and not hmac.compare_digest(self._made.hexdigest(), self._digest):
                text = "the body is not the one that was signed: its SHA-256 is another one than the header says"
                raise BodyRefusedError(401, AccessCode.UNAUTHENTICATED, text)
        return message


class KeptBody:
    """Reads a body to its end, for its digest, and then hands it on."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._kept: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by `close`
        self._length = self._told = 0
        self._done = False

    async def digest(self) -> str:
        """Its SHA-256, once it has been read; BodyRefusedError where it cannot be."""
        made = hashlib.sha256()
        while True:
            message = await self._receive()
            if message["type"] != "http.request":  # the client has gone
                break
            body: bytes = message.get("body", b"")
            made.update(body)
            self._length += len(body)
            await self._write(body)
            if not message.get("more_body", False):
                break
        self._kept.seek(0)
        return made.hexdigest()

    async def _write(self, body: bytes) -> None:
        if self._length > _IN_MEMORY:
            await asyncio.to_thread(self._kept.write, body)
        else:
            self._kept.write(body)

    async def __call__(self) -> Message:
        """The next message."""
        if self._done:
            return await self._receive()
        part = self._kept.read(_PART) if self._length <= _IN_MEMORY else await asyncio.to_thread(self._kept.read, _PART)
        self._told += len(part)
        self._done = self._told >= self._length
        return {"type": "http.request", "body": part, "more_body": not self._done}

    def close(self) -> None:
        """Forget it."""
        self._kept.close()
