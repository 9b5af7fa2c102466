"""The browser next door: hosts that are not ours, and writes that come from pages of elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from streams.settings import Settings
from streams.views.doors import doors_of
from streams.views.web.browsers import BrowserGuard

OWN = "http://127.0.0.1:8080"
FIELDS = {
    "/job/": {"status", "code", "message"},
    "/data/": {"status", "code", "message"},
    "/healthz": {"status", "code", "message"},
    "/v1/p1/training-jobs": {"is_success", "error_code", "error_message"},
    "/endpoints/e/invocations": {"code", "message"},
    "/invocations": {"code", "message"},
    "/transform-jobs": {"code", "message"},
    "/uploads/x": {"code", "message"},
    "/registry/subjects": {"error_code", "message"},
}


@asynccontextmanager
async def guarded(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that answers everything with the path and host that it sees."""
    inner = FastAPI()

    @inner.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
    async def _(request: Request) -> Response:
        return Response(f"{request.scope['path']} {request.headers.get('host')}")

    transport = httpx.ASGITransport(BrowserGuard(inner, Settings(**settings), doors_of()))
    async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
        yield client


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:8080", "localhost", "localhost:1", "LOCALHOST:8080", "localhost."),
        *("[::1]", "[::1]:8080", "10.1.2.3:8080", "state", "state:8080", "forecast.example", "Forecast.Example:443"),
    ],
)
async def test_our_own_names_are_served(host: str) -> None:
    """This machine, where it listens, what other workers call it, and what the settings name; with any port."""
    own = {"http_host": "10.1.2.3", "advertised_url": "http://state:8080", "allowed_hosts": "forecast.example, b.c"}
    async with guarded(**own) as client:
        assert (await client.get("/job/", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "evil.example:8080", "localhost.evil.example", "xlocalhost"),
        *("user@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1:8080:1", "127.0.0.1/", "", " ", "[::1", "10.1.2.3"),
        *("0.0.0.0", "[::2]", "xn--localhost", "127.0.0.2", "état"),
    ],
)
@pytest.mark.parametrize("path", FIELDS)
async def test_any_other_name_is_421_in_the_envelope_of_the_contract(host: str, path: str) -> None:
    """Reading too: after DNS rebinding a page may read what it gets. The message has the remedy."""
    async with guarded() as client:
        answer = await client.get(path, headers={"Host": host.encode()})  # type: ignore[dict-item]

        assert answer.status_code == 421
        assert set(answer.json()) == FIELDS[path]
        assert "TIDECAST_ALLOWED_HOSTS" in answer.text
        assert "127.0.0.1" in answer.text


async def test_a_worker_that_listens_everywhere_is_asked_by_any_address_but_by_no_other_name() -> None:
    """An address cannot be rebound; a name can."""
    async with guarded(http_host="0.0.0.0") as client:
        statuses = [
            (await client.get("/job/", headers={"Host": host})).status_code
            for host in ("192.168.1.5:8080", "[fe80::1]:8080", "0.0.0.0:8080", "evil.example")
        ]

    assert statuses == [200, 200, 200, 421]


async def test_any_name_where_the_settings_say_so() -> None:
    """Behind a proxy that checks names itself."""
    async with guarded(allowed_hosts="*") as client:
        assert (await client.get("/job/", headers={"Host": "any.example"})).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", FIELDS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},  # another server on this machine
        {"Origin": "http://localhost:8080"},  # another name: another origin
        {"Origin": "http://127.0.0.1"},
        {"Origin": "file://"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:8080.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "Cross-Site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": OWN},
    ],
)
async def test_a_write_from_another_site_is_403(method: str, path: str, headers: dict[str, str]) -> None:
    """Whatever its content type, with a body or without; in the envelope of the contract."""
    async with guarded() as client:
        for more in ({}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "text/plain"}):
            answer = await client.request(method, path, headers=headers | more)

            assert answer.status_code == 403
            assert set(answer.json()) == FIELDS[path]
            assert "other" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},  # curl, an SDK
        {"Origin": OWN},
        {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "localhost:8080", "Origin": "http://localhost:8080"},
        {"Host": "[::1]:8080", "Origin": "http://[::1]:8080"},
        {"Host": "forecast.example", "Origin": "https://forecast.example"},  # a proxy ends TLS
        {"Origin": "https://forecast.example", "Sec-Fetch-Site": "same-origin"},  # and asks by another name
    ],
)
async def test_our_own_page_and_programs_may_write(headers: dict[str, str]) -> None:
    """The API page sends Origin and Sec-Fetch-Site; programs neither."""
    async with guarded(allowed_hosts="forecast.example") as client:
        assert (await client.post("/job/", headers=headers)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_link_from_another_site_may_be_followed(method: str) -> None:
    """It changes nothing, and that site's page cannot read the answer: no CORS header is ever sent."""
    async with guarded() as client:
        answer = await client.request(
            method, "/docs", headers={"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}
        )

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        (b"http://127.0.0.1:8080/job/7/?history=0", "/job/7/ 127.0.0.1:8080"),
        (b"HTTP://LOCALHOST/job/%37/", "/job/7/ LOCALHOST"),
        (b"http://127.0.0.1", "/ 127.0.0.1"),
    ],
)
async def test_a_target_in_absolute_form_is_that_of_its_path(target: bytes, seen: str) -> None:
    """RFC 9112, 3.2.2: a server must take it, and its host counts instead of the header's."""
    assert await absolute(target) == (200, seen)


async def test_a_foreign_host_in_the_target_is_refused() -> None:
    """The header is our own, but it does not count."""
    assert (await absolute(b"http://evil.example/job/"))[0] == 421


async def absolute(target: bytes) -> tuple[int, str]:
    """Status and body of a GET with this target, as uvicorn hands it over."""
    raw, _, query = target.partition(b"?")
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        await Response(f"{scope['path']} {request.headers['host']}")(scope, receive, send)

    scope = {
        "type": "http",
        "method": "GET",
        "path": raw.decode(),
        "raw_path": raw,
        "query_string": query,
        "headers": [(b"host", b"127.0.0.1:8080")],
    }
    await BrowserGuard(inner, Settings(), doors_of())(scope, receive, send)
    return sent[0]["status"], sent[1]["body"].decode()


@pytest.mark.parametrize(
    ("path", "cache"), [("/job/", "no-store"), ("/v1/p/training-jobs", "no-store"), ("/docs", None)]
)
async def test_no_answer_is_guessed_at_framed_or_kept(path: str, cache: str | None) -> None:
    """An uploaded page is no page; our own cannot be laid under another one; data stays out of the cache."""
    async with guarded() as client:
        for answer in (await client.get(path), await client.get(path, headers={"Host": "evil.example"})):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert answer.headers.get("cache-control") == cache
