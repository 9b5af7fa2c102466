"""Visualization jobs over HTTP (contract 002, section 6)."""

from typing import Any, Final

import httpx
import pytest

from tests.acceptance.training.training_jobs_samples import body, create, name_of, refused
from tests.integration.services import Api

SAMPLE: Final[dict[str, Any]] = {
    "job_name": "viz-1",
    "job_desc": "",
    "train_url": "/outputs/curves/",
    "job_type": "tensorboard",
    "schedule": {"type": "stop", "time_unit": "HOURS", "duration": 1},
}


def jobs(project: str, made: dict[str, Any] | None = None) -> str:
    """The address."""
    return f"/v1/{project}/visualization-jobs" + (f"/{made['job_id']}" if made else "")


def test_T181_its_page_shows_who_wrote_there(api: Api, http: httpx.Client, project: str) -> None:
    """A page for people, JSON for programs; stopped 410, restarted there again, deleted 404."""
    job = create(api, project, body(name_of("curves"), train_url="/outputs/curves"))
    made = api.call("POST", jobs(project), json=SAMPLE).json()
    assert set(made) == {"is_success", "job_id", "job_name", "status", "create_time", "service_url"}
    page = http.get(made["service_url"])
    told = http.get(made["service_url"], headers={"Accept": "application/json"}).json()

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "viz-1" in page.text
    uid = f"tj-{job['job_id']}-{job['version_id']}"
    assert [one["workload_uid"] for one in told["versions"]] == [uid]
    shown = api.get(jobs(project, made))
    assert (shown["status"], shown["schedule"]) == (8, SAMPLE["schedule"])
    assert 0 < shown["remaining_duration"] <= 3_600_000
    assert api.call("POST", jobs(project, made) + "/stop").json() == {"is_success": True}
    assert api.get(jobs(project, made))["status"] == 12
    refused(http.get(made["service_url"]), 410, "0105", "stopped")
    refused(api.call("POST", jobs(project, made) + "/stop"), 400, "0105", "stopped already")
    assert api.call("POST", jobs(project, made) + "/restart").json() == {"is_success": True}
    assert http.get(made["service_url"]).status_code == 200
    assert api.call("DELETE", jobs(project, made)).json() == {"is_success": True}
    refused(http.get(made["service_url"]), 404, "0105")


def test_T179_the_schedule_may_be_an_array_of_one(api: Api, project: str) -> None:
    """0 hours: never (T-180); the name is taken once."""
    never = {"type": "stop", "time_unit": "HOURS", "duration": 0}
    made = api.call("POST", jobs(project), json={**SAMPLE, "schedule": [never]}).json()
    shown = api.get(jobs(project, made))

    assert "remaining_duration" not in shown
    refused(api.call("POST", jobs(project), json=SAMPLE), 400, "0103", "viz-1 is existed")
    assert [one["job_id"] for one in api.get(jobs(project))["jobs"]] == [made["job_id"]]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"job_name": "n" * 21}, "job_name"),
        ({"job_name": "a b"}, "job_name"),
        ({"job_desc": "d" * 257}, "job_desc"),
        ({"train_url": ""}, "train_url"),
        ({"train_url": "/a/../../b"}, "train_url"),
        ({"job_type": "other"}, "job_type"),
        ({"flavor": {}}, "code"),
        ({"schedule": {"type": "stop", "time_unit": "HOURS", "duration": 25}}, "duration"),
        ({"schedule": {"type": "start", "time_unit": "HOURS", "duration": 1}}, "type"),
        ({"schedule": {"type": "stop", "time_unit": "DAYS", "duration": 1}}, "time_unit"),
        ({"schedule": {"type": "stop", "time_unit": "HOURS"}}, "duration"),
    ],
)
def test_T170_what_is_wrong_is_named(api: Api, project: str, change: dict[str, Any], word: str) -> None:
    """400, 0104."""
    refused(api.call("POST", jobs(project), json={**SAMPLE, **change}), 400, "0104", word)
