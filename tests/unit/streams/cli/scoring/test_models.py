"""`tidecast models`, against a service that is a list of answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.main import program
from tests.unit.streams.cli.conftest import ServiceIs

URL = "http://127.0.0.1:8080"
ENTRY = {"name": "iris", "type": "onnx", "task": "classification", "algorithm": "Tree", "createTime": "2026-11-29T14"}
DESCRIPTION = {
    "modelName": "iris",
    "modelType": "onnx",
    "modelEngine": "onnxruntime 1",
    "descript": "demo",
    "algorithm": "Tree",
    "task": "classification",
}
VARIABLES = {
    "inputVariables": [{"name": "X", "type": "tensor(float)", "shape": [None, 4]}],
    "targetVariables": [{"name": "y", "type": "string", "values": ["a", "b"]}],
}
Run = Callable[..., tuple[Result, list[httpx.Request]]]


@pytest.fixture
def run(service_is: ServiceIs) -> Run:
    """Run a command against what stands under `data` of these answers, by method and path."""

    def run_it(answers: dict[str, Any], *words: str) -> tuple[Result, list[httpx.Request]]:
        sent: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            sent.append(request)
            return httpx.Response(200, json={"data": answers[f"{request.method} {request.url.path}"]})

        service_is(answer)
        return CliRunner().invoke(program(), ["models", *words, "--url", URL]), sent

    return run_it


def test_a_file_is_uploaded_under_its_name(run: Run, tmp_path: Path) -> None:
    """With all that is said of it, in the part that the contract names."""
    file = tmp_path / "iris.onnx"
    file.write_bytes(b"model")
    ended, (request,) = run({"POST /model-upload": DESCRIPTION}, "upload", str(file), "--descript", "demo")

    assert ended.stdout == "iris is uploaded: onnx, classification\n"
    body = request.read().decode()
    assert 'name="file"; filename="iris.onnx"' in body
    assert 'name="name"\r\n\r\niris\r\n' in body
    assert 'name="descript"\r\n\r\ndemo\r\n' in body


def test_models_are_listed(run: Run) -> None:
    """As a table, or as they come."""
    answers = {"GET /model-info": {"modelList": [ENTRY]}}

    shown = run(answers, "list")[0].stdout
    assert all(value in shown for value in ENTRY.values())
    assert json.loads(run(answers, "list", "--json")[0].stdout) == [ENTRY]


def test_a_model_is_shown_with_its_variables(run: Run) -> None:
    """Shapes with N for any length."""
    answers = {"GET /model-descript": DESCRIPTION, "GET /model-variable": VARIABLES}
    ended, sent = run(answers, "show", "iris")

    assert {request.url.params["modelName"] for request in sent} == {"iris"}
    for words in ("onnxruntime 1", "tensor(float)", "N, 4", "a, b"):
        assert words in ended.stdout


def test_a_model_is_tested(run: Run, tmp_path: Path) -> None:
    """With JSON, or with a file; one answer a line."""
    answers = {
        "POST /model-test": {"status": True, "task": "regression", "result": [{"prediction": 1}, {"prediction": 2}]}
    }
    ended, (request,) = run(answers, "test", "iris", '{"X": [[1], [2]]}')

    assert ended.stdout == '{"prediction": 1}\n{"prediction": 2}\n'
    assert json.loads(request.read()) == {"modelName": "iris", "data": {"X": [[1], [2]]}}
    file = tmp_path / "records.csv"
    file.write_text("x\n1\n")
    ended, (request,) = run(answers, "test", "iris", str(file))
    assert 'name="data"; filename="records.csv"' in request.read().decode()


def test_a_model_is_removed(run: Run) -> None:
    """With force where that is said."""
    ended, (request,) = run({"POST /operate-model": {"status": True}}, "delete", "iris", "--force")

    assert ended.stdout == "iris is removed\n"
    assert json.loads(request.read()) == {"modelName": "iris", "operation": "delete", "force": True}


def test_data_that_is_no_json_is_wrong_usage(run: Run) -> None:
    """Before anybody is asked."""
    ended, sent = run({}, "test", "iris", "{x")

    assert ended.exit_code != 0
    assert sent == []


def test_what_was_done_as_json(run: Run, tmp_path: Path) -> None:
    """The service's answers."""
    file = tmp_path / "iris.onnx"
    file.write_bytes(b"model")
    uploaded, _ = run({"POST /model-upload": DESCRIPTION}, "upload", str(file), "--json")
    removed, _ = run({"POST /operate-model": {"status": True}}, "delete", "iris", "--json")

    assert json.loads(uploaded.stdout) == DESCRIPTION
    assert json.loads(removed.stdout) == {"status": True}
