"""What an installation decides of training jobs: limits, places and intervals by its settings (contract 002)."""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from streams.settings import Settings
from tests.acceptance.training.test_job_fields import CODE, jobs, sent
from tests.acceptance.training.test_user_code import path_of, program
from tests.acceptance.training.training_jobs_samples import create, ended, name_of, refused, version
from tests.integration.services import Api, Service, until

_SAMPLE: Final[Mapping[str, Any]] = {  # T-129: a version as the seed shows it
    "version_id": 10,
    "version_name": "V0004",
    "pre_version_id": 5,
    "engine_type": 1,
    "engine_name": "TensorFlow",
    "engine_id": 1,
    "engine_version": "TF-1.4.0-python2.7",
    "status": 10,
    "spec_id": 1,
    "core": "2",
    "cpu": "8",
    "gpu": True,
    "gpu_num": 2,
    "gpu_type": "Pnt1",
    "worker_server_num": 1,
    "start_time": 1563172362000,
    "pool_id": "pool9928813f",
    "pool_name": "pnt1",
}
_WAITS: Final = "import time\ntime.sleep(600)\n"
_RANKS: Final = """import os
print('rank', os.environ['RANK'], 'of', os.environ['WORLD_SIZE'], flush=True)
"""


@pytest.fixture
def waiting(user_code: Service, project: str) -> Iterator[list[dict[str, Any]]]:
    """Three jobs where two versions may run at a time; the last one waits."""
    made = [program(user_code.api, project, _WAITS) for _ in range(3)]
    yield made
    for job in made:
        user_code.api.call("DELETE", f"{jobs(project)}/{job['job_id']}")


def test_T126_T192_the_interval_is_a_setting(
    user_code: Service, api: Api, project: str, waiting: list[dict[str, Any]]
) -> None:
    """In minutes, 60 seconds where nobody says otherwise, also of what has measured nothing yet."""
    measured = version(user_code.api, project, waiting[2])["system_metric_list"]
    job = create(api, project, sent())
    (listed,) = api.get(f"{jobs(project)}/{job['job_id']}/versions")["versions"]
    by_default = json.loads(listed["system_metric_list"])

    assert (measured["interval"], measured["cpuUsage"]) == (pytest.approx(1 / 60, abs=1e-4), [])
    assert (by_default["interval"], len(by_default)) == (1, 9)


def test_T104_T105_T192_quotas_are_a_setting(user_code: Service, project: str, waiting: list[dict[str, Any]]) -> None:
    """The list says how many may run, and how many more jobs may be; what is one too many waits."""
    shown = user_code.api.get(jobs(project))
    until(
        lambda: [version(user_code.api, project, job)["status"] for job in waiting] == [8, 8, 7],
        why="two run, the third waits",
    )

    assert (shown["quotas"], shown["job_total_count"]) == (2, 3)
    assert shown["job_count_limit"] == user_code.settings.max_training_jobs - 3


def test_what_a_quota_refuses_ends_at_once(user_code: Service, project: str) -> None:
    """With the quota's own words: the forecasting job of a version, which nobody waits for, is refused by the state."""
    api = user_code.api
    lines = [f"s{number},2024-01-{day:02},{day}" for number in range(1001) for day in range(1, 9)]
    path = f"/uploads/{uuid.uuid4().hex}.csv"
    assert api.call("PUT", path, content="\n".join(["shop,day,sold", *lines]).encode()).status_code == 200
    sent = {"worker_server_num": 1, "model_id": 1, "spec_id": 1, "data_url": path}
    job = create(api, project, {"job_name": name_of("many"), "config": sent})

    assert "TIDECAST_MAX_PROJECT_SERIES" in ended(api, project, job)["message"]


def test_T192_paths_lie_below_a_root(user_code: Service, project: str) -> None:
    """What is put at a path is what a program finds there, and a file below the root of the installation."""
    job = program(user_code.api, project, "print(open('boot.py').read())")
    ended(user_code.api, project, job)
    boot = version(user_code.api, project, job)["boot_file_url"]
    root = user_code.settings.home / "objects"

    assert [path.read_bytes() for path in root.rglob("boot.py") if str(path).endswith(boot)]


def test_T192_each_limit_has_its_variable() -> None:
    """Quotas, number of jobs, authentication, root of data, interval of metrics: settings that say what they are."""
    for name in ("max_running_versions", "max_training_jobs", "auth", "object_store", "system_metric_interval_s"):
        assert Settings.model_fields[name].description


@pytest.mark.parametrize("workers", [1, 3])
def test_T140_T194_workers_share_a_version(user_code: Service, project: str, workers: int) -> None:
    """So many run, each knows which one it is, and has a log of its own."""
    job = program(user_code.api, project, _RANKS, worker_server_num=workers)
    shown, path = ended(user_code.api, project, job), path_of(project, job)
    names = user_code.api.get(f"{path}/log/file-names")["log_file_list"]
    said = [user_code.api.get(f"{path}/aom-log", params={"log_file": name})["content"] for name in names]

    assert (shown["status"], shown["worker_server_num"]) == (10, workers)
    assert names == [f"{job['job_name']}.{number}" for number in range(workers)]
    assert all(f"rank {number} of {workers}" in text for number, text in enumerate(said))


def test_T129_T035_a_version_has_the_types_of_the_sample(user_code: Service, project: str) -> None:
    """All fields of the seed's version that has ended, which had another one before it."""
    api = user_code.api
    job = program(api, project, "print(1)", pool_id=_SAMPLE["pool_id"])
    ended(api, project, job)
    config = {"app_url": (shown := version(api, project, job))["app_url"], "boot_file_url": shown["boot_file_url"]}
    config |= {"data_url": shown["data_url"], "pool_id": shown["pool_id"], "worker_server_num": 1, "spec_id": 1}
    path = f"{jobs(project)}/{job['job_id']}/versions"
    second = api.call("POST", path, json={"config": {**config, "pre_version_id": job["version_id"]}}).json()
    found = ended(api, project, second)

    assert {name: type(found[name]) for name in _SAMPLE} == {name: type(value) for name, value in _SAMPLE.items()}
    same = ("engine_type", "engine_name", "engine_id", "status", "spec_id", "worker_server_num", "pool_id")
    assert {name: found[name] for name in same} == {name: _SAMPLE[name] for name in same}
    assert (found["version_name"], found["pre_version_id"]) == ("V0002", job["version_id"])
    assert found["create_time"] <= found["start_time"] <= found["create_time"] + 600_000


def test_T032_T033_one_code_for_each_kind_of_refusal(api: Api, project: str) -> None:
    """0103 what is there already, 0104 what is wrong, 0105 what is not there, each with the name of it."""
    name = name_of("Refused")
    create(api, project, {**sent(), "job_name": name})
    taken = api.call("POST", jobs(project), json={**sent(), "job_name": name})

    assert taken.json() == {
        "is_success": False,
        "error_code": "ModelArts.0103",
        "error_message": f"Job name:{name} is existed",
    }
    refused(api.call("POST", jobs(project), json={"job_name": name, "config": {**CODE, "spec_id": []}}), 400, "0104")
    refused(api.call("GET", f"{jobs(project)}/1234567"), 404, "0105", "1234567")
