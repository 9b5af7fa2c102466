"""`tidecast metrics list`, `show`, `export`, `watch` and `rebuild`, against a service that is a list of answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.console.failure import CommandError
from streams.cli.main import program
from streams.cli.service import session
from streams.cli.service.client import ServiceClient
from streams.cli.workloads.tables import sparkline
from streams.cli.workloads.watching import Watched

AT = 1_704_067_200_000
UID = "tj-7-7"
URL = "http://127.0.0.1:8080"


def point(step: int, value: float | None = 1.0, source: str = "log") -> dict[str, Any]:
    return {
        "metric_name": "loss", "value": value, "timestamp": AT + step, "iteration": step, "data_source": source,
    }  # fmt: skip


Answers = dict[str, httpx.Response | Callable[[httpx.Request], httpx.Response]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command against these answers, by method and path."""

    def run_it(answers: Answers, *words: str) -> Result:
        def answer(request: httpx.Request) -> httpx.Response:
            found = answers[f"{request.method} {request.url.path}"]
            return found if isinstance(found, httpx.Response) else found(request)

        monkeypatch.setattr(
            session, "ServiceClient", lambda url: ServiceClient(url, transport=httpx.MockTransport(answer))
        )
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

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, content=content)

    out = tmp_path / "points.csv"
    ended = run({DATA: answer}, "export", UID, "--out", str(out), "-m", "loss", "-m", "a/b", "--source", "log")

    assert out.read_bytes() == content
    assert "2 points in" in ended.stderr
    assert asked[0].params.get_list("metrics") == ["loss", "a/b"]
    assert dict(asked[0].params) == {"format": "csv", "metrics": "loss", "data_source": "log"} | {
        "metrics": asked[0].params["metrics"]
    }
    assert run({DATA: answer}, "export", UID).stdout_bytes == content


def test_export_to_where_nothing_can_be_written(run: Callable[..., Result], tmp_path: Path) -> None:
    """Is said."""
    ended = run({DATA: httpx.Response(200, content=b"x\n")}, "export", UID, "--out", str(tmp_path / "no" / "x.csv"))

    assert "cannot be written" in str(ended.exception)


def test_watch_goes_on_behind_the_last_event(run: Callable[..., Result]) -> None:
    """Each point once, though the stream breaks off; ends when nothing comes."""
    given: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        given.append(request.headers["last-event-id"])
        first = int(given[-1]) + 1
        if first > 2:
            raise httpx.ReadTimeout("silence")
        event = f"id: {first}\r\nevent: points\r\ndata: {json.dumps([point(first)])}\r\n\r\n: ping\r\n\r\n"
        return httpx.Response(200, content=event.encode())

    ended = run({STREAM: answer}, "watch", UID, "--json", "--until-idle", "0.5", "--metric", "loss")

    assert [json.loads(line)["iteration"] for line in ended.stdout.splitlines()] == [0, 1, 2]
    assert given[:4] == ["-1", "0", "1", "2"]


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
