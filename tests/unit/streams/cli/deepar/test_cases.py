"""Files from use, by their numbers in the cases: the dates that DeepAR's command line gives them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tests
from models.deepar.frequency import Frequency
from streams.cli.console.failure import CommandError
from streams.cli.deepar.csv_series import Columns, read_csv
from streams.cli.deepar.forecasting import ForecastRequest, series_for
from streams.cli.deepar.predictions import predictions_of
from streams.cli.deepar.series import step_times
from tests.unit.streams.cli.deepar_service import FakeService, model, silent

CASES = Path(next(iter(tests.__path__))) / "cases"
COLUMNS = Columns("Date", "Value", ("G",))


def next_times(path: Path, count: int, columns: Columns = COLUMNS) -> tuple[str, list[list[str]]]:
    """The frequency that a training would have, and the times of a forecast of each series."""
    series, found, *_ = read_csv(path, columns)
    assert found.freq is not None
    frequency = Frequency.parse(found.freq)
    answers = [{"mean": [0.0] * count, "quantiles": {}} for _ in series]
    return found.freq, [list(one.times) for one in predictions_of(series, answers, frequency)]


@pytest.mark.parametrize(
    ("case", "freq", "times"),
    [
        ("G06", "W-SUN", ["2020-07-19", "2020-07-26", "2020-08-02", "2020-08-09"]),
        ("G07", "ME", ["2020-01-31", "2020-02-29", "2020-03-31"]),
        ("G15", "D", ["2020-03-31", "2020-04-01"]),
        ("G17", "B", ["2019-10-14", "2019-10-15", "2019-10-16", "2019-10-17", "2019-10-18"]),
    ],
)
def test_G06_G07_G15_G17_the_dates_follow_the_last_row(case: str, freq: str, times: list[str]) -> None:
    """Sundays, month ends, local midnights, and no weekend after a Friday."""
    found, forecasts = next_times(CASES / f"{case}.csv", len(times))

    assert found == freq
    assert forecasts == [[f"{day} 00:00:00" for day in times]] * 3


def test_G16_the_time_of_day_stays() -> None:
    """06:00."""
    assert next_times(CASES / "G16.csv", 2) == ("D", [["2020-03-31 06:00:00", "2020-04-01 06:00:00"]] * 3)


def test_G17_business_days_have_no_holes() -> None:
    """The weekend is not forecast as if it were missing, and what the curl line sends begins on a business day."""
    series, *_ = read_csv(CASES / "G17.csv", COLUMNS)

    assert [len(one.fields["target"]) for one in series] == [200] * 3
    assert not any(np.isnan(one.history).any() for one in series)
    assert step_times(series[0], Frequency("B"), 1, first=195) == ["2019-10-07 00:00:00"]


def _request(path: Path) -> ForecastRequest:
    return ForecastRequest(path, "daily")


def _service() -> FakeService:
    """With a model of days that knows one category."""
    stored = {"job_id": 7, **Columns("Date", "Value", ("G",), (), "D", (("A",),)).as_dict()}
    return FakeService({"GET /uploads/daily/columns.json": [json.dumps(stored).encode()]})


def test_G19_a_file_of_another_step_is_refused_with_both_steps() -> None:
    """Weekly rows, and a model of days: six of seven days would count as missing."""
    with pytest.raises(CommandError, match=r"G19.csv: its rows have steps of W, and daily was trained on steps of D"):
        series_for(_service().session, model("daily", cardinality=[1]), _request(CASES / "G19.csv"), silent())


def test_G19_a_file_that_fills_most_steps_is_forecast_with_a_notice(tmp_path: Path) -> None:
    """Business days, and a model of days: the weekends count as missing, as they did in its training."""
    days = np.arange(np.datetime64("2020-01-06"), np.datetime64("2020-02-15"))
    rows = [f"{day},A,1" for day in days[np.is_busday(days)]]
    path = tmp_path / "sales.csv"
    path.write_text("\n".join(["Date,G,Value", *rows, ""]))
    console = silent()
    (series,), _ = series_for(_service().session, model("daily", cardinality=[1]), _request(path), console)

    assert "its rows have steps of B, and daily was trained on steps of D" in console.file.getvalue()  # type: ignore[attr-defined]
    assert len(series.fields["target"]) == 40
    assert step_times(series, Frequency("D"), 1, first=40) == ["2020-02-15 00:00:00"]


@pytest.mark.parametrize(
    ("rows", "freq", "expected"),
    [
        (["2019-03-01", "2019-06-01", "2019-09-01", "2019-12-01"], "QS-MAR", "2020-03-01"),
        (["2016-07-01", "2017-07-01", "2018-07-01", "2019-07-01"], "YS-JUL", "2020-07-01"),
        (["2020-01-31", "2020-02-28", "2020-03-31", "2020-04-30", "2020-05-29"], "BME", "2020-06-30"),
        (["2020-01-15", "2020-02-15", "2020-03-15", "2020-05-15"], "MS-15", "2020-06-15"),
    ],
)
def test_G07_months_quarters_and_years_keep_their_day(
    tmp_path: Path, rows: list[str], freq: str, expected: str
) -> None:
    """Quarters from March, years from July, last business days, the middle of months; one row may be absent."""
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["Date,Value", *(f"{day},1" for day in rows), ""]))

    assert next_times(path, 1, replace(COLUMNS, group_by=())) == (freq, [[f"{expected} 00:00:00"]])


def test_G06_series_may_lie_on_weekdays_of_their_own(tmp_path: Path) -> None:
    """One frequency, W, and each goes on from its own last row; a series with one row too."""
    rows = ["A,2020-01-05", "A,2020-01-12", "A,2020-01-19", "B,2020-01-08", "B,2020-01-15", "B,2020-01-22"]
    rows.append("C,2020-02-07")
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["G,Date,Value", *(f"{row},1" for row in rows), ""]))
    _, times = next_times(path, 1)

    assert times == [["2020-01-26 00:00:00"], ["2020-01-29 00:00:00"], ["2020-02-14 00:00:00"]]
