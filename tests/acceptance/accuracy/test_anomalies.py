"""Values of a history, and of what came since, that no interval had."""

import csv as tables
import io
from datetime import date, timedelta
from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import check_error, csv, element, new_job, train
from tests.integration.services import Api

_VALUES = [20 + (day * 7) % 5 for day in range(60)]
_VALUES[40] = 90
_STRANGE = "2020-02-10 00:00:00"  # the 41st day


def _day(number: int) -> str:
    return str(date(2020, 1, 1) + timedelta(days=number))


_FILE = csv("shop,day,sold", *(f"{shop},{_day(day)},{value}" for day, value in enumerate(_VALUES) for shop in "ab"))


@pytest.fixture(scope="module")
def trained(service: Any) -> tuple[int, list[int], int]:
    """A job, its series and its data set: one model with intervals and one without."""
    api: Api = service.api
    job_id, ts_ids = new_job(api, _FILE, timestamp=1, target=2, groupby=[0])
    train(api, job_id, *(element(ts_id, "SES", refit=1) for ts_id in ts_ids))
    train(api, job_id, element(ts_ids[0], "AdaptiveAverageN", {"latest_n": 5}, refit=1))
    return job_id, ts_ids, api.get(f"/job/{job_id}/")["data_id"]


def _found(api: Api, job_id: int, query: str = "") -> Any:
    return api.get(f"/job/{job_id}/anomalies/{query}")


def test_a_strange_value_of_the_history_is_found_in_each_series(api: Api, trained: tuple[int, list[int], int]) -> None:
    """By the model of each; its forecast and its interval stand beside it."""
    job_id, ts_ids, _ = trained
    answer = _found(api, job_id, "?level=99&model_name=SES")

    assert (answer["job_id"], answer["level"], answer["series_count"]) == (job_id, 99, 2)
    assert "rolling" in answer["method"]
    assert [one["ts_id"] for one in answer["series"]] == ts_ids
    for one in answer["series"]:
        assert (one["model_name"], one["every"], one["intervals"], one["note"]) == ("SES", 1, "model", None)
        assert one["looked_at"] > 40
        [strange] = [it for it in one["anomalies"] if it["timestamp"] == _STRANGE]
        assert (strange["actual"], strange["source"]) == (90, "history")
        assert strange["low"] < strange["predicted"] < strange["high"] < 90


def test_a_model_without_intervals_has_those_of_its_errors(api: Api, trained: tuple[int, list[int], int]) -> None:
    """A series that it has not forecast says so."""
    job_id, _, _ = trained
    first, second = _found(api, job_id, "?model_name=AdaptiveAverageN")["series"]

    assert first["intervals"] == "errors"
    assert _STRANGE in [it["timestamp"] for it in first["anomalies"]]
    assert (second["note"], second["anomalies"]) == ("it has no forecast", [])


def test_pages_and_csv(api: Api, trained: tuple[int, list[int], int]) -> None:
    """A row for each anomaly, of the series of the page."""
    job_id, ts_ids, _ = trained
    answer = api.call("GET", f"/job/{job_id}/anomalies/?format=csv&offset=1&limit=1&level=99")

    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(tables.DictReader(io.StringIO(answer.text)))
    assert {row["ts_id"] for row in rows} == {str(ts_ids[1])}
    assert _STRANGE in [row["timestamp"] for row in rows]
    assert rows[0]["series_key"] == "shop=b"


def test_what_came_is_compared_with_its_forecast(api: Api, trained: tuple[int, list[int], int]) -> None:
    """As soon as it is there."""
    job_id, ts_ids, data_id = trained
    body = [{"shop": "a", "day": "2020-03-01", "sold": 500}]
    assert api.call("POST", f"/data/{data_id}/rows", json=body).status_code == 200

    [one] = _found(api, job_id, f"?ts_id={ts_ids[0]}")["series"]
    [told] = [it for it in one["anomalies"] if it["timestamp"] == "2020-03-01 00:00:00"]
    assert (told["actual"], told["source"], told["step"]) == (500, "observation", 1)


def test_what_cannot_be_asked_is_refused(api: Api, trained: tuple[int, list[int], int]) -> None:
    """With the field."""
    job_id, _, _ = trained
    check_error(api.call("GET", f"/job/{job_id}/anomalies/?level=100"), 400, "level")
    check_error(api.call("GET", f"/job/{job_id}/anomalies/?ts_id=99"), 404, "99 is not a series")
    check_error(api.call("GET", "/job/99/anomalies/"), 404, "there is no job 99")


def test_a_job_without_series_has_none(api: Api) -> None:
    """Nothing to look at."""
    assert _found(api, api.create_job(api.add_dataset(_FILE)))["series"] == []
