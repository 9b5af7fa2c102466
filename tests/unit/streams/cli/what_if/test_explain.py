"""`tidecast explain`, against a service that is a function."""

import csv
import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from streams.cli.console.failure import CommandError
from tests.unit.streams.cli.what_if.samples import FAILED, answered, rows, run, serve


def _feature(name: str, *added: float) -> dict[str, Any]:
    effect = sum(map(abs, added)) / len(added)
    return {
        "feature": name,
        "effect": effect,
        "share": effect / 3,
        "usual": 10.0,
        "values": [9.0, 12.0],
        "added": list(added),
    }


def _series(number: int, **fields: Any) -> dict[str, Any]:
    return answered(
        number,
        **{
            "predictions": [13.0, 19.0],
            "rest": [10.0, 20.0],
            "features": [_feature("price", 2.0, -2.0), _feature("=campaign", 1.0, 1.0)],
            **fields,
        },
    )


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Its `series`, in pages of `page` at most, and under `asked` what it was asked."""
    content: dict[str, Any] = {"asked": [], "page": 1000}

    def answer(request: httpx.Request) -> httpx.Response:
        query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        begin, limit = int(query["offset"]), int(query["limit"])
        if limit > content["page"]:
            return httpx.Response(413, json={"status": 413, "code": "too_large", "message": "ask for fewer"})
        content["asked"].append((request.url.path, query))
        some = content["series"][begin : begin + limit]
        head = {"job_id": 7, "method": "", "series_count": len(content["series"]), "features": []}
        return httpx.Response(200, json=head | {"series": some})

    serve(monkeypatch, answer)
    return content


_run = partial(run, "explain")


def test_one_series_is_told_step_by_step(service: dict[str, Any]) -> None:
    """What is left, what each feature adds and with which value, and the forecast."""
    service["series"] = [_series(1, note="chosen without CES")]
    result = _run("--series", "1", "--model", "Auto")

    assert result.exit_code == 0, result.output
    assert ["1", "2020-01-11", "10", "+2", "(9)", "+1", "(9)", "13"] in rows(result)
    assert ["2", "2020-01-12", "20", "-2", "(12)", "+1", "(12)", "19"] in rows(result)
    assert "chosen without CES" in result.stderr
    [(path, query)] = service["asked"]
    assert path == "/job/7/explanations/"
    assert (query["ts_id"], query["model_name"]) == ("1", "Auto")


def test_several_are_told_by_their_features_page_by_page(service: dict[str, Any]) -> None:
    """In pages that there is time for; the means are over all pages."""
    service["series"], service["page"] = [_series(number) for number in range(1, 106)], 100
    result = _run()

    assert result.exit_code == 0, result.output
    assert ["price", "105", "2", "67%"] in rows(result)
    assert ["=campaign", "105", "1", "33%"] in rows(result)
    assert ["s1", "1", "Regression", "price", "2", "(67%),", "=campaign", "1", "(33%)"] in rows(result)
    assert "60 of 105 rows shown" in result.stdout
    assert [query["offset"] for _, query in service["asked"]] == ["0", "100"]


def test_a_part_without_an_answer_is_status_3(service: dict[str, Any], tmp_path: Path) -> None:
    """The file has its error; no cell of it is a formula."""
    service["series"] = [_series(1), FAILED]
    result = _run("--out", str(tmp_path / "why.csv"))
    rows = list(csv.DictReader((tmp_path / "why.csv").read_text("utf-8").splitlines()))

    assert isinstance(result.exception, CommandError)
    assert result.exception.status == 3
    assert str(result.exception) == "1 of 2 series have no answer: x: it has no forecast"
    assert [row["feature"] for row in rows] == ["price", "price", "'=campaign", "'=campaign", ""]
    assert rows[-1]["error"] == "it has no forecast"


def test_as_one_document(service: dict[str, Any], tmp_path: Path) -> None:
    """For programs; no file beside it."""
    service["series"] = [_series(1)]
    assert json.loads(_run("--json").stdout)["series"][0]["rest"] == [10.0, 20.0]
    assert "--json writes no file" in str(_run("--json", "--out", str(tmp_path / "a.csv")).exception)


def test_the_picture(service: dict[str, Any], tmp_path: Path) -> None:
    """Of the series that features move most; of more features than there are colours, and of a single step."""
    many = [_feature(f"f{number}", 1.0, -1.0) for number in range(8)]
    one = _series(2, timestamps=["2020-01-11 00:00:00"], predictions=[1.0], rest=[0.0], features=[])
    service["series"] = [_series(1, features=many), _series(3), one]
    result = _run("--plot", str(tmp_path / "why.png"))

    assert result.exit_code == 0, result.output
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    service["series"] = [one]
    assert "there is nothing to draw" in str(_run("--plot", str(tmp_path / "no.png")).exception)
