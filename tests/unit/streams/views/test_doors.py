"""Every door says no in the words of its contract, whoever says it: the framework, a middleware, a view, or a fault.

The doors are asked one by one, and a new one is among them by being declared; the last here belongs to no system.
"""

import errno
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Annotated, Any, Final

import aiohttp
import httpx
import pytest
from fastapi import APIRouter, Body, FastAPI, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from yarl import URL

from connectors.objects.store import ObjectStore
from streams.errors import ConflictError
from streams.inference.endpoint_cache import Endpoints
from streams.runtime import StateRuntime
from streams.settings import Settings
from streams.views.application import create_http
from streams.views.doors import doors_of
from streams.views.web import forwarding
from streams.views.web.door import Door, Doors, Tag, by_name
from streams.views.web.envelope import Envelope
from streams.views.web.model_service import MODEL_SERVICE
from streams.views.web.reading import JsonRoute
from streams.workers import apps

_LARGEST: Final = 2048  # bytes of a body
_JSON: Final = {"Content-Type": "application/json"}
_BODIES: Final = {"POST", "PUT", "PATCH"}
_BY_STATUS: Final = {
    400: ("invalid_request", "ValidationError", "ModelArts.0104"),
    404: ("not_found", "NotFoundError", "ModelArts.0105"),
    405: ("method_not_allowed", "MethodNotAllowedError", "ModelArts.0105"),
    413: ("too_large", "TooLargeError", "ModelArts.0105"),
    500: ("internal_error", "InternalError", "ModelArts.0105"),
    503: (None, "UnavailableError", "ModelArts.0105"),
    507: ("insufficient_storage", "InsufficientStorageError", "ModelArts.0105"),
}
_OF_MLFLOW: Final = {
    400: "INVALID_PARAMETER_VALUE",
    404: "ENDPOINT_NOT_FOUND",
    405: "BAD_REQUEST",
    413: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    507: "RESOURCE_EXHAUSTED",
}
_LIMITS: Final = {
    "max_body_bytes": _LARGEST,
    "max_upload_bytes": _LARGEST,
    "max_model_bytes": _LARGEST,
    "max_tracked_bytes": _LARGEST,
}

_METRICS: Final = {  # contract 004's
    400: "RequestParameterInvalid",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "RequestTooLarge",
    500: "InternalError",
    503: "ServiceUnavailable",
    507: "InsufficientStorage",
}


class _Odd(BaseModel):
    """An envelope of no contract."""

    odd: str


dummies = APIRouter(prefix="/api/v1/dummies", route_class=JsonRoute)


@dummies.get("/{name}")
async def get_dummy(name: str) -> Response:
    """A view that reads."""
    return Response(name)


@dummies.put("/{name}")
async def put_dummy(name: str, body: Annotated[dict[str, int], Body()]) -> Response:
    """A view that writes."""
    return Response(f"{name} {body}")


DUMMY: Final = Door(
    router=dummies,
    tag=Tag("dummies", "Of no system."),
    envelope=Envelope(body=lambda it: {"odd": f"{it.status} {it.code}"}, shown=_Odd),
    owner=by_name(4),
    slash=False,
)
EVERY: Final = (*doors_of(), DUMMY)


def named(door: Door) -> str:
    """As tests are called."""
    return door.begins()[0]


def filled(path: str) -> str:
    """The path with plain values."""
    return re.sub(r"\{[^}]+\}", "7", path)


def failing(door: Door) -> Door:
    """The same, with views that fail in front of its own."""
    router = APIRouter(route_class=door.router.route_class)
    slash = "/" if door.slash else ""

    @router.get(f"{filled(named(door))}/fails/disk{slash}")
    async def _() -> Response:
        raise OSError(errno.ENOSPC, "No space left on device")

    @router.get(f"{filled(named(door))}/fails/crash{slash}")
    async def _() -> Response:
        raise RuntimeError("secret")

    @router.get(f"{filled(named(door))}/fails/refused{slash}")
    async def _() -> Response:
        raise ConflictError("its_code", "its message", {"element": 3})

    router.include_router(door.router)
    return replace(door, router=router, prefixes=door.begins())


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> StateRuntime:
    """A worker that is not started."""
    home = tmp_path_factory.mktemp("home")
    return apps.create_state(Settings(home=home, **_LIMITS), "127.0.0.1:1")


@pytest.fixture(scope="module")
def http(state: StateRuntime) -> FastAPI:
    """The application with all doors."""
    return create_http(state, Doors(map(failing, EVERY)))


@pytest.fixture
async def client(
    state: StateRuntime, http: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """Whatever the application raises is an answer, as with a server; the worker owns everything."""

    async def found(*_: Any) -> Any:
        return SimpleNamespace(environment={})

    monkeypatch.setattr(Endpoints, "get", found)
    monkeypatch.setattr(Endpoints, "only", found)
    monkeypatch.setattr(forwarding, "is_ready", lambda _: True)
    monkeypatch.setattr(forwarding, "owner_elsewhere", lambda *_: None)
    monkeypatch.setattr(forwarding, "owned_partitions", lambda _: 1)
    monkeypatch.setattr(forwarding, "other_workers", lambda _: [])
    transport = httpx.ASGITransport(http, raise_app_exceptions=False)
    async with aiohttp.ClientSession() as session:
        monkeypatch.setattr(type(state.app), "http_client", session)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
            yield made


def check(door: Door, answer: httpx.Response, status: int) -> Any:
    """The status, and the fields and the code that its contract has for it."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    plain, serving, training = _BY_STATUS[status]
    match named(door).split("/"):
        case _ if door.envelope is MODEL_SERVICE:
            assert set(body) == {"data", "code", "message"}
            assert body["data"] == {"status": False}
            assert plain is None or body["code"] == plain.title().replace("_", "")
        case ["", "api", "2.0", *_]:
            assert set(body) == {"error_code", "message"}
            assert body["error_code"] == _OF_MLFLOW[status]
        case ["", "v2" | "v3", *_]:
            assert set(body) == {"error"}
            assert isinstance(body["error"], str if named(door).startswith("/v2") else dict)
        case ["", "graphql" | "wandb-dropped", *_]:
            assert set(body) == {"error", "errors"}
            assert body["errors"] == [{"message": body["error"]}]
        case ["", "endpoints" | "transform-jobs" | "uploads", *_]:
            assert set(body) == {"code", "message"}
            assert body["code"] == serving
        case ["", "v1", *_]:
            assert set(body) == {"is_success", "error_code", "error_message"}
            assert (body["is_success"], body["error_code"]) == (False, training)
        case ["", "registry", *_]:
            assert set(body) == {"error_code", "message"}
            assert body["error_code"] == status
        case ["", "api", "v1", "workloads" | "metrics", *_]:
            assert {"code", "message"} <= set(body)
            assert body["code"] == _METRICS[status]
        case ["", "api", *_]:
            assert set(body) == {"odd"}
            assert body["odd"].startswith(str(status))
        case _:
            assert set(body) == {"status", "code", "message"}
            assert (body["status"], body["code"]) == (status, body["code"] if plain is None else plain)
    assert ("retry-after" in answer.headers) is (status == 503)
    return body


def operations(door: Door) -> Sequence[tuple[str, APIRoute]]:
    """Method and route of each."""
    return [(verb, it) for it in door.router.routes if isinstance(it, APIRoute) for verb in sorted(it.methods)]


@pytest.mark.parametrize("door", EVERY, ids=named)
async def test_an_address_of_nothing(client: httpx.AsyncClient, door: Door) -> None:
    """404, wherever the door begins."""
    for begin in door.begins():
        check(door, await client.get(f"{filled(begin)}/no/such/thing/at/all"), 404)


@pytest.mark.parametrize("door", EVERY, ids=named)
async def test_a_method_that_an_address_has_not(client: httpx.AsyncClient, door: Door) -> None:
    """405, and which it has."""
    known: dict[str, set[str]] = {}
    for method, route in operations(door):
        known.setdefault(route.path, set()).add(method)
    for path, methods in known.items():
        wrong = next(verb for verb in ("PATCH", "PUT", "POST", "DELETE") if verb not in methods)
        answer = await client.request(wrong, filled(path))

        check(door, answer, 405)
        assert set(answer.headers["allow"].split(", ")) == methods


async def _in_parts(content: bytes) -> AsyncIterator[bytes]:
    """A body that does not say how long it is."""
    yield content


def reading_bodies(door: Door) -> list[tuple[str, Any]]:
    """Its operations that may have a body; who stops, switches or sends again says all in the address."""
    told = ("/stop", "/restart", "/requeue", "/refresh", "/switch")
    return [(verb, it) for verb, it in operations(door) if verb in _BODIES and not it.path.rstrip("/").endswith(told)]


@pytest.mark.parametrize("door", [it for it in EVERY if reading_bodies(it)], ids=named)
async def test_a_body_above_the_limit(client: httpx.AsyncClient, door: Door) -> None:
    """413, naming the setting that would let it through, whether its length is told or not."""
    content = b"1" * (door.body_limit.of(Settings(**_LIMITS)) + 1)
    kind = "multipart/form-data; boundary=x" if door.body_limit.around else "application/json"
    for method, route in reading_bodies(door):
        for sent in (content, _in_parts(content)):
            answer = await client.request(method, filled(route.path), content=sent, headers={"Content-Type": kind})

            check(door, answer, 413)
            assert door is DUMMY or door.body_limit.variable in answer.text


@pytest.mark.parametrize("door", [it for it in EVERY if any(r.body_field for _, r in operations(it))], ids=named)
@pytest.mark.parametrize("body", [b'{"a": ', b"[1,]", b"", b"\xff"])
async def test_a_body_that_is_not_json(client: httpx.AsyncClient, door: Door, body: bytes) -> None:
    """400; of a form, what is no form."""
    kind = "multipart/form-data; boundary=x" if door.body_limit.around else "application/json"
    for method, route in operations(door):
        if route.body_field is not None:
            headers = {"Content-Type": kind}
            check(door, await client.request(method, filled(route.path), content=body, headers=headers), 400)


@pytest.mark.parametrize("door", EVERY, ids=named)
async def test_a_full_disk(client: httpx.AsyncClient, door: Door) -> None:
    """507: the one fault of a store that the user can mend."""
    body = check(door, await client.get(f"{filled(named(door))}/fails/disk"), 507)

    assert "free some space" in str(body) or door is DUMMY


@pytest.mark.parametrize("door", EVERY, ids=named)
async def test_a_crash(client: httpx.AsyncClient, door: Door) -> None:
    """500 without a word of what it was, and with what keeps browsers from guessing and from keeping it."""
    answer = await client.get(f"{filled(named(door))}/fails/crash")
    check(door, answer, 500)

    assert "secret" not in answer.text
    assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize("door", EVERY, ids=named)
async def test_a_refusal_of_a_view(client: httpx.AsyncClient, door: Door) -> None:
    """As the envelope has it."""
    answer = await client.get(f"{filled(named(door))}/fails/refused")

    assert answer.status_code == 409
    assert answer.content == bytes(door.envelope.refusal(409, "its_code", "its message", {"element": 3}).body)


@pytest.mark.parametrize("door", EVERY, ids=named)
async def test_a_page_of_elsewhere_and_a_name_that_is_not_ours(client: httpx.AsyncClient, door: Door) -> None:
    """Refused before any view: 403 and 421, with the fields of every other refusal."""
    path = f"{filled(named(door))}/7"
    foreign = await client.post(path, headers={"Origin": "http://evil.example"})
    misdirected = await client.get(path, headers={"Host": "evil.example"})

    assert (foreign.status_code, misdirected.status_code) == (403, 421)
    fields = set(check(door, await client.get(f"{filled(named(door))}/no/such/thing/at/all"), 404))
    assert set(foreign.json()) == set(misdirected.json()) == fields


OWNED: Final = [
    door for door in EVERY if door.owner is not None and any("{" in route.path for _, route in operations(door))
]


def an_address(door: Door) -> str:
    """Of one that has an owner."""
    return next(filled(route.path) for _, route in operations(door) if "{" in route.path)


@pytest.mark.parametrize("door", OWNED, ids=named)
async def test_tables_that_are_recovered(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, door: Door
) -> None:
    """503 where they are read."""
    monkeypatch.setattr(forwarding, "is_ready", lambda _: False)
    answer = await client.get(an_address(door))

    owned = None if door.owner is None else door.owner(an_address(door))
    assert owned is not None
    if owned.in_tables:
        check(door, answer, 503)
    else:
        assert answer.status_code == 404  # there is no data set 7


@pytest.mark.parametrize("door", OWNED, ids=named)
async def test_an_owner_that_does_not_answer(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, door: Door
) -> None:
    """503: it may be starting."""
    monkeypatch.setattr(forwarding, "owner_elsewhere", lambda *_: URL("http://127.0.0.1:1"))

    check(door, await client.delete(an_address(door)), 503)


async def test_a_file_for_which_there_is_no_room(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """D-081: not only views that fail in a test."""

    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ObjectStore, "streaming", full)
    answer = await client.put("/uploads/a.jsonl", content=b"{}")

    assert (answer.status_code, answer.json()["code"]) == (507, "InsufficientStorageError")


async def test_addresses_of_no_door(client: httpx.AsyncClient) -> None:
    """In the words of contract 000; neither one that only begins like a door, nor what is above it."""
    for path in ("/nothing", "/registry", "/jobs", "/jobless/7", "/model-uploads", "/v", "/api/v1", "/api/v1/other"):
        answer = await client.get(path)

        assert (answer.status_code, set(answer.json())) == (404, {"status", "code", "message"}), path
        assert f"nothing at {path}:" in answer.text


@pytest.mark.parametrize("door", EVERY, ids=named)
def test_every_route_lies_behind_its_door(door: Door) -> None:
    """Else it would be refused in the words of another one."""
    every = Doors(EVERY)
    for _, route in operations(door):
        assert every.at(filled(route.path)) is door, route.path


@pytest.mark.parametrize("door", [it for it in EVERY if it.slash is not None], ids=named)
def test_every_route_ends_as_its_door_says(door: Door) -> None:
    """Else nobody could reach it."""
    for _, route in operations(door):
        assert route.path.endswith("/") is door.slash, route.path


@pytest.mark.parametrize("door", EVERY, ids=named)
def test_every_route_reads_its_query_and_ids_strictly(door: Door) -> None:
    """Doubled and misspelt parameters are refused by the kind of route; numbers of paths are digits alone."""
    for _, route in operations(door):
        assert isinstance(route, JsonRoute), route.path
        for parameter in route.dependant.path_params:
            if parameter.field_info.annotation is int:
                assert parameter.validate("+5", {}, loc=("path",))[1], f"{route.path}: use PLAIN_ID"


async def test_a_parameter_is_sent_once_where_it_is_one(client: httpx.AsyncClient) -> None:
    """Also of those that a view takes together; and what may be sent several times may."""
    many = "&".join(f"a{number}" for number in range(101))
    several = "/api/v1/workloads/w/metrics/data?metrics=a&metrics=b&data_source=log&data_source=wandb"
    refused = {
        "/v1/p/training-jobs?page=1&page=2": "page: is there more than once",
        "/v1/p/training-jobs?per_pge=1": "per_pge: is unknown; did you mean per_page?",
        "/api/v1/workloads/w/metrics/data?tail=1&tail=2": "tail: is there more than once",
        "/api/v1/workloads/w/metrics/data?metric=a": "metric: is unknown; did you mean metrics?",
        f"/healthz?{many}": "the query has 101 names, at most 100 are read",
        f"/ping?{many}": "the query has 101 names, at most 100 are read",
    }
    for path, words in refused.items():
        answer = await client.get(path)

        assert (answer.status_code, words in answer.text) == (400, True), answer.text
    for path in (several, "/api/v1/workloads/w/metrics/data?limit=1", "/v1/p/training-jobs?_=123"):
        assert (await client.get(path)).status_code != 400, path
