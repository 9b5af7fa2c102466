"""`tidecast forecast --json` and `job --json`: one document, of what the service answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams.cli.console.failure import CommandError
from streams.cli.main import program
from tests.unit.streams.cli.conftest import ServiceIs
from tests.unit.streams.cli.deepar_service import FakeService

GOOD = {
    "ts_id": 11,
    "model_name": "SES",
    "timestamps": ["2020-01-03 00:00:00"],
    "predictions": [8.0],
    "metrics": {"mae": 1.0},
}
BAD = {"ts_id": 12, "model_name": "SES", "error": "too short"}


def answers(*results: dict[str, Any], status: int) -> dict[str, Any]:
    """Of a service that makes a job with these results."""
    found = {"status": status, "results": [{"ts_id": one["ts_id"], "results": [one]} for one in results]}
    return {
        "GET /model/": [{"data": ["SES"]}],
        "GET /model/SES/": [{"data": []}],
        "POST /data/": [{"data": {"id": 5}, "warnings": ["day first?"]}],
        "POST /job/": [{"job_id": 7}],
        "PUT /job/7/": [{"ts_details": [{"ts_id": 11}, {"ts_id": 12}]}],
        "PATCH /job/7/": [{}],
        "GET /job/7/": [{"job_id": 7, "status": status, "submitted": 2, "finished": 2}],
        "GET /job/7/job_results/": [found],
    }


@pytest.fixture
def run(service_is: ServiceIs, tmp_path: Path) -> Any:
    """Run a command against these answers."""
    file = tmp_path / "sales.csv"
    file.write_text("day,sold\n2020-01-01,7\n2020-01-02,8\n", "utf-8")

    def run_it(answers: dict[str, Any], *words: str) -> Result:
        service_is(FakeService(answers))
        arguments = [str(file) if word == "FILE" else word for word in words]
        return CliRunner().invoke(program(), [*arguments, "--json", "--url", "http://127.0.0.1:8080"])

    return run_it


FORECAST = ("forecast", "FILE", "-t", "day", "-y", "sold", "-m", "SES")


def test_a_forecast_is_the_jobs_results(run: Any) -> None:
    """As GET /job/{id}/job_results/ has them, and the job; what else is to be told are notices."""
    given = answers(GOOD, status=3)
    ended = run(given, *FORECAST)

    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout) == {"job_id": 7, **given["GET /job/7/job_results/"][0]}
    assert "warning: day first?" in ended.stderr


def test_a_job_is_shown_with_its_results(run: Any) -> None:
    """How it stands, and the same; without results where it trains still."""
    given = answers(GOOD, status=3)
    (job,), (results,) = given["GET /job/7/"], given["GET /job/7/job_results/"]

    assert json.loads(run(given, "job", "7").stdout) == {"job": job, **results}
    given["GET /job/7/job_results/"] = [{"status": 2}]
    training = run(given, "job", "7")
    assert json.loads(training.stdout) == {"job": job, "status": 2}
    assert training.exit_code == 0


@pytest.mark.parametrize(("results", "status"), [((GOOD, BAD), 3), ((BAD,), 1), ((), 1)], ids=["part", "all", "job"])
@pytest.mark.parametrize("words", [FORECAST, ("job", "7")], ids=["forecast", "job"])
def test_what_failed_is_in_the_document_and_in_the_status(
    run: Any, words: tuple[str, ...], results: tuple[Any, ...], status: int
) -> None:
    """3 where a part failed, 1 where all did; said in words, too."""
    ended = run(answers(*results, status=4), *words)

    assert len(json.loads(ended.stdout)["results"]) == len(results)
    assert isinstance(ended.exception, CommandError)
    assert ended.exception.status == status
    assert ("too short" if results else "job 7: not all was forecast") in str(ended.exception)


@pytest.mark.parametrize("words", [FORECAST, ("job", "7")], ids=["forecast", "job"])
def test_a_document_and_a_file_do_not_go_together(run: Any, words: tuple[str, ...]) -> None:
    """Before anything is sent."""
    ended = run({}, *words, "--out", "x.csv")

    assert ended.exception.status == 2
    assert "leave --out out" in str(ended.exception)
