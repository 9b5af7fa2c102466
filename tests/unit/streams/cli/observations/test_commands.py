"""`tidecast data`, against a service that is a function."""

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
from tests.workbooks import workbook

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
    pauses: list[float] = []
    monkeypatch.setattr(commands.time, "sleep", pauses.append)
    file = tmp_path / "today.csv"
    file.write_text(content)

    result = run("append", "5", str(file), "--rows", "2", "--every", "0.5")

    assert result.exit_code == 0, result.output
    assert [str(request.url) for request in sent] == [f"{URL}/data/5/rows"] * 2
    assert pauses == [0.5]
    rows: list[Any] = [row for request in sent for row in json.loads(request.content)]
    assert rows == [{"day": f"2020-01-0{day}", "sold": sold} for day, sold in ((1, "7"), (2, "8"), (3, ""))]
    assert "3 rows are kept" in result.stderr


def test_append_sends_fewer_rows_of_a_wide_file_at_a_time(sent: list[httpx.Request], tmp_path: Path) -> None:
    """A request has so many values as it may."""
    file = tmp_path / "wide.csv"
    cells = ",".join("1" for _ in range(1000))
    days = "".join(f"2020-{month:02}-{day:02},{cells}\n" for month in range(1, 9) for day in range(1, 16))
    file.write_text(f"day,{','.join(f's{number}' for number in range(1000))}\n{days}")

    result = run("append", "5", str(file))

    assert result.exit_code == 0, result.output
    assert [len(json.loads(request.content)) for request in sent] == [99, 21]


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


DATASET = {"id": 5, "name": "sales", "rows": 1234, "time_created": "2020-01-01T00:00:00+00:00"}
COLUMNS = {
    "header": [{"index": 0, "label": "day"}, {"index": 1, "label": "so\nld"}],
    "heads": {"day": ["2020-01-01", "2020-01-02"], "so\nld": [7, None]},
}


def answered_by(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[httpx.Request]:
    """The requests of a service that always says the same."""
    requests: list[httpx.Request] = []

    def reply(request: httpx.Request) -> httpx.Response:
        request.read()
        requests.append(request)
        return httpx.Response(204) if answer is None else httpx.Response(200, json=answer)

    monkeypatch.setattr(
        session, "ServiceClient", lambda url, **more: ServiceClient(url, **more, transport=httpx.MockTransport(reply))
    )
    return requests


def test_an_upload_tells_its_id_and_what_can_be_read_in_two_ways(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The name is made from the file's by the service unless one is given."""
    requests = answered_by(monkeypatch, {"data": DATASET, "warnings": ["day first?"]})
    file = tmp_path / "sales.csv"
    file.write_text("day,sold\n2020-01-01,7\n")

    shown = run("upload", str(file))
    run("upload", str(file), "--name", "mine")

    assert shown.stdout == "data set 5 (sales): 1,234 rows\n"
    assert "warning: day first?" in shown.stderr
    assert [b'name="name"' in request.content for request in requests] == [False, True]
    assert all(b"2020-01-01,7" in request.content for request in requests)


def test_an_upload_says_what_of_the_file_is_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the form's fields are called."""
    requests = answered_by(monkeypatch, {"data": DATASET})
    file = tmp_path / "sales.csv"
    file.write_text("day,a,b\n2020-01-01,7,8\n")
    run(
        "upload", str(file), "--sheet", "South", "--series-columns", "all", "--delimiter", "tab", "--skipped-lines", "2"
    )

    fields = requests[0].content.replace(b"\r\n", b" ")
    assert b'name="sheet"  South' in fields
    assert b'name="series_columns"  all' in fields
    assert b'name="delimiter"  tab' in fields
    assert b'name="skipped_lines"  2' in fields
    assert b'name="encoding"' not in fields


def test_rows_of_a_sheet_are_appended(sent: list[httpx.Request], tmp_path: Path) -> None:
    """Of the one that is named."""
    file = tmp_path / "book.xlsx"
    file.write_bytes(workbook({"A": [["day", "x"], ["2020-01-01", 1.0]], "B": [["day", "x"], ["2020-01-02", 2.0]]}))
    run("append", "5", str(file), "--sheet", "B")

    assert json.loads(sent[0].content) == [{"day": "2020-01-02", "x": "2"}]


def test_data_sets_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row each, or as the service says it; none is told where there is none."""
    answered_by(monkeypatch, {"data": [DATASET]})
    listed, as_json = run("list"), run("list", "--json")
    answered_by(monkeypatch, {"data": []})
    none = run("list")

    assert ["5", "sales", "1234", "2020-01-01T00:00:00+00:00"] in [line.split() for line in listed.stdout.splitlines()]
    assert json.loads(as_json.stdout) == [DATASET]
    assert "no data set has been uploaded" in none.stderr


def test_a_data_set_is_shown_with_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the numbers that jobs choose them by; what a file holds cannot break the table."""
    requests = answered_by(monkeypatch, {"data": DATASET, **COLUMNS, "status": 200})
    shown = run("show", "5")
    rows = [line.split() for line in shown.stdout.splitlines()]

    assert requests[0].url.path == "/data/5/"
    assert ["0", "day", "2020-01-01,", "2020-01-02"] in rows
    assert ["1", "so\\nld", "7,"] in rows


def test_a_data_set_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = answered_by(monkeypatch, None)
    done = run("delete", "5")

    assert (requests[0].method, requests[0].url.path) == ("DELETE", "/data/5/")
    assert done.stdout == "data set 5 is removed\n"


def test_append_reads_the_standard_input(sent: list[httpx.Request]) -> None:
    """Named by a dash."""
    result = CliRunner().invoke(program(), ["data", "append", "5", "-", "--url", URL], input="day,sold\n2020-01-01,7\n")

    assert result.exit_code == 0, result.output
    assert json.loads(sent[0].content) == [{"day": "2020-01-01", "sold": "7"}]


def test_what_was_done_as_json(sent: list[httpx.Request], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One document, however many requests it took."""
    (tmp_path / "today.csv").write_text("day,sold\n2020-01-01,7\n2020-01-02,8\n2020-01-03,\n")
    appended = run("append", "5", str(tmp_path / "today.csv"), "--rows", "2", "--json")
    answered_by(monkeypatch, None)
    deleted = run("delete", "5", "--json")

    assert len(sent) == 2
    assert json.loads(appended.stdout) == {"data_id": 5, "accepted": 3}
    assert json.loads(deleted.stdout) == {"deleted": 5}
