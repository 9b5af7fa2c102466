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


@pytest.mark.parametrize("words", ["deploy iris flowers", "scale flowers 2"])
def test_a_service_that_cannot_load_its_model(service_is: ServiceIs, words: str) -> None:
    """1, and why; programs get the service as it is all the same."""
    failed = {**SHOWN, "status": "failed", "reason": "memoryReserve is too little"}
    service_is(lambda _: httpx.Response(200, json={"data": failed}))
    command = ["services", *words.split(), "--json", "--url", "http://127.0.0.1:8080"]
    ended = CliRunner().invoke(program(), command)

    assert (ended.exit_code, json.loads(ended.stdout)) == (1, failed)
    assert "service flowers has failed: memoryReserve is too little" in str(ended.exception) + ended.stderr


def test_a_service_without_a_replica_is_not_waited_for(service_is: ServiceIs) -> None:
    """1 at once, with the remedy."""
    body = {"data": {"status": False}, "code": "NoReplica", "message": "service flowers has no replica: scale it up"}
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(503, json=body, headers={"Retry-After": "5"})

    service_is(answer)
    ended = CliRunner().invoke(program(), ["services", "call", "flowers", "[]", "--url", "http://127.0.0.1:8080"])

    assert (ended.exit_code, len(asked)) == (1, 1)
    assert "service flowers has no replica: scale it up" in str(ended.exception) + ended.stderr
