"""Dates of forecasts (decisions 16 and 17): files that failed in use, by the number of their case, and their kind."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.acceptance.forecasting.jobs import check_error, csv, element, train
from tests.integration.program import Home
from tests.integration.services import Api, Service, until

CASES = Path(__file__).parents[2] / "cases"


def put(api: Api, content: bytes, **fields: Any) -> Any:
    """The answer to a PUT of a new job on the columns 0 and 1 of a file."""
    job_id = api.create_job(api.add_dataset(content))
    body = {"timestamp_indexs": [0], "target_indexs": [1], "groupby_indexs": [], **fields}
    return job_id, api.call("PUT", f"/job/{job_id}/", json=body)


def forecast(api: Api, content: bytes, steps: int, model: str = "AdaptiveMaxN", **fields: Any) -> tuple[Any, Any]:
    """The details of the one series of a file, and its result."""
    job_id, answer = put(api, content, **fields)
    assert answer.status_code == 200, answer.text
    (details,) = answer.json()["ts_details"]
    body = train(api, job_id, element(details["ts_id"], model, next_k_prediction=steps, refit=1))
    assert body["status"] == 3, body
    return details, body["results"][0]["results"][0]


def latest_forecast(api: Api, ts_id: int) -> Any:
    """What GET /forecasts says of a series; the job may be finished a moment before it says anything."""

    def ask() -> Any:
        answer = api.call("GET", f"/forecasts/{ts_id}")
        return answer.json() if answer.status_code == 200 else None

    return until(ask, why="no forecast came")


def dates(alias: str, start: str, steps: int) -> list[str]:
    """The times of an alias as answers show them."""
    return [f"{time:%Y-%m-%d %H:%M:%S}" for time in pd.date_range(start, periods=steps, freq=alias)]


def case(number: str) -> bytes:
    """The file of a case."""
    return (CASES / f"{number}.csv").read_bytes()


@pytest.mark.parametrize(
    ("number", "freq", "start", "steps"),
    [
        pytest.param("B01", "MS", "2021-01-01", 6, id="B01_months"),
        pytest.param("B03", "MS", "1953-01-01", 12, id="B03_months_without_a_day"),
        pytest.param("B04", "QS-JAN", "2020-01-01", 4, id="B04_quarters"),
        pytest.param("B05", "YS-JAN", "2016-01-01", 8, id="B05_years"),
        pytest.param("B06", "B", "2020-04-06", 6, id="B06_business_days"),
        pytest.param("B42", "BME", "2020-07-31", 12, id="B42_last_business_days"),
    ],
)
def test_B_calendar_steps(api: Api, number: str, freq: str, start: str, steps: int) -> None:
    """The calendar goes on, and is told; the backtest has the last dates of the file, GET /forecasts the same."""
    details, result = forecast(api, case(number), steps)

    assert details["freq"] == freq
    assert "freq_note" not in details
    assert result["timestamps"] == dates(freq, start, steps)
    assert "note" not in result
    held_out = max(5, steps)
    back = pd.date_range(end=pd.Timestamp(start) - pd.Timedelta(days=1), periods=held_out, freq=freq)
    assert result["backtest"]["timestamps"] == [f"{time:%Y-%m-%d %H:%M:%S}" for time in back]
    latest = latest_forecast(api, details["ts_id"])
    assert latest["timestamps"] == result["timestamps"]
    assert latest["cutoff"] == f"{back[-1]:%Y-%m-%d %H:%M:%S}"


def test_B08_office_hours(api: Api) -> None:
    """Half hours from 09:00 to 15:30 go on in these hours, and the note says so."""
    details, result = forecast(api, case("B08"), 20)

    assert details["freq"] == "D@09:00-15:30/30min"
    assert result["timestamps"] == [
        *dates("30min", "2020-03-12 09:00", 14), *dates("30min", "2020-03-13 09:00", 6)
    ]  # fmt: skip
    assert "times of day" in result["note"]
    assert details["freq_note"] in result["note"]


def test_B11_differing_offsets(api: Api) -> None:
    """Hours across the begin of summer time: the clock of the last row, nothing twice and nothing missing."""
    _, result = forecast(api, case("B11"), 2)

    assert result["timestamps"] == ["2021-03-29 02:00:00", "2021-03-29 03:00:00"]
    assert result["utc_offsets"] == ["+02:00", "+02:00"]
    assert result["backtest"]["timestamps"][-1] == "2021-03-29 01:00:00"


def test_B29_parts_of_a_second(api: Api) -> None:
    """Steps of 250 ms are shown with milliseconds, never as equal texts."""
    details, result = forecast(api, case("B29"), 4)

    assert details["freq"] == "250ms"
    assert result["timestamps"] == [f"2020-01-01 00:00:10.{part:03}" for part in (0, 250, 500, 750)]
    assert len(set(result["backtest"]["timestamps"])) == 5


def test_B45_jittered_times(api: Api) -> None:
    """No rule holds, so the usual distance is used, about an hour, and the note says so."""
    details, result = forecast(api, case("B45"), 2)
    first, second = map(pd.Timestamp, result["timestamps"])

    assert pd.Timedelta(minutes=50) < second - first < pd.Timedelta(minutes=70)
    assert first - pd.Timestamp("2020-01-02 17:58:20") == second - first
    assert "no regular calendar" in result["note"]
    assert details["freq_note"] == result["note"]


def test_B46_a_constant_offset(api: Api) -> None:
    """The next hour is that of the file's clock, and its offset is told beside it."""
    details, result = forecast(api, case("B46"), 1)

    assert details["freq"] == "h"
    assert result["timestamps"] == ["2020-01-03 00:00:00"]
    assert result["utc_offsets"] == ["+05:30"]
    latest = latest_forecast(api, details["ts_id"])
    assert (latest["cutoff"], latest["timestamps"]) == ("2020-01-02 23:00:00", ["2020-01-03 00:00:00"])


def test_G01_the_command_line(service: Service, tmp_path: Path) -> None:
    """`tidecast forecast FILE --out`: the next months' firsts."""
    file, out = tmp_path / "monthly.csv", tmp_path / "forecasts.csv"
    file.write_bytes(case("G01"))
    command = ["forecast", file, "-t", "Date", "-y", "Value", "-k", 3, "--url", service.stack.url, "--out", out]
    ended = Home(tmp_path / "home").run(*command)

    assert ended.returncode == 0, ended.stderr
    assert pd.read_csv(out)["timestamp"].tolist() == dates("MS", "2021-01-01", 3)

    wrong = Home(tmp_path / "home").run(*command, "--freq", "ME")
    told = Home(tmp_path / "home").run(*command, "--freq", "M8")
    zoned = Home(tmp_path / "home").run(*command, "--freq", "MS", "--time-zone", "Asia/Kolkata")

    assert (wrong.returncode, told.returncode, zoned.returncode) == (1, 1, 0)
    assert '--freq: "ME" does not fit the data' in " ".join(wrong.stderr.split())
    assert "leave --freq out" in " ".join(wrong.stderr.split())
    assert '--freq: "M8" is no frequency' in " ".join(told.stderr.split())


@pytest.mark.parametrize("model", ["LinearFit", "SeasonalNaive", "ETS", "Auto"])
def test_16_every_model_has_the_same_dates(api: Api, model: str) -> None:
    """Month ends on which rows are absent: the dates of a model do not depend on it."""
    rows = [f"{day},{number % 12 * 10 + number / 10}" for number, day in enumerate(dates("ME", "2017-01-31", 48))]
    details, result = forecast(api, csv("Date,Value", *rows[:20], *rows[21:]), 3, model)

    assert (details["freq"], details["points"]) == ("ME", 47)
    assert result["timestamps"] == dates("ME", "2021-01-31", 3)


def test_16_an_absent_row_is_as_an_empty_cell(api: Api) -> None:
    """The same forecast and scores; the history shows the file's rows."""
    rows = [f"{day},{number % 12 + 1}" for number, day in enumerate(dates("MS", "2017-01-01", 40))]
    absent, empty = [*rows[:30], *rows[31:]], [*rows[:30], f"{rows[30].partition(',')[0]},", *rows[31:]]
    (_, without), (_, with_empty) = (
        forecast(api, csv("Date,Value", *lines), 6, "SeasonalNaive") for lines in (absent, empty)
    )

    for field in ("timestamps", "predictions", "metrics", "backtest"):
        assert without[field] == with_empty[field]
    assert len(without["ts_history"]["Date"]) == 39


def test_16_freq_can_be_set(api: Api) -> None:
    """An alias in an old or a new spelling; the calendar is shown as it was asked for."""
    rows = [f"{day},{number}" for number, day in enumerate(dates("MS", "2020-01-01", 2))]
    _, found = put(api, csv("Date,Value", *rows))
    details, result = forecast(api, csv("Date,Value", *rows), 3, freq="31D")

    assert found.json()["ts_details"][0]["freq"] == "MS"
    assert details["freq"] == "31D"
    assert result["timestamps"] == dates("31D", "2020-03-03", 3)
    assert forecast(api, csv("Date,Value", *rows), 1, freq="H")[0]["freq"] == "h"


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"freq": "monthly"}, ["freq", '"monthly" is no frequency', "MS"]),
        ({"freq": "ME"}, ["freq", '"ME" does not fit the data', "2018-01-01", 'such as "MS"']),
        ({"freq": "s"}, ["freq", '"s" is too fine']),
        ({"time_zone": "Mars/Olympus"}, ["time_zone", "IANA", "Europe/Berlin"]),
        ({"freq": 5}, ["freq"]),
    ],
)
def test_16_a_wrong_freq_or_zone_is_refused(api: Api, fields: dict[str, Any], parts: list[str]) -> None:
    """The message names the field and the remedy; the job can still be configured."""
    job_id, answer = put(api, case("B01"), **fields)

    check_error(answer, 400, *parts)
    body = {"timestamp_indexs": [0], "target_indexs": [1], "freq": None, "time_zone": None}
    assert api.call("PUT", f"/job/{job_id}/", json=body).json()["ts_details"][0]["freq"] == "MS"


def test_17_local_midnights_stay_midnights(api: Api) -> None:
    """With an offset that changes in between, as daylight saving has it."""
    days = pd.date_range("2021-03-20", periods=20, freq="D", tz="Europe/Berlin")
    rows = [f"{day.isoformat()},{number}" for number, day in enumerate(days)]
    _, result = forecast(api, csv("Date,Value", *rows), 2)

    assert result["timestamps"] == ["2021-04-09 00:00:00", "2021-04-10 00:00:00"]


def test_17_a_time_zone_repeats_an_hour(api: Api) -> None:
    """Hours up to the end of summer time, without offsets: 02:00 comes twice, and the offsets tell which is which."""
    rows = [f"{time},{number}" for number, time in enumerate(dates("h", "2021-10-29 00:00", 50))]
    details, result = forecast(api, csv("Date,Value", *rows), 3, time_zone="Europe/Berlin")

    assert details["freq"] == "h"
    assert result["timestamps"] == ["2021-10-31 02:00:00", "2021-10-31 02:00:00", "2021-10-31 03:00:00"]
    assert result["utc_offsets"] == ["+02:00", "+01:00", "+01:00"]
    assert latest_forecast(api, details["ts_id"])["utc_offsets"] == result["utc_offsets"]


def test_17_microseconds(api: Api) -> None:
    """Steps of 125 µs keep all of their digits."""
    times = [f"2020-01-01 00:00:00.{number * 125:06}" for number in range(30)]
    details, result = forecast(api, csv("Date,Value", *(f"{time},1" for time in times)), 2)

    assert details["freq"] == "125us"
    assert result["timestamps"] == ["2020-01-01 00:00:00.003750", "2020-01-01 00:00:00.003875"]
    assert latest_forecast(api, details["ts_id"])["timestamps"] == result["timestamps"]
