"""How the dashboard's page and files are sent: strictly, packed, and kept by browsers."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from streams.settings import Settings
from streams.views.application import create_http
from streams.views.dashboard.assets import bundle
from streams.workers import apps


@pytest.fixture
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    state = apps.create_state(Settings(home=tmp_path_factory.mktemp("home")), "127.0.0.1:1")
    transport = httpx.ASGITransport(create_http(state))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
        yield asking


def file_of(name: str) -> str:
    return f"/dashboard/{bundle().digest}/{name}"


async def test_the_page_is_at_the_root_and_asked_for_each_time(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "/app.js" in answer.text


@pytest.mark.parametrize("name", ["/", "app.js", "app.css", "/favicon.ico"])
async def test_answers_let_nothing_in(client: httpx.AsyncClient, name: str) -> None:
    """No script or style but our files, no frame, no guess of types, no address told to others."""
    answer = await client.get(name if name.startswith("/") else file_of(name))
    policy = dict(each.strip().split(" ", 1) for each in answer.headers["content-security-policy"].split(";"))

    assert answer.status_code == 200
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'self'", "'self'", "'self'")
    assert (policy["frame-ancestors"], policy["base-uri"], policy["object-src"]) == ("'none'", "'none'", "'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers.get_list("content-security-policy", split_commas=False) == [
        answer.headers["content-security-policy"]
    ]


async def test_a_file_is_kept_for_ever_under_its_digest(client: httpx.AsyncClient) -> None:
    """A page of another version, open still, gets ours, and does not keep it as its own."""
    now, other = await client.get(file_of("app.js")), await client.get("/dashboard/0000000000000000/app.js")

    assert "immutable" in now.headers["cache-control"]
    assert (other.status_code, other.headers["cache-control"], other.content) == (200, "no-cache", now.content)


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, gzip;q=0.8", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("", False),
    ],
)
async def test_who_takes_gzip_gets_it(client: httpx.AsyncClient, accepted: str, packed: bool) -> None:
    async with client.stream("GET", file_of("app.js"), headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])

    assert (answer.headers.get("content-encoding") == "gzip") is packed
    assert answer.headers["vary"] == "Accept-Encoding"
    assert (gzip.decompress(raw) if packed else raw) == bundle().files["app.js"].plain


async def test_what_a_browser_has_is_not_sent_again(client: httpx.AsyncClient) -> None:
    for accepted in ("gzip", "identity"):
        first = await client.get("/", headers={"Accept-Encoding": accepted})
        known = {"Accept-Encoding": accepted, "If-None-Match": f'"x", W/{first.headers["etag"]}'}
        again = await client.get("/", headers=known)

        assert (again.status_code, again.content) == (304, b"")
        assert "default-src" in again.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["nothing.js", "../assets.py", "%2e%2e/pages.py", "README.md", "index.html"])
async def test_nothing_else_is_sent(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(file_of(name))

    assert answer.status_code == 404


async def test_head_is_answered_and_docs_stay(client: httpx.AsyncClient) -> None:
    assert (await client.head("/")).status_code == 200
    assert (await client.get("/docs")).status_code == 200
    assert "/dashboard" not in (await client.get("/openapi.json")).text
