"""Visualization jobs over HTTP (contract 002, section 6)."""

import time
import uuid
from typing import Any, Final

import httpx
import pytest
from confluent_kafka import Producer

from schemas.training import CreateVisualizationJob
from tests.acceptance.training.training_jobs_samples import body, create, name_of, refused
from tests.integration.services import Api, Service, until

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
        ({"schedule": {"type": "stop", "time_unit": "HOURS", "duration": -1}}, "duration"),
        ({"schedule": {"type": "stop", "time_unit": "HOURS", "duration": True}}, "duration"),
        ({"schedule": {"type": "stop", "time_unit": "HOURS", "duration": 1.5}}, "duration"),
        ({"schedule": [SAMPLE["schedule"], SAMPLE["schedule"]]}, "schedule"),
        ({"schedule": {}}, "type"),
        ({"schedule": 1}, "schedule"),
        ({"flavor": "x"}, "flavor"),
        ({"flavor": {"code": 5}}, "code"),
        ({"job_name": None}, "job_name"),
        ({"train_url": 5}, "train_url"),
        ({"train_url": None}, "train_url"),
        ({"job_type": ""}, "job_type"),
    ],
)
def test_T170_what_is_wrong_is_named(api: Api, project: str, change: dict[str, Any], word: str) -> None:
    """400, 0104."""
    refused(api.call("POST", jobs(project), json={**SAMPLE, **change}), 400, "0104", word)


@pytest.mark.parametrize(
    "change",
    [
        {"job_name": "n" * 20}, {"job_desc": "d" * 256}, {"job_desc": None}, {"job_type": "mindinsight"},
        {"job_type": None}, {"flavor": {"code": "c"}}, {"flavor": None}, {"schedule": None}, {"schedule": []},
        {"schedule": {"type": "stop", "time_unit": "HOURS", "duration": 24}},
        {"schedule": {"type": "stop", "time_unit": "HOURS", "duration": "1"}},
    ],
)  # fmt: skip
def test_T171_T178_what_it_may_be(api: Api, project: str, change: dict[str, Any]) -> None:
    """With its bounds; null stands for what is left out."""
    answer = api.call("POST", jobs(project), json={**SAMPLE, **change})
    assert answer.status_code == 200, answer.text
    shown = api.get(jobs(project, answer.json()))
    sent = {name: value for name, value in {**SAMPLE, **change}.items() if value}
    if "schedule" in sent:
        sent["schedule"] = {**sent["schedule"], "duration": int(sent["schedule"]["duration"])}

    assert {name: shown[name] for name in sent} == sent


def test_T019_the_list(api: Api, project: str) -> None:
    """Filtered, ordered, by pages; the count is that of all pages."""
    made = [api.call("POST", jobs(project), json={**SAMPLE, "job_name": name}).json() for name in ("b_1", "A-1", "a2")]
    api.call("POST", jobs(project, made[0]) + "/stop")

    def found(**query: Any) -> list[str]:
        shown = api.get(jobs(project), params=query)
        assert shown["job_count_limit"] == 997
        return [one["job_name"] for one in shown["jobs"]]

    assert found() == ["A-1", "a2", "b_1"]
    assert found(order="desc", per_page=2) == ["b_1", "a2"]
    assert found(sortBy="create_time") == ["b_1", "A-1", "a2"]
    assert found(search_content="a") == ["A-1", "a2"]
    assert found(search_content="_") == ["b_1"]
    assert found(search_content="%") == []
    assert (found(status="12"), found(status="8"), found(status="7")) == (["b_1"], ["A-1", "a2"], [])
    assert (found(per_page=2, page=2), found(page=3)) == (["b_1"], [])
    for query, word in (({"page": 0}, "page"), ({"sortBy": "duration"}, "sortBy"), ({"status": "x"}, "status")):
        refused(api.call("GET", jobs(project), params=query), 400, "0104", word)


def test_T182_T190_it_stops_by_itself(service: Service, http: httpx.Client, project: str) -> None:
    """At its time: 12 and 410, also in its row. Its command says that it came nearly an hour ago."""
    command = CreateVisualizationJob(uuid.uuid4().hex, project, 7, "soon", "/outputs/soon/", schedule_hours=1)
    came = round(time.time() * 1000) - 3_600_000 + 6_000
    producer = Producer({"bootstrap.servers": service.bootstrap, "partitioner": "murmur2_random"})
    topic = service.topics.training_commands
    producer.produce(topic, service.codec.encode(command), project.encode(), timestamp=came)
    assert producer.flush(30) == 0
    path = jobs(project, {"job_id": 7})
    until(lambda: service.api.call("GET", path).status_code == 200, why="it is there")
    until(lambda: service.api.get(path)["status"] == 12, why="its time is over")
    ended = service.api.get(path)
    assert ended["duration"] == 3_600_000
    assert "remaining_duration" not in ended
    refused(http.get(path + "/page"), 410, "0105", "stopped")

    def kept() -> list[int]:
        rows = service.read_all(service.topics.visualization_jobs_changelog)
        found = [message.value() for message in rows if message.key() == f"{project}/7".encode()]
        return [service.codec.decode(row).status for row in found if row is not None]

    until(lambda: kept() == [8, 12], why="its row says so")
    assert service.api.call("POST", path + "/restart").json() == {"is_success": True}
    assert 3_000_000 < service.api.get(path)["remaining_duration"] <= 3_600_000
