"""`tidecast alerts`, against a service that is a function."""

import json

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.main import program
from streams.cli.service import newest, session
from streams.cli.service.client import ServiceClient

_URL = "http://127.0.0.1:8080"
_ALERTS = [
    {"alert_id": name, "kind": "missing_data", "job_id": 7, "at": 1_600_000_000_000, "message": f"{name}: no value"}
    for name in "abc"
]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[list[dict[str, object]]]:
    """What the service answers one after the other; then somebody ends the command."""
    left: list[list[dict[str, object]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if not left:
            raise KeyboardInterrupt
        return httpx.Response(200, json={"alerts": left.pop(0), "asked": str(request.url)})

    monkeypatch.setattr(
        session, "ServiceClient", lambda url, **more: ServiceClient(url, **more, transport=httpx.MockTransport(answer))
    )
    monkeypatch.setattr(newest, "_EVERY_S", 0.0)
    return left


def _run(*words: str) -> Result:
    return CliRunner().invoke(program(), ["alerts", *words, "--url", _URL])


def test_alerts_are_told_line_by_line(answers: list[list[dict[str, object]]]) -> None:
    """With their time, kind and job."""
    answers.append(_ALERTS)
    result = _run()

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == "2020-09-13 12:26:40  missing_data         job 7  a: no value"
    assert len(result.stdout.splitlines()) == 3


def test_as_json_each_is_a_line(answers: list[list[dict[str, object]]]) -> None:
    """As the service has them."""
    answers.append(_ALERTS)

    assert [json.loads(line) for line in _run("--json").stdout.splitlines()] == _ALERTS


def test_what_comes_is_followed_and_told_once(answers: list[list[dict[str, object]]]) -> None:
    """Until it is ended."""
    answers += [_ALERTS[:1], _ALERTS[:2], _ALERTS]
    lines = _run("--follow", "--json").stdout.splitlines()

    assert [json.loads(line)["alert_id"] for line in lines] == ["a", "b", "c"]


def test_there_are_none(answers: list[list[dict[str, object]]]) -> None:
    """Which is said, where nothing is to be read by a program."""
    answers.append([])
    result = _run()

    assert (result.exit_code, result.stdout) == (0, "")
    assert "there are none" in result.stderr
