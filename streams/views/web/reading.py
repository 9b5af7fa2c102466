"""Reading requests: their kinds, JSON by orjson, and the runtime that a view works with."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Annotated, Any, Final, TypeVar, cast, get_args, get_origin

import orjson
from fastapi import Depends, Path, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticKnownError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.json_words import json_problem, without_mark
from streams.checks import ID_LIMIT
from streams.errors import Code, InvalidError, UnsupportedError
from streams.runtime import StateRuntime
from streams.views.web.door import Doors
from streams.views.web.strict import slip, unknown_field

__all__ = [
    "PLAIN_ID",
    "SEVERAL",
    "BodyRefusedError",
    "DataId",
    "ForgivingRoute",
    "HeadAsGet",
    "JobId",
    "JsonRoute",
    "QuickPost",
    "SlashPaths",
    "State",
    "address",
    "content_type",
    "has_body",
    "json_by_default",
    "read_by",
    "runtime",
    "sent_as_form",
    "sent_as_json",
    "too_large",
]

_LONG_BODY = 16 * 1024  # bytes: reading them takes about as long as the way to a thread and back
_OTHERWISE = (b"prefer", b"idempotency-key")  # who sends these wants something else than an answer at once
_MOST_NAMES: Final = 100  # of a query
_READ_BY = "tidecast_read_by"
SEVERAL: Final = "tidecast.several"
"""In the metadata of a parameter of one type that may come several times; the view reads all its values."""
_View = TypeVar("_View", bound=Callable[..., Any])


async def runtime(request: Request) -> StateRuntime:  # async, lest FastAPI calls it in a thread
    """The runtime of the process that serves the request."""
    return cast("StateRuntime", request.app.state.runtime)


def _digits(text: object) -> object:
    """What is written otherwise would be a number to the view, and nobody's to `by_id`, which finds the owner."""
    if isinstance(text, str) and not re.fullmatch(r"-?(0|[1-9][0-9]*)", text, re.ASCII):
        raise PydanticKnownError("int_parsing")
    return text


PLAIN_ID = BeforeValidator(_digits)
"""An id in a path is digits alone: Python takes 5.0, +5, 05 and 5_0 for numbers, too."""

State = Annotated[StateRuntime, Depends(runtime)]
JobId = Annotated[int, PLAIN_ID, Path(ge=1, le=ID_LIMIT, description="The job.")]
DataId = Annotated[int, PLAIN_ID, Path(ge=1, le=ID_LIMIT, description="The data set.")]


def address(request: Request, path: str) -> str:
    """The whole address of a path, as an answer names it: below TIDECAST_PUBLIC_URL, else as the request came."""
    state = cast("StateRuntime", request.app.state.runtime)
    return f"{state.settings.public_url or str(request.base_url).rstrip('/')}{path}"


class _JsonRequest(Request):
    read: Callable[[bytes], Any]

    async def json(self) -> Any:
        body = without_mark(await self.body())
        try:
            return await asyncio.to_thread(self.read, body) if len(body) > _LONG_BODY else self.read(body)
        except orjson.JSONDecodeError as error:
            problem = json_problem(error, body)
            raise json.JSONDecodeError(problem.words, error.doc, problem.byte) from None


class JsonRoute(APIRoute):
    """A route whose JSON bodies are read by orjson: ten times quicker, and it refuses NaN and endless nesting.

    A view that is decorated with `read_by` has them read by a function of its own. What has one value in the query is
    refused where it has two, and so is what the route does not know: a filter that is passed over tells too much.
    """

    forgiving = False

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The handler, given a request that reads JSON so."""
        handler = super().get_route_handler()
        read = getattr(self.endpoint, _READ_BY, orjson.loads)
        known = dict(_parameters(self.dependant))

        async def handle(request: Request) -> Any:
            if request.scope["query_string"]:
                _check_query(request, known, forgiving=self.forgiving)
            json_request = _JsonRequest(request.scope, request.receive)
            json_request.read = read
            return await handler(json_request)

        return handle


class ForgivingRoute(JsonRoute):
    """One that clients of others ask, who add what we do not know (M-036): near-misses alone are refused."""

    forgiving = True


def _parameters(dependant: Any) -> Iterator[tuple[str, bool]]:
    """What a route, with all that it depends on, takes from the query, and whether once only."""
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, info in annotation.model_fields.items():
                yield info.alias or name, _is_single(info)
        else:
            yield field.alias, _is_single(field.field_info)
    for inner in dependant.dependencies:
        yield from _parameters(inner)


def _is_single(info: FieldInfo) -> bool:
    kinds = (info.annotation, *get_args(info.annotation))
    return SEVERAL not in info.metadata and not any(get_origin(kind) in (list, set, tuple) for kind in kinds)


def _check_query(request: Request, known: Mapping[str, bool], *, forgiving: bool) -> None:
    """Refuse what is there twice, of which the last would count, and what is passed over; nobody would be told."""
    sent = Counter(name for name, _ in request.query_params.multi_items())
    if len(sent) > _MOST_NAMES:  # each that is unknown is compared with all that are known
        raise InvalidError(Code.INVALID_REQUEST, f"the query has {len(sent)} names, at most {_MOST_NAMES} are read")
    absent = known.keys() - sent.keys()
    for name, count in sent.items():
        if known.get(name) and count > 1:
            raise InvalidError(Code.INVALID_REQUEST, f"{name}: is there more than once; send it once")
        if name not in known:
            wrong = slip(name, absent) if forgiving else unknown_field(name, known)
            if wrong:
                raise InvalidError(Code.INVALID_REQUEST, f"{name[:60]}: {wrong}")


class HeadAsGet:
    """Answers HEAD where it answers GET (T-003), with the same headers and no body.

    Whatever would go on for long, as a stream does, ends once its headers are sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As the GET that a HEAD stands for."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})

        await self._app({**scope, "method": "GET"}, receive, head)


class QuickPost(Route):
    """What is asked thousands of times a second: found before all routers, without what FastAPI does before a view.

    A POST without a query, and without a header that asks for more; all else is for the door's router. Middlewares,
    and what answers refusals, are before it as before a view.
    """

    def __init__(self, path: str, view: Callable[[Request], Awaitable[Response]]) -> None:
        """`view` answers at this path."""
        super().__init__(path, view, methods=["POST"], include_in_schema=False)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether it is such a request."""
        plain = scope["type"] == "http" and scope["method"] == "POST" and not scope.get("query_string")
        if not plain or any(name in _OTHERWISE for name, _ in scope["headers"]):
            return Match.NONE, {}
        return super().matches(scope)


def read_by(read: Callable[[bytes], Any]) -> Callable[[_View], _View]:
    """Let `read` make of the body what FastAPI then checks; it raises orjson.JSONDecodeError for what is no JSON.

    A long body is read in a thread, so that other requests get their turn.
    """

    def mark(view: _View) -> _View:
        setattr(view, _READ_BY, read)
        return view

    return mark


async def sent_as_json(request: Request) -> None:
    """Refuse a body that is not declared as JSON (J-001): FastAPI would hand it on as bytes and call those wrong."""
    if has_body(request):
        _check_json(content_type(request))


async def json_by_default(request: Request) -> None:
    """Refuse a body that is declared as something else than JSON (T-028)."""
    if has_body(request) and (kind := content_type(request)):
        _check_json(kind)


def _check_json(kind: str) -> None:
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedError(
            Code.UNSUPPORTED_MEDIA_TYPE, f"Content-Type is {kind or 'missing'}: send application/json"
        )


async def sent_as_form(request: Request) -> None:
    """Refuse a body that is not declared as a form with files."""
    if has_body(request):
        kind = content_type(request)
        if kind != "multipart/form-data":
            raise UnsupportedError(
                Code.UNSUPPORTED_MEDIA_TYPE,
                f"Content-Type is {kind or 'missing'}: send multipart/form-data with the CSV file in the field upload",
            )
        known = list(_form_fields(request.scope["route"].dependant))
        sent = Counter(name for name, _ in (await request.form()).multi_items())  # read already, by FastAPI
        for name, count in sent.items():
            if name not in known:
                raise InvalidError(Code.INVALID_REQUEST, f"{name[:60]}: {unknown_field(name, known)}")
            if count > 1:  # of two files or settings one would be passed over without a word
                raise InvalidError(Code.INVALID_REQUEST, f"{name}: is there more than once; send it once")


def _form_fields(dependant: Any) -> Iterator[str]:
    """What a route, with all that it depends on, takes from a form."""
    for field in dependant.body_params:
        yield field.alias
    for inner in dependant.dependencies:
        yield from _form_fields(inner)


def has_body(request: Request) -> bool:
    """Whether the request says that a body follows."""
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def content_type(request: Request) -> str:
    """What the body is declared as, without parameters and in small letters; empty where it is not."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class SlashPaths:
    """Answers paths of the contracts with and without the final slash, directly (J-003)."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the final slash where the addresses of a door have one, and remove it where they have none."""
        if scope["type"] == "http":
            path = scope["path"]
            door = self._doors.at(path)
            if door is not None and door.slash is not None and door.slash is not path.endswith("/"):
                scope = {**scope, "path": f"{path}/" if door.slash else path.rstrip("/")}
        await self._app(scope, receive, send)


class BodyRefusedError(HTTPException):
    """The body cannot be read to its end. An HTTPException, because FastAPI makes 400 of all else met while reading."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, message)
        self.code = code


def too_large(limit: int, name: str) -> BodyRefusedError:
    """What to raise of a body beyond a limit, which the variable `name` sets."""
    return BodyRefusedError(413, Code.TOO_LARGE, f"the body is larger than {limit} bytes: send less, or raise {name}")
