"""`tidecast services … --json`, against a service that is a list of answers."""

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from streams.cli.main import program
from tests.unit.streams.cli.conftest import ServiceIs

SHOWN = {
    "serviceName": "flowers",
    "modelName": "iris",
    "status": "running",
    "restfulUrl": "http://127.0.0.1:8080/api/v1/scv/pmml/flowers",
    "podList": [{"name": "flowers-0", "status": "running"}],
}
WORDS = ("deploy iris flowers", "pause flowers-0", "start flowers-0", "scale flowers 2", "show flowers")


@pytest.fixture(autouse=True)
def service(service_is: ServiceIs) -> None:
    """One service, whatever is done to it."""

    def answer(request: httpx.Request) -> httpx.Response:
        known: dict[str, Any] = {"/service-info": SHOWN, "/service-list": {"serviceList": [SHOWN]}}
        return httpx.Response(200, json={"data": known.get(request.url.path, {"status": True})})

    service_is(answer)


def printed(words: str) -> str:
    ended = CliRunner().invoke(program(), ["services", *words.split(), "--url", "http://127.0.0.1:8080"])
    assert ended.exit_code == 0, ended.output
    assert ended.stderr == ""
    return ended.stdout


@pytest.mark.parametrize("words", WORDS)
def test_a_service_after_what_was_done_to_it(words: str) -> None:
    """As the service shows it; people get a table."""
    assert json.loads(printed(f"{words} --json")) == SHOWN
    assert "restfulUrl" not in printed(words)


def test_the_list_and_a_removal() -> None:
    """The list itself; what the service answers to the removal."""
    assert json.loads(printed("list --json")) == [SHOWN]
    assert json.loads(printed("delete flowers --json")) == {"status": True}
    assert printed("delete flowers") == "service flowers is removed\n"
