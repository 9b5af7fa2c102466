"""Tells the audit topic of every write, and of whoever is refused for lack of rights.

A write that was followed is answered once the broker has its event, so that no process that dies takes it along. Where
the broker does not answer within a second, the event waits alone: a log that is away stops nobody's work.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Final

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.audit.log import AuditLog
from streams.audit.notes import RequestNote, note_trace, request_noted
from streams.telemetry.tracing import traced
from streams.views.web.admission.authentication import WATCHER
from streams.views.web.door import Door, Doors

__all__ = ["Audited", "TracedWrites"]

_READS: Final = ("GET", "HEAD", "OPTIONS")
_NO_RIGHT: Final = (401, 403)
_REFUSED: Final = 400  # from here on nothing has been changed
_LONGEST_ACTION: Final = 200
_TOLD_WITHIN_S: Final = 1.0


class Audited:
    """It comes before it is known who asks, for that may be nobody."""

    def __init__(self, app: ASGIApp, audit: AuditLog, doors: Doors) -> None:
        self._app = app
        self._audit = audit
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request be answered, and tell of it."""
        if scope["type"] != "http" or WATCHER in scope:  # what is watched is asked each second
            await self._app(scope, receive, send)
            return
        if scope["method"] in _READS:  # nearly all requests: nothing more is done for them
            await self._read(scope, receive, send)
            return
        answered = False

        async def sending(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start" and not answered:
                answered = True
                told = self._tell_of_write(note, scope, message["status"])
                if told is not None and message["status"] < _REFUSED:
                    await asyncio.wait([told], timeout=_TOLD_WITHIN_S)
            await send(message)

        note = RequestNote("")
        try:
            with request_noted(note):
                await self._app(scope, receive, sending)
        finally:
            if not answered:
                self._tell_of_write(note, scope, 500)

    async def _read(self, scope: Scope, receive: Receive, send: Send) -> None:
        note = RequestNote("")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in _NO_RIGHT and not note.by_hop:
                self._tell(note, scope, message["status"])
            await send(message)

        with request_noted(note):
            await self._app(scope, receive, sending)

    def _tell_of_write(self, note: RequestNote, scope: Scope, status: int) -> "asyncio.Future[Any] | None":
        door = self._doors.at(scope["path"])
        asks = door is not None and door.reads(scope["method"], scope["path"])
        return self._tell(note, scope, status) if not note.by_hop and (not asks or status in _NO_RIGHT) else None

    def _tell(self, note: RequestNote, scope: Scope, status: int) -> "asyncio.Future[Any] | None":
        door = self._doors.at(scope["path"])
        client = scope.get("client")
        address = client[0] if client else ""
        if status >= _REFUSED:
            begins = "" if door is None else door.begins()[0]
            if not self._audit.tells_alone(note.who, status, _action(scope, begins), address):
                return None
        if not note.trace_id:
            with traced() as note.trace_id:
                pass
        template, subject = self._place(scope, door)
        return self._audit.request(note, _action(scope, template), subject, status, address)

    def _place(self, scope: Scope, door: Door | None) -> tuple[str, str]:
        """Template and parameters of an address; both empty where there is none: what was asked may be anything."""
        path: str = scope["path"]
        if door is not None and door.slash is not None:
            path = f"{path.rstrip('/')}/" if door.slash else path.rstrip("/")
        for route in () if door is None else (*door.quick, *_leaves(door.router.routes)):
            match, found = route.matches({**scope, "path": path})
            if match is Match.FULL:
                values = found.get("path_params", {})
                told = " ".join(f"{name}={value}" for name, value in values.items())
                return str(getattr(route, "path", "")), told
        return "", ""


class TracedWrites:
    """Begins the trace of a write that has none, by which its audit event and what came of it belong together.

    It comes after it is known who asks and how often: a trace is a good part of what a refusal costs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request be answered within it."""
        if scope["type"] != "http" or scope["method"] in _READS or WATCHER in scope:
            await self._app(scope, receive, send)
            return
        with traced() as trace_id:
            note_trace(trace_id)
            await self._app(scope, receive, send)


def _leaves(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """The routes of addresses: a router that was included in another is one without a path."""
    for route in routes:
        within = getattr(route, "original_router", None)
        if within is None:
            yield route
        else:
            yield from _leaves(within.routes)


def _action(scope: Scope, place: str) -> str:
    return f"{scope['method']} {place}".rstrip()[:_LONGEST_ACTION]
