"""`tidecast metrics list`, `show`, `export`, `watch` and `rebuild`, against a service that is a list of answers."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.console.failure import CommandError
from streams.cli.main import program
from streams.cli.workloads.tables import sparkline
from streams.cli.workloads.watching import Watched
from tests.unit.streams.cli.conftest import ServiceIs

AT = 1_704_067_200_000
UID = "tj-7-7"
URL = "http://127.0.0.1:8080"


def point(step: int, value: float | None = 1.0, source: str = "log") -> dict[str, Any]:
    return {
        "metric_name": "loss", "value": value, "timestamp": AT + step, "iteration": step, "data_source": source,
    }  # fmt: skip


Answers = dict[str, httpx.Response | Callable[[httpx.Request], httpx.Response]]


@pytest.fixture
def run(service_is: ServiceIs) -> Callable[..., Result]:
    """Run a command against these answers, by method and path."""

    def run_it(answers: Answers, *words: str) -> Result:
        def answer(request: httpx.Request) -> httpx.Response:
            found = answers[f"{request.method} {request.url.path}"]
            return found if isinstance(found, httpx.Response) else found(request)

        service_is(answer)
        return CliRunner().invoke(program(), ["metrics", *words, "--url", URL])

    return run_it


METRICS = {"name": "loss", "data_source": ["log", "wandb"], "count": 1234}
DATA = f"GET /api/v1/workloads/{UID}/metrics/data"
AVAILABLE = f"GET /api/v1/workloads/{UID}/metrics/available"
STREAM = f"GET /api/v1/workloads/{UID}/metrics/stream"


def test_list_shows_the_newest(run: Callable[..., Result]) -> None:
    """And how many it leaves out; JSON is the service's answer."""
    items = [
        {"workload_uid": UID, "name": "my job", "kind": "training", "status": "running", "create_time": AT},
        {"workload_uid": "w", "name": "w", "kind": "unknown", "status": "unknown", "create_time": AT},
    ]
    answers: Answers = {
        "GET /api/v1/workloads": httpx.Response(200, json={"workloads": items, "total_count": 7}),
    }
    shown = run(answers, "list", "--limit", "2")

    assert "2024-01-01 00:00:00" in shown.stdout
    assert "my job" in shown.stdout
    assert "5 older ones are not shown: --limit 7 shows all" in shown.stderr
    assert json.loads(run(answers, "list", "--json").stdout)["total_count"] == 7


def test_show_has_the_last_value_and_the_curve(run: Callable[..., Result]) -> None:
    """Of each source; a gap where nothing could be computed."""
    points = [point(1, 0.0), point(2, None), point(3, 1.0), point(9, 0.25, "wandb")]
    answers: Answers = {
        AVAILABLE: httpx.Response(200, json={"workload_uid": UID, "metrics": [METRICS], "total_count": 1}),
        DATA: httpx.Response(200, json={"workload_uid": UID, "data": points, "total_count": 4}),
    }
    shown = run(answers, "show", UID).stdout

    assert "1,234" in shown
    assert "▁ █" in shown
    assert "0.25" in shown


def test_show_of_nothing(run: Callable[..., Result]) -> None:
    """Says what to do."""
    answers: Answers = {AVAILABLE: httpx.Response(200, json={"workload_uid": UID, "metrics": [], "total_count": 0})}
    ended = run(answers, "show", UID)

    assert isinstance(ended.exception, CommandError)
    assert "no points are kept of workload tj-7-7" in str(ended.exception)


def test_export_writes_what_the_service_sends(run: Callable[..., Result], tmp_path: Path) -> None:
    """Byte for byte, to a file or to standard output, with the filters."""
    asked: list[httpx.URL] = []
    content = b"metric_name,value\nloss,1\nloss,2\n"
    known = {AVAILABLE: httpx.Response(200, json={"workload_uid": UID, "metrics": [METRICS], "total_count": 1})}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, content=content)

    out = tmp_path / "points.csv"
    ended = run({**known, DATA: answer}, "export", UID, "--out", str(out), "-m", "loss", "-m", "a/b", "--source", "log")

    assert out.read_bytes() == content
    assert "2 points in" in ended.stderr
    assert asked[0].params.get_list("metrics") == ["loss", "a/b"]
    assert dict(asked[0].params) == {"format": "csv", "metrics": "loss", "data_source": "log"} | {
        "metrics": asked[0].params["metrics"]
    }
    assert run({**known, DATA: answer}, "export", UID).stdout_bytes == content


def test_export_to_where_nothing_can_be_written(run: Callable[..., Result], tmp_path: Path) -> None:
    """Is said."""
    answers: Answers = {
        AVAILABLE: httpx.Response(200, json={"workload_uid": UID, "metrics": [METRICS], "total_count": 1}),
        DATA: httpx.Response(200, content=b"x\n"),
    }
    ended = run(answers, "export", UID, "--out", str(tmp_path / "no" / "x.csv"))

    assert "cannot be written" in str(ended.exception)


def test_export_of_nothing(run: Callable[..., Result], tmp_path: Path) -> None:
    """A workload that nobody knows is a slip, not an empty file."""
    answers: Answers = {AVAILABLE: httpx.Response(200, json={"workload_uid": UID, "metrics": [], "total_count": 0})}
    ended = run(answers, "export", UID, "--out", str(tmp_path / "x.csv"))

    assert ended.exit_code == 1
    assert "no points are kept of workload tj-7-7" in str(ended.exception)
    assert not (tmp_path / "x.csv").exists()


class _Silence(httpx.SyncByteStream):
    """A stream that says nothing until its reader is tired of waiting."""

    def __init__(self, content: bytes = b"") -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        time.sleep(0.05)
        raise httpx.ReadTimeout("silence")


def event(number: int) -> bytes:
    """One of the stream, and a sign of life."""
    return f"id: {number}\r\nevent: points\r\ndata: {json.dumps([point(number)])}\r\n\r\n: ping\r\n\r\n".encode()


WATCH = ("watch", UID, "--json", "--until-idle", "0.5", "--metric", "loss")


def test_watch_goes_on_behind_the_last_event(run: Callable[..., Result]) -> None:
    """Each point once, though the stream breaks off; ends well when nothing comes, and not later."""
    given: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        given.append(request.headers["last-event-id"])
        first = int(given[-1]) + 1
        return httpx.Response(200, stream=_Silence(event(first) if first <= 2 else b""))

    began = time.monotonic()
    ended = run({STREAM: answer}, *WATCH)

    assert ended.exit_code == 0, ended.output
    assert [json.loads(line)["iteration"] for line in ended.stdout.splitlines()] == [0, 1, 2]
    assert given[:4] == ["-1", "0", "1", "2"]
    assert 0.5 <= time.monotonic() - began < 60


@pytest.mark.parametrize("last", ["away", "not ready"])
def test_watch_of_a_service_that_goes_away(run: Callable[..., Result], last: str) -> None:
    """It is as silent as one without news: what came is shown, and the command ends well, in time."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["last-event-id"])
        if len(asked) == 1:
            return httpx.Response(200, content=event(0))
        if last == "away":
            raise httpx.ConnectError("refused")
        return httpx.Response(
            503, json={"code": "x", "message": "the points are being read"}, headers={"Retry-After": "3600"}
        )

    began = time.monotonic()
    ended = run({STREAM: answer}, *WATCH)

    assert ended.exit_code == 0, ended.output
    assert [json.loads(line)["iteration"] for line in ended.stdout.splitlines()] == [0]
    assert time.monotonic() - began < 60  # not as long as the service says


def test_watch_of_a_service_that_is_not_there(run: Callable[..., Result]) -> None:
    """Fails, whatever ends the watching: the address may be wrong."""

    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    ended = run({STREAM: answer}, *WATCH)

    assert isinstance(ended.exception, CommandError)
    assert "no Tidecast service answers" in str(ended.exception)


def test_rebuild_waits_until_all_is_read(run: Callable[..., Result]) -> None:
    """And tells how quick it was."""
    places = iter([False, True])

    def answer(_: httpx.Request) -> httpx.Response:
        current = next(places)
        item = {"partition": 0, "place": 1500 if current else 3, "end": 1500, "current": current}
        return httpx.Response(200, json={"partitions": [item]})

    answers: Answers = {
        "POST /api/v1/metrics/rebuild": httpx.Response(202, json={"partitions": []}),
        "GET /api/v1/metrics/places": answer,
    }

    assert "1,500 points were read in" in run(answers, "rebuild").stdout


def test_a_curve_in_one_line() -> None:
    """Flat ones are low."""
    assert sparkline([1, 1, 1]) == "▁▁▁"
    assert sparkline([0, None, 7, 3.5]) == "▁ █▅"
    assert sparkline([None, None]) == "  "
    assert sparkline([]) == ""


def test_what_was_watched_counts_all_and_keeps_the_end() -> None:
    """Of each metric and source."""
    watched = Watched()
    for step in range(100):
        watched.add(point(step, float(step)))
    table = watched.table()

    assert [list(column.cells) for column in table.columns][:5] == [["loss"], ["log"], ["100"], ["99"], ["99"]]


def test_export_as_json_is_the_services_answer(run: Callable[..., Result], tmp_path: Path) -> None:
    """Which is not a file's: then --json is wrong usage."""
    asked: list[httpx.URL] = []
    points = {"workload_uid": UID, "data": [point(1)], "total_count": 1}
    known = {AVAILABLE: httpx.Response(200, json={"workload_uid": UID, "metrics": [METRICS], "total_count": 1})}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json=points)

    ended = run({**known, DATA: answer}, "export", UID, "--json")
    refused = run({}, "export", UID, "--json", "--out", str(tmp_path / "x.csv"))

    assert json.loads(ended.stdout) == points
    assert asked[0].params["format"] == "json"
    assert isinstance(refused.exception, CommandError)
    assert refused.exception.status == 2


def test_rebuild_as_json(run: Callable[..., Result]) -> None:
    """How many points there were; the progress is not on standard output."""
    item = {"partition": 0, "place": 1500, "end": 1500, "current": True}
    answers: Answers = {
        "POST /api/v1/metrics/rebuild": httpx.Response(202, json={"partitions": []}),
        "GET /api/v1/metrics/places": httpx.Response(200, json={"partitions": [item]}),
    }

    assert json.loads(run(answers, "rebuild", "--json").stdout)["points"] == 1500
