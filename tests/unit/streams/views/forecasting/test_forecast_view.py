"""GET /forecasts/{ts_id}: who answers, and what is said where nobody can."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import Response
from yarl import URL

from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split, save_split
from schemas.forecasting import JobRecord
from schemas.series import Forecast
from streams.access.caller import Caller, Role, calling
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


@pytest.mark.parametrize(("project", "seen_by"), [("", ""), ("sales", "sales")])
async def test_what_redis_has_is_its_projects_alone(
    client: httpx.AsyncClient, world: World, project: str, seen_by: str
) -> None:
    """Also where a series is called like the field that says whose it is."""
    body = forecast_json(replace(FORECAST, item_id='{"project":"sales"}', project=project))
    world.owner, world.online.answer = URL("http://other"), (True, body)
    statuses = {}
    for who in ("", "sales", "sale"):
        with calling(Caller("ada", who, Role.VIEWER)):
            statuses[who] = (await client.get("/forecasts/17")).status_code

    assert statuses == {who: 200 if who == seen_by else 404 for who in ("", "sales", "sale")}


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


async def _given_series(state: StateRuntime, job_id: int, columns: tuple[str, ...], *texts: str) -> list[int]:
    """A job on data set 5 with these series, each with a forecast; their ids."""
    own = ForecastingState.of(state)
    arrays = {
        "target": np.zeros(len(texts)),
        "times": np.zeros(len(texts), np.int64),
        "text_codes": np.zeros(len(texts), np.int32),
        "offsets": np.arange(len(texts) + 1),
        "calendar_codes": np.zeros(len(texts), np.int32),
        "is_complete": np.ones(len(texts), np.bool_),
    }
    split = Split(
        **arrays,
        texts=("2020-01-01",),
        calendars=("D",),
        groupby_val=texts,
        groupby_key=columns,
        target_label="y",
        timestamp_label="t",
        target_is_integer=True,
        features=(),
    )
    key, first = f"splits/{job_id}/a.npz", job_id * 100
    save_split(state.store, key, split)
    job = JobRecord(job_id, 5, None, 1, 0, split=key, first_ts_id=first, series_count=len(texts))
    own.jobs._rows.write(0, [(b"%d" % job_id, CODEC.encode(job))])
    for place, text in enumerate(texts):
        name = named_series(columns, text)
        new = replace(FORECAST, job_id=job_id, ts_id=first + place, groups=name.groups, series_key=name.key, data_id=5)
        own.forecasts._rows.write(0, [(b"%d" % new.ts_id, CODEC.encode(new))])
    return [first + place for place in range(len(texts))]


async def test_forecasts_are_found_by_the_name_of_their_series(client: httpx.AsyncClient, state: StateRuntime) -> None:
    """Of each job that has the series, the newest first, in whatever order it has chosen the columns."""
    _, one = await _given_series(state, 8, ("a", "b"), "('x', 1)", "('y/=', 2)")
    other, _ = await _given_series(state, 9, ("b", "a"), "(2, 'y/=')", "(1, 'x')")
    await _given_series(state, 10, ("a",), "('y/=',)")

    answer = await client.get("/forecasts", params={"series_key": "a=y%2F%3D/b=2", "data": 5})

    assert answer.status_code == 200, answer.text
    assert [found["ts_id"] for found in answer.json()["forecasts"]] == [other, one]
    assert answer.json()["forecasts"][1]["groups"] == {"a": "y/=", "b": "2"}
    assert answer.json()["forecasts"][1]["series_key"] == "a=y%2F%3D/b=2"


async def test_the_series_of_a_data_set_without_groups_has_a_name(
    client: httpx.AsyncClient, state: StateRuntime
) -> None:
    """And other data sets have others of that name."""
    [only] = await _given_series(state, 8, (), "()")

    found = (await client.get("/forecasts?series_key=all&data=5")).json()["forecasts"]
    none = (await client.get("/forecasts?series_key=all&data=6")).json()["forecasts"]

    assert [forecast["ts_id"] for forecast in found] == [only]
    assert none == []


async def test_what_is_no_name_is_refused(client: httpx.AsyncClient) -> None:
    """With an example of one."""
    answer = await client.get("/forecasts?series_key=EWR&data=5")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_series_key")
    assert "Carrier=AA/Origin=EWR" in answer.text
