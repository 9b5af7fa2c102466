"""GET /forecasts/{ts_id}: who answers, and what is said where nobody can."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Response
from yarl import URL

from schemas.series import Forecast
from streams.forecasting.forecast_table import forecast_json
from streams.forecasting.state import ForecastingState
from streams.runtime import StateRuntime
from streams.settings import Settings
from streams.views.application import create_http
from streams.views.forecasting import forecasts
from streams.workers import apps
from tests.agents.bench import CODEC

FORECAST = Forecast(7, 17, 3, "()", "LinearFit", 1_599_480_000_000, [1_599_480_060_000], [1.5])
STALE = b'{"stale":true}'


class Online:
    """The online store's answer."""

    def __init__(self) -> None:
        self.answer: tuple[bool, bytes | None] = (False, None)
        self.asked: list[bytes] = []

    async def read(self, key: bytes) -> tuple[bool, bytes | None]:
        self.asked.append(key)
        return self.answer


class World:
    """A worker as the view sees it; by default it is ready and owns everything."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, state: StateRuntime) -> None:
        self.ready = True
        self.owner: URL | None = None
        self.online = Online()
        object.__setattr__(ForecastingState.of(state), "online", self.online)
        ForecastingState.of(state).forecasts._rows.write(0, [(b"17", CODEC.encode(FORECAST))])
        monkeypatch.setattr(forecasts, "is_ready", lambda app: self.ready)
        monkeypatch.setattr(forecasts, "owner_elsewhere", lambda app, key: self.owner)
        monkeypatch.setattr(forecasts, "passed_on", self._passed_on)

    async def _passed_on(self, state: Any, request: Any, key: bytes) -> Response | None:
        return Response(b"from the owner", 200) if self.owner is not None else None


@pytest.fixture
async def state(tmp_path: Path) -> StateRuntime:
    """A state worker that is not started."""
    return apps.create_state(Settings(home=tmp_path), "127.0.0.1:1")


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch, state: StateRuntime) -> World:
    """With the forecast of series 17."""
    return World(monkeypatch, state)


@pytest.fixture
async def client(world: World, state: StateRuntime) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application itself."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_http(state)), base_url="http://127.0.0.1"
    ) as client:
        yield client


@pytest.mark.parametrize("path", ["/forecasts/17", "/forecasts/17/"])
async def test_the_owner_answers_from_its_table(client: httpx.AsyncClient, world: World, path: str) -> None:
    """Redis is not even asked: it can only be as new, and never newer."""
    world.online.answer = (True, STALE)
    answer = await client.get(path)

    assert (answer.status_code, answer.content) == (200, forecast_json(FORECAST))
    assert answer.headers["x-tidecast-source"] == "table"
    assert world.online.asked == []


async def test_a_series_without_a_forecast_is_not_found(client: httpx.AsyncClient) -> None:
    """With its id in the sentence."""
    answer = await client.get("/forecasts/18")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_forecast")
    assert "18" in answer.json()["message"]


@pytest.mark.parametrize("ts_id", ["0", "-1", "x", "1.5", str(2**53)])
async def test_what_is_no_id_is_refused(client: httpx.AsyncClient, ts_id: str) -> None:
    """As every wrong parameter."""
    assert (await client.get(f"/forecasts/{ts_id}")).status_code == 400


async def test_another_worker_answers_from_a_complete_store(client: httpx.AsyncClient, world: World) -> None:
    """Without asking the owner."""
    world.owner, world.online.answer = URL("http://other"), (True, b'{"n":3}')
    answer = await client.get("/forecasts/17")

    assert (answer.status_code, answer.content, answer.headers["x-tidecast-source"]) == (200, b'{"n":3}', "redis")
    assert world.online.asked == [b"17"]


async def test_a_complete_store_also_knows_what_is_not_there(client: httpx.AsyncClient, world: World) -> None:
    """404 without asking the owner."""
    world.owner, world.online.answer = URL("http://other"), (True, None)

    assert (await client.get("/forecasts/18")).status_code == 404


async def test_what_redis_cannot_prove_the_owner_answers(client: httpx.AsyncClient, world: World) -> None:
    """Stale, away or being rebuilt: slower, not wrong."""
    world.owner, world.online.answer = URL("http://other"), (False, STALE)
    answer = await client.get("/forecasts/17")

    assert answer.content == b"from the owner"


async def test_during_a_recovery_a_complete_store_answers(client: httpx.AsyncClient, world: World) -> None:
    """The table may lack rows; Redis does not."""
    world.ready, world.online.answer = False, (True, b'{"n":3}')
    answer = await client.get("/forecasts/17")

    assert (answer.status_code, answer.content) == (200, b'{"n":3}')


async def test_during_a_recovery_nobody_else_does(client: httpx.AsyncClient, world: World) -> None:
    """503 and when to come again: a half-read table would say 404, or something old."""
    world.ready = False
    answer = await client.get("/forecasts/17")

    assert (answer.status_code, answer.json()["code"]) == (503, "recovering")
    assert "retry-after" in answer.headers


async def test_without_redis_the_owner_answers(client: httpx.AsyncClient, world: World, state: StateRuntime) -> None:
    """Nothing of it is needed."""
    object.__setattr__(state, "online", None)
    world.owner = URL("http://other")

    assert (await client.get("/forecasts/17")).content == b"from the owner"


async def test_a_row_of_a_later_release_is_no_crash(client: httpx.AsyncClient, state: StateRuntime) -> None:
    """After a step back to an earlier release: a reason, no traceback."""
    ForecastingState.of(state).forecasts._rows.write(0, [(b"17", b"\0\0\0\xff\xff")])
    answer = await client.get("/forecasts/17")

    assert (answer.status_code, answer.json()["code"]) == (503, "unreadable")
