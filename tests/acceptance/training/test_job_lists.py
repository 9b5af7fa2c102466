"""Lists of training jobs and their versions over HTTP (contract 002, sections 3 and 4): order, search, pages."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from tests.acceptance.training.test_job_fields import CODE, jobs, sent
from tests.acceptance.training.training_jobs_samples import create, ended, refused
from tests.integration.services import Api, Service


@pytest.fixture(scope="module")
def listed(service: Service) -> tuple[str, Sequence[int]]:
    """A project with five jobs that have ended, the second with two more versions; their ids."""
    api, project, made = service.api, f"p-{uuid.uuid4().hex[:12]}", []
    for name, description in (("b-job", "x"), ("B_JOB", ""), ("a-job", "x"), ("JOB", "%"), ("z", "job")):
        made.append(create(api, project, {**sent(), "job_name": name, "job_desc": description}))
    for _ in range(2):
        path = f"{jobs(project)}/{made[1]['job_id']}/versions"
        answer = api.call("POST", path, json={"config": dict(CODE)})
        assert answer.status_code == 200, answer.text
        ended(api, project, answer.json())
    for job in made:
        ended(api, project, job)
    return project, [job["job_id"] for job in made]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["B_JOB", "JOB", "a-job", "b-job", "z"]),  # T-100: capitals before small letters
        ({"order": "desc"}, ["z", "b-job", "a-job", "JOB", "B_JOB"]),
        ({"sortBy": "job_desc"}, ["B_JOB", "JOB", "z", "b-job", "a-job"]),  # equal ones by job_id
        ({"sortBy": "job_desc", "order": "desc"}, ["b-job", "a-job", "z", "JOB", "B_JOB"]),
        ({"sortBy": "version_count"}, ["b-job", "a-job", "JOB", "z", "B_JOB"]),
        ({"sortBy": "create_time"}, ["b-job", "B_JOB", "a-job", "JOB", "z"]),
        ({"sortBy": "status"}, ["b-job", "B_JOB", "a-job", "JOB", "z"]),
        ({"sortBy": "duration"}, ["b-job", "B_JOB", "a-job", "JOB", "z"]),  # none has begun
        ({"search_content": "job"}, ["B_JOB", "JOB", "a-job", "b-job"]),  # T-098: names alone, in any case
        ({"search_content": "-J"}, ["a-job", "b-job"]),
        ({"search_content": "_"}, ["B_JOB"]),  # no wildcard
        ({"search_content": "%"}, []),
        ({"search_content": "*"}, []),
        ({"search_content": "."}, []),
        ({"search_content": "\\"}, []),
        ({"search_content": "\u4e2d" * 64}, []),
        ({"status": "5"}, ["B_JOB", "JOB", "a-job", "b-job", "z"]),  # T-042: there is no such data
        ({"status": "7|8,9"}, []),
        ({"status": '"3"|"5"|"6"|"13"', "search_content": "z"}, ["z"]),
        ({"status": "0|21"}, []),
        ({"workspace_id": "w"}, []),
        ({"workspace_id": ""}, ["B_JOB", "JOB", "a-job", "b-job", "z"]),
        ({"per_page": 2}, ["B_JOB", "JOB"]),
        ({"per_page": 2, "page": 3}, ["z"]),
        ({"per_page": 2, "page": 4}, []),
        ({"page": 65_535, "per_page": 1000}, []),
        ({"status": "5", "per_page": 10, "page": 1, "sortBy": "job_name", "order": "asc", "search_content": "job"},
         ["B_JOB", "JOB", "a-job", "b-job"]),  # T-097
    ],
)  # fmt: skip
def test_T090_T106_which_jobs_in_which_order(
    api: Api, listed: tuple[str, Sequence[int]], query: dict[str, Any], names: list[str]
) -> None:
    """As the query says; the count is that of all pages (T-104), the limits do not depend on it."""
    shown = api.get(jobs(listed[0]), params=query)

    assert [job["job_name"] for job in shown["jobs"]] == names
    paged = {name: value for name, value in query.items() if name not in ("page", "per_page")}
    assert shown["job_total_count"] == len(api.get(jobs(listed[0]), params=paged)["jobs"])
    assert shown["job_count_limit"] == 995
    assert shown["quotas"] >= 1


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"per_page": "x"}, "per_page"), ({"per_page": ""}, "per_page"), ({"page": "-1"}, "page"),
        ({"page": "1.5"}, "page"), ({"sortBy": "JOB_NAME"}, "sortBy"), ({"sortBy": ""}, "sortBy"),
        ({"sort_by": "x"}, "sort_by"), ({"order": "ASC"}, "order"), ({"status": "-1"}, "status"),
        ({"status": "|5"}, "status"), ({"status": "\u0663"}, "status"), ({"search_content": "\u4e2d" * 65}, "search"),
    ],
)  # fmt: skip
def test_T190_T100_bounds_are_not_corrected(
    api: Api, listed: tuple[str, Sequence[int]], query: dict[str, Any], word: str
) -> None:
    """0104."""
    refused(api.call("GET", jobs(listed[0]), params=query), 400, "0104", word)


def test_T044_T102_a_job_shows_its_newest_version(api: Api, listed: tuple[str, Sequence[int]]) -> None:
    """Its id and status, also after the newest has been deleted; a number is never used again (T-082)."""
    project, ids = listed
    path = f"{jobs(project)}/{ids[1]}"
    versions = api.get(f"{path}/versions")["versions"]
    assert api.get(path)["version_id"] == versions[0]["version_id"]
    made = api.call("POST", f"{path}/versions", json={"config": dict(CODE), "job_desc": ""}).json()
    ended(api, project, made)
    assert api.call("DELETE", f"{path}/versions/{made['version_id']}").json() == {"is_success": True}
    shown = api.get(path)
    assert (shown["version_id"], shown["version_count"]) == (versions[0]["version_id"], 3)
    again = api.call("POST", f"{path}/versions", json={"config": dict(CODE)}).json()
    assert (made["version_name"], again["version_name"]) == ("V0004", "V0005")
    ended(api, project, again)
    assert api.call("DELETE", f"{path}/versions/{again['version_id']}").status_code == 200


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["V0003", "V0002", "V0001"]),
        ({"per_page": 1}, ["V0003", "V0002", "V0001"]),  # T-119: of no effect where page is 0
        ({"per_page": 1, "page": 0}, ["V0003", "V0002", "V0001"]),
        ({"per_page": 1, "page": 1}, ["V0003"]),
        ({"per_page": 2, "page": 2}, ["V0001"]),
        ({"page": 2}, []),
        ({"page": 65_535}, []),
    ],
)
def test_T116_T119_which_versions(
    api: Api, listed: tuple[str, Sequence[int]], query: dict[str, Any], names: list[str]
) -> None:
    """The newest first; the count is of all."""
    shown = api.get(f"{jobs(listed[0])}/{listed[1][1]}/versions", params=query)

    assert [one["version_name"] for one in shown["versions"]] == names
    assert shown["version_count"] == 3


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"per_page": 0}, "per_page"),
        ({"per_page": 1001}, "per_page"),
        ({"page": 65_536}, "page"),
        ({"page": ""}, "page"),
    ],
)
def test_T116_bounds(api: Api, listed: tuple[str, Sequence[int]], query: dict[str, Any], word: str) -> None:
    """0104."""
    refused(api.call("GET", f"{jobs(listed[0])}/{listed[1][1]}/versions", params=query), 400, "0104", word)


def test_T110_T115_a_new_version(api: Api, project: str) -> None:
    """Of the version that is named, as a number or a text, else of the newest; a description replaces the job's."""
    job = create(api, project, {**sent(), "job_desc": "first"})
    path = f"{jobs(project)}/{job['job_id']}/versions"

    def made(**body: Any) -> dict[str, Any]:
        answer = api.call("POST", path, json={"config": dict(CODE), **body})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    second = made(job_desc="second")
    assert set(second) == {
        "is_success", "job_id", "job_name", "status", "create_time", "version_id", "version_name",
    }  # fmt: skip
    third = made(config={**CODE, "pre_version_id": str(job["version_id"])})
    fourth = made()
    shown = api.get(path)
    before = {one["version_id"]: one.get("pre_version_id") for one in shown["versions"]}
    assert before == {
        job["version_id"]: None,
        second["version_id"]: job["version_id"],
        third["version_id"]: job["version_id"],
        fourth["version_id"]: third["version_id"],
    }
    assert (shown["job_desc"], fourth["version_name"], fourth["status"]) == ("second", "V0004", 1)
    other = create(api, project, sent())
    wrong = {"config": {**CODE, "pre_version_id": other["version_id"]}}
    refused(api.call("POST", path, json=wrong), 404, "0105", "pre_version_id", str(other["version_id"]))
    refused(api.call("POST", path, json={"config": {**CODE, "pre_version_id": "x"}}), 400, "0104", "pre_version_id")
    refused(api.call("POST", path, json={}), 400, "0104", "config")
    refused(api.call("POST", f"{jobs(project)}/7/versions", json={"config": dict(CODE)}), 404, "0105", "7")


def test_T120_T131_every_field_of_a_version(api: Api, listed: tuple[str, Sequence[int]]) -> None:
    """In the list and, with spec_code, in the detail; numbers are numbers, core and cpu texts (T-121)."""
    path = f"{jobs(listed[0])}/{listed[1][0]}/versions"
    (shown,) = api.get(path)["versions"]
    detail = api.get(f"{path}/{shown['version_id']}")
    named = (
        "version_id version_name engine_type engine_name engine_id engine_version status app_url boot_file_url "
        "create_time parameter duration spec_id core cpu gpu gpu_num gpu_type worker_server_num data_url train_url "
        "log_url dataset_version_id dataset_id data_source model_metric_list system_metric_list user_image_url "
        "user_command resource_id dataset_name volumes dataset_version_name pool_name pool_id nas_mount_path "
        "nas_share_addr nas_type"
    ).split()
    assert set(named) <= set(shown)
    assert {*named, "spec_code", "job_id", "job_name", "job_desc", "is_success"} <= set(detail)
    for name in ("core", "cpu", "gpu_type", "engine_name", "engine_version", "model_metric_list", "system_metric_list"):
        assert isinstance(shown[name], str)
    for name in ("engine_type", "engine_id", "gpu_num", "spec_id", "worker_server_num", "create_time", "duration"):
        assert type(shown[name]) is int
    assert isinstance(shown["gpu"], bool)
    assert {"cpuUsage", "memUsage", "gpuUtil"} <= set(detail["system_metric_list"])  # T-127


def test_T132_T137_of_another_job_or_none(api: Api, listed: tuple[str, Sequence[int]]) -> None:
    """404 for whatever is asked or done with a version under another job's address, another project's, or once gone."""
    project, ids = listed
    (shown,) = api.get(f"{jobs(project)}/{ids[0]}/versions")["versions"]
    for place in (f"{jobs(project)}/{ids[2]}", f"{jobs(f'{project}-2')}/{ids[0]}"):
        path = f"{place}/versions/{shown['version_id']}"
        for asked in ("GET ", "DELETE ", "POST /stop", "GET /log/file-names", "GET /aom-log"):
            method, below = asked.split(" ")
            refused(api.call(method, path + below), 404, "0105")


def test_T137_the_last_version_may_go(api: Api, project: str) -> None:
    """The job stays, without one; deleted twice, it is not there."""
    job = create(api, project, sent())
    path = f"{jobs(project)}/{job['job_id']}"
    assert api.call("DELETE", f"{path}/versions/{job['version_id']}").json() == {"is_success": True}
    refused(api.call("DELETE", f"{path}/versions/{job['version_id']}"), 404, "0105")
    refused(api.call("GET", f"{path}/versions/{job['version_id']}"), 404, "0105")
    shown = api.get(path)
    assert shown["version_count"] == 0
    assert not {"version_id", "status"} & set(shown)


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ({"lines": 0}, 200, ""), ({"lines": 500}, 200, ""), ({"lines": 501}, 400, "lines"),
        ({"lines": -1}, 400, "lines"), ({"lines": "x"}, 400, "lines"), ({"log_file": "../x"}, 404, "log_file"),
        ({"log_file": "b-job.1"}, 404, "b-job.0"), ({"log_file": "b-job.0"}, 200, ""), ({"offset": 10**12}, 200, ""),
        ({"offset": -1}, 400, "offset"),
    ],
)  # fmt: skip
def test_T019_T139_a_log(
    api: Api, listed: tuple[str, Sequence[int]], query: dict[str, Any], status: int, word: str
) -> None:
    """Lines from 0 to 500, by the names that the version has; a cursor beyond the end finds nothing."""
    path = f"{jobs(listed[0])}/{listed[1][0]}/versions"
    version_id = api.get(path)["versions"][0]["version_id"]
    assert api.get(f"{path}/{version_id}/log/file-names")["log_file_list"] == ["b-job.0"]
    answer = api.call("GET", f"{path}/{version_id}/aom-log", params=query)
    if status == 200:
        assert answer.json()["is_success"] is True
        assert bool(answer.json()["content"]) == (query.get("lines") != 0 and "offset" not in query)
    else:
        refused(answer, status, "0104" if status == 400 else "0105", word)
