"""CORS: pages of other origins may use the service where a setting names them, and never by their cookie for *."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from streams.settings import Settings
from streams.views.application import create_http
from streams.views.web.admission import authentication
from streams.workers import apps
from tests.agents.bench import FakePublisher

APP, EVIL = "https://app.example", "https://evil.example"
ASKED = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "content-type,x-auth-token"}


@pytest.fixture(autouse=True)
def nothing_sent(publisher: FakePublisher) -> None:
    """There is no broker."""


@asynccontextmanager
async def client(settings: Settings, origins: str) -> AsyncIterator[httpx.AsyncClient]:
    """Of a service with these origins."""
    app: Any = create_http(apps.create_state(settings.model_copy(update={"cors_origins": origins}), "127.0.0.1:1"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as made:
        yield made


async def test_a_named_page_may_ask_and_read(settings: Settings) -> None:
    """Beforehand it is told what it may send; its writes are taken, though their site is another one."""
    async with client(settings, f"{APP}, http://localhost:3000") as http:
        before = await http.options("/job/7/", headers={"Origin": APP, **ASKED})
        write = await http.put("/uploads/a.csv", content=b"x", headers={"Origin": APP, "Sec-Fetch-Site": "cross-site"})
        missing = await http.get("/job/", headers={"Origin": APP})

    assert before.status_code == 200
    assert before.headers["access-control-allow-origin"] == APP
    assert before.headers["access-control-allow-credentials"] == "true"
    assert "PATCH" in before.headers["access-control-allow-methods"]
    assert before.headers["access-control-allow-headers"] == "content-type,x-auth-token"
    assert (write.status_code, write.headers["access-control-allow-origin"]) == (200, APP)
    assert missing.headers["access-control-allow-origin"] == APP
    assert "Origin" in missing.headers["vary"]


@pytest.mark.parametrize("origins", ["", APP])
@pytest.mark.parametrize("origin", [EVIL, "null", f"{APP}.evil.example", "http://app.example", f"{APP}:444"])
async def test_others_are_as_before(settings: Settings, origins: str, origin: str) -> None:
    """No header lets them read, no answer to their question lets them write, and writes are refused."""
    async with client(settings, origins) as http:
        before = await http.options("/model/", headers={"Origin": origin, **ASKED})
        write = await http.put("/uploads/a.csv", content=b"x", headers={"Origin": origin})
        read = await http.get("/model/", headers={"Origin": origin})

    assert before.status_code == 405
    assert write.status_code == 403
    assert read.status_code == 200
    for answer in (before, write, read):
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_the_check_of_hosts_stays_outermost(settings: Settings) -> None:
    """A rebound name is refused whatever the page."""
    async with client(settings, APP) as http:
        answer = await http.options("/job/7/", headers={"Origin": APP, "Host": "evil.example", **ASKED})

    assert answer.status_code == 421


async def test_by_a_star_no_cookie_counts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers say that credentials do not go with it, and a cookie that a page of this very site sends is left out."""
    seen: list[Any] = []

    class Seen(authentication.Authentication):
        """Looks at what comes to be asked who it is."""

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            seen.append(dict(scope["headers"]).get(b"cookie"))
            await super().__call__(scope, receive, send)

    monkeypatch.setattr("streams.views.application.Authentication", Seen)
    async with client(settings, "*") as http:
        before = await http.options("/job/7/", headers={"Origin": EVIL, **ASKED})
        cookie = {"Origin": EVIL, "Cookie": "tidecast_session=abc", "Sec-Fetch-Site": "same-site"}
        write = await http.put("/uploads/a.csv", content=b"x", headers=cookie)
        own = await http.get("/model/", headers={"Cookie": "tidecast_session=abc"})

    assert (before.status_code, before.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in before.headers
    assert (write.status_code, write.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in write.headers
    assert own.status_code == 200
    assert seen == [None, b"tidecast_session=abc"]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"cors_origins": "app.example"}, "expected scheme, host and port"),
        ({"cors_origins": "https://app.example/"}, "expected scheme, host and port"),
        ({"cors_origins": "*"}, "set TIDECAST_AUTH"),
    ],
)
def test_what_would_not_fit_is_refused_at_the_start(changed: Any, why: str) -> None:
    """And all pages of the web where nobody has to say who he is."""
    with pytest.raises(ValidationError, match=why):
        Settings(**changed)
    assert Settings(auth="token", cors_origins="*").cors_origin_list == ["*"]
