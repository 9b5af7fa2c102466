"""Requests about what another state worker owns are passed on to it; lists are put together from all of them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import aiohttp
from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from yarl import URL

from streams import idempotency
from streams.access.caller import caller
from streams.errors import Code, UnavailableError
from streams.rows.ownership import other_workers, owned_partitions, owner_elsewhere
from streams.rows.recovery import is_ready
from streams.runtime import StateRuntime
from streams.views.web.admission.hops import came_by_hop, hops_of
from streams.views.web.commands import note_name
from streams.views.web.door import Door, Doors, Owned
from streams.views.web.reading import BodyRefusedError, has_body

__all__ = ["OwnerForwarding", "from_others", "passed_on", "told_others"]

_OF_THE_CONNECTION = {b"host", b"connection", b"transfer-encoding", b"content-length", b"keep-alive"}
# The hop says who asks. Whoever pretended to be an owner would be sent what it takes to ask in a user's name.
_CREDENTIALS = {b"authorization", b"x-auth-token", b"cookie"}
# What a browser says of the page that a request comes from was looked at here; the owner has another name than this
# worker, and would take our own page for a foreign one.
_OF_THE_PAGE = {b"origin", b"referer", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest", b"sec-fetch-user"}
_CHUNK = 256 * 1024
_LIST_TIMEOUT = aiohttp.ClientTimeout(total=10)
_DEFAULT_ALONE: Final = "there is nothing here for your project: what is at this address is the default project's alone"
_UNREACHABLE: Final = "the worker that owns this does not answer"


class OwnerForwarding:
    """Answers what belongs to a job of any kind, and writes of data sets, on the owner; 503 while that is unsettled."""

    def __init__(self, app: ASGIApp, runtime: StateRuntime, doors: Doors) -> None:
        self._app = app
        self._runtime = runtime
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to this process's views or to the owner."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        door = self._doors.at(scope["path"])
        if door is not None and not door.apart and caller().project:
            await door.envelope.refusal(404, Code.NOT_FOUND, _DEFAULT_ALONE)(scope, receive, send)
            return
        owned = None if door is None or door.owner is None else door.owner(scope["path"])
        if door is None or owned is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        if _reads_tables(request, owned) and not is_ready(self._runtime.app):
            text = "the job's state is being recovered or is moving to a worker"
            await door.envelope.refusal(503, Code.RECOVERING, text)(scope, receive, send)
            return
        owner = None if came_by_hop(request.scope) else await self._owner(request, owned)
        if owner is None:
            await self._app(scope, receive, send)
        else:
            await self._forward(owner, request, send, door)

    async def _owner(self, request: Request, owned: Owned) -> URL | None:
        """The owner's address, None where this worker can answer."""
        app, key = self._runtime.app, owned.key
        if not owned.in_tables and request.method in ("GET", "HEAD"):
            return None  # every worker sees the object store
        if key is None and owned.minted and request.method == "POST":
            name = note_name(request, request.headers.get("idempotency-key"))
            note = None if name is None else await asyncio.to_thread(idempotency.find, self._runtime.store, name)
            if note is None and not owned_partitions(app):
                return next(iter(other_workers(app)), None)
            key = None if note is None else b"%d" % note.minted
        return None if key is None else owner_elsewhere(app, key)

    async def _forward(self, owner: URL, request: Request, send: Send, door: Door) -> None:
        body = _Body(request)
        started = False
        try:
            async with _asked(self._runtime, owner, request, body.stream()) as answer:
                started = True
                raw = _headers_of(answer)
                await send({"type": "http.response.start", "status": answer.status, "headers": raw})
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except (aiohttp.ClientError, TimeoutError):
            if started:
                raise  # the client must see that the answer is incomplete
            refused = body.refused
            if refused is not None:
                response = door.envelope.refusal(refused.status_code, refused.code, refused.detail)
            else:
                response = door.envelope.refusal(503, Code.OWNER_UNREACHABLE, _UNREACHABLE)
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


async def passed_on(state: StateRuntime, request: Request, key: bytes) -> Response | None:
    """What the owner of the key answers to the request, whose body has been read; None where this worker owns it.

    For what `OwnerForwarding` cannot know, as it reads no bodies. RejectedError 503 where the owner does not answer.
    """
    owner = None if came_by_hop(request.scope) else owner_elsewhere(state.app, key)
    if owner is None:
        return None
    form = request.headers.get("content-type", "").startswith("multipart/")
    body = await _form_again(request) if form else await request.body()
    try:
        async with _asked(state, owner, request, body) as answer:
            response = Response(await answer.read(), answer.status)
            response.raw_headers += _headers_of(answer)
            return response
    except (aiohttp.ClientError, TimeoutError):
        raise UnavailableError(Code.OWNER_UNREACHABLE, _UNREACHABLE) from None


async def told_others(state: StateRuntime, request: Request) -> None:
    """Send the request, which has no body, to all other workers too; none for what a worker has sent.

    RejectedError 503 where one does not answer: sent again it is complete.
    """
    if came_by_hop(request.scope):
        return

    async def tell(worker: URL) -> None:
        url = worker.with_path(request.url.path)
        signed = hops_of(state).header(request.method, url)
        async with state.app.http_client.request(request.method, url, headers=signed, timeout=_LIST_TIMEOUT) as answer:
            answer.raise_for_status()

    try:
        await asyncio.gather(*map(tell, other_workers(state.app)))
    except (aiohttp.ClientError, TimeoutError):
        raise UnavailableError(Code.OWNER_UNREACHABLE, "a worker does not answer: send the same again") from None


async def from_others(
    state: StateRuntime, request: Request, *members: str, path: str | None = None, query: str = ""
) -> list[Any]:
    """The items of a list that the others have; `members` lead to it in the answer. None for a worker's question.

    Where they lead to no list, what they lead to is an item of its own.
    They are asked at `path`, with a `query`; where there is none, at the request's.

    RejectedError 503 where one does not answer: a list with holes would be a wrong answer.
    """
    if came_by_hop(request.scope):
        return []

    async def ask(worker: URL) -> Sequence[Any]:
        url = worker.with_path(path or request.url.path).with_query(query or None)
        signed = hops_of(state).header("GET", url)
        async with state.app.http_client.get(url, headers=signed, timeout=_LIST_TIMEOUT) as answer:
            answer.raise_for_status()
            items: Any = await answer.json()
            for member in members:
                items = items[member]
            return items if isinstance(items, list) else [items]

    try:
        answers = await asyncio.gather(*map(ask, other_workers(state.app)))
    except (aiohttp.ClientError, TimeoutError):
        raise UnavailableError(Code.OWNER_UNREACHABLE, "a worker that owns some of the jobs does not answer") from None
    return [item for items in answers for item in items]


async def _form_again(request: Request) -> aiohttp.FormData:
    """A form that has been read, its files among it, which lie on the disk."""
    form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            form.add_field(name, value)
        else:
            await value.seek(0)
            form.add_field(name, value.file, filename=value.filename, content_type=value.content_type)
    return form


def _asked(state: StateRuntime, owner: URL, request: Request, body: Any) -> Any:
    """What another worker is sent so that it answers this request itself."""
    left_out = (
        _OF_THE_CONNECTION
        | _OF_THE_PAGE
        | _CREDENTIALS
        | ({b"content-type"} if isinstance(body, aiohttp.FormData) else set())
    )
    headers: Any = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw if k not in left_out]
    query = f"?{request.url.query}" if request.url.query else ""
    url = URL(f"{owner.with_path(request.scope['path'])}{query}", encoded=True)  # with_query would escape it again
    headers += hops_of(state).header(request.method, url).items()
    return state.app.http_client.request(request.method, url, headers=headers, data=body, allow_redirects=False)


def _headers_of(answer: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    """An answer's headers, less those of the connection that it came by."""
    pairs = ((k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers.items())
    return [(k, v) for k, v in pairs if k not in _OF_THE_CONNECTION]


def _reads_tables(request: Request, owned: Owned) -> bool:
    """Whether it takes a recovered table to answer; who creates something under a new id only needs the id."""
    return owned.in_tables and (not owned.minted or owned.key is not None or request.method == "GET")
