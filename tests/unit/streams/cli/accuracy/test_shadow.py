"""`tidecast shadow`, against a service that is a function."""

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.console.failure import CommandError
from streams.cli.main import program
from streams.cli.service import session
from streams.cli.service.client import ServiceClient

_URL = "http://127.0.0.1:8080"
_COVERAGE = {"80": {"judged": 34, "inside": 0.82}}


def _side(model: str, mae: float, **more: Any) -> dict[str, Any]:
    sums = {"mae": mae, "rmse": mae, "bias": 0.5, "mase": mae / 2, "coverage": _COVERAGE}
    about = {"answers": model == "SES", "forecasts": 2, "failed": 0, "error": None, "seconds": 0.001}
    return {"model_name": model, **sums, **about, **more}


def _answer(**more: Any) -> dict[str, Any]:
    """Of two series that both models forecast."""
    verdict = {"judged": 1234, "better": "second", "significant": True, "p_value": 0.0123, "times": 30}
    of_series = {"series_key": "shop=a", "judged": 17, "better": "first", "p_value": None}
    sides = {"first": _side("SES", 4.0), "second": _side("MSTL", 1.25)}
    shown = {"note": None, "answers": "first", "test": "Diebold-Mariano", "times_needed": 10, **verdict, **sides}
    return shown | {"series_count": 2, "series": [of_series | sides]} | more


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the service answers, and under `asked` what it was asked for."""
    content: dict[str, Any] = {"answer": _answer(), "asked": []}

    def answer(request: httpx.Request) -> httpx.Response:
        content["asked"].append((request.method, request.url.raw_path.decode(), request.content.decode()))
        return httpx.Response(204) if request.method == "DELETE" else httpx.Response(200, json=content["answer"])

    monkeypatch.setattr(
        session, "ServiceClient", lambda url, **more: ServiceClient(url, **more, transport=httpx.MockTransport(answer))
    )
    return content


def _run(*words: str) -> Result:
    return CliRunner().invoke(program(), ["shadow", *words, "--url", _URL], env={"COLUMNS": "200"})


def test_both_are_shown_with_who_is_better(service: dict[str, Any]) -> None:
    """Side by side; then series by series, with how many more there are."""
    result = _run("show", "7", "--series", "1")

    assert result.exit_code == 0, result.output
    [(method, path, _)] = service["asked"]
    assert (method, path) == ("GET", "/job/7/shadow/?limit=1")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["first", "SES", "yes", "2", "0", "4", "4", "0.5", "2", "82%", "0.001"] in lines
    assert ["second", "MSTL", "no", "2", "0", "1.25", "1.25", "0.5", "0.625", "82%", "0.001"] in lines
    assert ["shop=a", "17", "4", "1.25", "2", "0.625", "first"] in lines
    assert "1,234 values of both were judged: the second is better, not by chance alone (p = 0.012" in result.stdout
    assert "1 more: --series 2" in result.stdout
    assert json.loads(_run("show", "7", "--json").stdout) == service["answer"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"judged": 0}, "no value has come yet"),
        ({"better": None}, "neither is better"),
        ({"p_value": None}, "may be chance: 30 times were judged, it takes 10"),
        ({"significant": False}, "which may be chance (p = 0.012"),
        ({"note": "the data set is gone"}, "the data set is gone"),
        ({"second": _side("MSTL", 1.0, error="too short")}, "second: too short"),
    ],
)
def test_what_is_not_known_is_said(service: dict[str, Any], more: dict[str, Any], words: str) -> None:
    """In a sentence, and why one side fails."""
    service["answer"] = _answer(**more)

    assert words in _run("show", "7").output


def test_it_is_started_switched_and_stopped(service: dict[str, Any]) -> None:
    """What was done is a sentence."""
    started = _run("start", "7", "-m", "MSTL", "-p", "latest_n=5", "--group", "shop=a")
    switched = _run("switch", "7")
    named = _run("switch", "7", "--to", "first")
    stopped = _run("stop", "7")

    bodies = [json.loads(body) if body else None for _, _, body in service["asked"]]
    assert [(method, path) for method, path, _ in service["asked"]] == [
        ("POST", "/job/7/shadow"),
        ("POST", "/job/7/shadow/switch/"),
        ("POST", "/job/7/shadow/switch/?to=first"),
        ("DELETE", "/job/7/shadow"),
    ]
    assert bodies[0] == {
        "model_name": "MSTL",
        "hyper_params": [{"name": "latest_n", "type": "int", "val": 5}],
        "ts_id": "all",
        "groups": {"shop": "a"},
    }
    assert "MSTL forecasts beside SES" in started.stdout
    assert [it.stdout for it in (switched, named)] == ["SES (first) answers now\n"] * 2
    assert "job 7 has no shadow any more" in stopped.stdout


@pytest.mark.parametrize("words", [("--group", "shop"), ("--group", "shop=a", "--series", "5")])
def test_wrong_words_are_refused_before_anything_is_asked(service: dict[str, Any], words: tuple[str, ...]) -> None:
    """With the status of wrong use."""
    error = _run("start", "7", "-m", "MSTL", *words).exception

    assert isinstance(error, CommandError)
    assert error.status == 2
    assert service["asked"] == []
