"""Files with a column for each series: each is forecast, judged and refreshed as in a file of its own."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import HISTORY, check_error, csv, element, new_job, run, train
from tests.integration.services import Api, until
from tests.workbooks import workbook

_DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(len(HISTORY))]
_OTHER = [2 * value + number % 7 for number, value in enumerate(HISTORY)]
_WIDE = csv("day,north,south", *(f"{day},{a},{b}" for day, a, b in zip(_DAYS, HISTORY, _OTHER, strict=True)))
_LONG = {"timestamp_indexs": [0], "groupby_indexs": [1], "target_indexs": [2]}


def _upload(api: Api, content: bytes, columns: str = "all", **form: str) -> Any:
    files = {"upload": ("wide.csv", content)}
    answer = api.call("POST", "/data/", files=files, data={"series_columns": columns, **form})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _job(api: Api, data_id: int, **columns: Any) -> tuple[int, dict[str, int]]:
    job_id = api.create_job(data_id)
    answer = api.call("PUT", f"/job/{job_id}/", json=_LONG | columns)
    assert answer.status_code == 200, answer.text
    assert "warnings" not in answer.json()
    return job_id, {one["series_key"]: one["ts_id"] for one in answer.json()["ts_details"]}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_each_column_is_forecast_as_in_a_file_of_its_own(api: Api, form: str) -> None:
    """In the order of the columns, and named by them."""
    cells = [["day", "north", "south"], *([day, a, b] for day, a, b in zip(_DAYS, HISTORY, _OTHER, strict=True))]
    data = _upload(api, _WIDE if form == "csv" else workbook({"S": cells}))["data"]
    preview = api.get(f"/data/{data['id']}/")
    job_id, series = _job(api, data["id"])
    assert (data["rows"], data["dialect"]["series_columns"]) == (2 * len(HISTORY), [1, 2])
    assert [column["label"] for column in preview["header"]] == ["day", "series", "value"]
    assert preview["heads"]["series"] == ["north", "south", "north", "south", "north"]
    assert list(series) == ["series=north", "series=south"]

    answers = train(api, job_id, *(element(ts_id, refit=1) for ts_id in series.values()))["results"]

    for answer, values, name in zip(answers, (HISTORY, _OTHER), ("north", "south"), strict=True):
        [found] = answer["results"]
        alone = run(api, csv("day,x", *(f"{day},{value}" for day, value in zip(_DAYS, values, strict=True))), refit=1)
        assert answer["ts_id"] == series[f"series={name}"]
        assert (found["predictions"], found["timestamps"]) == (alone["predictions"], alone["timestamps"])


def test_targets_may_have_groups_and_features_beside_them(api: Api) -> None:
    """Each target of each group is a series; columns that stay can be features, their future in the last rows."""
    rows = [f"{day},{shop},{n % 3},{n + 1},{5 * (n % 3)}" for n, day in enumerate(_DAYS) for shop in "ab"]
    future = [f"{_DAYS[-1] + timedelta(days=n)},{shop},{n % 3},," for n in range(1, 6) for shop in "ab"]
    data = _upload(api, csv("day,shop,price,sold,back", *rows, *future), "[3, 4]")["data"]
    job_id = api.create_job(data["id"])
    columns = {"timestamp_indexs": [0], "groupby_indexs": [1, 3], "target_indexs": [4]}
    told = api.call("PUT", f"/job/{job_id}/", json=columns).json()
    series = {one["series_key"]: one["ts_id"] for one in told["ts_details"]}
    assert list(series) == [f"series={name}/shop={shop}" for shop in "ab" for name in ("sold", "back")]

    ts_id = series["series=back/shop=a"]
    answers = train(api, job_id, element(ts_id, "Regression", refit=1, feature_indexs=[2]))["results"]
    [found] = next(answer["results"] for answer in answers if answer["ts_id"] == ts_id)

    assert found["timestamps"][0].startswith(str(_DAYS[-1] + timedelta(days=1)))
    expected = [5 * (number % 3) for number in range(1, 6)]
    assert found["predictions"] == pytest.approx(expected, abs=0.01)


def test_rows_come_as_lines_of_the_wide_file(api: Api) -> None:
    """Of series that have a value there; a standing job follows, and earlier forecasts are judged."""
    data_id = _upload(api, _WIDE)["data"]["id"]
    job_id, series = _job(api, data_id)
    every = {"ts_id": "all", "model_name": "LinearFit", "hyper_params": [], "next_k_prediction": 2, "refit": 1}
    api.call("PATCH", f"/job/{job_id}/", json=[every | {"refresh": {"on": "data", "pause_s": 0}}])
    api.finished(job_id)
    next_day = _DAYS[-1] + timedelta(days=1)

    kept = api.call("POST", f"/data/{data_id}/rows", json=[{"day": str(next_day), "north": 250, "south": None}])
    assert kept.json() == {"data_id": data_id, "accepted": 1}
    later = next_day + timedelta(days=1)
    until(
        lambda: api.get(f"/forecasts/{series['series=north']}")["timestamps"][0].startswith(str(later)),
        why="the forecast of the series with a new value does not follow",
    )
    assert api.get(f"/forecasts/{series['series=south']}")["timestamps"][0].startswith(str(next_day))
    judged = api.get(f"/job/{job_id}/accuracy/")["series"]
    assert [(one["series_key"], one["last"]["actual"]) for one in judged] == [("series=north", 250)]

    api.call("POST", f"/data/{data_id}/rows", json=[{"day": str(next_day), "series": "west", "value": 1}])
    until(lambda: len(api.get(f"/job/{job_id}/ts_details/")["ts_details"]) == 3, why="the new series does not appear")
    wrong = api.call("POST", f"/data/{data_id}/rows", json=[{"day": str(later), "nroth": 1}])
    check_error(wrong, 400, "row 1: 'nroth' is no column of the data set", "or the series of the file, such as 'north'")


def test_several_targets_of_a_put_are_told_the_way(api: Api) -> None:
    """J-052: a job has one target; the upload says what is a series."""
    job_id = api.create_job(api.add_dataset(_WIDE))
    answer = api.call("PUT", f"/job/{job_id}/", json={"timestamp_indexs": [0], "target_indexs": [2, 1]})

    check_error(
        answer, 400, "target_indexs has 2 columns, expected exactly one", "upload the file with series_columns [1"
    )
    assert new_job(api, _WIDE)[1]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("[7]", "series_columns: there is no column 7; the file has columns 0 to 2"),
        ("some", 'series_columns: is "some", expected column indices such as [3]'),
        ("[0, 1]", 'series_columns: column "day", line 2: "2024-01-01" is not a number'),
    ],
)
def test_columns_that_are_no_series_are_told(api: Api, columns: str, says: str) -> None:
    """With the field."""
    answer = api.call("POST", "/data/", files={"upload": ("x.csv", _WIDE)}, data={"series_columns": columns})

    assert check_error(answer, 400, says)["code"] == "bad_dialect"
