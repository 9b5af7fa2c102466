"""Points that are published by whoever trains can be asked for, with what is known of their producers."""

from typing import Any

import httpx
import orjson
import pytest

from schemas.coding.point_writer import PointBatch
from schemas.forecasting import CmdStatus, JobStatus
from schemas.training import TrainingStatus
from schemas.workloads import MetricPoint
from streams.settings import Settings
from streams.views.web.answers import streams_of
from streams.workloads.points import publish
from tests.acceptance.workloads.workloads_clients import AT, SAMPLE
from tests.agents.workloads.conftest import Keeping

BASE = "/api/v1/workloads"


async def test_M062_a_post_is_published_and_then_read(keeping: Keeping, http: httpx.AsyncClient) -> None:
    """One record of the public topic per point, keyed by its workload."""
    answer = await http.post(f"{BASE}/w-1/metrics", json={"data": SAMPLE})
    keeping.keep()
    found = (await http.get(f"{BASE}/w-1/metrics/data")).json()

    assert (answer.status_code, answer.json()) == (202, {"accepted": 3})
    assert [record.key for record in keeping.state.sent(keeping.state.runtime.topics.metrics)] == [b"w-1"] * 3
    assert found == {"workload_uid": "w-1", "data": SAMPLE, "total_count": 3}


async def test_M012_our_own_producers(keeping: Keeping, http: httpx.AsyncClient) -> None:
    """Kind and status follow from the uid and from what the public topics say."""
    for uid in ("fj-7-8797-3", "fj-7-together-0", "tj-5-6", "tj-5-7", "run-x", "other"):
        await publish(keeping.state.runtime, PointBatch.of(uid, [MetricPoint(uid, "loss", 1.0, AT, 1, "log")]))
        keeping.keep()
    events: list[Any] = [
        JobStatus(7, CmdStatus.COMITTED, 1, 1, 1, 0, 0),
        TrainingStatus("p", 5, 6, 8, AT),
        TrainingStatus("p", 5, 6, 10, AT),
        TrainingStatus("p", 5, 7, 12, AT),
    ]
    keeping.part.producers.read([(b"k", keeping.state.runtime.codec.encode(event)) for event in events])
    content = (await http.get(BASE)).json()
    found = {it["workload_uid"]: (it["kind"], it["status"], it["name"]) for it in content["workloads"]}

    assert content["total_count"] == 6
    assert found == {
        "fj-7-8797-3": ("forecast", "succeeded", "forecasting job 7, series 8797, submission 3"),
        "fj-7-together-0": ("forecast", "running", "forecasting job 7, together, submission 0"),
        "tj-5-6": ("training-job", "succeeded", "tj-5-6"),
        "tj-5-7": ("training-job", "stopped", "tj-5-7"),
        "run-x": ("run", "unknown", "run-x"),
        "other": ("unknown", "unknown", "other"),
    }


async def test_M072_not_caught_up(keeping: Keeping, http: httpx.AsyncClient) -> None:
    """503 with Retry-After at every door that reads."""
    for held in keeping.keeper._held.values():
        held.target = 10
    answers = [
        await http.get(path)
        for path in (BASE, f"{BASE}/w/metrics/available", f"{BASE}/w/metrics/data", f"{BASE}/w/metrics/stream")
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "ServiceUnavailable")
        assert answer.headers["retry-after"] == "2"
        assert "40 to go" in answer.json()["message"]


async def test_points_are_refused_whole(keeping: Keeping, http: httpx.AsyncClient) -> None:
    """Nothing is published."""
    answer = await http.post(f"{BASE}/w-1/metrics", json={"data": [*SAMPLE, {**SAMPLE[0], "data_source": "x"}]})

    assert answer.status_code == 400
    assert answer.json()["element"] == 3
    assert keeping.state.sent(keeping.state.runtime.topics.metrics) == []


async def test_a_broker_that_is_away(keeping: Keeping, http: httpx.AsyncClient) -> None:
    """503, and the same points may be sent again."""
    keeping.state.publisher.failing.add(keeping.state.runtime.topics.metrics)
    answer = await http.post(f"{BASE}/w-1/metrics", json={"data": SAMPLE})

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize("query", ["", "?format=csv"], ids=["json", "csv"])
async def test_long_answers_come_in_pieces(keeping: Keeping, http: httpx.AsyncClient, query: str) -> None:
    """Of many metrics side by side, whole and in order."""
    names = [f"m{number}" for number in range(50)]
    rows = [MetricPoint("w-1", name, float(step), AT + step, step, "log") for step in range(1600) for name in names]
    for first in range(0, len(rows), 8000):
        await publish(keeping.state.runtime, PointBatch.of("w-1", rows[first : first + 8000]))
        keeping.keep()
    answer = await http.get(f"{BASE}/w-1/metrics/data{query}")

    if query:
        lines = answer.text.splitlines()
        assert lines[:2] == ["metric_name,value,timestamp,iteration,data_source", f"m0,0.0,{AT},0,log"]
        assert len(lines) == 80_001
    else:
        content = orjson.loads(answer.content)
        assert content["total_count"] == len(content["data"]) == 80_000
        assert [it["metric_name"] for it in content["data"][50:100]] == names
    assert "content-length" not in answer.headers


async def test_the_view_is_told_of_and_rebuilt(keeping: Keeping, http: httpx.AsyncClient) -> None:
    """Until it is read again, 503."""
    await publish(keeping.state.runtime, PointBatch.of("w-1", [MetricPoint("w-1", "loss", 1.0, AT, 1, "log")]))
    keeping.keep()
    before = (await http.get("/api/v1/metrics/places")).json()["partitions"]
    answer = await http.post("/api/v1/metrics/rebuild")

    assert sum(it["place"] for it in before) == 1
    assert all(it["current"] for it in before)
    assert answer.status_code == 202
    assert [it["current"] for it in answer.json()["partitions"]] == [False] * 4
    assert (await http.get(f"{BASE}/w-1/metrics/data")).status_code == 503


async def test_so_many_streams(keeping: Keeping, http: httpx.AsyncClient, settings: Settings) -> None:
    """503 above the limit."""
    streams_of(keeping.state.runtime).open[""] = settings.max_streams
    answer = await http.get(f"{BASE}/w/metrics/stream")

    assert answer.status_code == 503
    assert "TIDECAST_MAX_STREAMS" in answer.json()["message"]


def test_what_the_process_tells_prometheus(keeping: Keeping) -> None:
    """Points kept, and how many are to be read."""
    keeping.keeper.kept = 3
    figures = {family.name: family.samples[0].value for family in keeping.part.figures()}

    assert figures == {"tidecast_points_kept": 3, "tidecast_workloads_forgotten": 0, "tidecast_points_to_read": 0}
