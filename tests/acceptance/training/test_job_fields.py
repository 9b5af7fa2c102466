"""What a training job may be asked for over HTTP (contract 002, sections 1 and 2): each field and its bounds."""

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest

from tests.acceptance.training.training_jobs_samples import create, name_of, refused, version
from tests.integration.services import Api

CODE: Final[Mapping[str, Any]] = {
    "worker_server_num": 1,
    "app_url": "/usr/app/",
    "boot_file_url": "/usr/app/boot.py",
    "engine_id": 1,
    "spec_id": 1,
    "data_url": "/usr/data/",
}
_OBS: Final = {"type": "obs", "data_url": "/usr/data/"}
_DATASET: Final = {"type": "dataset", "dataset_id": "a", "dataset_version": "b"}
_LARGEST: Final = 2**63 - 1


def sent(*absent: str, **config: Any) -> dict[str, Any]:
    """A request for user code, with these fields of the config, without those."""
    given = {name: value for name, value in {**CODE, **config}.items() if name not in absent}
    return {"job_name": name_of("fields"), "config": given}


def jobs(project: str) -> str:
    """The address."""
    return f"/v1/{project}/training-jobs"


@pytest.mark.parametrize("project_id", ["default", "e9993fc787d94b6c886cbaa340f9c0f4", "p.1_-A", "x" * 64])
def test_T001_a_project_is_any_short_name(api: Api, project_id: str) -> None:
    """It begins with its first job; before that its lists are empty."""
    assert api.get(f"/v1/{project_id}-{uuid.uuid4().hex}"[:68] + "/training-jobs")["jobs"] == []


@pytest.mark.parametrize("project_id", ["a%20b", "x" * 65, "%E4%B8%AD"])
def test_T001_what_is_no_project(api: Api, project_id: str) -> None:
    """0104, in the envelope of the contract."""
    refused(api.call("GET", f"/v1/{project_id}/training-jobs"), 400, "0104", "project_id")


@pytest.mark.parametrize(
    "path",
    [
        "training-jobs", "training-jobs/1", "training-jobs/1/versions", "training-jobs/1/versions/1",
        "training-jobs/1/versions/1/stop", "training-jobs/1/versions/1/log/file-names", "training-job-configs",
        "training-job-configs/x", "visualization-jobs", "visualization-jobs/1",
    ],
)  # fmt: skip
def test_T002_T003_no_address_can_be_patched(api: Api, project: str, path: str) -> None:
    """405, which names what is possible."""
    answer = api.call("PATCH", f"/v1/{project}/{path}", json={})

    refused(answer, 405, "0105", "PATCH")
    assert answer.headers["allow"]


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "x", "9007199254740992", "9" * 30])
def test_T004_ids_are_whole_numbers(api: Api, project: str, number: str) -> None:
    """Other text is 0104, also in the place of the version."""
    refused(api.call("GET", f"{jobs(project)}/{number}/versions"), 400, "0104", "job_id")
    refused(api.call("GET", f"{jobs(project)}/1/versions/{number}"), 400, "0104", "version_id")
    refused(api.call("POST", f"{jobs(project)}/1/versions/{number}/stop"), 400, "0104", "version_id")


def test_T007_the_slash_of_the_sample_is_accepted(api: Api, project: str) -> None:
    """Both ways."""
    job = create(api, project, sent())
    for path in (f"{jobs(project)}/{job['job_id']}/versions", f"{jobs(project)}/{job['job_id']}/versions/"):
        assert api.call("POST", path, json={"config": dict(CODE)}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/json"},
        {"content-type": "application/json;charset=utf8"},
        {"X-Project-Id": "p"},
    ],
    ids=["none", "json", "charset", "X-Project-Id"],
)
def test_T020_T022_T028_what_is_not_declared_is_json(http: httpx.Client, project: str, headers: dict[str, str]) -> None:
    """Content-Type may be absent; X-Project-Id is for tokens, and means nothing without them."""
    content = json.dumps(sent()).encode()
    answer = http.post(jobs(project), content=content, headers=headers)

    assert (answer.status_code, answer.json()["is_success"]) == (200, True), answer.text


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_T021_T028_a_body_where_none_is_wanted_is_tolerated(http: httpx.Client, project: str, method: str) -> None:
    """Stock clients send one, and its length."""
    path = jobs(project) if method == "GET" else f"{jobs(project)}/7"
    answer = http.request(method, path, content=b"{}", headers={"content-type": "application/json"})

    assert answer.status_code == (200 if method == "GET" else 404)


def test_T030_T031_T033_the_envelope(api: Api, project: str) -> None:
    """is_success always; code and message where it is false, and nowhere else."""
    answered = api.get(jobs(project))
    assert answered["is_success"] is True
    assert not {"error_code", "error_message"} & set(answered)
    refused(api.call("GET", f"{jobs(project)}/7"), 404, "0105", "7")


@pytest.mark.parametrize(
    "change",
    [
        {"job_name": "n"}, {"job_name": f"A-z_9{'n' * 59}"}, {"job_desc": ""}, {"job_desc": "d" * 256},
        {"job_desc": "\u4e2d" * 256}, {"job_desc": None}, {"workspace_id": None}, {"workspace_id": ""},
        {"workspace_id": "af261af2218841ec960b01ab3cf1a5fa"}, {"something_else": 1},
    ],
)  # fmt: skip
def test_T050_T051_T052_what_a_job_may_be_called(api: Api, project: str, change: dict[str, Any]) -> None:
    """With its bounds; null stands for what is left out, an empty workspace for "0"."""
    job = create(api, project, {**sent(), **change})
    shown = api.get(f"{jobs(project)}/{job['job_id']}")

    assert shown["job_desc"] == (change.get("job_desc") or "")
    assert shown["workspace_id"] == (change.get("workspace_id") or "0")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"job_name": ""}, "job_name"), ({"job_name": None}, "job_name"), ({"job_name": 5}, "job_name"),
        ({"job_name": "a.b"}, "job_name"), ({"job_name": "a\n"}, "job_name"), ({"job_name": "\u4e2d"}, "job_name"),
        ({"job_desc": 5}, "job_desc"), ({"workspace_id": 5}, "workspace_id"),
        ({"workspace_id": "w" * 65}, "workspace_id"), ({"config": None}, "config"), ({"config": []}, "config"),
        ({"config": "x"}, "config"),
    ],
)  # fmt: skip
def test_T050_T053_what_it_may_not(api: Api, project: str, change: dict[str, Any], word: str) -> None:
    """0104; nothing is created."""
    refused(api.call("POST", jobs(project), json={**sent(), **change}), 400, "0104", word)
    assert api.get(jobs(project))["job_total_count"] == 0


@pytest.mark.parametrize(
    "config",
    [
        {"worker_server_num": 8}, {"worker_server_num": "1"}, {"app_url": "/usr/app"}, {"engine_id": "2"},
        {"engine_id": 99}, {"spec_id": "1"}, {"spec_id": _LARGEST}, {"pool_id": "testpool"},
        {"parameter": [{"label": "learning_rate", "value": "0.01"}, {"label": "batch_size", "value": 32}]},
        {"parameter": [{"label": "a", "value": True}, {"label": "b", "value": 0.5}, {"label": "c", "value": ""}]},
        {"parameter": []}, {"parameter": None}, {"parameter": [{"label": "CUSTOM_PA RAM 1", "value": "1"}]},
        {"train_url": "/usr/train/"}, {"train_url": ""}, {"log_url": "/usr/train/"}, {"log_url": None},
        {"user_image_url": "100.125.5.235:20202/jobmng/custom-cpu-base:1.0"}, {"user_command": "bash -x a.sh {b}"},
        {"volumes": [{"nfs": {"id": "a", "src_path": "192.168.8.150:/", "dest_path": "/home/work/nas"}}]},
        {"volumes": [{"host_path": {"src_path": "/root/work", "dest_path": "/home/mind", "read_only": True}}]},
        {"create_version": True},
    ],
)  # fmt: skip
def test_T054_T070_what_a_config_may_say(api: Api, project: str, config: dict[str, Any]) -> None:
    """Kept, and shown with the type that the contract has: numbers as numbers, texts as texts (T-035, T-072, T-037)."""
    shown = version(api, project, create(api, project, sent(**config)))
    numbers = {"worker_server_num", "engine_id", "spec_id"}
    for name, value in config.items():
        if name == "volumes":
            assert shown[name] == [
                {kind: {"read_only": False, **fields} for kind, fields in one.items()} for one in value
            ]
        elif name == "parameter":
            assert json.dumps(shown[name]) == json.dumps(value or [])
        elif name != "create_version":
            assert shown[name] == (int(value) if name in numbers else value or "")
    assert shown["nas_type"] == ("nfs" if "nfs" in json.dumps(config) else "")  # T-122


@pytest.mark.parametrize(
    ("absent", "config"),
    [
        (("spec_id",), {"pool_id": "testpool"}), (("engine_id",), {}),
        (("app_url", "boot_file_url", "engine_id"), {"model_id": 1}),
        (("app_url", "boot_file_url"), {"model_id": "3"}),
        (("data_url",), {"dataset_id": "a", "dataset_version_id": "b"}), (("data_url",), {"data_source": [_OBS]}),
        (("data_url",), {"data_source": [_DATASET, _OBS]}),
    ],
)  # fmt: skip
def test_T057_T064_what_stands_for_another(
    api: Api, project: str, absent: tuple[str, ...], config: dict[str, Any]
) -> None:
    """A pool for a specification, an algorithm for code, each of the three forms of data."""
    shown = version(api, project, create(api, project, sent(*absent, **config)))

    assert shown["engine_id"] == 1  # T-058
    given = {name: value for name, value in {**CODE, **config}.items() if name not in absent}
    for name, nothing in {"data_url": "", "dataset_id": "", "dataset_version_id": "", "data_source": []}.items():
        assert shown[name] == given.get(name, nothing)


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"worker_server_num": 65}, "worker_server_num"), ({"worker_server_num": True}, "worker_server_num"),
        ({"worker_server_num": 1.5}, "worker_server_num"), ({"app_url": 5}, "app_url"),
        ({"boot_file_url": "/usr/other/boot.py"}, "boot_file_url"), ({"boot_file_url": "/usr/app/"}, "boot_file_url"),
        ({"boot_file_url": "boot.py"}, "boot_file_url"), ({"model_id": 99}, "model_id"), ({"model_id": 0}, "model_id"),
        ({"model_id": 1.5}, "model_id"), ({"engine_id": -1}, "engine_id"), ({"engine_id": "x"}, "engine_id"),
        ({"spec_id": 2**63}, "spec_id"), ({"spec_id": None}, "spec_id"), ({"pool_id": 5}, "pool_id"),
        ({"parameter": {}}, "parameter"), ({"parameter": ["x"]}, "parameter"),
        ({"parameter": [{"label": "a"}]}, "value"), ({"parameter": [{"label": "a", "value": None}]}, "value"),
        ({"parameter": [{"label": "a", "value": [1]}]}, "value"), ({"parameter": [{"value": 1}]}, "label"),
        ({"parameter": [{"label": "a", "value": 1}] * 2}, "twice"), ({"data_url": ""}, "data_url"),
        ({"data_url": "/a/%2e%2e/b"}, "data_url"), ({"data_source": [_OBS]}, "2 of them"),
        ({"dataset_id": "a"}, "dataset_id"), ({"dataset_version_id": "a"}, "dataset_id"),
        ({"train_url": "/../x"}, "train_url"), ({"log_url": "/a/../../b"}, "log_url"), ({"train_url": 5}, "train_url"),
        ({"user_image_url": 5}, "user_image_url"), ({"user_command": []}, "user_command"),
        ({"user_image_url": "i", "parameter": [{"label": "CUSTOM_PA RAM 1", "value": "1"}]}, "environment variable"),
        ({"volumes": "x"}, "volumes"), ({"volumes": [{}]}, "nfs or host_path"),
        ({"volumes": [{"nfs": {"read_only": "x"}}]}, "read_only"), ({"volumes": [{"nfs": {"id": 5}}]}, "id"),
        ({"volumes": [{"host_path": []}]}, "host_path"), ({"create_version": "false"}, "create_version"),
        ({"pre_version_id": 5}, "pre_version_id"),
    ],
)  # fmt: skip
def test_T054_T079_T193_what_it_may_not_say(api: Api, project: str, config: dict[str, Any], word: str) -> None:
    """0104, which names the field; nothing is created."""
    refused(api.call("POST", jobs(project), json=sent(**config)), 400, "0104", word)
    assert api.get(jobs(project))["job_total_count"] == 0


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ({}, "type"), ({"type": "s3", "data_url": "/x"}, "type"), ({"type": "obs"}, "data_url"),
        ({"type": "dataset", "dataset_id": "a"}, "dataset_version"), ({"type": "obs", "data_url": "/../x"}, "data_url"),
        ({"type": "obs", "data_url": 5}, "data_url"), ({"type": 5, "data_url": "/x"}, "type"),
    ],
)  # fmt: skip
def test_T064_what_a_source_may_not_be(api: Api, project: str, source: dict[str, Any], word: str) -> None:
    """Each element by its number."""
    answer = api.call("POST", jobs(project), json=sent("data_url", data_source=[_OBS, source]))

    refused(answer, 400, "0104", "data_source, element 2", word)


def test_T070_a_job_without_a_version(api: Api, project: str) -> None:
    """No version in its answer, none in the lists, until one is made; then V0001."""
    job = create(api, project, sent(create_version=False))
    assert not {"version_id", "version_name", "resource_id"} & set(job)
    path = f"{jobs(project)}/{job['job_id']}"
    assert api.get(path)["version_count"] == 0
    assert api.get(f"{path}/versions")["versions"] == []
    made = api.call("POST", f"{path}/versions", json={"config": dict(CODE)}).json()

    assert made["version_name"] == "V0001"
    assert api.get(path)["version_count"] == 1


def test_T083_T081_what_a_new_job_is_called(api: Api, project: str) -> None:
    """Status 1, V0001, and `job` with eight hexadecimal digits; times are 13 digits (T-036)."""
    job = create(api, project, sent())

    assert (job["status"], job["version_name"]) == (1, "V0001")
    assert job["resource_id"].startswith("job")
    assert len(bytes.fromhex(job["resource_id"][3:])) == 4
    assert len(str(job["create_time"])) == 13


def test_T085_names_differ_by_case_and_workspace(api: Api, project: str) -> None:
    """The same name is taken in the workspace alone, and free again once its job is deleted."""
    name = name_of("Case")
    job = create(api, project, {**sent(), "job_name": name})
    create(api, project, {**sent(), "job_name": name.lower()})
    create(api, project, {**sent(), "job_name": name, "workspace_id": "w1"})
    refused(api.call("POST", jobs(project), json={**sent(), "job_name": name}), 400, "0103", f"Job name:{name} is")
    assert api.call("DELETE", f"{jobs(project)}/{job['job_id']}").json() == {"is_success": True}
    create(api, project, {**sent(), "job_name": name})


def test_T019_a_job_is_described_anew(api: Api, project: str) -> None:
    """PUT, up to 256 characters."""
    path = f"{jobs(project)}/{create(api, project, sent())['job_id']}"
    assert api.call("PUT", path, json={"job_desc": "\u4e2d" * 256}).json() == {"is_success": True}
    assert api.get(path)["job_desc"] == "\u4e2d" * 256
    refused(api.call("PUT", path, json={"job_desc": "d" * 257}), 400, "0104", "job_desc")
    refused(api.call("PUT", path, json={}), 400, "0104", "job_desc")
    refused(api.call("PUT", f"{jobs(project)}/7", json={"job_desc": ""}), 404, "0105", "7")
