"""Models of several workers: each has the rows of its names, and the list has them all."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web
from yarl import URL

from streams.runtime import StateRuntime
from streams.settings import Settings
from streams.views.application import create_http
from streams.views.scoring import owners
from streams.views.web import forwarding
from streams.workers import apps

OTHERS = [
    {"name": "late", "type": "onnx", "createTime": "2026-10-25T02:30:00+01:00"},
    {"name": "early", "type": "pmml", "createTime": "2026-10-25T02:45:00+02:00"},
]


@pytest.fixture
async def state(tmp_path: Path) -> StateRuntime:
    """A worker that is not started."""
    return apps.create_state(Settings(home=tmp_path), "127.0.0.1:1")


@pytest.fixture
async def other() -> AsyncIterator[tuple[URL, list[Any]]]:
    """Another worker: its address, and what it was asked."""
    asked: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        form = request.content_type.startswith("multipart/")
        content: Any = await request.post() if form else await request.text()
        if not isinstance(content, str):
            file: Any = content["file"]
            content = {**content, "file": (file.filename, file.file.read())}
        asked.append((request.method, request.path, content))
        return web.json_response({"data": {"modelList": OTHERS, "status": True}})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield URL(f"http://127.0.0.1:{port}"), asked
    await runner.cleanup()


@pytest.fixture
async def client(
    state: StateRuntime, other: tuple[URL, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """Of the first worker, which owns no name."""
    monkeypatch.setattr(owners, "is_ready", lambda _: True)
    monkeypatch.setattr(forwarding, "other_workers", lambda _: [other[0]])
    monkeypatch.setattr(forwarding, "owner_elsewhere", lambda *_: other[0])
    transport = httpx.ASGITransport(create_http(state))
    async with aiohttp.ClientSession() as session:
        monkeypatch.setattr(type(state.app), "http_client", session)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
            yield made


async def test_S037_the_list_has_the_models_of_all_workers(client: httpx.AsyncClient) -> None:
    """The newest first, whatever the offsets of their times."""
    answer = await client.get("/model-info")

    assert [one["name"] for one in answer.json()["data"]["modelList"]] == ["late", "early"]


async def test_an_upload_is_the_owners(client: httpx.AsyncClient, other: tuple[URL, list[Any]]) -> None:
    """With its file and all that is said of it."""
    files = {"file": ("iris.onnx", b"model")}
    answer = await client.post("/api/v1/model-upload", files=files, data={"name": "iris", "descript": "täglich"})

    assert answer.json()["data"]["status"] is True
    ((method, path, form),) = other[1]
    assert (method, path) == ("POST", "/api/v1/model-upload")
    assert form == {"name": "iris", "descript": "täglich", "file": ("iris.onnx", b"model")}


async def test_a_removal_is_the_owners(client: httpx.AsyncClient, other: tuple[URL, list[Any]]) -> None:
    """As it was sent."""
    await client.post("/operate-model", json={"modelName": "iris", "operation": "delete"})

    assert other[1] == [("POST", "/operate-model", '{"modelName":"iris","operation":"delete"}')]


async def test_rows_that_are_being_recovered_are_not_listed(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503: a list with holes would be a wrong answer."""
    monkeypatch.setattr(owners, "is_ready", lambda _: False)
    answer = await client.get("/model-info")

    assert (answer.status_code, answer.json()["data"]) == (503, {"status": False})
