"""How the HTTP view's connections are served: by uvicorn, with limits to the time that a client may do nothing for."""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["TimedProtocol"]

_HEAD, _UNREAD = "head", "unread body"
_LINGER_S: Final = 10.0  # a client that was answered before it had sent all has so long to notice
_LARGEST_HEAD: Final = 64 * 1024  # bytes: more than a browser sends, with all its cookies
_MUCH: Final = 64 * 1024  # bytes to send: from here on joining them costs more than another call
_PLAIN: Final = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n"
_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\n%sthe head of the request did not come in time: send it again\n" % _PLAIN
)
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n%sthe head of the request is larger than %d bytes: send less\n"
    % (_PLAIN, _LARGEST_HEAD)
)


class _JoinedWrites:
    """A transport that sends together what is written in one turn of the loop: head and body, which uvicorn parts.

    Each send is a call of the kernel, and wakes the client up.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Keep it until the answer is complete, the turn ends, or there is much of it."""
        if not self._parts:
            asyncio.get_running_loop().call_soon(self.flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size >= _MUCH:
            self.flush()

    def flush(self) -> None:
        """Send it now."""
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts, self._size = [], 0

    def close(self) -> None:
        """After all that was written."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class TimedProtocol(HttpToolsProtocol):
    """Uvicorn's, which by itself (0.54) waits for ever for a connection's first request, and for the rest of any head.

    The parser in C takes a third of the time that h11 does of a small request. What h11 has and it has not is here:
    a head has a largest size, and an HTTP/1.1 request one host, which is that of its target where that names one.

    The time of a body is limited by `streams.views.web.limits`, for as long as somebody reads it; of one that nobody
    wants any more here.
    """

    header_timeout_s: float = 20.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        self._timer: asyncio.TimerHandle | None = None
        self._timed = ""  # what the timer is for
        self._heard = False
        self._head = 0  # bytes of a head that is not complete; they may be the end of what came before it, too
        self._in_body = False
        self._joined = _JoinedWrites(transport)
        super().connection_made(cast("asyncio.Transport", self._joined))
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._dismiss()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Look whether it completes what is waited for."""
        self._heard = True
        self._head += len(data)
        super().data_received(data)
        if self._in_body:
            self._head = 0
        elif self._head > _LARGEST_HEAD:
            self._refuse(_TOO_LARGE)
        self._watch()

    def on_headers_complete(self) -> None:
        """Begin to answer. Whatever is raised here is answered by 400."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts != 1 and (hosts or self.parser.get_http_version() == "1.1"):
            raise ValueError("a request has one host")  # RFC 9112, 3.2
        target, mark, query = self.url.partition(b"?")
        if b"://" in target and b"/" not in target.partition(b"://")[2]:
            self.url = b"".join((target, b"/", mark, query))  # the parser finds no path in it
        super().on_headers_complete()
        self.scope["raw_path"] = target  # with the host that it may name, which the guard reads
        self._in_body, self._head = True, 0

    def on_message_complete(self) -> None:
        """What comes next is another request's."""
        super().on_message_complete()
        self._in_body, self._head = False, 0

    def on_response_complete(self) -> None:
        """What the client still sends of this request is of no use."""
        self._joined.flush()
        super().on_response_complete()
        self._watch()

    def _watch(self) -> None:
        """Have a timer run while the client sends a head, or a body that was answered before its end."""
        waits_for = "" if self.transport.is_closing() else self._awaited()
        if waits_for == self._timed:
            return
        self._dismiss()
        if waits_for:
            self._timed = waits_for
            seconds = self.header_timeout_s if waits_for == _HEAD else _LINGER_S
            self._timer = self.loop.call_later(seconds, self._time_is_up)

    def _awaited(self) -> str:
        """What the client has to send; empty where it waits itself, or somebody else has an eye on it."""
        if self.timeout_keep_alive_task is not None:  # between two requests uvicorn has a time of its own
            return ""
        answered = self.cycle is None or self.cycle.response_complete
        if not answered:  # who reads the body limits its time
            return ""
        return _UNREAD if self._in_body else _HEAD

    def _dismiss(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timed = ""

    def _time_is_up(self) -> None:
        if self._timed == _HEAD and self._heard:
            self._refuse(_TOO_SLOW)
        self.transport.close()
        self._dismiss()

    def _refuse(self, answer: bytes) -> None:
        """Close the connection, with this where the client waits for no other answer."""
        if not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(answer)
            self.transport.close()
