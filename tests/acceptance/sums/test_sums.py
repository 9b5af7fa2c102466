"""Forecasts of shops added up to regions and to the total."""

import csv as tables
import io
from datetime import date, timedelta
from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import check_error, csv, element, new_job, train
from tests.integration.services import Api

_SHOPS = ("N,a", "S,b", "N,c", "S,=d")
_FILE = csv(
    "region,shop,day,sold",
    *(
        f"{shop},{date(2020, 1, 1) + timedelta(days=day)},{50 * place + (day * 7 + place) % 5}"
        for day in range(40)
        for place, shop in enumerate(_SHOPS)
    ),
)


@pytest.fixture(scope="module")
def trained(service: Any) -> tuple[int, list[int]]:
    """Every shop with Auto, one with another model as well."""
    api: Api = service.api
    job_id, ts_ids = new_job(api, _FILE, timestamp=2, target=3, groupby=[0, 1])
    train(api, job_id, *(element(ts_id, "Auto", refit=1, eval_metrics=["mae"]) for ts_id in ts_ids))
    train(api, job_id, element(ts_ids[0], "SES", refit=1, eval_metrics=["mae"]))
    return job_id, ts_ids


def _sums(api: Api, job_id: int, query: str = "") -> Any:
    return api.get(f"/job/{job_id}/sums/?{query}")


def test_the_total_is_the_sum_of_what_the_job_tells(api: Api, trained: tuple[int, list[int]]) -> None:
    """Step by step, with intervals, scores, and the end of the history."""
    job_id, ts_ids = trained
    answer = _sums(api, job_id, "model_name=Auto&history=2")
    [total] = answer["sums"]
    results = api.get(f"/job/{job_id}/job_results/")["results"]
    forecasts = [of_series["results"][0] for of_series in results]

    assert (answer["job_id"], answer["status"], answer["note"], answer["sums_count"]) == (job_id, 3, None, 1)
    assert (total["series_key"], total["series"], total["models"], total["error"]) == ("all", 4, {"Auto": 4}, None)
    assert total["timestamps"] == forecasts[0]["timestamps"]
    assert total["predictions"] == [sum(step) for step in zip(*(one["predictions"] for one in forecasts), strict=True)]
    assert set(total["quantiles"]) == {"0.025", "0.1", "0.9", "0.975"}
    assert set(total["metrics"]) == {"mae"}
    errors = [
        abs(actual - value)
        for actual, value in zip(total["backtest"]["actual"], total["backtest"]["predictions"], strict=True)
    ]
    assert total["metrics"]["mae"] == pytest.approx(sum(errors) / len(errors))
    assert total["history"]["timestamps"] == ["2020-02-08 00:00:00", "2020-02-09 00:00:00"]
    assert len(ts_ids) == 4


def test_levels_add_up_and_come_in_pages(api: Api, trained: tuple[int, list[int]]) -> None:
    """From the total down to the shops; best results, of whatever model."""
    job_id, _ = trained
    answer = _sums(api, job_id, "tree=1&levels=0.5")
    total, north, south, *shops = answer["sums"]

    assert [one["groups"] for one in answer["sums"][:3]] == [{}, {"region": "N"}, {"region": "S"}]
    assert (answer["sums_count"], len(shops), list(north["quantiles"])) == (7, 4, ["0.5"])
    for step, value in enumerate(total["predictions"]):
        assert value == pytest.approx(north["predictions"][step] + south["predictions"][step])
        assert value == pytest.approx(sum(one["predictions"][step] for one in shops))
    assert _sums(api, job_id, "tree=1&levels=0.5&offset=1&limit=2")["sums"] == [north, south]
    assert _sums(api, job_id, "by=region&levels=0.5")["sums"] == [north, south]


def test_as_a_table(api: Api, trained: tuple[int, list[int]]) -> None:
    """A row for each step, in which no spreadsheet finds a formula."""
    job_id, _ = trained
    answer = api.call("GET", f"/job/{job_id}/sums/?format=csv&by=region&by=shop&levels=0.1")
    rows = list(tables.DictReader(io.StringIO(answer.text)))

    assert answer.headers["content-type"].startswith("text/csv")
    assert list(rows[0]) == ["region", "shop", "series", "timestamp", "utc_offset", "value", "q0.1", "error"]
    assert len(rows) == 4 * 5
    assert {row["shop"] for row in rows} == {"a", "b", "c", "'=d"}


def test_a_model_that_few_have_makes_no_total(api: Api, trained: tuple[int, list[int]]) -> None:
    """Unless it is said that a part is wanted."""
    job_id, ts_ids = trained
    [strict] = _sums(api, job_id, "model_name=SES")["sums"]
    [partial] = _sums(api, job_id, "model_name=SES&partial=1")["sums"]

    assert "3 of 4 series cannot be added" in strict["error"]
    assert [one["ts_id"] for one in strict["left_out"]] == ts_ids[1:]
    assert (partial["series"], partial["left_out_count"], partial["error"]) == (1, 3, None)


def test_what_cannot_be_asked_is_refused(api: Api, trained: tuple[int, list[int]]) -> None:
    """With the field and the remedy."""
    job_id, _ = trained
    address = f"/job/{job_id}/sums/"
    check_error(api.call("GET", f"{address}?by=town"), 400, "by", "region, shop")
    check_error(api.call("GET", f"{address}?levels=80"), 400, "levels", "0.1 and 0.9")
    check_error(api.call("GET", f"{address}?fill=one"), 400, "fill")
    check_error(api.call("GET", f"{address}?history=100000"), 413, "history", "fewer at a time")
    check_error(api.call("GET", "/job/99/sums/"), 404, "there is no job 99")
    check_error(api.call("GET", f"/job/{api.create_job(api.add_dataset(_FILE))}/sums/"), 409, "choose its columns")


def test_greatest_values_do_not_add_up(api: Api) -> None:
    """Longer steps made by max or min."""
    job_id = api.create_job(api.add_dataset(_FILE))
    body: dict[str, Any] = {"timestamp_indexs": [2], "target_indexs": [3], "groupby_indexs": [0, 1]}
    body |= {"aggregate": {"freq": "W-SUN", "how": "max"}}
    assert api.call("PUT", f"/job/{job_id}/", json=body).status_code == 200

    check_error(api.call("GET", f"/job/{job_id}/sums/"), 409, "how is sum")
