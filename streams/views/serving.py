"""How the HTTP view's connections are served: by uvicorn, with limits to the time that a client may do nothing for."""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http import h11_impl

__all__ = ["TimedProtocol"]

_LINGER_S: Final = 10.0  # a client that was answered before it had sent all has so long to notice
_H11: Any = cast("Any", h11_impl).h11  # what uvicorn has, whichever version that is
_IDLE, _SENDING = _H11.IDLE, _H11.SEND_BODY
_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n"
    b"the head of the request did not come in time: send it again\n"
)


class TimedProtocol(h11_impl.H11Protocol):
    """Uvicorn's, which by itself (0.54) waits for ever for a connection's first request, and for the rest of any head.

    The time of a body is limited by `streams.views.web.limits`, for as long as somebody reads it; of one that nobody
    wants any more here.
    """

    header_timeout_s: float = 20.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        self._timer: asyncio.TimerHandle | None = None
        self._timed: Any = None  # what the timer waits for: the state that the client is in
        self._heard = False
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._dismiss()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Look whether it completes what is waited for."""
        self._heard = True
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """What the client still sends of this request is of no use."""
        super().on_response_complete()
        self._watch()

    def _watch(self) -> None:
        """Have a timer run while the client sends a head, or a body that was answered before its end."""
        state: Any = self.conn.their_state
        if state is _SENDING and not (self.cycle is not None and self.cycle.response_complete):
            state = None  # somebody reads it
        if state is self._timed and self._timer is not None:
            return
        self._dismiss()
        if state in (_IDLE, _SENDING) and not self.transport.is_closing() and not self._rests():
            self._timed = state
            seconds = self.header_timeout_s if state is _IDLE else _LINGER_S
            self._timer = self.loop.call_later(seconds, self._time_is_up)

    def _rests(self) -> bool:
        """Whether it is between two requests, for which uvicorn has a time of its own."""
        return self.timeout_keep_alive_task is not None

    def _dismiss(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timed = None

    def _time_is_up(self) -> None:
        if not self.transport.is_closing():
            if self._timed is _IDLE and self._heard:
                self.transport.write(_TOO_SLOW)
            self.transport.close()
        self._dismiss()
