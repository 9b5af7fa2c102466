"""Lists and answers of training jobs to the letter (contract 002, sections 1.4, 3 and 4)."""

import httpx
import pytest

from tests.acceptance.training.test_job_fields import jobs, sent
from tests.acceptance.training.training_jobs_samples import body, create, ended, name_of, refused
from tests.integration.services import Api


def test_T040_T043_creating_is_answered_at_once_with_1_and_the_end_is_seen_in_list_and_detail(
    api: Api, project: str
) -> None:
    """No answer waits for a version."""
    made = create(api, project, sent())
    assert (made["status"], type(made["status"])) == (1, int)
    last = ended(api, project, made)
    (listed,) = api.get(jobs(project))["jobs"]

    assert listed["status"] == last["status"] == 5
    assert (listed["version_id"], listed["duration"]) == (last["version_id"], last["duration"])


def test_T091_T092_T117_pages_begin_with_1_and_those_of_versions_with_all(api: Api, project: str) -> None:
    """Twelve jobs are ten on the first page; twelve versions are all there, until a page is asked for."""
    made = [create(api, project, {**sent(), "job_name": f"j{number:02d}"}) for number in range(12)]
    shown = [it["job_name"] for it in api.get(jobs(project))["jobs"]]
    assert shown == [f"j{number:02d}" for number in range(10)]
    assert [it["job_name"] for it in api.get(jobs(project), params={"page": 2})["jobs"]] == ["j10", "j11"]
    versions = f"{jobs(project)}/{made[0]['job_id']}/versions"
    for _ in range(11):
        api.call("POST", versions, json={"config": sent()["config"]})
    every = api.get(versions)

    assert [len(every["versions"]), every["version_count"]] == [12, 12]
    assert len(api.get(versions, params={"per_page": 5})["versions"]) == 12  # T-119: without a page it has no effect
    paged = [api.get(versions, params={"per_page": 5, "page": page}) for page in (1, 2, 3, 4)]
    assert [len(it["versions"]) for it in paged] == [5, 5, 2, 0]
    assert {it["version_count"] for it in paged} == {12}
    assert [version for it in paged for version in it["versions"]] == every["versions"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("per_page=0", "per_page"), ("per_page=1001", "per_page"), ("page=0", "page"), ("page=65536", "page"),
     ("per_page=x", "per_page"), ("page=-1", "page"), ("page=1.5", "page")],
)  # fmt: skip
def test_T091_T092_beyond_its_range_a_page_is_refused(http: httpx.Client, project: str, query: str, field: str) -> None:
    """0104, and not silently another page (T-100)."""
    refused(http.get(f"{jobs(project)}?{query}"), 400, "0104", f"{field}: expected")


def test_T103_T118_lists_have_these_fields(api: Api, project: str) -> None:
    """Of a job, and of its versions; numbers are numbers."""
    made = create(api, project, {**sent(), "job_desc": "This is ModelArts job"})
    ended(api, project, made)
    shown = api.get(jobs(project))
    (job,) = shown["jobs"]
    numbers = {"job_id", "version_id", "status", "create_time", "duration", "version_count"}

    assert set(shown) == {"is_success", "job_total_count", "job_count_limit", "quotas", "jobs"}
    assert set(job) == numbers | {"job_name", "job_desc"}
    assert all(type(job[name]) is int for name in numbers)
    assert (job["job_desc"], job["version_count"]) == ("This is ModelArts job", 1)
    assert len(str(job["create_time"])) == 13
    versions = api.get(f"{jobs(project)}/{made['job_id']}/versions")
    assert set(versions) == {"is_success", "job_id", "job_name", "job_desc", "version_count", "versions"}
    assert versions["job_desc"] == "This is ModelArts job"


def test_T133_stopping_has_no_body_and_is_answered_shortly(api: Api, project: str, data_url: str) -> None:
    """With one all the same, too."""
    for content in (b"", b"{}"):
        config = body(name_of("stopped"), data_url)
        config["config"]["parameter"] = [
            it | ({"value": "200"} if it["label"] == "epochs" else {}) for it in config["config"]["parameter"]
        ]
        made = create(api, project, config)
        path = f"{jobs(project)}/{made['job_id']}/versions/{made['version_id']}/stop"
        answer = api.call("POST", path, content=content)

        assert (answer.status_code, answer.json()) == (200, {"is_success": True})
        assert ended(api, project, made)["status"] in (12, 13)
