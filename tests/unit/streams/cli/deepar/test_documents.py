"""`tidecast deepar … --json`: one document, of what the service answers."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from streams.cli.main import program
from tests.unit.streams.cli.conftest import ServiceIs
from tests.unit.streams.cli.deepar_service import FakeService, job, model, state

VERSION = "GET /v1/default/training-jobs/7/versions/8"
TRAINED = state(10, epoch=12, epochs=20, loss=2.0, metrics={"ND": 0.1}, endpoint="sales")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sales.jsonl"
    path.write_text(
        '{"item_id": "a", "start": "2020-01-01", "target": [1, 2, 3, 4, 5, 6, 7, 8], "cat": [0]}\n', "utf-8"
    )
    return path


@pytest.fixture
def run(service_is: ServiceIs, monkeypatch: pytest.MonkeyPatch, file: Path) -> Any:
    """Run a command against these answers; uploads are taken."""
    monkeypatch.setattr("streams.cli.deepar.training._POLL_S", 0)
    monkeypatch.setattr("uuid.uuid4", lambda: uuid.UUID(int=0))

    def run_it(answers: dict[str, Any], *words: str) -> Result:
        service_is(FakeService({"PUT /uploads/sales/000000000000.jsonl": [{}], **answers}))
        arguments = ["deepar", *(str(file) if word == "FILE" else word for word in words)]
        return CliRunner().invoke(program(), [*arguments, "--json", "--url", "http://127.0.0.1:8080"])

    return run_it


def test_train(run: Any) -> None:
    """The version that was trained, with its scores and its endpoint; the progress is a notice."""
    answers = {"POST /v1/default/training-jobs": [job()], VERSION: [state(8), TRAINED]}
    ended = run(answers, "train", "FILE", "--freq", "D", "-k", "2")

    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout) == TRAINED
    assert "sales is training (job 7)" in ended.stderr


def test_a_training_that_fails(run: Any) -> None:
    """Is no document."""
    answers = {"POST /v1/default/training-jobs": [job()], VERSION: [state(11, message="too short")]}
    ended = run(answers, "train", "FILE", "--freq", "D", "-k", "2")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "sales failed: too short" in str(ended.exception)


def test_forecast(run: Any) -> None:
    """Of each series what a file of JSON Lines would have, with the quantiles that were asked for."""
    quantiles = {level: [1.0, 2.0] for level in ("0.025", "0.1", "0.25", "0.5", "0.75", "0.9", "0.975")}
    answer = {"predictions": [{"mean": [9.0, 10.0], "quantiles": quantiles}]}
    answers = {"GET /endpoints": [{"endpoints": [model()]}], "POST /endpoints/sales/invocations": [answer]}
    ended = run(answers, "forecast", "FILE", "-e", "sales", "-q", "0.9")

    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout) == {
        "endpoint": "sales",
        "predictions": [
            {"item_id": "a", "start": "2020-01-09 00:00:00", "mean": [9.0, 10.0], "quantiles": {"0.9": [1.0, 2.0]}}
        ],
    }
    assert run(answers, "forecast", "FILE", "-e", "sales", "--out", "x.csv").exception.status == 2


@pytest.mark.parametrize("found", [[], [model()]])
def test_endpoints(run: Any, found: list[Any]) -> None:
    """None are an empty list."""
    assert json.loads(run({"GET /endpoints": [{"endpoints": found}]}, "endpoints").stdout) == found
