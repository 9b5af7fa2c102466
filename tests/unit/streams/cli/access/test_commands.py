"""`tidecast access … --json`, against a service that is a list of answers."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from streams.cli.main import program
from tests.unit.streams.cli.conftest import ServiceIs

URL = "http://127.0.0.1:8080"
USER = {"user": "ada", "project": "default", "role": "operator", "created": 1}
PROJECT = {"project": "retail", "title": "Retail", "created": 1}
QUOTAS = {"project": "retail", "quotas": {"jobs": 1}}
TOKEN = {"user": {"name": "ada"}, "project": {"id": "default"}, "expires_at": "2030-01-01T00:00:00.000000Z"}


@pytest.fixture(autouse=True)
def service(service_is: ServiceIs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[httpx.Request]:
    """Keeps what it was asked; logins of this machine are not touched."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    asked: list[httpx.Request] = []
    answers: dict[str, Any] = {
        "GET /access/users": {"users": []},
        "PUT /access/users/ada": USER,
        "PUT /access/projects/retail": PROJECT,
        "PUT /access/projects/retail/quotas": QUOTAS,
        "POST /v3/auth/tokens": {"token": TOKEN},
    }

    def answer(request: httpx.Request) -> httpx.Response:
        request.read()
        asked.append(request)
        if request.method == "DELETE":
            return httpx.Response(204)
        found = answers[f"{request.method} {request.url.path}"]
        return httpx.Response(200, json=found, headers={"X-Subject-Token": "t0ken"})

    service_is(answer)
    return asked


def document(words: str) -> Any:
    """What a command prints, which is one document and nothing else."""
    ended = CliRunner().invoke(program(), ["access", *words.split(), "--json", "--url", URL], input="a password\n")
    assert ended.exit_code == 0, ended.output
    assert ended.stderr == ""
    return json.loads(ended.stdout)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("user add ada --password-stdin", USER),
        ("user change ada --role viewer", USER),
        ("user revoke ada", {"revoked": "ada"}),
        ("key revoke KEY", {"revoked": "KEY"}),
        ("project add retail --title Retail", PROJECT),
        ("project quota retail jobs=1", QUOTAS),
        ("project revoke retail", {"revoked": "retail"}),
        ("user list", []),
    ],
)
def test_what_was_done(words: str, told: Any) -> None:
    """The service's answer, or what was done where it says nothing."""
    assert document(words) == told


def test_a_password_that_was_made_is_in_the_document(service: list[httpx.Request]) -> None:
    """Nobody is told it again."""
    told = document("user add ada")

    assert told == {**USER, "password": json.loads(service[-1].content)["password"]}
    assert len(told["password"]) >= 15


def test_who_is_logged_in(tmp_path: Path) -> None:
    """And where the token is, which is not shown; afterwards it is gone."""
    told = document("login ada --password-stdin")

    assert told == {**TOKEN, "file": str(tmp_path / "tidecast" / "logins.json")}
    assert "t0ken" in Path(told["file"]).read_text("utf-8")
    assert document("logout") == {"logged_out": URL}
    assert "t0ken" not in Path(told["file"]).read_text("utf-8")
