"""A service that is a function, what it tells of a series, and commands that ask it."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.main import program
from streams.cli.service import session
from streams.cli.service.client import ServiceClient

URL = "http://127.0.0.1:8080"
FAILED = {"ts_id": 9, "groups": {}, "series_key": "x", "model_name": None, "n": None, "error": "it has no forecast"}


def answered(number: int, **fields: Any) -> dict[str, Any]:
    """A series of two steps, with what the question is about in `fields`."""
    return {
        "ts_id": number,
        "groups": {"shop": f"s{number}"},
        "series_key": f"shop=s{number}",
        "model_name": "Auto",
        "n": 0,
        "error": None,
        "answered_by": "Regression",
        "note": None,
        "timestamps": ["2020-01-11 00:00:00", "2020-01-12 00:00:00"],
        "utc_offsets": None,
        **fields,
    }


def serve(monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], httpx.Response]) -> None:
    """Let commands ask this function."""
    transport = httpx.MockTransport(answer)
    monkeypatch.setattr(session, "ServiceClient", lambda url, **more: ServiceClient(url, **more, transport=transport))


def run(command: str, *words: str) -> Result:
    """A command about job 7."""
    return CliRunner().invoke(program(), [command, "7", *words, "--url", URL], env={"COLUMNS": "200"})


def rows(result: Result) -> list[list[str]]:
    """The words of what it printed, by line."""
    return [line.split() for line in result.stdout.splitlines() if line.strip()]
