"""Requests for a job that another state worker owns are passed on to it (Faust's router knows which one)."""

from typing import Any

import aiohttp
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from yarl import URL

from streams.recovery import is_ready
from streams.runtime import StateRuntime
from streams.views.answers import error_response

__all__ = ["OwnerForwarding"]

_HOP = b"x-tidecast-forwarded"
_NOT_PASSED_ON = {b"host", b"connection", b"transfer-encoding", b"content-length", b"keep-alive"}


class OwnerForwarding:
    """Answers `/job/{job_id}/…` on the worker that owns the job; 503 while that is not settled."""

    def __init__(self, app: ASGIApp, runtime: StateRuntime) -> None:
        self._app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to this process's views or to the owner."""
        job_id = _job_id(scope)
        if job_id is None:
            await self._app(scope, receive, send)
            return
        if not is_ready(self._runtime.app):
            response = error_response(503, "recovering", "the job's state is being recovered or is moving to a worker")
            await response(scope, receive, send)
            return
        owner = self._owner(job_id)
        if owner is None or any(name == _HOP for name, _ in scope["headers"]):
            await self._app(scope, receive, send)
            return
        await self._forward(owner, Request(scope, receive), send)

    def _owner(self, job_id: str) -> URL | None:
        """The owner's address, None where it is this worker."""
        app = self._runtime.app
        try:
            url = app.router.key_store("jobs", job_id.encode())
        except KeyError:  # the assignment does not name one yet: our own table answers 404 at worst
            return None
        own = app.conf.canonical_url
        return None if (url.host, url.port) == (own.host, own.port) else url

    async def _forward(self, owner: URL, request: Request, send: Send) -> None:
        url = owner.with_path(request.scope["path"]).with_query(request.url.query)
        headers: Any = [
            (k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw if k not in _NOT_PASSED_ON
        ]
        headers.append((_HOP.decode(), "1"))
        try:
            async with self._runtime.app.http_client.request(
                request.method, url, headers=headers, data=await request.body(), allow_redirects=False
            ) as answer:
                raw = [
                    (k.lower().encode("latin-1"), v.encode("latin-1"))
                    for k, v in answer.headers.items()
                    if k.lower().encode("latin-1") not in _NOT_PASSED_ON
                ]
                await send({"type": "http.response.start", "status": answer.status, "headers": raw})
                async for chunk in answer.content.iter_chunked(256 * 1024):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except aiohttp.ClientConnectionError:
            response = error_response(503, "owner_unreachable", "the worker that owns the job does not answer")
            await response(request.scope, request.receive, send)


def _job_id(scope: Scope) -> str | None:
    if scope["type"] != "http":
        return None
    parts = scope["path"].split("/", 3)
    if len(parts) < 3 or parts[1] != "job" or not (parts[2].isascii() and parts[2].isdecimal()):
        return None
    return parts[2].lstrip("0")  # the views read 007 as 7, and the owner is found by the key as it is stored
