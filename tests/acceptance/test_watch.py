"""`/watch`: answers that are followed; and what lists and series tell those who show them."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.forecasting.jobs import check_error, csv, element, new_job
from tests.integration.services import Api, Service, until


def events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """The answers of a stream as they come."""
    for line in answer.iter_lines():
        if line.startswith("data:"):
            yield json.loads(line[5:])


@pytest.fixture(scope="module")
def rows() -> list[str]:
    """Two series, the second one day first and out of order."""
    return [
        "shop,day,sold",
        *(f"a,{day}/1/2024,{day}" for day in range(1, 13)),
        *(f"b,{day}/1/2024,{100 - day}" for day in (13, 15, 14)),
    ]


def test_answers_come_as_they_are_and_again_when_they_are_others(service: Service, api: Api) -> None:
    """The body is that of a GET; a job that goes on is told, what stays is not repeated."""
    job_id, ts_ids = new_job(api, csv("day,value", *(f"2024-01-{day:02},{day}" for day in range(1, 29))))
    one, every = f"/job/{job_id}/?series=0", "/job/?details=1"
    with (
        httpx.Client(base_url=service.stack.url, timeout=60) as client,
        client.stream("GET", "/watch", params={"path": [one, every, "/transform-jobs"]}) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        coming = events(answer)
        first = [next(coming) for _ in range(3)]

        assert [it["path"] for it in first] == [one, every, "/transform-jobs"]
        assert {it["status"] for it in first} == {200}
        assert first[0]["body"] == api.get(one)
        assert "series" not in first[0]["body"]

        assert api.call("PATCH", f"/job/{job_id}/", json=[element(ts_ids[0], "LinearFit")]).status_code == 200
        done = next(it for it in coming if it["path"] == one and it["body"]["status"] == 3)
        listed = next(it for it in coming if it["path"] == every)["body"]["jobs"]

        assert (done["body"]["submitted"], done["body"]["finished"]) == (1, 1)
        mine = next(job for job in listed if job["job_id"] == job_id)
        assert {name: mine[name] for name in ("series_count", "submitted", "finished", "message")} == {
            "series_count": 1,
            "submitted": 1,
            "finished": 1,
            "message": None,
        }


def test_what_is_gone_is_told(service: Service, api: Api) -> None:
    job_id, _ = new_job(api, csv("day,value", "2024-01-01,1", "2024-01-02,2"))
    path = f"/job/{job_id}/"
    with (
        httpx.Client(base_url=service.stack.url, timeout=60) as client,
        client.stream("GET", "/watch", params={"path": path}) as answer,
    ):
        coming = events(answer)
        assert next(coming)["status"] == 200
        api.call("DELETE", path)
        gone = next(coming)

    assert (gone["status"], gone["body"]["code"]) == (404, "unknown_job")


@pytest.mark.parametrize(
    "path", ["/metrics", "/watch?path=/job/", "/uploads/a.csv", "http://127.0.0.1/job/", "/job/1/job_results/", ""]
)
def test_what_has_no_state_cannot_be_watched(http: httpx.Client, path: str) -> None:
    """Neither itself, nor large answers, nor other hosts; the first wrong one is named."""
    answer = http.get("/watch", params={"path": ["/job/", path]})
    body = check_error(answer, 400, "path 2")

    assert (body["element"], body["field"]) == (1, "path")


def test_a_foreign_name_watches_nothing(http: httpx.Client) -> None:
    assert http.get("/watch", params={"path": "/job/"}, headers={"Host": "evil.example"}).status_code == 421
    assert http.get("/watch").status_code == 400


def test_J067_a_series_is_shown_in_order_of_time(http: httpx.Client, api: Api, rows: list[str]) -> None:
    """Written as forecasts are, whatever the file has; before anything is trained."""
    job_id, ts_ids = new_job(api, csv(*rows), timestamp=1, target=2, groupby=(0,))
    shown = api.get(f"/job/{job_id}/ts_details/{ts_ids[1]}/")

    assert shown["timestamps"] == ["2024-01-13 00:00:00", "2024-01-14 00:00:00", "2024-01-15 00:00:00"]
    assert shown["values"] == [87, 86, 85]
    assert (shown["groupby_val"], shown["target"], shown["freq"]) == ("('b',)", "sold", "D")
    assert http.get(f"/job/{job_id}/ts_details/{ts_ids[1] + 1}/").status_code == 404
    assert http.get(f"/job/{job_id}/ts_details/{ts_ids[1]}").status_code == 200


def test_J044_a_list_tells_details_where_they_are_asked_for(api: Api) -> None:
    job_id, _ = new_job(api, csv("day,value", "2024-01-01,1", "2024-01-02,2"))
    detailed = until(
        lambda: [job for job in api.get("/job/?details=1")["jobs"] if job["job_id"] == job_id], why="the job is listed"
    )[0]
    plain = next(job for job in api.get("/job/")["jobs"] if job["job_id"] == job_id)

    assert plain.keys() == {"job_id", "status", "data_id", "name"}
    assert detailed.keys() == plain.keys() | {"created", "series_count", "submitted", "finished", "message"}
    assert "series" not in api.get(f"/job/{job_id}/?series=0")
