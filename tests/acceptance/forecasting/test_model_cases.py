"""Cases from use, by their numbers: seasons, level and sign of forecasts, and a bare NaN."""

import csv
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.acceptance.forecasting.jobs import check_error, element, new_job, run, train
from tests.integration.services import Api

CASES = Path(__file__).parents[2] / "cases"
REFIT = {"refit": 1}


def content(case: str) -> bytes:
    """The file of a case."""
    return (CASES / f"{case}.csv").read_bytes()


def values(case: str) -> list[float]:
    """The column Value of a case's file."""
    with (CASES / f"{case}.csv").open(newline="") as file:
        return [float(row["Value"]) for row in csv.DictReader(file)]


def test_D28_the_season_of_business_days_is_five_rows(api: Api) -> None:
    """10 20 30 40 50 from Monday to Friday go on on the next five business days."""
    found = run(api, content("D28"), "SeasonalNaive", next_k_prediction=5, **REFIT)

    assert found["predictions"] == [10.5, 20, 30, 40, 50]
    assert found["timestamps"] == [f"2020-05-{day} 00:00:00" for day in (25, 26, 27, 28, 29)]


def test_D29_the_day_of_10_minute_steps_goes_on(api: Api) -> None:
    """144 steps ago, where nothing is said of a season."""
    found = run(api, content("D29"), "SeasonalNaive", next_k_prediction=8, **REFIT)

    assert found["predictions"] == values("D29")[-144:-136]


@pytest.mark.parametrize(("hours", "season"), [(6, 4), (8, 3)])
def test_D29_and_that_of_longer_steps(api: Api, hours: int, season: int) -> None:
    """Four steps of six hours are a day; of steps of eleven hours nobody knows, see the next test."""
    rows = [f"2020-01-{1 + n * hours // 24:02} {n * hours % 24:02}:00,{10.5 * (n % season)}" for n in range(24)]
    found = run(api, "\n".join(["Date,Value", *rows, ""]).encode(), "SeasonalNaive", next_k_prediction=season, **REFIT)

    assert found["predictions"] == [10.5 * n for n in range(season)]
    assert not found.get("note")


def test_D29_the_note_says_where_no_season_is_known(api: Api) -> None:
    """Of steps of seven minutes."""
    rows = [f"2020-01-01 {n * 7 // 60:02}:{n * 7 % 60:02},{n % 3 + 0.5}" for n in range(40)]
    found = run(api, "\n".join(["Date,Value", *rows, ""]).encode(), "SeasonalNaive", **REFIT)

    assert "no season is usual for these steps" in found["note"]


def test_D30_an_absent_month_does_not_move_the_season(api: Api) -> None:
    """May 2019 is absent: its value is that of May 2018, and the others stay where they are."""
    found = run(api, content("D30"), "SeasonalNaive", next_k_prediction=12, **REFIT)

    assert found["predictions"] == [100.0 * month for month in range(1, 13)]


def test_D32_sales_are_not_forecast_below_zero(api: Api) -> None:
    """Forecast, quantiles and backtest of every model without training of its own; allow_negative keeps them."""
    models = ("LinearFit", "Drift", "HoltWinters", "ETS", "Theta", "ARIMA", "LightGBM", "Auto", "SES", "AdaptiveMaxN")
    job_id, (ts_id,) = new_job(api, content("D32"))
    asked = [element(ts_id, model, next_k_prediction=8, refit=1) for model in models]
    asked.append(element(ts_id, "Drift", next_k_prediction=8, refit=1, allow_negative=1))
    ((*found, allowed),) = [series["results"] for series in train(api, job_id, *asked)["results"]]

    for one in found:
        assert min(one["predictions"]) >= 0, one["model_name"]
        assert min(one["backtest"]["predictions"], default=0) >= 0, one["model_name"]
        assert all(min(level) >= 0 for level in one.get("quantiles", {}).values()), one["model_name"]
    assert min(allowed["predictions"]) < 0


def test_D39_arima_stays_at_the_level_of_its_data(api: Api) -> None:
    """One value of a million among values near 100."""
    found = run(api, content("D39"), "ARIMA", next_k_prediction=3, **REFIT)

    assert min(values("D39")) <= min(found["predictions"])
    assert max(found["predictions"]) <= 110


def test_D40_the_note_names_the_season_that_was_asked_for(api: Api) -> None:
    """365 steps, and 60 values."""
    found = run(api, content("D40"), "SeasonalNaive", {"season_length": 365}, next_k_prediction=3, **REFIT)

    assert "365 steps" in found["note"]


def test_D41_every_seasonal_model_knows_the_weekday(api: Api) -> None:
    """A mean error below a third of the pattern's swing, 20 … 100."""
    models = ("SeasonalNaive", "ETS", "HoltWinters", "LightGBM", "ARIMA", "Theta", "Auto")
    pattern = np.array(values("D41")).reshape(-1, 5).mean(axis=0)
    job_id, (ts_id,) = new_job(api, content("D41"))
    body = train(api, job_id, *(element(ts_id, model, next_k_prediction=5, refit=1) for model in models))

    for found in body["results"][0]["results"]:
        error = np.abs(np.array(found["predictions"]) - pattern).mean()
        assert error < np.ptp(pattern) / 3, found["model_name"]
        assert found["timestamps"][0] == "2020-08-03 00:00:00"


@pytest.mark.parametrize(("value", "word"), [("NaN", "NaN"), ("-Infinity", "Infinity")])
def test_F01_a_bare_nan_is_answered_with_its_remedy(http: httpx.Client, value: str, word: str) -> None:
    """At a PATCH; at endpoints see `test_invocations`."""
    body = f'[{{"ts_id": 1, "hyper_params": [{{"name": "latest_n", "type": "int", "val": {value}}}]}}]'
    headers = {"Content-Type": "application/json"}
    answer = http.patch("/job/7/", content=body.encode(), headers=headers)

    check_error(answer, 400, word, "null", '"NaN" in quotation marks')
