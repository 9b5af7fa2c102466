"""What features add to forecasts, asked over HTTP."""

import csv as tables
import io
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from tests.acceptance.forecasting.jobs import check_error, csv, element, new_job, train
from tests.integration.services import Api

_DAYS = [date(2024, 1, 1) + timedelta(day) for day in range(65)]
_PRICES = [(7 * day * day + 3 * day) % 23 for day in range(65)]  # nothing that a history would tell
_CAMPAIGNS = [int(day * day % 11 in (3, 5)) for day in range(65)]


def _file(*shops: str) -> bytes:
    """Sixty days that sell 3 x price + 20 in a campaign and a place's more, and five days of which these are known."""
    rows = (
        f"{shop},{day},{'' if step >= 60 else 3 * _PRICES[step] + 20 * _CAMPAIGNS[step] + 10 + place},{_PRICES[step]},"
        f"{_CAMPAIGNS[step]}"
        for place, shop in enumerate(shops)
        for step, day in enumerate(_DAYS)
    )
    return csv("shop,day,sold,price,campaign", *rows)


@pytest.fixture(scope="module")
def trained(service: Any) -> tuple[int, list[int]]:
    """A shop by Regression and Auto, one by Auto, and one without features."""
    api: Api = service.api
    job_id, ts_ids = new_job(api, _file("a", "=b", "c"), timestamp=1, target=2, groupby=[0])
    featured = [
        element(ts_ids[0], "Auto", feature_indexs=[3, 4], refit=1),
        element(ts_ids[1], "Auto", feature_indexs=[3, 4], refit=1),
        element(ts_ids[0], "Regression", feature_indexs=[3, 4], refit=1),
    ]
    train(api, job_id, *featured, element(ts_ids[2], "Theta", refit=1))
    return job_id, ts_ids


def test_a_feature_adds_its_coefficient_by_its_distance_from_the_mean(api: Api, trained: tuple[int, list[int]]) -> None:
    """And all of it together is the stored forecast, but for what is rounded of that."""
    job_id, (first, *_) = trained
    answer = api.get(f"/job/{job_id}/explanations/?ts_id={first}&model_name=Regression")
    [series] = answer["series"]
    results = api.get(f"/job/{job_id}/job_results/?ts_id={first}")["results"][0]["results"]
    stored = next(one for one in results if one["model_name"] == "Regression")
    by_name = {one["feature"]: one for one in series["features"]}

    assert series["timestamps"] == stored["timestamps"]
    np.testing.assert_allclose(series["predictions"], stored["predictions"], atol=0.51)
    for name, values, worth in (("price", _PRICES, 3), ("campaign", _CAMPAIGNS, 20)):
        mean = float(np.mean(values[:60]))
        assert by_name[name]["values"] == values[60:]
        assert by_name[name]["usual"] == pytest.approx(mean)
        np.testing.assert_allclose(by_name[name]["added"], worth * (np.array(values[60:]) - mean), atol=0.5)
    whole = np.add(series["rest"], np.sum([one["added"] for one in series["features"]], axis=0))
    np.testing.assert_allclose(whole, series["predictions"])
    assert sum(one["share"] for one in series["features"]) == pytest.approx(1)
    effects = [one["effect"] for one in series["features"]]
    assert effects == sorted(effects, reverse=True)


def test_all_series_and_what_has_no_answer(api: Api, trained: tuple[int, list[int]]) -> None:
    """Each feature over the series that have it; a series without features says so."""
    job_id, ts_ids = trained
    answer = api.get(f"/job/{job_id}/explanations/")

    assert [one["ts_id"] for one in answer["series"]] == ts_ids
    assert {one["feature"]: one["series"] for one in answer["features"]} == {"price": 2, "campaign": 2}
    assert answer["series"][2]["error"].startswith("Theta makes no use of features")
    [paged] = api.get(f"/job/{job_id}/explanations/?offset=1&limit=1")["series"]
    assert paged == answer["series"][1]


def test_as_a_table(api: Api, trained: tuple[int, list[int]]) -> None:
    """A row for each step and feature, in which no spreadsheet finds a formula; one for what has no answer."""
    job_id, _ = trained
    answer = api.call("GET", f"/job/{job_id}/explanations/?format=csv")
    rows = list(tables.DictReader(io.StringIO(answer.text)))

    assert answer.headers["content-type"].startswith("text/csv")
    assert len(rows) == 2 * 2 * 5 + 1
    assert {row["series"] for row in rows} == {"shop=a", "shop=%3Db", "shop=c"}
    for step in range(5):
        price, campaign = rows[step], rows[5 + step]
        whole = float(price["rest"]) + float(price["added"]) + float(campaign["added"])
        assert whole == pytest.approx(float(price["prediction"]))
    assert "makes no use of features" in rows[-1]["error"]


def test_what_cannot_be_explained_is_refused(api: Api, trained: tuple[int, list[int]]) -> None:
    """With the field and the remedy."""
    job_id, (_, _, third) = trained
    path = f"/job/{job_id}/explanations/"

    check_error(api.call("GET", f"{path}?model_name=Proohet"), 400, "model_name", "Regression")
    check_error(api.call("GET", f"{path}?ts_id={third}"), 409, "makes no use of features", "Regression")
    check_error(api.call("GET", f"{path}?ts_id=1"), 404, "ts_id")
    check_error(api.call("GET", "/job/1/explanations/"), 404)
    check_error(api.call("GET", f"/job/{new_job(api, _file('a'), timestamp=1, target=2)[0]}/explanations/"), 409)
