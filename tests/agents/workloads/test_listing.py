"""Versions and runs are workloads from their beginning on, whoever has their rows and whoever their points (M-012)."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from schemas.coding.point_writer import PointBatch
from schemas.scoring_jobs import ScoringRunRecord
from schemas.tracking import TrackedRun
from schemas.training_rows import TrainingVersionRecord
from schemas.workloads import MetricPoint
from streams.access.caller import Caller, Role, calling
from streams.scoring_jobs.state import ScoringJobsState
from streams.tracking.state import TrackingState
from streams.training.state import TrainingJobsState
from streams.training.versions import key_of_version
from streams.views.workloads import listing
from streams.workloads.points import publish
from tests.acceptance.workloads.workloads_clients import AT
from tests.agents.workloads.conftest import Keeping

BASE = "/api/v1/workloads"
VERSION = {
    "workload_uid": "tj-5-6",
    "name": "Tides V0001",
    "kind": "training-job",
    "status": "running",
    "create_time": AT + 1,
}
TRACKED = {
    "workload_uid": "run-abc",
    "name": "calm-sea",
    "kind": "wandb-run",
    "status": "succeeded",
    "create_time": AT + 2,
}
SCORED = {"workload_uid": "run-9", "name": "nightly", "kind": "run", "status": "paused", "create_time": AT + 3}


@pytest.fixture
async def rows(keeping: Keeping) -> None:
    """A version, a client's run, one that was deleted, and a run of a scoring job; none has a point.

    And a client's run and a run of a scoring job of another project.
    """
    runtime = keeping.state.runtime
    version = TrainingVersionRecord("p", 5, 6, 1, "V0001", "Tides", "c", AT + 1, 8, "{}")
    TrainingJobsState.of(runtime).versions.put(0, key_of_version("p", 5, 6), version)
    for run_id, deleted in (("abc", False), ("gone", True)):
        run = TrackedRun(
            f"run-{run_id}", run_id, "wandb", "e", "e", "calm-sea", "", "finished", AT, AT + 2, deleted=deleted
        )
        TrackingState.of(runtime).runs.put(0, run.workload_uid.encode(), run)
    theirs = TrackedRun("sales=run-abc", "abc", "mlflow", "e", "e", "theirs", "", "running", AT, AT)
    TrackingState.of(runtime).runs.put(0, theirs.workload_uid.encode(), theirs)
    scored = ScoringRunRecord(
        run_id="9",
        name="nightly",
        job_name="j",
        command_id="c",
        created=AT + 3,
        attempt=1,
        status="paused",
        begun=AT,
        model_name="m",
        input_dataset="i",
        output_dataset="o",
        output_id=1,
    )
    ScoringJobsState.of(runtime).runs.put(0, b"j/9", scored)
    scored = replace(scored, job_name="sales=j", run_id="8", name="weekly")
    ScoringJobsState.of(runtime).runs.put(0, b"sales=j/8", scored)


async def _point(keeping: Keeping, uid: str) -> None:
    await publish(keeping.state.runtime, PointBatch.of(uid, [MetricPoint(uid, "loss", 1.0, AT, 1, "log")]))
    keeping.keep()


async def _listed(http: httpx.AsyncClient, query: str = "") -> tuple[list[dict[str, Any]], int]:
    content = (await http.get(f"{BASE}{query}")).json()
    assert content.keys() == {"workloads", "total_count"}
    return content["workloads"], content["total_count"]


@pytest.mark.usefixtures("rows")
async def test_M012_before_the_first_point(keeping: Keeping, http: httpx.AsyncClient) -> None:
    """By name, kind and status, the newest first; points add nothing to what the rows say."""
    before = await _listed(http)
    await _point(keeping, "tj-5-6")

    assert before == ([SCORED, TRACKED, VERSION], 3)
    assert await _listed(http) == before
    assert await _listed(http, "?limit=1") == ([SCORED], 3)


@pytest.mark.usefixtures("rows")
async def test_M012_points_of_a_deleted_run_are_still_a_workload(keeping: Keeping, http: httpx.AsyncClient) -> None:
    """Of which no more is known than its uid says."""
    await _point(keeping, "run-gone")
    found, count = await _listed(http)

    assert count == 4
    assert [(it["name"], it["kind"]) for it in found if it["workload_uid"] == "run-gone"] == [("run-gone", "run")]


@pytest.mark.usefixtures("rows")
async def test_a_project_sees_its_own_alone(keeping: Keeping, http: httpx.AsyncClient) -> None:
    """Its rows and points under the names that it gave; two projects may give the same."""
    for uid in ("sales=tj-5-6", "sales=run-abc", "run-abc", "other"):
        await _point(keeping, uid)
    with calling(Caller("anna", "sales", Role.ADMIN)):
        found, count = await _listed(http)
    kinds = {it["workload_uid"]: (it["name"], it["kind"]) for it in found}

    assert count == len(found) == 3
    assert kinds == {
        "tj-5-6": ("tj-5-6", "training-job"),
        "run-abc": ("theirs", "mlflow-run"),
        "run-8": ("weekly", "run"),
    }
    assert (await _listed(http))[1] == 4


@pytest.mark.usefixtures("rows")
async def test_rows_here_and_points_elsewhere(
    keeping: Keeping, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one workload, however few are asked for, and the row is what tells of it."""
    await _point(keeping, "other")
    others = {
        "workloads": [{**VERSION, "name": "tj-5-6", "create_time": AT + 9}],
        "total_count": 3,
        "with_rows": ["tj-5-6", "run-abc"],
    }

    async def from_others(*_: Any, query: str) -> list[Any]:
        assert query.startswith("limit=")
        return [others]

    monkeypatch.setattr(listing, "from_others", from_others)
    found, count = await _listed(http)

    assert count == 5
    assert [it for it in found if it["workload_uid"] == "tj-5-6"] == [VERSION]
    assert (await _listed(http, "?limit=1"))[1] == 5
