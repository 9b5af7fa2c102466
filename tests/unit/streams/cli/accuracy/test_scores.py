"""`tidecast accuracy`, against a service that is a function."""

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.main import program
from streams.cli.service import session
from streams.cli.service.client import ServiceClient

_URL = "http://127.0.0.1:8080"
_SUMS = {"judged": 34, "mae": 0.0141, "rmse": 0.02, "bias": -0.001, "mase": 0.62, "backtest_mase": 0.7}
_COVERAGE = {"80": {"judged": 34, "inside": 0.82}, "95": {"judged": 34, "inside": 1.0}}


def _answer(series: int) -> dict[str, Any]:
    """Of one model and so many series."""
    last = {"timestamp": "2020-01-02", "actual": 7.0, "predicted": 6.5, "n": 1, "step": 1}
    of_series = {"series_key": "shop=a", "model_name": "MSTL", "last": last, "coverage": {}, **_SUMS}
    return {
        "job_id": 7,
        "note": None,
        "models": [{"model_name": "MSTL", "series": series, "coverage": _COVERAGE, **_SUMS}],
        "series_count": series,
        "series": [of_series] * min(series, 2),
    }


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the service answers, and under `asked` what it was asked for."""
    content: dict[str, Any] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        content["asked"] = request.url.raw_path.decode()
        return httpx.Response(200, json=content["answer"])

    monkeypatch.setattr(
        session, "ServiceClient", lambda url, **more: ServiceClient(url, **more, transport=httpx.MockTransport(answer))
    )
    return content


def _run(*words: str) -> Result:
    return CliRunner().invoke(program(), ["accuracy", "7", *words, "--url", _URL], env={"COLUMNS": "200"})


def test_models_and_the_worst_series_are_tables(service: dict[str, Any]) -> None:
    """How many more series there are is said."""
    service["answer"] = _answer(series=9)
    result = _run("--series", "2", "--model", "MSTL")

    assert result.exit_code == 0, result.output
    assert service["asked"] == "/job/7/accuracy/?limit=2&model_name=MSTL"
    lines = [line.split() for line in result.stdout.splitlines() if "MSTL" in line]
    assert lines[0] == ["MSTL", "34", "0.0141", "0.02", "-0.001", "0.62", "0.7", "82%", "100%"]
    assert lines[1][:2] == ["shop=a", "MSTL"]
    assert "2020-01-02: 7, forecast 6.5" in result.stdout
    assert "7 more: --series 9" in result.stdout


def test_of_one_series_one_table_says_all(service: dict[str, Any]) -> None:
    """And a job that cannot be judged says why."""
    service["answer"] = _answer(series=1) | {"note": "the data set is gone"}
    result = _run()

    assert "shop=a" not in result.stdout
    assert "the data set is gone" in result.stderr


def test_nothing_judged_yet_is_said(service: dict[str, Any]) -> None:
    """And for programs the answer is printed as it is."""
    service["answer"] = {"note": None, "models": [], "series": [], "series_count": 0}

    assert "no value has come yet" in _run().stderr
    assert json.loads(_run("--json").stdout) == service["answer"]
