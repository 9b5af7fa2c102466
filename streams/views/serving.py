"""How the HTTP view's connections are served: by uvicorn, with limits to the time that a client may do nothing for."""

import asyncio
import math
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

__all__ = ["TimedProtocol"]

_HEAD, _UNREAD = "head", "unread body"
_REFUSED: Final = 400  # statuses from here on
_LINGER_S: Final = 10.0  # a client that was answered before it had sent all has so long to notice
_LITTLE: Final = 64 * 1024  # bytes of a refused body: so many are read, as the next request may come behind them
_BIN: Final = bytearray(1024 * 1024)  # what comes of more than that, where the system does not drop it by itself
_DROPPED: Final = socket.MSG_TRUNC if sys.platform == "linux" else 0  # of TCP: nothing is copied (tcp(7))
_FIRST_S: Final = 0.05  # a client that reads its answer has closed by then; one that sends first goes on
_SELDOM_S: Final = 0.005  # then a gigabyte comes within _LINGER_S
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
        self._given_up = False
        self.keeps: Callable[[], bool] = lambda: False
        """Asked before the connection is closed: whether somebody else has taken it over."""

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
        if self._given_up or not self.keeps():
            self._transport.close()
        self._given_up = True

    def is_closing(self) -> bool:
        """Whether there will be no other request."""
        return self._given_up or self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Unread:
    """Ends a connection whose body was refused before it had come.

    To close it would throw the answer away, with a client that sends all before it reads. So our half is closed, and
    what still comes is dropped for a while: seldom, much at once, and where the system can without a look at it.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + _LINGER_S
        transport.pause_reading()
        transport.write_eof()
        self._socket: socket.socket = transport.get_extra_info("socket").dup()
        self._next = self._loop.call_later(_FIRST_S, self._drop)

    def end(self) -> None:
        """The connection is no more."""
        self._next.cancel()
        self._socket.close()

    def _drop(self) -> None:
        try:
            came = self._socket.recv_into(_BIN, 0, _DROPPED)
        except BlockingIOError:
            came = -1  # nothing yet
        except OSError:
            came = 0
        if came and self._loop.time() < self._until:
            self._next = self._loop.call_later(_SELDOM_S, self._drop)
        else:
            self._transport.abort()


class TimedProtocol(HttpToolsProtocol):
    """Uvicorn's, which by itself (0.54) waits for ever for a connection's first request, and for the rest of any head.

    The parser in C takes a third of the time that h11 does of a small request. What h11 has and it has not is here:
    a head has a largest size, and an HTTP/1.1 request one host, which is that of its target where that names one.

    The time of a body is limited by `streams.views.web.limits`, for as long as somebody reads it; of one that nobody
    wants any more here. A large one that is refused before it has come is not read, and is the connection's last.
    """

    header_timeout_s: float = 20.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        self._timer: asyncio.TimerHandle | None = None
        self._timed = ""  # what the timer is for
        self._heard = False
        self._head = 0  # bytes of a head that is not complete; they may be the end of what came before it, too
        self._in_body = False
        self._left = 0.0  # bytes of the body that have not come; of one without a length all there are
        self._socket = transport
        self._not_wanted = False  # what is left of the body
        self._unread: _Unread | None = None
        self._joined = _JoinedWrites(transport)
        self._joined.keeps = self._is_left_unread
        super().connection_made(cast("asyncio.Transport", self._joined))
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._dismiss()
        if self._unread is not None:
            self._unread.end()
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
        self._left = _length(self.headers)
        if self._left > _LITTLE:
            self.cycle.send = partial(self._send, self.cycle)  # type: ignore[method-assign]

    def on_body(self, body: bytes) -> None:
        """Count it."""
        self._left -= len(body)
        super().on_body(body)

    async def _send(self, cycle: RequestResponseCycle, message: Any) -> None:
        """Tell the client of a refusal that it need not go on."""
        refused = message["type"] == "http.response.start" and message["status"] >= _REFUSED
        if refused and cycle is self.cycle and self._in_body and self._left > _LITTLE:
            cycle.keep_alive = False
            self._not_wanted = True
        await RequestResponseCycle.send(cycle, message)

    def _is_left_unread(self) -> bool:
        if not self._not_wanted or self.cycle is None or not self.cycle.response_complete or self._socket.is_closing():
            return False
        self._dismiss()
        self._unread = _Unread(self._socket)
        return True

    def on_message_complete(self) -> None:
        """What comes next is another request's."""
        super().on_message_complete()
        self._in_body, self._head, self._left = False, 0, 0.0

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


def _length(headers: list[tuple[bytes, bytes]]) -> float:
    """Bytes of the body that these announce."""
    found = dict(headers)
    if b"transfer-encoding" in found:
        return math.inf
    length = found.get(b"content-length", b"0")
    return float(length) if length.isdigit() else math.inf
