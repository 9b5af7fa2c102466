"""The list of jobs: filters, order and pages."""

import uuid

import pytest

from tests.acceptance.forecasting.jobs import check_error, csv
from tests.integration.services import Api


@pytest.fixture
def data_id(api: Api) -> int:
    """A data set that no other test has jobs on."""
    return api.add_dataset(csv("g,day,value", *(f"a,2020-01-{day:02},{day}" for day in range(1, 11))))


def _ids(api: Api, query: str) -> list[int]:
    return [job["job_id"] for job in api.get(f"/job/?{query}")["jobs"]]


def test_jobs_are_filtered_ordered_and_paged(api: Api, data_id: int) -> None:
    """By data set, status and a part of the name; a page tells how many there are in all."""
    mark = uuid.uuid4().hex[:6]
    made = []
    for number in range(5):
        body = {"data_id": data_id, "name": f"Sales_{mark}_{number}"}
        made.append(api.call("POST", "/job/", json=body).json()["job_id"])
    (ts_id,) = api.configure(made[0])
    api.train(made[0], [ts_id])
    api.finished(made[0])

    assert _ids(api, f"data_id={data_id}") == made
    assert _ids(api, f"name=sales_{mark.upper()}&order=desc") == made[::-1]
    assert _ids(api, f"data_id={data_id}&status=3") == made[:1]
    assert _ids(api, f"data_id={data_id}&status=3&status=0") == made
    assert _ids(api, f"data_id={data_id}&name={mark}_4") == made[4:]
    page = api.get(f"/job/?data_id={data_id}&offset=1&limit=2&details=1")
    assert ([job["job_id"] for job in page["jobs"]], page["total"]) == (made[1:3], 5)
    assert page["jobs"][0]["series_count"] == 0
    assert api.get(f"/job/?data_id={data_id}&offset=9")["jobs"] == []
    assert "total" not in api.get(f"/job/?data_id={data_id}")


@pytest.mark.parametrize("query", ["limit=0", "offset=-1", "status=9", "status=DONE", "order=newest", "data_id=x"])
def test_a_wrong_filter_is_refused(api: Api, query: str) -> None:
    """400 that names it."""
    check_error(api.call("GET", f"/job/?{query}"), 400, query.partition("=")[0])
