"""Which workloads there are, with what is known of their producers (M-010 … M-012)."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from streams.forecasting.state import ForecastingState
from streams.runtime import StateRuntime
from streams.tracking.runs import summary_of
from streams.tracking.state import TrackingState
from streams.training import jobs as training_jobs
from streams.training.state import TrainingJobsState
from streams.views.web.forwarding import from_others
from streams.views.web.reading import HeadRoute, runtime
from streams.views.workloads.answering import in_thread
from streams.views.workloads.envelope import METRICS
from streams.views.workloads.replies import WorkloadsReply
from streams.workloads.producers import Kind, Origin, origin_of
from streams.workloads.state import WorkloadsState

__all__ = ["router"]

_MOST: Final = 100_000  # workloads of an answer: each forecast of a series is one

router = APIRouter(prefix="/api/v1/workloads", route_class=HeadRoute)


@router.get("", summary="List the workloads", response_model=WorkloadsReply, responses=METRICS.responses(400, 503))
async def list_workloads(
    state: Annotated[StateRuntime, Depends(runtime)],
    request: Request,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="Only so many, the newest.")] = _MOST,
) -> Response:
    """All of which a point has come, the newest first; `total_count` counts those that are left out, too."""
    keeper = WorkloadsState.of(state).keeper
    reader = keeper.reader()
    own = await in_thread(lambda: _listed(state, reader.newest_workloads(keeper.current), limit))
    others = await from_others(state, request, "workloads", query=f"limit={limit}")
    items = sorted([*own[0], *others], key=lambda it: it["create_time"], reverse=True)[:limit]
    return Response(
        await in_thread(lambda: orjson.dumps({"workloads": items, "total_count": own[1] + len(others)})),
        media_type="application/json",
    )


def _listed(state: StateRuntime, workloads: Any, limit: int) -> tuple[list[dict[str, Any]], int]:
    """The first so many, and how many there are."""
    states = WorkloadsState.of(state).producers
    found: list[dict[str, Any]] = []
    count = 0
    for workload in workloads:
        count += 1
        if len(found) < limit:
            origin = origin_of(workload.uid)
            found.append(
                {
                    "workload_uid": workload.uid,
                    "name": _name(state, origin) or workload.uid,
                    "kind": origin.kind,
                    "status": states.status(origin),
                    "create_time": workload.created,
                    **_tracked(state, workload.uid),
                }
            )
    return found, count


def _tracked(state: StateRuntime, uid: str) -> dict[str, Any]:
    """What a client of W&B or MLflow has said of its run."""
    run = TrackingState.of(state).runs.get(uid.encode()) if TrackingState in state.parts else None
    return {} if run is None else summary_of(run)


def _name(state: StateRuntime, origin: Origin) -> str | None:
    """In words for people, where a row of ours has some; the uid's own otherwise."""
    if origin.kind is Kind.FORECAST:
        job = _forecasting_job(state, int(origin.job))
        words = "together" if origin.part == "together" else f"series {origin.part}"
        return f"{job or f'forecasting job {origin.job}'}, {words}, submission {origin.number}"
    if origin.kind is Kind.TRAINING:
        return _training_job(state, origin)
    return None


def _forecasting_job(state: StateRuntime, job_id: int) -> str | None:
    if ForecastingState not in state.parts:
        return None
    record = ForecastingState.of(state).jobs.get(job_id)
    return None if record is None else record.name


def _training_job(state: StateRuntime, origin: Origin) -> str | None:
    project = WorkloadsState.of(state).producers.project(origin)
    if TrainingJobsState not in state.parts or not project:
        return None
    record = TrainingJobsState.of(state).jobs.get(training_jobs.key_of(project, int(origin.job)))
    return None if record is None else record.job_name
