"""Bodies that come gzipped, unpacked as they are read: no more of one is in memory than the limit allows."""

import zlib
from typing import Final

from starlette.types import Message, Receive, Scope

from streams.errors import Code
from streams.views.web.reading import BodyRefusedError, too_large

__all__ = ["UnpackedBody", "is_packed", "unpacked_scope"]

_GZIP: Final = 31  # zlib's number for gzip's header and checksum
_CHUNK: Final = 256 * 1024  # bytes that are unpacked at a time


def is_packed(scope: Scope) -> bool:
    """Whether the body is declared as gzipped; any other encoding is refused elsewhere."""
    encoding: bytes = dict(scope["headers"]).get(b"content-encoding", b"")
    return encoding.strip().lower() == b"gzip"


def unpacked_scope(scope: Scope) -> Scope:
    """The request as if its body had come unpacked, its length unknown."""
    left_out = (b"content-encoding", b"content-length", b"transfer-encoding")
    headers = [pair for pair in scope["headers"] if pair[0] not in left_out]
    return {**scope, "headers": [*headers, (b"transfer-encoding", b"chunked")]}


class UnpackedBody:
    """What a gzipped body is received by: its content, up to the limit."""

    def __init__(self, receive: Receive, limit: int, variable: str) -> None:
        self._receive = receive
        self._limit, self._variable = limit, variable
        self._unpacker = zlib.decompressobj(_GZIP)
        self._packed = b""
        self._more = True
        self._read = 0

    async def __call__(self) -> Message:
        """The next part; BodyRefusedError where it is no gzip, or holds more than the limit."""
        while True:
            if not self._packed and self._more:
                message = await self._receive()
                if message["type"] != "http.request":
                    return message
                self._packed, self._more = message.get("body", b""), message.get("more_body", False)
            elif not self._packed and self._unpacker.eof:
                return await self._receive()  # that the client has gone
            part = self._unpacked()
            self._read += len(part)
            if self._read > self._limit:
                raise too_large(self._limit, self._variable)
            ended = not self._packed and not self._more
            if ended and not self._unpacker.eof:
                raise _wrong("ends too early")
            if part or ended:
                return {"type": "http.request", "body": part, "more_body": not ended}

    def _unpacked(self) -> bytes:
        try:
            part = self._unpacker.decompress(self._packed, _CHUNK)
        except zlib.error:
            raise _wrong("is none") from None
        self._packed = self._unpacker.unconsumed_tail
        return part


def _wrong(what: str) -> BodyRefusedError:
    return BodyRefusedError(400, Code.INVALID_REQUEST, f"Content-Encoding: the body is declared as gzip and {what}")
