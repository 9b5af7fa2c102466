"""Boot files of users over HTTP (contract 002): statuses, logs, workers, what they take of the machine."""

import json
import signal
import uuid
from typing import Any, Final

import pytest

from tests.acceptance.training.training_jobs_samples import create, ended, name_of, version
from tests.integration.services import Api, Service, until

_STEADY: Final = "import time\nprint('begun', flush=True)\nwhile True: time.sleep(0.05)\n"
_BUSY: Final = """import os, time
print('rank', os.environ['RANK'], 'of', os.environ['WORLD_SIZE'], os.environ['MASTER_ADDR'])
end = time.monotonic() + 2.5
while time.monotonic() < end: sum(range(10_000))
print('Epoch 1/1 - accuracy: 0.75')
"""
_DEAF: Final = """import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('begun', flush=True)
while True: time.sleep(0.05)
"""


@pytest.fixture
def api(user_code: Service) -> Api:
    """The client of the service that runs users' programs."""
    return user_code.api


def program(api: Api, project: str, text: str, **config: Any) -> dict[str, Any]:
    """A job that runs this text."""
    folder = f"/uploads/{uuid.uuid4().hex}"
    assert api.call("PUT", f"{folder}/boot.py", content=text.encode()).status_code == 200
    given = {"worker_server_num": 1, "spec_id": 1, "engine_id": 1, "data_url": f"{folder}/", **config}
    sent = {"app_url": f"{folder}/", "boot_file_url": f"{folder}/boot.py", **given}
    return create(api, project, {"job_name": name_of("program"), "config": sent})


def path_of(project: str, job: dict[str, Any]) -> str:
    """The address of the first version."""
    return f"/v1/{project}/training-jobs/{job['job_id']}/versions/{job['version_id']}"


def test_T054_T066_T125_T139_two_workers(api: Api, project: str) -> None:
    """Ranks, a log each that is also at log_url, and what both take of the machine while they run."""
    log_url = f"/uploads/{uuid.uuid4().hex}/logs/"
    job = program(api, project, _BUSY, worker_server_num=2, log_url=log_url)
    shown = ended(api, project, job)
    assert (shown["status"], shown["worker_server_num"]) == (10, 2)

    path, names = path_of(project, job), [f"{job['job_name']}.{number}" for number in range(2)]
    assert api.get(f"{path}/log/file-names")["log_file_list"] == names
    for number, name in enumerate(names):
        content = api.get(f"{path}/aom-log", params={"log_file": name})["content"]
        assert f"rank {number} of 2 127.0.0.1" in content
        assert api.call("GET", log_url + name).text.splitlines() == content.splitlines()
    listed = api.get(f"/v1/{project}/training-jobs/{job['job_id']}/versions")["versions"][0]
    measured = json.loads(listed["system_metric_list"])
    assert max(map(float, measured["cpuUsage"])) > 5
    assert max(map(float, measured["memUsage"])) > 0
    assert {len(values) for name, values in measured.items() if name != "interval"} in ({2}, {3}, {4}, {5})
    assert measured["interval"] == pytest.approx(1 / 60, abs=0.001)
    assert json.loads(listed["model_metric_list"])["total_metric"]["total_metric_values"]["accuracy"] == 0.75
    assert shown["system_metric_list"]["cpuUsage"] == measured["cpuUsage"]


def test_T042_T105_statuses(api: Api, project: str) -> None:
    """8 while there are places (two here), 7 for who waits, who is the next when one ends; 12 and 13 by stop."""
    jobs = [program(api, project, _STEADY) for _ in range(4)]
    statuses = [lambda job=job: version(api, project, job)["status"] for job in jobs]
    until(lambda: [one() for one in statuses] == [8, 8, 7, 7], why="two run and two wait")
    paths = [path_of(project, job) for job in jobs]
    assert api.get(f"{paths[3]}/log/file-names")["log_file_list"] == []
    assert api.call("POST", f"{paths[3]}/stop").json() == {"is_success": True}
    until(lambda: statuses[3]() == 13, why="it is cancelled before it began")
    assert api.call("POST", f"{paths[0]}/stop").json() == {"is_success": True}
    until(lambda: statuses[0]() == 12, why="it is stopped")
    until(lambda: statuses[2]() == 8, why="the next has its place")
    for path in paths[1:3]:
        assert api.call("DELETE", path).json() == {"is_success": True}
    until(lambda: api.call("GET", paths[1]).status_code == 404, why="a running one is deleted")
    listed = api.get(f"/v1/{project}/training-jobs", params={"status": "12|13"})
    assert sorted(one["status"] for one in listed["jobs"]) == [12, 13]


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [("1 / 0\n", 11, "ended with code 1"), ("import os; os.kill(os.getpid(), 9)", 11, "")],
    ids=["fails", "killed"],
)
def test_T042_what_fails(api: Api, project: str, text: str, status: int, words: str) -> None:
    """11, with the reason in its message and the last line of its log."""
    job = program(api, project, text)
    shown = ended(api, project, job)
    content = api.get(f"{path_of(project, job)}/aom-log", params={"lines": 1})["content"]

    assert shown["status"] == status
    assert words in shown["message"]
    assert content.strip() == f"failed: {shown['message']}"


def begun(api: Api, project: str, job: dict[str, Any], times: int = 1) -> None:
    """Wait until its program has said so, so many times."""
    log = f"{path_of(project, job)}/aom-log"
    until(lambda: api.get(log)["content"].splitlines().count("begun") == times, why="it has begun")


def test_T042_T134_T135_while_it_stops(api: Api, project: str) -> None:
    """9 for who does not listen, when a second stop is no error; then 12, and nothing is told after it."""
    job = program(api, project, _DEAF)
    path = path_of(project, job)
    begun(api, project, job)
    first = api.call("POST", f"{path}/stop")
    status = version(api, project, job)["status"]
    second = api.call("POST", f"{path}/stop")
    last = ended(api, project, job)

    assert (first.status_code, first.json(), last["status"]) == (200, {"is_success": True}, 12)
    assert status in (9, 12)
    assert second.status_code in (200, 400)  # where it has ended meanwhile
    assert version(api, project, job)["duration"] == last["duration"] > 0
    assert api.call("POST", f"{path}/stop").status_code == 400


@pytest.mark.timeout(300)
def test_T042_T137_over_deaths_of_the_trainer(api: Api, user_code: Service, project: str) -> None:
    """Run again from the start after the first; 14 after the second; deleted while it runs, a version is gone."""
    job, other = program(api, project, _STEADY), program(api, project, _STEADY)
    begun(api, project, job)
    begun(api, project, other)
    for times in (1, 2):
        before = user_code.pid("trainer-1")
        user_code.signal("trainer-1", signal.SIGKILL)
        until(lambda before=before: user_code.pid("trainer-1") != before, why="another trainer is there")
        if times == 1:
            assert api.call("DELETE", path_of(project, other)).json() == {"is_success": True}
            assert api.call("GET", path_of(project, other)).status_code == 404
            begun(api, project, job, 2)
    shown = ended(api, project, job)
    log = api.get(f"{path_of(project, job)}/aom-log")["content"]

    assert shown["status"] == 14
    assert "the trainer ended while the version ran" in shown["message"]
    assert "attempt 2" in log
    assert log.splitlines().count("begun") == 2
    assert api.get(f"/v1/{project}/training-jobs/{other['job_id']}")["version_count"] == 0


_MEASURES: Final = "print('Epoch 1/1 - loss: 0.5 - accuracy: 0.75')\n"


def test_T123_T124_T138_T191_what_stays_of_a_deleted_version(api: Api, user_code: Service, project: str) -> None:
    """Its metrics, as long as nobody asks for their end; its row is a tombstone, its log and detail are gone."""
    job = program(api, project, _MEASURES)
    shown = ended(api, project, job)
    total = json.loads(shown["model_metric_list"])["total_metric"]
    assert set(total) == {"total_metric_meta", "total_reserved_data", "total_metric_values"}
    assert (total["total_metric_values"]["accuracy"], shown["loss"]) == (0.75, 0.5)

    points = f"/api/v1/workloads/tj-{job['job_id']}-{job['version_id']}/metrics/data"
    until(lambda: len(api.get(points)["data"]) == 2, why="its points can be read")
    path = path_of(project, job)
    assert api.call("DELETE", path).json() == {"is_success": True}
    for below in ("", "/aom-log", "/log/file-names"):
        assert api.call("GET", path + below).status_code == 404
    assert len(api.get(points)["data"]) == 2
    rows = user_code.read_all(user_code.topics.training_versions_changelog)
    key = f"{project}/{job['job_id']}/{job['version_id']}".encode()
    assert [message.value() for message in rows if message.key() == key][-1] is None
