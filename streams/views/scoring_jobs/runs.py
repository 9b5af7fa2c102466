"""Runs: `/operate-run` (contract S-105 … S-108), and a list of them."""

import asyncio
import csv
import io
from itertools import islice
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from connectors.datasets.manifests import kind_of
from connectors.objects.layout import OUTPUTS, in_project
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from schemas.scoring_jobs import OperateScoringRun, ScoringRunRecord
from streams.access.names import project_of, shown
from streams.access.visibility import is_own, own
from streams.checks import invalid_field
from streams.codes.scoring_jobs import ScoringJobsCode
from streams.errors import Code, ConflictError, NotFoundError
from streams.runtime import StateRuntime
from streams.scoring_jobs import runs
from streams.scoring_jobs.state import ScoringJobsState
from streams.views.scoring.owners import check_settled, owners_answer
from streams.views.scoring.reading import ALIAS, Fields, answers_post, body_of, data_response, fields_of, made_at, text
from streams.views.scoring_jobs.replies import OperatedRun, RunList
from streams.views.scoring_jobs.scripts import JOBS
from streams.views.scoring_jobs.shown import content_of, run_shown
from streams.views.web.commands import IdempotencyKey, command_id_of, send_command
from streams.views.web.door import Door
from streams.views.web.forwarding import from_others
from streams.views.web.model_service import MODEL_SERVICE
from streams.views.web.reading import ForgivingRoute, State, address

__all__ = ["DOOR"]

RESULT: Final = "result"
_FIRST_ROWS: Final = 10
_FIRST_BYTES: Final = 64 * 1024

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=("/operate-run", f"{ALIAS}/operate-run", f"{ALIAS}/runs"),
    tag=JOBS,
    envelope=MODEL_SERVICE,
    slash=False,
    apart=True,
    watched=(f"{ALIAS}/runs",),
)

_TEXT: Final = {"type": "string"}
_BODY: Final[dict[str, Any]] = {
    "runName": _TEXT | {"description": "The run; where several jobs have one of the name, runId decides."},
    "type": _TEXT | {"enum": [*runs.OPERATIONS, RESULT]},
    "dispatch": _TEXT | {"description": "If sent, the job's."},
    "runId": _TEXT | {"description": "Needed for result."},
}


@router.get(f"{ALIAS}/runs", summary="List runs", response_model=RunList, responses=MODEL_SERVICE.responses(503))
async def list_scoring_runs(
    state: State,
    request: Request,
    run_name: Annotated[str | None, Query(alias="runName", description="Only those of this name.")] = None,
    run_id: Annotated[str | None, Query(alias="runId", description="Only that of this id.")] = None,
) -> Response:
    """Runs of all jobs, the oldest first."""
    check_settled(state)
    listed = await _listed(state, request, run_name or "", run_id or "")
    return data_response({"runList": listed})


@answers_post(
    router,
    "/operate-run",
    summary="Stop, pause, continue or delete a run, or get its result",
    response_model=OperatedRun,
    responses=MODEL_SERVICE.responses(400, 404, 408, 409, 413, 415, 503),
    openapi_extra=body_of(_BODY, ("runName", "type")),
)
async def operate_run(
    state: State, request: Request, fields: Annotated[Fields, Depends(fields_of)], key: IdempotencyKey = None
) -> Response:
    """`result` answers with the first rows and the address of all; every other when it has taken effect."""
    operation, run_id = text(fields, "type", "operation", "operationType"), text(fields, "runId", required=False)
    name = text(fields, "runName", required=not run_id)
    if operation not in (*runs.OPERATIONS, RESULT):
        choice = ", ".join((*runs.OPERATIONS, RESULT))
        raise invalid_field("type", f"found {operation[:40]!r}, expected one of {choice}")
    if operation == RESULT and not run_id:
        raise invalid_field("runId", "is missing: a result is of one run, which /job-info names")
    check_settled(state)
    found = _only(await _listed(state, request, name, run_id), name, run_id)
    kept = own(found["jobName"])
    answer = await owners_answer(state, request, kept)
    if answer is not None:
        return answer
    run = ScoringJobsState.of(state).runs.get(runs.key_of(kept, found["id"]))
    job = ScoringJobsState.of(state).job(kept)
    if run is None or job is None:
        raise runs.unknown_run(name, run_id)
    dispatch = text(fields, "dispatch", required=False)
    if dispatch and dispatch != job.dispatch:
        raise invalid_field(
            "dispatch", f"found {dispatch[:40]!r}, but job {shown(kept)} has {job.dispatch}: leave it out"
        )
    if operation == RESULT:
        return await _result(state, request, run)
    command = OperateScoringRun(command_id_of(request, key, content_of(fields)), job.name, run.run_id, operation)
    await send_command(state, state.topics.scoring_job_commands, job.name, command)
    return data_response({"status": True})


async def _listed(state: StateRuntime, request: Request, name: str, run_id: str) -> list[dict[str, Any]]:
    here = [run_shown(run) for run in ScoringJobsState.of(state).all_runs() if _is_meant(run, name, run_id)]
    if here and run_id:
        return here
    query = urlencode({key: value for key, value in (("runName", name), ("runId", run_id)) if value})
    others = await from_others(state, request, "data", "runList", path=f"{ALIAS}/runs", query=query)
    return sorted([*here, *others], key=lambda it: (made_at(it), it["id"]))


def _is_meant(run: ScoringRunRecord, name: str, run_id: str) -> bool:
    return is_own(run.job_name) and name in ("", run.name) and run_id in ("", run.run_id)


def _only(found: list[dict[str, Any]], name: str, run_id: str) -> dict[str, Any]:
    if not found:
        raise runs.unknown_run(name, run_id)
    if len(found) > 1:
        of = ", ".join(f"{one['id']} of {one['jobName']}" for one in found[:5])
        raise ConflictError(ScoringJobsCode.SEVERAL_RUNS, f"runName: several jobs have a run {name} ({of}): send runId")
    return found[0]


async def _result(state: StateRuntime, request: Request, run: ScoringRunRecord) -> Response:
    if run.status in runs.ACTIVE:
        text_of = f"type: run {run.run_id} is {run.status}: its result comes when it is success"
        raise ConflictError(ScoringJobsCode.RUN_NOT_FINISHED, text_of)
    if run.status != runs.SUCCESS:
        raise ConflictError(ScoringJobsCode.RUN_STATE, f"type: run {run.run_id} has no result, it failed: {run.reason}")
    key = OUTPUTS.key("runs", run.run_id, run.output_dataset)
    kept = in_project(project_of(run.job_name), key)
    try:
        first = await asyncio.to_thread(_first_rows, state.store, kept, kind_of(run.output_dataset))
    except ObjectNotFoundError:
        raise NotFoundError(Code.UNKNOWN_FILE, f"type: the result of run {run.run_id} was removed") from None
    return data_response(
        {
            "status": True,
            "result": first,
            "url": address(request, f"/{key}"),
            "rows": run.rows,
            "wrongRows": run.wrong_rows,
        }
    )


def _first_rows(store: ObjectStore, key: str, kind: str) -> list[dict[str, Any]]:
    with store.open(key) as file:
        begin = file.read(_FIRST_BYTES)
    whole = begin if len(begin) < _FIRST_BYTES else begin[: begin.rfind(b"\n") + 1]
    lines = io.StringIO(whole.decode("utf-8", "replace"), newline="")
    if kind == "csv":
        return list(islice(csv.DictReader(lines), _FIRST_ROWS))
    return [orjson.loads(line) for line in islice(lines, _FIRST_ROWS)]
