"""`tidecast data append` and `export`, against a service that is a function."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.console.failure import CommandError
from streams.cli.main import program
from streams.cli.observations import commands
from streams.cli.service import session
from streams.cli.service.client import ServiceClient

URL = "http://127.0.0.1:8080"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """The requests, each of which the service takes."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.method == "GET":
            return httpx.Response(200, text="day,sold\n2020-01-01,7\n")
        return httpx.Response(200, json={"data_id": 5, "accepted": len(json.loads(request.content))})

    monkeypatch.setattr(
        session, "ServiceClient", lambda url, **more: ServiceClient(url, **more, transport=httpx.MockTransport(answer))
    )
    return requests


def run(*words: str) -> Result:
    """A command of the group."""
    return CliRunner().invoke(program(), ["data", *words, "--url", URL])


@pytest.mark.parametrize(
    "content",
    ["day,sold\n2020-01-01,7\n2020-01-02,8\n2020-01-03,\n", "day;sold\n2020-01-01;7\n2020-01-02;8\n2020-01-03;\n"],
)
def test_append_sends_the_rows_in_parts(
    sent: list[httpx.Request], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    """However the file separates its columns."""
    monkeypatch.setattr(commands, "_TOGETHER", 2)
    file = tmp_path / "today.csv"
    file.write_text(content)

    result = run("append", "5", str(file))

    assert result.exit_code == 0, result.output
    assert [str(request.url) for request in sent] == [f"{URL}/data/5/rows"] * 2
    rows: list[Any] = [row for request in sent for row in json.loads(request.content)]
    assert rows == [{"day": f"2020-01-0{day}", "sold": sold} for day, sold in ((1, "7"), (2, "8"), (3, ""))]
    assert "3 rows are kept" in result.stderr


def test_append_can_say_which_columns_tell_rows_apart(sent: list[httpx.Request], tmp_path: Path) -> None:
    """In the address, where the service looks for it."""
    file = tmp_path / "today.csv"
    file.write_text("day,shop,city,sold\n2020-01-01,a,b,7\n")
    run("append", "5", str(file), "--timestamp", "day", "-g", "shop", "-g", "city")

    assert sent[0].url.params.get_list("group_columns") == ["shop", "city"]
    assert sent[0].url.params["timestamp_column"] == "day"


def test_export_writes_the_table(sent: list[httpx.Request], tmp_path: Path) -> None:
    """To the output, or to a file."""
    shown = run("export", "5")
    run("export", "5", "--out", str(tmp_path / "now.csv"))

    assert shown.stdout == (tmp_path / "now.csv").read_text() == "day,sold\n2020-01-01,7\n"
    assert [request.url.path for request in sent] == ["/data/5/rows"] * 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["5", "gone.csv"], "there is no file gone.csv"),
        (["5", "gone.csv", "-g", "shop"], "--group-by goes with --timestamp"),
    ],
    ids=["file", "options"],
)
def test_mistakes_are_told(sent: list[httpx.Request], words: list[str], told: str) -> None:
    """Before anything is sent."""
    result = run("append", *words)

    assert isinstance(result.exception, CommandError)
    assert told in str(result.exception)
    assert sent == []
