"""What every test of the command line starts from."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from typer import rich_utils

from streams.cli.service import session
from streams.cli.service.client import ServiceClient

Answer = Callable[[httpx.Request], httpx.Response]
ServiceIs = Callable[[Answer], None]


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colours and no width of the machine that runs the tests."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(rich_utils, "FORCE_TERMINAL", None)


@pytest.fixture
def service_is(monkeypatch: pytest.MonkeyPatch) -> ServiceIs:
    """Let a function be the service that commands ask."""

    def replace(answer: Answer) -> None:
        def client(url: str, **more: Any) -> ServiceClient:
            return ServiceClient(url, **more, transport=httpx.MockTransport(answer))

        monkeypatch.setattr(session, "ServiceClient", client)

    return replace
