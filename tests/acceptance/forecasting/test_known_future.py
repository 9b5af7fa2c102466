"""What is known of the future: by rows of the file, by the PATCH, by observations, for Auto."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import check_error, csv, element, new_job, train
from tests.acceptance.stock import StockClient
from tests.integration.services import Api, Service, until

_FEATURE = [(7 * day * day + 3 * day) % 23 for day in range(66)]  # nothing that a history would tell


def file_of(known: int, *, target: str = "sold") -> bytes:
    """Sixty days whose target is 2 x + 1, and the feature of `known` days after them."""
    days = [date(2024, 1, 1) + timedelta(day) for day in range(66)]
    rows = [f"{days[day]},{2 * x + 1 if day < 60 else ''},{x}" for day, x in enumerate(_FEATURE[: 60 + known])]
    return csv(f"day,{target},x", *rows)


def only(body: dict[str, Any]) -> dict[str, Any]:
    """The one result."""
    ((result,),) = [series["results"] for series in body["results"]]
    return result


def forecast_of(model: str, ts_id: int, **fields: Any) -> dict[str, Any]:
    """An element for four steps with the feature."""
    return element(ts_id, model, feature_indexs=[2], refit=1, next_k_prediction=4, **fields)


@pytest.mark.parametrize("model", ["Regression", "ARIMA", "Auto"])
def test_rows_after_the_last_target_are_known_future(api: Api, model: str) -> None:
    """Forecasts begin where the values end, and follow the feature."""
    job_id, (ts_id,) = new_job(api, file_of(4))
    result = only(train(api, job_id, forecast_of(model, ts_id)))

    assert result["timestamps"][0].startswith("2024-03-01")
    assert result["predictions"] == pytest.approx([2 * x + 1 for x in _FEATURE[60:64]], abs=1)
    assert len(result["ts_history"]["sold"]) == 60
    details = api.get(f"/job/{job_id}/ts_details/")
    assert details["ts_details"][0]["points"] == 60
    assert "4 rows after the last value of the series have other columns alone" in details["warnings"][0]


def test_a_patch_tells_the_future(api: Api) -> None:
    """It wins over the rows; both are refused where they are too few."""
    job_id, (ts_id,) = new_job(api, file_of(2))
    short = api.call("PATCH", f"/job/{job_id}/", json=[forecast_of("Auto", ts_id)])
    said = check_error(short, 400, "feature_indexs", '("x") has no value for 2024-03-03 00:00:00, step 3 of the 4')
    assert (said["element"], said["field"]) == (0, "feature_indexs")
    wrong = [forecast_of("Auto", ts_id, future_features={"x": [1, 2, 3]})]
    check_error(api.call("PATCH", f"/job/{job_id}/", json=wrong), 400, "future_features", "has 3 values")
    result = only(train(api, job_id, forecast_of("Auto", ts_id, future_features={"x": [1, 20, 3, 7]})))

    assert result["predictions"] == pytest.approx([3, 41, 7, 15], abs=1)


def test_an_event_tells_the_future_with_the_same_check(service: Service, stock: StockClient) -> None:
    """SubmitJob carries what the PATCH does, and its refusal has the same words."""
    api, commands = service.api, service.topics.job_commands
    job_id, (ts_id,) = new_job(api, file_of(0))
    good = forecast_of("Regression", ts_id) | {"future_features": [{"column": "x", "values": [1.0, 20.0, 3.0, 7.0]}]}
    bad = forecast_of("Regression", ts_id, future_features={"y": [1, 2, 3, 4]})
    said = check_error(api.call("PATCH", f"/job/{job_id}/", json=[bad]), 400)["message"]
    bad["future_features"] = [{"column": "y", "values": [1.0, 2.0, 3.0, 4.0]}]
    assert stock.refusal(stock.command(commands, job_id, "SubmitJob", job_id=job_id, elements=[bad]))["error"] == said
    stock.command(commands, job_id, "SubmitJob", job_id=job_id, elements=[good])
    until(lambda: api.get(f"/job/{job_id}/job_results/")["status"] == 3, why="the forecast is there")
    result = only(api.get(f"/job/{job_id}/job_results/"))

    assert result["predictions"] == pytest.approx([3, 41, 7, 15], abs=1)
    assert "note" not in result


def test_a_future_that_nobody_tells_is_noted(api: Api) -> None:
    """It repeats, as before, but not in silence."""
    job_id, (ts_id,) = new_job(api, file_of(0))
    result = only(train(api, job_id, forecast_of("Regression", ts_id)))

    assert "nothing is known of the next steps of its features" in result["note"]


def test_a_posted_row_without_target_is_future(api: Api) -> None:
    """Prices of tomorrow come as rows of the data set, after its upload."""
    content = file_of(0)
    job_id, _ = new_job(api, content)
    data_id = api.get(f"/job/{job_id}/")["data_id"]
    rows = [{"day": f"2024-03-0{1 + step}", "x": x} for step, x in enumerate((1, 20, 3, 7))]
    answer = api.call("POST", f"/data/{data_id}/rows", json=rows)
    assert answer.status_code in (200, 201, 202), answer.text
    later = api.create_job(data_id)
    body = {"timestamp_indexs": [0], "target_indexs": [1]}
    (series,) = api.call("PUT", f"/job/{later}/", json=body).json()["ts_details"]
    result = only(train(api, later, forecast_of("Regression", series["ts_id"])))

    assert result["predictions"] == pytest.approx([3, 41, 7, 15], abs=1)


@pytest.mark.parametrize("model", ["Regression", "Auto"])
def test_holidays_are_known(api: Api, model: str) -> None:
    """Forty less are sold on them: the history has a year of such days, and Christmas is to come."""
    last = date(2024, 12, 22)
    days = [last - timedelta(day) for day in range(400, -1, -1)]
    free = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
    easter = {date(2024, 3, 29), date(2024, 4, 1), date(2024, 5, 9), date(2024, 5, 20)}
    sold = [60 if (day.month, day.day) in free or day in easter else 100 for day in days]
    job_id, (ts_id,) = new_job(api, csv("day,sold", *(f"{day},{n}" for day, n in zip(days, sold, strict=True))))
    asked = element(ts_id, model, refit=1, next_k_prediction=5, holidays="DE")
    result = only(train(api, job_id, asked))

    assert result["predictions"] == [100, 100, 60, 60, 100]
    wrong = api.call("PATCH", f"/job/{job_id}/", json=[asked | {"holidays": "Germany"}])
    said = check_error(wrong, 400, "holidays: 'Germany' is no country", "did you mean DE?")
    assert (said["element"], said["field"]) == (0, "holidays")


def test_hours_are_forecast_by_the_day(api: Api) -> None:
    """Ten days of hours that sell as much as the weekday's number; the half days at both ends are left out."""
    begin = datetime(2024, 1, 1, 12, tzinfo=UTC)
    hours = [begin + timedelta(hours=n) for n in range(24 * 29)]
    content = csv("t,sold,x", *(f"{hour:%Y-%m-%d %H:%M},{hour.isoweekday()},{hour.hour}" for hour in hours))
    job_id = api.create_job(api.add_dataset(content))
    columns = {"timestamp_indexs": [0], "target_indexs": [1], "aggregate": {"freq": "D", "how": "sum"}}
    wrong = api.call("PUT", f"/job/{job_id}/", json=columns | {"aggregate": {"freq": "B", "how": "sum"}})
    assert check_error(wrong, 400, "aggregate: freq is 'B', which divides no time")["field"] == "aggregate"
    answer = api.call("PUT", f"/job/{job_id}/", json=columns).json()
    (details,) = answer["ts_details"]
    assert (details["freq"], details["points"]) == ("D", 28)
    assert "2 steps at the ends of series are left out" in answer["warnings"][-1]
    asked = element(details["ts_id"], "Auto", refit=1, next_k_prediction=3, feature_indexs=[2])
    result = only(train(api, job_id, asked))

    assert result["predictions"] == [24 * 2, 24 * 3, 24 * 4]  # the last whole day is Monday, January 29
    assert result["timestamps"][0] == "2024-01-30 00:00:00"
    assert result["ts_history"]["sold"][:3] == [48, 72, 96]
    assert result["ts_history"]["t"][0] == "2024-01-02 00:00:00"


def test_an_event_aggregates_with_the_same_check(service: Service, stock: StockClient) -> None:
    """ConfigureJob carries what the PUT does."""
    api, commands = service.api, service.topics.job_commands
    content = csv("t,sold", *(f"2024-01-{1 + n // 24:02d} {n % 24:02d}:00,{n}" for n in range(72)))
    job_id = api.create_job(api.add_dataset(content))
    columns = {"timestamp_indexs": [0], "target_indexs": [1], "groupby_indexs": []}
    wrong = stock.command(
        commands, job_id, "ConfigureJob", job_id=job_id, **columns, aggregate={"freq": "D", "how": "mode"}
    )
    assert stock.refusal(wrong)["error"].startswith("aggregate: how is 'mode', expected one of sum, mean")
    stock.command(commands, job_id, "ConfigureJob", job_id=job_id, **columns, aggregate={"freq": "D", "how": "max"})
    until(lambda: api.get(f"/job/{job_id}/ts_details/")["ts_details"], why="the columns are chosen")
    (details,) = api.get(f"/job/{job_id}/ts_details/")["ts_details"]

    assert api.get(f"/job/{job_id}/ts_details/{details['ts_id']}/")["values"] == [23, 47, 71]
