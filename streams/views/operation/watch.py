"""Answers that are followed as they change, several by one connection: a browser has six of those, for all of its tabs.

Each address is asked as the client would ask it, with its rights, through all that stands before the views; so an
answer here is what a GET there says, whichever worker owns it.
"""

import asyncio
from collections.abc import AsyncIterator
from hashlib import blake2b
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import ASGIApp, Message

from streams.access.caller import caller
from streams.errors import Code, InvalidError
from streams.views.web.admission.authentication import WATCHER
from streams.views.web.answers import Streams, streams_of
from streams.views.web.door import OPERATION, Door, Doors
from streams.views.web.envelope import PLAIN
from streams.views.web.reading import JsonRoute, State

__all__ = ["DOOR"]

_PING_S: Final = 15  # proxies close a connection that says nothing for half a minute
_PAUSE_S: Final = 1.0  # between two looks; people do not see more
_SHARE: Final = 0.05  # of the time may be spent on looking: long lists are looked at less often
_MOST: Final = 20  # addresses of a stream
_UNKNOWN: Final = (401, 403)  # who may not ask is not told so each second
_LEFT_OUT: Final = (b"accept", b"connection", b"content-length", b"content-type", b"if-none-match", b"last-event-id")

router = APIRouter(prefix="/watch", route_class=JsonRoute)
DOOR = Door(router=router, apart=True, tag=OPERATION, slash=False)


@router.get(
    "", summary="Follow answers as they change", response_class=EventSourceResponse, responses=PLAIN.responses(400, 503)
)
async def watch(
    state: State,
    request: Request,
    path: Annotated[
        list[str],
        Query(
            min_length=1,
            max_length=_MOST,
            description="Addresses with their queries: lists of jobs, endpoints, workloads and data sets, or one job.",
            examples=[["/job/?details=1", "/transform-jobs"]],
        ),
    ],
) -> Response:
    """Events `answer` with `path`, `status` and `body` of each: first as it is now, then whenever it is another one."""
    doors: Doors = request.app.state.doors
    for number, each in enumerate(path, 1):
        if not doors.is_watched(each.partition("?")[0]):
            raise InvalidError(
                Code.INVALID_REQUEST,
                f"path {number}: {each[:80]!r} cannot be watched; lists and single jobs can, such as /job/?details=1",
                {"element": number - 1, "field": "path"},
            )
    streams = streams_of(state)
    streams.check_room(state.settings.max_streams)
    return EventSourceResponse(_events(request, tuple(dict.fromkeys(path)), streams), ping=_PING_S)


async def _events(request: Request, paths: tuple[str, ...], streams: Streams) -> AsyncIterator[ServerSentEvent]:
    """Until the client goes, the process ends, or nothing may be seen any more."""
    clock = asyncio.get_running_loop().time
    known: dict[str, bytes] = {}
    with streams.one():
        while not streams.ending:
            begun, statuses = clock(), []
            for path in paths:
                status, body = await _asked(request, path)
                statuses.append(status)
                digest = blake2b(b"%d" % status + body, digest_size=16).digest()
                if status != 503 and known.get(path) != digest:  # what is being recovered is still what it was
                    known[path] = digest
                    yield ServerSentEvent(_event(path, status, body), event="answer")
            if all(status in _UNKNOWN for status in statuses):
                return
            await asyncio.sleep(max(_PAUSE_S, (clock() - begun) / _SHARE))


def _event(path: str, status: int, body: bytes) -> str:
    """The answer as it is, so that it need not be read to be written again."""
    head = orjson.dumps({"path": path, "status": status})[:-1]
    return (head + b',"body":' + (body or b"null") + b"}").decode()


async def _asked(request: Request, path: str) -> tuple[int, bytes]:
    """Status and body of a GET, by the whole application."""
    app: ASGIApp = request.app
    plain, _, query = path.partition("?")
    kept = ("type", "asgi", "http_version", "server", "client", "scheme", "root_path")
    scope: dict[str, Any] = {name: request.scope[name] for name in kept if name in request.scope} | {
        "method": "GET",
        "path": plain,
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "headers": [(name, value) for name, value in request.scope["headers"] if name not in _LEFT_OUT],
        "extensions": {},
        WATCHER: caller(),
    }
    status, parts = 500, list[bytes]()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, b"".join(parts)
