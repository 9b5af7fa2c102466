"""The sums above a job's series, beside its results."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from streams.cli.console.failure import CommandError
from streams.cli.console.terminal import output
from streams.cli.forecasting import presenting
from streams.cli.forecasting.outcome import JobOutcome, SeriesForecast
from streams.cli.forecasting.planning import ForecastPlan, asked_sums
from streams.cli.service.client import ServiceClient

_TIMES = ["2020-01-11 00:00:00", "2020-01-12 00:00:00"]
_DONE = [SeriesForecast(1, ("N", "a"), "SES", _TIMES, [1, 2]), SeriesForecast(2, ("S", "b"), "SES", _TIMES, [3, 4])]
_FAILED = SeriesForecast(2, ("S", "b"), "SES", error="it is too short")
_COLUMNS = ("Region", "Shop")


def _client(asked: list[Any], *, lacking: bool = False) -> ServiceClient:
    """A service with three sums: the total, and of two regions."""

    def answer(request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.url.query.decode())
        asked.append(query)
        if not request.url.path.endswith("/sums/"):
            series = [{"ts_id": 1, "groupby_key": list(_COLUMNS), "groupby_val": "('N', 'a')"}]
            results = {"status": 3, "results": []}
            return httpx.Response(200, json={"ts_details": series} | results)
        level = [{"Region": "N"}, {"Region": "S"}] if "by" in query else [{}]
        shown = level[: int(query["limit"][0])]
        error = "1 of 2 series cannot be added; partial=1 adds up the others" if lacking else None
        sums = [_sum(groups, error if groups != {"Region": "N"} else None) for groups in shown]
        return httpx.Response(200, json={"job_id": 7, "note": None, "sums_count": len(level), "sums": sums})

    return ServiceClient("http://127.0.0.1:8080", transport=httpx.MockTransport(answer))


def _sum(groups: dict[str, str], error: str | None) -> dict[str, Any]:
    times = [f"2020-01-{day:02} 00:00:00" for day in range(1, 11)]
    return {
        "groups": groups, "models": {"SES": 2}, "error": error, "note": None, "left_out_count": 0, "left_out": [],
        "timestamps": _TIMES, "predictions": [20.0, 24.5], "quantiles": {}, "metrics": {"mae": 1.25},
        "mase_insample": 0.5, "backtest": {"timestamps": [], "predictions": []},
        "history": {"timestamps": times, "values": list(range(10))},
    }  # fmt: skip


def _present(client: ServiceClient, forecasts: list[SeriesForecast], **more: Any) -> None:
    presenting.present(client, JobOutcome(7, _COLUMNS, forecasts), output(), asked_sums={"fill": "zero"}, **more)


def test_the_total_and_each_level_above_the_series_are_printed_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The series themselves are in the first table: what lies above them is asked for, level by level."""
    asked: list[Any] = []
    _present(_client(asked), _DONE, plot=tmp_path / "a.png")

    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines() if "2 by SES" in line]
    assert rows == [["total", "2"], ["N", "2"], ["S", "2"]]
    assert [(query.get("by"), query["fill"], query["limit"]) for query in asked] == [
        (None, ["zero"], ["1000"]), (["Region"], ["zero"], ["1000"]),
        (None, ["zero"], ["4"]), (["Region"], ["zero"], ["3"]),
    ]  # fmt: skip
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_what_failed_and_what_lacks_it_are_told_together() -> None:
    """With the way to sums without it."""
    with pytest.raises(CommandError) as told:
        _present(_client([], lacking=True), [_DONE[0], _FAILED])

    lines = str(told.value).splitlines()
    assert lines[:3] == ["1 of 2 forecasts failed:", "  S · b, SES: it is too short", "2 of 3 sums have no forecast:"]
    assert lines[3].startswith("  total: 1 of 2 series cannot be added; ")
    assert "sums 7 --partial" in lines[3]
    assert told.value.status == 3


def test_sums_alone_that_are_absent_are_a_part(tmp_path: Path) -> None:
    """Of what was asked for; and forecasts that all failed are all of it."""
    with pytest.raises(CommandError) as partly:
        _present(_client([], lacking=True), _DONE)
    with pytest.raises(CommandError) as nothing:
        _present(_client([], lacking=True), [_FAILED])

    assert (partly.value.status, nothing.value.status) == (3, 1)


def test_the_document_has_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    """As the service tells them."""
    presenting.print_results(_client([]), 7, {"job_id": 7}, asked_sums={})

    document = json.loads(capsys.readouterr().out)
    assert [one["groups"] for one in document["sums"]] == [{}, {"Region": "N"}, {"Region": "S"}]


def test_what_does_not_add_up_is_refused_before_anything_is_sent() -> None:
    """One series, and the greatest values of several."""
    plan = ForecastPlan(Path("a"), 0, 1, (), (), (), (), 7, True)
    with pytest.raises(CommandError, match=r"^--sums: there is one series alone"):
        asked_sums(plan)
    grouped = ForecastPlan(
        Path("a"), 0, 1, (2,), (), (), (), 7, True, calendar={"aggregate": {"freq": "D", "how": "max"}}
    )
    with pytest.raises(CommandError, match=r"^--sums: the max of several series"):
        asked_sums(grouped)
