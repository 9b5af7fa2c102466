"""A state worker with things of one project, and who asks for them."""

import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from streams.settings import Settings
from streams.views.application import create_http
from streams.views.web import forwarding
from streams.workers import apps
from tests.agents.access.things import Things
from tests.agents.bench import FakePublisher, Worker


@pytest.fixture
async def things(
    settings: Settings, publisher: FakePublisher, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Things]:
    """What project `sales` has; nobody applies commands here, so a write that is let through is seen to wait."""
    monkeypatch.setattr(forwarding, "other_workers", lambda _: [])
    for module in [one for name, one in sys.modules.items() if name.startswith("streams.views.")]:
        for name, found in (("is_ready", True), ("owner_elsewhere", None)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda *_, found=found: found)
    quick = settings.model_copy(update={"write_timeout_s": 0.2})
    made = Things(Worker(apps.create_state(quick, "127.0.0.1:1"), publisher))
    await made.make()
    yield made
    made.close()


@pytest.fixture
async def http(things: Things) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever calls."""
    app: Any = create_http(things.worker.runtime)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client
