"""What forecasts would be with other features, asked over HTTP."""

import csv as tables
import io
from datetime import date, timedelta
from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import check_error, csv, element, new_job, train
from tests.integration.services import Api, until

_DAYS = [date(2024, 1, 1) + timedelta(day) for day in range(65)]
_PRICES = [(7 * day * day + 3 * day) % 23 for day in range(65)]  # nothing that a history would tell


def _file(*shops: str) -> bytes:
    """Sixty days that sell 3 x price + 10 and a place's more, and five days whose price is known."""
    rows = (
        f"{shop},{day},{3 * price + 10 + place if step < 60 else ''},{price},{step % 2}"
        for place, shop in enumerate(shops)
        for step, (day, price) in enumerate(zip(_DAYS, _PRICES, strict=True))
    )
    return csv("shop,day,sold,price,odd", *rows)


def _element(ts_id: int, model: str, **fields: Any) -> dict[str, Any]:
    return element(ts_id, model, **{"feature_indexs": [3], "refit": 1, **fields})


@pytest.fixture(scope="module")
def trained(service: Any) -> tuple[int, list[int]]:
    """Two shops by Auto, one by Regression as well, and one without features."""
    api: Api = service.api
    job_id, ts_ids = new_job(api, _file("a", "=b", "c"), timestamp=1, target=2, groupby=[0])
    train(api, job_id, *(_element(ts_id, "Auto") for ts_id in ts_ids[:2]))
    train(api, job_id, _element(ts_ids[0], "Regression", levels=[0.1, 0.9]), element(ts_ids[2], "Theta", refit=1))
    return job_id, ts_ids


def _ask(api: Api, job_id: int, *changes: dict[str, Any], query: str = "", **body: Any) -> Any:
    answer = api.call("POST", f"/job/{job_id}/what-if/?{query}", json={"changes": list(changes), **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("model", ["Regression", "Auto"])
def test_the_difference_is_the_coefficient_by_the_change(api: Api, trained: tuple[int, list[int]], model: str) -> None:
    """Both forecasts side by side, the base being the stored one."""
    job_id, ts_ids = trained
    change = {"feature": "price", "add": 2, "from": 2, "to": "2024-03-04"}
    answer = _ask(api, job_id, change, ts_id=ts_ids[0], model_name=model)
    [series] = answer["series"]
    results = api.get(f"/job/{job_id}/job_results/?ts_id={ts_ids[0]}")["results"][0]["results"]
    stored = next(one for one in results if one["model_name"] == model)

    assert series["base"]["predictions"] == stored["predictions"]
    assert series["base"]["quantiles"] == stored["quantiles"]
    assert series["timestamps"] == stored["timestamps"]
    assert series["difference"] == pytest.approx([0, 6, 6, 6, 0], abs=1)
    assert series["difference_sum"] == pytest.approx(18, abs=3)
    assert series["features"] == [
        {"feature": "price", "base": _PRICES[60:], "changed": [x + 2 * (0 < n < 4) for n, x in enumerate(_PRICES[60:])]}
    ]
    assert (series["model_name"], series["error"], series["note"]) == (model, None, None)
    assert answer["totals"]["difference_sum"] == series["difference_sum"]


def test_no_change_makes_no_difference(api: Api, trained: tuple[int, list[int]]) -> None:
    """Exactly none, of any series."""
    job_id, ts_ids = trained
    answer = _ask(api, job_id)
    first, second, third = answer["series"]

    assert [one["ts_id"] for one in answer["series"]] == ts_ids
    assert answer["series_count"] == 3
    for one in (first, second):
        assert one["base"] == one["changed"]
        assert one["difference"] == [0] * 5
    assert third["error"] == "Theta makes no use of features: train it by ARIMA, LightGBM, Auto or Regression"
    assert answer["totals"]["series"] == 2


def test_a_change_of_some_series_alone(api: Api, trained: tuple[int, list[int]]) -> None:
    """Of those with its groups; pages and groups choose which are told of."""
    job_id, ts_ids = trained
    change = {"feature": 3, "set": [0, 0, 0, 0, 1], "groups": {"shop": "a"}}
    first, second = _ask(api, job_id, change, query="limit=2")["series"]
    assert first["features"][0]["changed"] == [0, 0, 0, 0, 1]
    assert second["difference_sum"] == 0
    [only] = _ask(api, job_id, change, groups={"shop": "=b"})["series"]
    assert only == second
    [paged] = _ask(api, job_id, change, query="offset=1&limit=1")["series"]
    assert paged == second
    assert len(ts_ids) == 3


def test_as_a_table(api: Api, trained: tuple[int, list[int]]) -> None:
    """A row for each step, in which no spreadsheet finds a formula; one for what has no answer."""
    job_id, _ = trained
    body = {"changes": [{"feature": "price", "multiply": 0.5}]}
    answer = api.call("POST", f"/job/{job_id}/what-if/?format=csv", json=body)
    rows = list(tables.DictReader(io.StringIO(answer.text)))

    assert answer.headers["content-type"].startswith("text/csv")
    assert len(rows) == 11
    assert [row["series"] for row in rows[::5]] == ["shop=a", "shop=%3Db", "shop=c"]
    assert float(rows[0]["changed"]) - float(rows[0]["base"]) == pytest.approx(float(rows[0]["difference"]))
    assert "makes no use of features" in rows[-1]["error"]


def test_what_cannot_be_asked_is_refused(api: Api, trained: tuple[int, list[int]]) -> None:
    """With the field and the remedy."""
    job_id, (first, _, third) = trained
    path = f"/job/{job_id}/what-if/"

    def refused(status: int, *parts: str, **body: Any) -> None:
        check_error(api.call("POST", path, json={"changes": [], **body}), status, *parts)

    def wrong(*parts: str, **change: Any) -> None:
        refused(400, *parts, changes=[{"feature": "price", **change}], ts_id=first)

    wrong("changes, 1, feature", "did you mean 'price'?", feature="prices", add=1)
    wrong("column 4 (odd) is not among the features", feature="odd", add=1)
    wrong("holidays are no feature", feature="holidays", set=0)
    wrong("changes, 1, set", "has 2 values for 5 steps", set=[1, 2])
    wrong("is step 9, and the forecast has 5", add=1, to=9)
    wrong("there is no step", **{"from": "2024-04-01", "add": 1})
    wrong("without an offset", **{"from": "2024-03-01T00:00:00Z", "add": 1})
    wrong("send a step from 1, or a time", **{"from": "tomorrow", "add": 1})
    wrong("expected one of set, add and multiply", add=1, multiply=2)
    wrong("no group column", add=1, groups={"town": "x"})
    refused(404, "is not a series of job", ts_id=first - 1)
    refused(404, "no series", groups={"shop": "z"})
    refused(400, "no group column", groups={"town": "z"})
    refused(400, "known are", model_name="Oracle")
    refused(409, "Theta makes no use of features", ts_id=third)
    refused(409, "it has no forecast by ARIMA", ts_id=first, model_name="ARIMA")
    check_error(api.call("POST", "/job/99/what-if/", json={"changes": []}), 404, "there is no job 99")
    job = api.create_job(api.add_dataset(_file("a")))
    check_error(api.call("POST", f"/job/{job}/what-if/", json={"changes": []}), 409, "choose its columns")


def test_what_was_sent_is_the_base(api: Api) -> None:
    """Future features of the element, an unknown future, holidays, and a forecast without refit."""
    job_id, (ts_id,) = new_job(api, _file("a"), timestamp=1, target=2, groupby=[0])
    sent = [1.0, 20.0, 3.0, 7.0, 2.0]
    stored = train(api, job_id, _element(ts_id, "Regression", future_features={"price": sent}, holidays="DE"))
    [series] = _ask(api, job_id, {"feature": "holidays", "set": 1, "to": 1}, {"feature": 3, "multiply": 2})["series"]

    assert series["base"]["predictions"] == stored["results"][0]["results"][0]["predictions"]
    assert series["features"] == [
        {"feature": "price", "base": sent, "changed": [2 * x for x in sent]},
        {"feature": "holidays", "base": [0] * 5, "changed": [1, 0, 0, 0, 0]},
    ]
    train(api, job_id, _element(ts_id, "Auto", refit=0))
    [series] = _ask(api, job_id, {"feature": "price", "add": 1}, model_name="Auto")["series"]

    assert "made without refit" in series["note"]
    assert series["base"]["predictions"] == pytest.approx([3 * x + 10 for x in _PRICES[60:]], abs=1)


def _grown(api: Api, job_id: int, shop: str, price: int) -> None:
    """A day more of a shop, which the job has seen."""
    data_id = api.get(f"/job/{job_id}/")["data_id"]
    rows = [{"shop": shop, "day": str(_DAYS[60]), "sold": 3 * price + 10, "price": price, "odd": 0}]
    assert api.call("POST", f"/data/{data_id}/rows", json=rows).status_code == 200
    answer = api.call("POST", f"/job/{job_id}/refresh/")
    assert answer.status_code == 200, answer.text


def test_a_series_that_has_grown_since_its_forecast(api: Api) -> None:
    """Its features are to be read again first; a standing element sees to it."""
    content = b"\n".join(line for line in _file("a", "b").splitlines() if b",," not in line)
    job_id, ts_ids = new_job(api, content, timestamp=1, target=2, groupby=[0])
    train(api, job_id, *(_element(ts_id, "Regression") for ts_id in ts_ids))
    _grown(api, job_id, "a", 7)
    behind = api.call("POST", f"/job/{job_id}/what-if/", json={"changes": []})
    assert check_error(behind, 409, "has grown", "train its series again")["code"] == "features_behind"

    train(api, job_id, _element(ts_ids[1], "Auto"))
    first, second = _ask(api, job_id, {"feature": "price", "add": 1, "to": 1})["series"]
    assert first["timestamps"][0] == str(_DAYS[61]) + " 00:00:00"
    assert "has grown since its forecast was stored" in first["note"]
    assert second["timestamps"][0] == str(_DAYS[60]) + " 00:00:00"
    assert first["difference"][0] == second["difference"][0] == 3


def test_a_standing_series_is_asked_as_it_is_today(api: Api) -> None:
    """After a refresh, and one that did not change with it as well."""
    content = b"\n".join(line for line in _file("a", "b").splitlines() if b",," not in line)
    job_id, _ = new_job(api, content, timestamp=1, target=2, groupby=[0])
    standing = _element(1, "Regression") | {"ts_id": "all", "refresh": {"on": "hand"}}
    train(api, job_id, standing)
    _grown(api, job_id, "a", 7)
    until(lambda: api.get(f"/job/{job_id}/")["submitted"] == 3, why="the series that grew is trained")
    api.finished(job_id)
    answer = _ask(api, job_id, {"feature": "price", "add": 1, "to": 1})

    assert [one["timestamps"][0][:10] for one in answer["series"]] == [str(_DAYS[61]), str(_DAYS[60])]
    assert [one["difference"][0] for one in answer["series"]] == [3, 3]
    notes = [one["note"] or "" for one in answer["series"]]
    assert not any("grown" in note or "corrected" in note for note in notes), notes
