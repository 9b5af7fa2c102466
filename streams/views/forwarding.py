"""Requests about what another state worker owns are passed on to it; lists are put together from all of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from yarl import URL

from streams.errors import RejectedError
from streams.ownership import other_workers, owned_partitions, owner_elsewhere
from streams.recovery import is_ready
from streams.runtime import StateRuntime
from streams.views.answers import error_response
from streams.views.requests import BodyRefusedError, has_body
from streams.views.writes import noted_id

__all__ = ["OwnerForwarding", "from_others"]

_HOP = "x-tidecast-forwarded"
_NOT_PASSED_ON = {b"host", b"connection", b"transfer-encoding", b"content-length", b"keep-alive"}
_CHUNK = 256 * 1024
_LIST_TIMEOUT = aiohttp.ClientTimeout(total=10)


class OwnerForwarding:
    """Answers what belongs to a job, and writes of data sets, on the owner; 503 while that is not settled."""

    def __init__(self, app: ASGIApp, runtime: StateRuntime) -> None:
        self._app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to this process's views or to the owner."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        resource, key = _addressed(request)
        reads_tables = resource == "job" and (key is not None or request.method == "GET")
        if reads_tables and not is_ready(self._runtime.app):
            response = error_response(503, "recovering", "the job's state is being recovered or is moving to a worker")
            await response(scope, receive, send)
            return
        owner = None if resource is None or _HOP in request.headers else await self._owner(request, resource, key)
        if owner is None:
            await self._app(scope, receive, send)
        else:
            await self._forward(owner, request, send)

    async def _owner(self, request: Request, resource: str, key: int | None) -> URL | None:
        """The owner's address, None where this worker can answer."""
        app = self._runtime.app
        if resource == "data" and request.method in ("GET", "HEAD"):
            return None  # every worker sees the object store
        if key is None and request.method == "POST":
            key = await asyncio.to_thread(noted_id, self._runtime.store, request)
            if key is None and not owned_partitions(app):
                return next(iter(other_workers(app)), None)
        return None if key is None else owner_elsewhere(app, key)

    async def _forward(self, owner: URL, request: Request, send: Send) -> None:
        url = owner.with_path(request.scope["path"]).with_query(request.url.query)
        headers: Any = [
            (k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw if k not in _NOT_PASSED_ON
        ]
        headers.append((_HOP, "1"))
        body = _Body(request)
        started = False
        try:
            async with self._runtime.app.http_client.request(
                request.method, url, headers=headers, data=body.stream(), allow_redirects=False
            ) as answer:
                raw = [
                    (k.lower().encode("latin-1"), v.encode("latin-1"))
                    for k, v in answer.headers.items()
                    if k.lower().encode("latin-1") not in _NOT_PASSED_ON
                ]
                started = True
                await send({"type": "http.response.start", "status": answer.status, "headers": raw})
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except (aiohttp.ClientError, TimeoutError):
            if started:
                raise  # the client must see that the answer is incomplete
            if body.refused is not None:
                raise body.refused from None
            response = error_response(503, "owner_unreachable", "the worker that owns this does not answer")
            await response(request.scope, request.receive, send)


class _Body:
    """A request's body on its way to another worker; `refused` is why it could not be read to its end."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.refused: BodyRefusedError | None = None

    def stream(self) -> AsyncIterator[bytes] | None:
        """Its chunks; None where there is no body."""
        return self._chunks() if has_body(self._request) else None

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._request.stream():
                yield chunk
        except BodyRefusedError as error:
            self.refused = error
            raise


async def from_others(state: StateRuntime, request: Request, member: str) -> list[Any]:
    """The items of a list that the other workers have; `member` is the answer's field. None for a worker's question.

    RejectedError 503 where one does not answer: a list with holes would be a wrong answer.
    """
    if _HOP in request.headers:
        return []

    async def ask(worker: URL) -> Sequence[Any]:
        url = worker.with_path(request.url.path)
        async with state.app.http_client.get(url, headers={_HOP: "1"}, timeout=_LIST_TIMEOUT) as answer:
            answer.raise_for_status()
            items: Sequence[Any] = (await answer.json())[member]
            return items

    try:
        answers = await asyncio.gather(*map(ask, other_workers(state.app)))
    except (aiohttp.ClientError, TimeoutError):
        raise RejectedError(503, "owner_unreachable", "a worker that owns some of the jobs does not answer") from None
    return [item for items in answers for item in items]


def _addressed(request: Request) -> tuple[str | None, int | None]:
    """`job` or `data`, and the id after it; None for what every worker answers by itself."""
    parts = request.scope["path"].split("/", 3)
    if len(parts) < 3 or parts[1] not in ("job", "data"):
        return None, None
    if parts[2] == "":
        return parts[1], None
    # Digits only, and no more than an id can have: the views refuse the rest.
    if parts[2].isascii() and parts[2].isdecimal() and len(parts[2]) <= 20:
        return parts[1], int(parts[2])
    return None, None
