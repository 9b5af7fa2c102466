"""`tidecast sums`, against a service that is a function."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from typer.testing import CliRunner, Result

from streams.cli.console.failure import CommandError
from streams.cli.main import program
from streams.cli.service import session
from streams.cli.service.client import ServiceClient

_URL = "http://127.0.0.1:8080"
_TIMES = ["2020-01-11 00:00:00", "2020-01-12 00:00:00"]
_HISTORY = {"timestamps": [f"2020-01-{day:02} 00:00:00" for day in range(1, 11)], "values": [1, 2, None, *range(7)]}


def _sum(groups: dict[str, str], **fields: Any) -> dict[str, Any]:
    return {
        "groups": groups,
        "series_key": "x",
        "series": 4,
        "models": {"Auto": 3, "SES": 1},
        "error": None,
        "note": None,
        "left_out_count": 0,
        "left_out": [],
        "timestamps": _TIMES,
        "predictions": [20.0, 24.5],
        "quantiles": {"0.1": [1.0, 2.0], "0.9": [30.0, 31.0]},
        "metrics": {"mae": 1.25},
        "mase_insample": 0.5,
        "backtest": {"timestamps": _HISTORY["timestamps"][-2:], "predictions": [5.0, 6.0], "actual": [5.0, 6.0]},
        "history": _HISTORY,
        **fields,
    }


_FAILED = {"groups": {"Region": "S"}, "series_key": "x", "series": 0, "models": {}, "error": "2 of 2 series cannot be"}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Its `sums`, and under `asked` what it was asked for."""
    content: dict[str, Any] = {"asked": []}

    def answer(request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.url.query.decode())
        content["asked"].append((request.url.path, query))
        if query.get("format") == ["csv"]:
            return httpx.Response(200, text="Region,value\nN,1\nS,2\n")
        begin = int(query.get("offset", ["0"])[0])
        some = content["sums"][begin : begin + content.get("page", 1000)]
        head = {"job_id": 7, "status": 3, "note": None, "sums_count": len(content["sums"])}
        return httpx.Response(200, json=head | {"sums": some})

    monkeypatch.setattr(
        session, "ServiceClient", lambda url, **more: ServiceClient(url, **more, transport=httpx.MockTransport(answer))
    )
    return content


def _status(result: Result) -> int:
    assert isinstance(result.exception, CommandError), result.output
    return result.exception.status


def _run(*words: str) -> Result:
    return CliRunner().invoke(program(), ["sums", "7", *words, "--url", _URL], env={"COLUMNS": "200"})


def test_the_total_as_a_table(service: dict[str, Any]) -> None:
    """With its models, steps and scores."""
    service["sums"] = [_sum({})]
    result = _run()

    assert result.exit_code == 0, result.output
    [row] = [line for line in result.stdout.splitlines() if "total" in line]
    assert row.split() == ["total", "3", "by", "Auto,", "1", "by", "SES", "2020-01-11", "20", "24.50", "1.25"]
    asked = {"limit": ["1000"], "tree": ["0"], "partial": ["0"], "fill": ["none"]}
    assert service["asked"] == [("/job/7/sums/", asked)]


def test_levels_are_told_by_their_columns(service: dict[str, Any]) -> None:
    """All pages of them; what a level does not tell apart is all."""
    service["sums"] = [_sum({}), _sum({"Region": "N"}), _sum({"Region": "N", "Shop": "a"})]
    service["page"] = 2
    result = _run("--by", "Region", "--by", "Shop", "--tree", "--model", "SES", "--level", "0.1", "--partial")

    rows = [line.split()[:2] for line in result.stdout.splitlines() if "by Auto" in line]
    assert rows == [["total", "all"], ["N", "all"], ["N", "a"]]
    assert [query.get("offset") for _, query in service["asked"]] == [None, ["2"]]
    query = service["asked"][0][1]
    assert (query["by"], query["tree"], query["partial"]) == (["Region", "Shop"], ["1"], ["1"])
    assert (query["model_name"], query["levels"]) == (["SES"], ["0.1"])


def test_what_sums_lack_is_said(service: dict[str, Any]) -> None:
    """A total without two shops looks like a total; remarks do not grow with the sums."""
    lost = [{"series_key": f"Shop={shop}", "reason": "it has no forecast"} for shop in "abc"]
    service["sums"] = [_sum({}, left_out_count=12, left_out=lost, note="1 of 3 steps are left out")]
    service["sums"] += [_sum({"Region": str(number)}, note="no intervals") for number in range(12)]
    told = _run("--tree", "--partial").stderr.splitlines()

    lacks = ", ".join(f"Shop={shop} (it has no forecast)" for shop in "abc")
    assert told[:2] == [f"total is without {lacks} and 9 more", "total: 1 of 3 steps are left out"]
    assert told[-1] == "4 more remarks: --json has them all"


def test_a_part_without_forecast_ends_with_three(service: dict[str, Any]) -> None:
    """And all of it with one; the reason is told."""
    service["sums"] = [_sum({"Region": "N"}), _FAILED]
    partly = _run("--by", "Region", "--json")
    service["sums"] = [_FAILED]

    assert (_status(partly), json.loads(partly.stdout)["sums_count"]) == (3, 2)
    assert "1 of 2 sums have no forecast" in str(partly.exception)
    assert "2 of 2 series cannot be" in str(partly.exception)
    assert _status(_run()) == 1


def test_a_table_and_a_picture_are_written(service: dict[str, Any], tmp_path: Path) -> None:
    """Of failed sums there is nothing to draw."""
    service["sums"] = [_sum({"Region": "N"}), _FAILED]
    out, plot = tmp_path / "sums.csv", tmp_path / "sums.png"
    result = _run("--by", "Region", "--out", str(out), "--plot", str(plot))

    assert _status(result) == 3
    assert out.read_text("utf-8") == "Region,value\nN,1\nS,2\n"
    assert "2 rows written" in result.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert service["asked"][-1][1]["limit"] == ["4"]


def test_what_cannot_be_written_is_said_before_anything_is_asked(service: dict[str, Any], tmp_path: Path) -> None:
    """As elsewhere."""
    result = _run("--out", str(tmp_path / "no" / "sums.csv"))

    assert "there is no folder" in str(result.exception)
    assert service["asked"] == []
