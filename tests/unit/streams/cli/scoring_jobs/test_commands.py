"""`tidecast runs …`, against a service that is a list of answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.console.failure import CommandError
from streams.cli.main import program
from streams.cli.scoring_jobs import commands
from tests.unit.streams.cli.conftest import ServiceIs

URL = "http://127.0.0.1:8080"
ID = "r-" + "0" * 20
Run = Callable[..., Result]


def entry(**changes: Any) -> dict[str, Any]:
    made = {
        "id": ID,
        "name": "r1",
        "jobName": "bj",
        "createTime": "2024-01-01T00:00:00.000+00:00",
        "duration": 1500,
        "status": "success",
        "reason": None,
        "rows": 1234,
        "wrongRows": 2,
        "dueTime": None,
    }
    return {**made, **changes}


def listed(*entries: Any) -> httpx.Response:
    return httpx.Response(200, json={"data": {"runList": list(entries)}})


@pytest.fixture
def sent() -> list[tuple[str, Any]]:
    """What was sent."""
    return []


@pytest.fixture
def run(sent: list[tuple[str, Any]], service_is: ServiceIs) -> Run:
    """Run a command against these answers, by method and path; several are given one after another."""

    def run_it(answers: dict[str, Any], *words: str) -> Result:
        def answer(request: httpx.Request) -> httpx.Response:
            sent.append((str(request.url.copy_with(scheme="", host="", port=None)).lstrip(":/"), request.content))
            found = answers[f"{request.method} {request.url.path}"]
            return found.pop(0) if isinstance(found, list) else found

        service_is(answer)
        return CliRunner().invoke(program(), ["runs", *words, "--url", URL])

    return run_it


def test_list(run: Run) -> None:
    """Of all jobs, or of one; JSON is the service's."""
    shown = run({"GET /api/v1/runs": listed(entry())}, "list")
    of_one = run({"GET /api/v1/jobs/bj": listed(entry(name="r7"))}, "list", "bj")

    assert all(word in shown.stdout for word in ("r1", "bj", "success", "1,234", "1.5", ID))
    assert "r7" in of_one.stdout
    assert json.loads(run({"GET /api/v1/runs": listed(entry())}, "list", "--json").stdout) == [entry()]


def test_show(run: Run, sent: list[Any]) -> None:
    """By name or by id."""
    shown = run({"GET /api/v1/runs": listed(entry(status="failed", reason="stopped"))}, "show", "r1")
    run({"GET /api/v1/runs": listed(entry())}, "show", ID)

    assert "stopped" in shown.stdout
    assert [one[0].partition("?")[2] for one in sent] == ["runName=r1", f"runId={ID}"]


def test_start_and_wait(run: Run, sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The id is printed; a run that fails is a failure."""
    monkeypatch.setattr(commands, "_LOOK_S", 0.0)
    started = httpx.Response(200, json={"data": {"status": True, "id": ID, "name": "r9"}})
    answers = {"POST /api/v1/jobs/bj": started, "GET /api/v1/runs": [listed(entry(status="running")), listed(entry())]}
    shown = run(answers, "start", "bj", "--name", "r9", "--wait")

    assert shown.stdout.strip() == ID
    assert "1,234 rows in 1.5 s" in shown.stderr
    assert json.loads(sent[0][1]) == {"runName": "r9"}
    answers["GET /api/v1/runs"] = listed(entry(status="failed", reason="no memory"))
    failed = run(answers, "start", "bj", "--wait")
    assert isinstance(failed.exception, CommandError)
    assert "no memory" in str(failed.exception)


@pytest.mark.parametrize("operation", ["stop", "pause", "continue", "delete"])
def test_operations(run: Run, sent: list[Any], operation: str) -> None:
    """By the run's id, whatever it was called by."""
    done = httpx.Response(200, json={"data": {"status": True}})
    shown = run({"GET /api/v1/runs": listed(entry()), "POST /operate-run": done}, operation, "r1")

    assert shown.exit_code == 0
    assert json.loads(sent[-1][1]) == {"runName": "r1", "runId": ID, "type": operation}


def test_result(run: Run, tmp_path: Path) -> None:
    """To a file, or to standard output."""
    told = {"status": True, "url": f"{URL}/outputs/runs/{ID}/out.csv", "rows": 1234, "wrongRows": 2, "result": []}

    def answers() -> dict[str, Any]:
        return {
            "GET /api/v1/runs": listed(entry()),
            "POST /operate-run": httpx.Response(200, json={"data": told}),
            f"GET /outputs/runs/{ID}/out.csv": httpx.Response(200, content=b"x,label\n1,a\n"),
        }

    out = tmp_path / "scored.csv"
    shown = run(answers(), "result", "r1", "--out", str(out))
    assert out.read_bytes() == b"x,label\n1,a\n"
    assert "1,234 rows" in shown.stderr
    assert run(answers(), "result", "r1").stdout == "x,label\n1,a\n"


@pytest.mark.parametrize(
    ("found", "words"), [((), "there is no run"), ((entry(), entry(id="r-1")), "several jobs have a run")]
)
def test_which_run_is_meant(run: Run, found: tuple[Any, ...], words: str) -> None:
    """None, or several: nothing is done."""
    shown = run({"GET /api/v1/runs": listed(*found)}, "stop", "r1")

    assert isinstance(shown.exception, CommandError)
    assert words in str(shown.exception)


@pytest.mark.parametrize("operation", ["stop", "pause", "continue", "delete"])
def test_operations_as_json(run: Run, operation: str) -> None:
    """The service's answer; else a sentence."""
    done = {"GET /api/v1/runs": listed(entry()), "POST /operate-run": httpx.Response(200, json={"data": {"ok": 1}})}

    assert json.loads(run(done, operation, "r1", "--json").stdout) == {"ok": 1}
    assert run(done, operation, "r1").stdout.startswith("run r1 of bj: ")


def test_start_as_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made, or how it ended: one document, also of a run that fails."""
    monkeypatch.setattr(commands, "_LOOK_S", 0.0)
    made = {"status": True, "id": ID, "name": "r9"}
    failed = entry(status="failed", reason="no memory")
    answers = {
        "POST /api/v1/jobs/bj": httpx.Response(200, json={"data": made}),
        "GET /api/v1/runs": [listed(entry(status="running")), listed(failed)],
    }
    ended = run(answers, "start", "bj", "--wait", "--json")

    assert json.loads(run(answers, "start", "bj", "--json").stdout) == made
    assert json.loads(ended.stdout) == failed
    assert ended.exit_code == 1
    assert "no memory" in str(ended.exception)
