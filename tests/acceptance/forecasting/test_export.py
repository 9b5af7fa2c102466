"""All forecasts of a job as one table (`/job/{job_id}/export/`)."""

import csv
import io
from typing import Any

import httpx
import pytest
from pyarrow import ipc, parquet

from tests.acceptance.forecasting.jobs import DAYS, HISTORY, check_error, element, new_job, train
from tests.acceptance.forecasting.jobs import csv as csv_file
from tests.integration.services import Api, Service

_TWO = csv_file(
    "shop,value,day,sold",
    *(f"{g},x,{day},{sold}" for g in ("=a", "b") for day, sold in zip(DAYS, HISTORY, strict=True)),
)


@pytest.fixture(scope="module")
def job(service: Service) -> dict[str, Any]:
    """A finished job, LinearFit and a model with quantiles for one series, and its results."""
    api = service.api
    job_id, (first, second) = new_job(api, _TWO, timestamp=2, target=3, groupby=[0, 1])
    elements = (
        element(first),
        element(first, "SES"),
        element(second, "LinearFit", {"latest_n": 2}, next_k_prediction=2),
    )
    return {"id": job_id, **train(api, job_id, *elements)}


def exported(api: Api, job: dict[str, Any], form: str = "csv") -> httpx.Response:
    """The answer, which is a file."""
    answer = api.call("GET", f"/job/{job['id']}/export/?format={form}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="forecasts-{job["id"]}.{form}"'
    return answer


def test_each_step_of_each_forecast_is_a_row(api: Api, job: dict[str, Any]) -> None:
    """In the order of series and submissions; the values, times and quantiles are those of job_results."""
    rows = list(csv.DictReader(io.StringIO(exported(api, job).text)))
    results = [result for series in job["results"] for result in series["results"]]
    expected = [
        (
            str(result["ts_id"]),
            result["model_name"],
            at,
            value,
            result.get("quantiles", {}).get("0.1", [None] * 9)[step],
        )
        for result in results
        for step, (at, value) in enumerate(zip(result["timestamps"], result["predictions"], strict=True))
    ]

    assert [(row["ts_id"], row["model_name"], row["timestamp"]) for row in rows] == [one[:3] for one in expected]
    assert [float(row["value"]) for row in rows] == [one[3] for one in expected]
    assert [float(row["q0.1"]) if row["q0.1"] else None for row in rows] == [one[4] for one in expected]
    assert {(row["shop"], row["value_group"]) for row in rows} == {("'=a", "x"), ("b", "x")}
    assert [*rows[0]][:6] == ["shop", "value_group", "ts_id", "n", "model_name", "timestamp"]


def test_programs_read_the_same_with_types(api: Api, job: dict[str, Any]) -> None:
    """Parquet and the Arrow stream have equal tables; a group's value is as in the file."""
    tables = [
        parquet.read_table(io.BytesIO(exported(api, job, "parquet").content)),
        ipc.open_stream(exported(api, job, "arrow").content).read_all(),
    ]
    rows = tables[0].to_pylist()

    assert [str(row["timestamp"]) for row in rows] == [str(row["timestamp"]) for row in tables[1].to_pylist()]
    assert [row["value"] for row in rows] == tables[1]["value"].to_pylist()
    assert len(rows) == 12
    assert rows[0]["shop"] == "=a"
    assert str(rows[0]["timestamp"]) == job["results"][0]["results"][0]["timestamps"][0]


def test_a_series_that_failed_is_a_row_with_its_error(api: Api) -> None:
    """So that nobody takes it for one that was forgotten."""
    days = (f"{group},2024-01-{day:02},{day if group == 'a' else ''}" for group in "ab" for day in range(1, 20))
    job_id, (good, blank) = new_job(api, csv_file("g,day,sold", *days), timestamp=1, target=2, groupby=[0])
    body = train(api, job_id, element(good), element(blank))
    rows = list(csv.DictReader(io.StringIO(exported(api, {"id": job_id}).text)))
    (error,) = [result["error"] for series in body["results"] for result in series["results"] if "error" in result]

    assert [row["error"] for row in rows] == ["", "", "", "", "", error]
    assert (rows[-1]["g"], rows[-1]["ts_id"], rows[-1]["timestamp"], rows[-1]["value"]) == ("b", str(blank), "", "")


def test_what_cannot_be_exported_says_why(api: Api, job: dict[str, Any]) -> None:
    """A job that is not finished, one that is not there, a form that there is none of."""
    job_id, _ = new_job(api, _TWO, timestamp=2, target=3, groupby=[0])

    check_error(api.call("GET", f"/job/{job_id}/export/"), 409, f"job {job_id} is at status 0", "finished")
    check_error(api.call("GET", "/job/999999/export/"), 404, "999999")
    check_error(api.call("GET", f"/job/{job['id']}/export/?format=xlsx"), 400, "format", "csv")
