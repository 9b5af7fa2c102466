"""What stock MLflow clients say of runs and their metrics where their tracking URI is this service."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from connectors.kafka.publisher import partition_for
from connectors.point_store.reading import PointReader
from schemas.tracking import TrackedRun, TrackRun
from streams.access.visibility import is_own, own
from streams.codes.tracking import TrackingCode
from streams.errors import InvalidError, UnavailableError
from streams.rows.ownership import owner_elsewhere
from streams.runtime import StateRuntime
from streams.tracking import runs
from streams.tracking.state import TrackingState
from streams.views.tracking.mlflow_bodies import (
    BatchBody,
    CreateRunBody,
    MetricBody,
    ParameterBody,
    RunIdBody,
    SearchRunsBody,
    TagBody,
    UpdateRunBody,
    info_shown,
    params_of,
    run_shown,
    status_of,
    texts_of,
)
from streams.views.tracking.mlflow_envelope import CHANGES, MLFLOW, READS, TAG, check_search
from streams.views.tracking.mlflow_points import history, last_values
from streams.views.tracking.owners import at_owner, check_ready, send
from streams.views.web.answers import json_response
from streams.views.web.door import BodyLimit, Door
from streams.views.web.forwarding import from_others
from streams.views.web.reading import ForgivingRoute, State
from streams.workloads.points import checked
from streams.workloads.state import WorkloadsState

__all__ = ["DOOR"]

router = APIRouter(prefix="/api/2.0/mlflow", route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    tag=TAG,
    envelope=MLFLOW,
    slash=False,
    apart=True,
    body_limit=BodyLimit("max_tracked_bytes"),
    packed=True,
    asks=("search",),
)

_CLIENT: Final = "mlflow"
_DRAWS: Final = 2000  # with n workers a run is ours once in n draws; 64 partitions allow 64 workers
_STAGES: Final[Mapping[str, tuple[bool, ...]]] = {
    "ACTIVE_ONLY": (False,), "DELETED_ONLY": (True,), "ALL": (False, True)
}  # fmt: skip

_MOST_RESULTS: Final = 25_000  # values of one answer, as clients ask for them

RunId = Annotated[str, Query(description="The run's id.")]
MetricKey = Annotated[str, Query(description="The metric's name.")]
MostResults = Annotated[int, Query(ge=1, le=_MOST_RESULTS, description="How many at most.")]
RunUuid = Annotated[str, Query(description="The same, as older clients call it.", deprecated=True)]
_NOTHING: Final[dict[str, Any]] = {}


@router.post("/runs/create", summary="Begin an MLflow run", **CHANGES)
async def create_run(state: State, request: Request, body: CreateRunBody) -> Response:
    """Its id is new; its workload is `run-` and the id."""
    check_ready(state)
    tags = texts_of(body.tags)
    run_id = _own_run_id(state)
    command = _change(
        run_id,
        begin=True,
        experiment_id=body.experiment_id,
        name=body.run_name or tags.get("mlflow.runName") or run_id,
        user=body.user_id,
        start_time=body.start_time,
        tags=tags,
    )
    del request
    return json_response({"run": run_shown(await send(state, command))})


@router.get("/runs/get", summary="Get an MLflow run", **READS)
async def get_run(state: State, request: Request, run_id: RunId = "", run_uuid: RunUuid = "") -> Response:
    """With its parameters and tags, and the last value of each metric."""
    asked = run_id or run_uuid
    uid = _uid(asked)

    async def show() -> Response:
        run, reader = _run(state, asked), _points(state, uid)
        return json_response({"run": run_shown(run, await asyncio.to_thread(last_values, reader, uid))})

    return await at_owner(state, request, uid, show)


@router.get("/metrics/get-history", summary="Get the values of a metric of an MLflow run", **READS)
async def get_history(
    state: State,
    request: Request,
    metric_key: MetricKey,
    *,
    run_id: RunId = "",
    run_uuid: RunUuid = "",
    max_results: MostResults = _MOST_RESULTS,
) -> Response:
    """By time; of more than are asked for the last ones."""
    asked = run_id or run_uuid
    uid = _uid(asked)

    async def show() -> Response:
        _run(state, asked)
        found = await asyncio.to_thread(history, _points(state, uid), uid, metric_key, max_results)
        return json_response({"metrics": found})

    return await at_owner(state, request, uid, show)


@router.post("/runs/update", summary="Say what has become of an MLflow run", **CHANGES)
async def update_run(state: State, request: Request, body: UpdateRunBody) -> Response:
    """Its status, end or name."""
    command = _change(body.run, status=status_of(body.status), end_time=body.end_time, name=body.run_name)

    async def update() -> Response:
        return json_response({"run_info": info_shown(await send(state, command))})

    return await at_owner(state, request, command.workload_uid, update)


@router.post("/runs/delete", summary="Hide an MLflow run", **CHANGES)
async def delete_run(state: State, request: Request, body: RunIdBody) -> Response:
    """It stays, and can be restored."""
    return await _changed(state, request, _change(body.run, deleted=True))


@router.post("/runs/restore", summary="Show an MLflow run again", **CHANGES)
async def restore_run(state: State, request: Request, body: RunIdBody) -> Response:
    """After it was hidden."""
    return await _changed(state, request, _change(body.run, deleted=False))


@router.post("/runs/log-parameter", summary="Keep a parameter of an MLflow run", **CHANGES)
async def log_parameter(state: State, request: Request, body: ParameterBody) -> Response:
    """Said again it must have the same value."""
    return await _changed(state, request, _change(body.run, params={body.key: body.value}))


@router.post("/runs/set-tag", summary="Set a tag of an MLflow run", **CHANGES)
async def set_tag(state: State, request: Request, body: TagBody) -> Response:
    """Its last value counts."""
    return await _changed(state, request, _change(body.run, tags={body.key: body.value}))


@router.post("/runs/log-metric", summary="Take a value of a metric of an MLflow run", **CHANGES)
async def log_metric(state: State, request: Request, body: MetricBody) -> Response:
    """A point of the run's workload, of data_source log."""
    return await _logged(state, request, body.run, [body])


@router.post("/runs/log-batch", summary="Take values of metrics, parameters and tags of an MLflow run", **CHANGES)
async def log_batch(state: State, request: Request, body: BatchBody) -> Response:
    """At most 1,000 values; all or, where one is wrong, none."""
    said = _change(body.run, params=params_of(body.params), tags=texts_of(body.tags))
    return await _logged(state, request, body.run, body.metrics, said if body.params or body.tags else None)


@router.get("/runs/search", summary="List MLflow runs", **READS)
async def list_runs(state: State, request: Request) -> Response:
    """All of them, hidden ones too, the newest first."""
    return json_response({"runs": await _all_runs(state, request)})


@router.post("/runs/search", summary="Search MLflow runs", **READS)
async def search_runs(state: State, request: Request, body: SearchRunsBody) -> Response:
    """Those of some experiments, the newest first; filters and pages are not known."""
    check_search(body.filter, body.page_token)
    stages = _STAGES.get(body.run_view_type, (False,))
    found = [
        run
        for run in await _all_runs(state, request)
        if (run["info"]["lifecycle_stage"] == "deleted") in stages
        and run["info"]["experiment_id"] in (body.experiment_ids or (run["info"]["experiment_id"],))
    ]
    return json_response({"runs": found[: body.max_results]})


def _uid(run_id: str) -> str:
    """The workload of the caller's run, as it is kept."""
    return own(runs.uid_of(run_id))


def _change(run_id: str, *, begin: bool = False, **fields: Any) -> TrackRun:
    return TrackRun(str(uuid.uuid4()), _uid(run_id), run_id, _CLIENT, begin=begin, **fields)


async def _changed(state: StateRuntime, request: Request, command: TrackRun) -> Response:
    async def change() -> Response:
        await send(state, command)
        return json_response(_NOTHING)

    return await at_owner(state, request, command.workload_uid, change)


async def _logged(
    state: StateRuntime, request: Request, run_id: str, metrics: list[Any], said: TrackRun | None = None
) -> Response:
    """1. look at all of it, 2. parameters and tags, which may be refused still, 3. the points."""
    uid = _uid(run_id)

    async def log() -> Response:
        if _run(state, run_id).deleted:
            raise InvalidError(TrackingCode.UNKNOWN_RUN, f"run {run_id[:80]} is deleted: restore it first")
        points = checked(uid, [metric.row() for metric in metrics])
        if said is not None:
            await send(state, said)
        if points.size:
            await WorkloadsState.of(state).keep(points)  # MLflow's clients read what they have just logged
        return json_response(_NOTHING)

    return await at_owner(state, request, uid, log)


def _own_run_id(state: StateRuntime) -> str:
    """A new id of a run whose rows are this worker's."""
    for _ in range(_DRAWS):
        run_id = uuid.uuid4().hex
        if owner_elsewhere(state.app, _uid(run_id).encode()) is None:
            return run_id
    raise UnavailableError(TrackingCode.UNKNOWN_RUN, "this worker owns no part of the runs yet: ask again")


def _points(state: StateRuntime, uid: str) -> PointReader:
    return WorkloadsState.of(state).keeper.reader(partition_for(uid.encode(), state.topics.partitions))


def _run(state: StateRuntime, run_id: str) -> TrackedRun:
    run = TrackingState.of(state).runs.get(_uid(run_id).encode())
    if run is None or run.client != _CLIENT or run.run_id != run_id:
        raise runs.unknown_run(run_id)
    return run


async def _all_runs(state: StateRuntime, request: Request) -> list[dict[str, Any]]:
    check_ready(state)
    table = TrackingState.of(state).runs
    rows = (table.get(key) for key in table.keys())  # noqa: SIM118
    found = [run_shown(run) for run in rows if run is not None and run.client == _CLIENT and is_own(run.workload_uid)]
    found += await from_others(state, request, "runs")
    found.sort(key=lambda it: (-it["info"]["start_time"], it["info"]["run_id"]))
    return found
