"""`tidecast what-if`, against a service that is a function."""

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


def _series(number: int, more: float = 5.0, **fields: Any) -> dict[str, Any]:
    def forecast(*values: float) -> dict[str, Any]:
        return {"predictions": values, "sum": sum(values), "quantiles": {"0.1": [v - 1 for v in values], "0.9": values}}

    return answered(
        number,
        **{
            "base": forecast(10.0, 20.0),
            "changed": forecast(10.0, 20.0 + more),
            "difference": [0.0, more],
            "difference_sum": more,
            "features": [{"feature": "price", "base": [9.0, 9.0], "changed": [9.0, 8.1]}],
            **fields,
        },
    )


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Its `series`, in pages of `page` at most, and under `asked` what it was asked."""
    content: dict[str, Any] = {"asked": [], "page": 1000}

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("ts_details/"):
            details = [{"ts_id": 1, "groupby_key": ["shop"]}]
            return httpx.Response(200, json={"features": [{"index": 3, "label": "price"}], "ts_details": details})
        if path.endswith("job_results/"):
            history = {"day": [f"2020-01-{day:02}" for day in range(1, 11)], "sold": [1.0] * 10}
            return httpx.Response(
                200, json={"status": 3, "results": [{"ts_id": 1, "results": [{"ts_history": history}]}]}
            )
        query = parse_qs(request.url.query.decode())
        begin, limit = int(query["offset"][0]), int(query["limit"][0])
        if limit > content["page"]:
            text = f"would take 100 s: ask for {content['page']} at a time (limit={content['page']})"
            return httpx.Response(413, json={"status": 413, "code": "too_large", "message": text})
        content["asked"].append((begin, json.loads(request.content)))
        some = content["series"][begin : begin + limit]
        sums = [sum(one[name]["sum"] for one in some if not one["error"]) for name in ("base", "changed")]
        totals = {"series": 0, "base_sum": sums[0], "changed_sum": sums[1], "difference_sum": sums[1] - sums[0]}
        head = {"job_id": 7, "series_count": len(content["series"]), "totals": totals}
        return httpx.Response(200, json=head | {"series": some})

    serve(monkeypatch, answer)
    return content


_run = partial(run, "what-if")


def test_one_series_is_told_step_by_step(service: dict[str, Any]) -> None:
    """With the feature before and after."""
    service["series"] = [_series(1, note="as it is")]
    result = _run("--change", "price-10%@2..2", "--series", "1", "--model", "Auto")

    assert result.exit_code == 0, result.output
    assert rows(result)[-3:] == [
        ["1", "2020-01-11", "9", "10", "10", "0", "+0.0%"],
        ["2", "2020-01-12", "9", ">", "8.10", "20", "25", "5", "+25.0%"],
        ["sum", "30", "35", "5", "+16.7%"],
    ]
    assert "shop=s1: as it is" in result.stderr
    change = {"feature": "price", "multiply": [0.9], "from": "2", "to": "2"}
    assert service["asked"] == [(0, {"ts_id": [1], "model_name": "Auto", "changes": [change]})]


def test_several_are_told_by_their_sums_page_by_page(service: dict[str, Any]) -> None:
    """In pages that there is time for."""
    service["series"], service["page"] = [_series(number) for number in (1, 2, 3)], 2
    result = _run("--change", "price=1", "--to", "2020-01-11", "--where", "shop=s1")

    assert [row[0] for row in rows(result)[-4:]] == ["s1", "s2", "s3", "all"]
    assert rows(result)[-1] == ["all", "90", "105", "15", "+16.7%"]
    assert [begin for begin, _ in service["asked"]] == [0, 2]
    body = service["asked"][0][1]
    assert (body["ts_id"], body["groups"]) == ("all", {"shop": "s1"})
    assert body["changes"] == [{"feature": "price", "set": [1.0], "to": "2020-01-11"}]


def test_files_and_a_picture(service: dict[str, Any], tmp_path: Path) -> None:
    """A table in, a table and a picture out."""
    service["series"] = [_series(1), _series(2, -7.0)]
    (tmp_path / "planned.csv").write_text("shop,price\ns1,8\ns1,9\n")
    out, plot = tmp_path / "out.csv", tmp_path / "plot.png"
    result = _run(
        "--future", str(tmp_path / "planned.csv"), "--future", "price=1,2", "--out", str(out), "--plot", str(plot)
    )

    assert result.exit_code == 0, result.output
    table = {"feature": "price", "set": [8.0, 9.0], "from": 1, "to": 2, "groups": {"shop": "s1"}}
    assert service["asked"][0][1]["changes"] == [{"feature": "price", "set": [1.0, 2.0]}, table]
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["difference"] for row in rows] == ["0.0", "5.0", "0.0", "-7.0"]
    assert rows[1]["changed_q0.1"] == "24.0"
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_part_without_answer_ends_with_three(service: dict[str, Any]) -> None:
    """And says which; the document is whole."""
    service["series"] = [_series(1), FAILED]
    result = _run("--change", "price=1", "--json")

    assert isinstance(result.exception, CommandError)
    assert result.exception.status == 3
    assert "1 of 2 series have no answer: x: it has no forecast" in str(result.exception)
    assert json.loads(result.stdout)["series_count"] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "nothing is changed"),
        (("--change", "price=1", "--where", "shop"), "--where shop: write it as"),
        (("--change", "price=1", "--where", "shop=a", "--series", "1"), "leave one out"),
        (("--change", "price=1", "--json", "--out", "x.csv"), "leave --out out"),
    ],
)
def test_a_wrong_command_line(service: dict[str, Any], words: tuple[str, ...], says: str) -> None:
    """With the remedy, and nothing is asked."""
    result = _run(*words)

    assert isinstance(result.exception, CommandError)
    assert says in str(result.exception)
    assert result.exception.status == 2
    assert service["asked"] == []
