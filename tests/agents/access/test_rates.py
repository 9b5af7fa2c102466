"""Rates: what is beyond is answered 429 in the words of each contract, with the seconds to wait."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from streams.access.caller import Caller, Role, calling
from streams.settings import Settings
from streams.views.application import create_http
from streams.views.web.admission.buckets import Rates
from streams.workers import apps
from tests.agents.bench import FakePublisher

FIELDS = {
    "/job/": {"status", "code", "message"},
    "/v1/p1/training-jobs": {"is_success", "error_code", "error_message"},
    "/endpoints": {"code", "message"},
    "/api/v1/workloads": {"code", "message"},
    "/v3": {"error"},
    "/api/2.0/mlflow/experiments/search": {"error_code", "message"},
}


@pytest.fixture
async def http(settings: Settings, publisher: FakePublisher) -> AsyncIterator[httpx.AsyncClient]:
    """Of a service that takes three requests, and then one in a thousand seconds."""
    slow = settings.model_copy(update={"requests_per_s": 0.001, "request_burst": 3})
    app: Any = create_http(apps.create_state(slow, "127.0.0.1:1"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    """Each for itself; what is refused takes nothing."""
    rates = Rates(2, 3)

    assert [rates.wait_s("a", 10) for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    assert rates.wait_s("b", 10) == 0
    assert [rates.wait_s("a", 10.5) for _ in range(2)] == [0, 0.5]
    assert [rates.wait_s("a", 1000) for _ in range(4)] == [0, 0, 0, 0.5]


@pytest.mark.parametrize("path", FIELDS)
async def test_security_9_the_answer_is_the_contracts(http: httpx.AsyncClient, path: str) -> None:
    """429, Retry-After, and the words of whatever is asked; health is always told."""
    for _ in range(3):
        await http.get("/model/")
    answer = await http.get(path)

    assert answer.status_code == 429, answer.text
    assert 900 <= int(answer.headers["retry-after"]) <= 1000
    assert FIELDS[path] <= set(answer.json())
    assert "TIDECAST_REQUESTS_PER_S" in answer.text
    assert (await http.get("/healthz")).status_code == 200


async def test_security_9_projects_do_not_share_a_rate(http: httpx.AsyncClient) -> None:
    """One that has asked too often holds no other up."""
    anna, bob = Caller("anna", "sales", Role.ADMIN), Caller("bob", "stock", Role.ADMIN)
    with calling(anna):
        assert [(await http.get("/model/")).status_code for _ in range(4)] == [200, 200, 200, 429]
    with calling(bob):
        assert (await http.get("/model/")).status_code == 200


async def test_they_are_off_by_default(settings: Settings, publisher: FakePublisher) -> None:
    """However many come."""
    app: Any = create_http(apps.create_state(settings, "127.0.0.1:1"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        assert {(await client.get("/model/")).status_code for _ in range(250)} == {200}
