"""Jobs by their addresses: `/api/v1/jobs/…`, where POST starts another run (contract S-109)."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from schemas.scoring_jobs import DeleteScoringJob, StartScoringRun
from streams.access.visibility import is_own, own
from streams.runtime import StateRuntime
from streams.scoring_jobs import jobs
from streams.scoring_jobs.state import ScoringJobsState
from streams.views.scoring.reading import ALIAS, Fields, body_of, data_response, fields_of, made_at, text
from streams.views.scoring_jobs.jobs import described
from streams.views.scoring_jobs.replies import JobList, ScoringJobReply, StartedRun
from streams.views.scoring_jobs.scripts import JOBS
from streams.views.scoring_jobs.shown import content_of, job_shown
from streams.views.web.commands import BareCommandId, IdempotencyKey, command_id_of, send_command
from streams.views.web.door import Door, by_name
from streams.views.web.forwarding import from_others
from streams.views.web.model_service import MODEL_SERVICE, ActionReply
from streams.views.web.reading import ForgivingRoute, State

__all__ = ["DOOR"]

router = APIRouter(prefix=f"{ALIAS}/jobs", route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    tag=JOBS,
    envelope=MODEL_SERVICE,
    owner=by_name(4),
    slash=False,
    apart=True,
    watched=(f"{ALIAS}/jobs", f"{ALIAS}/jobs/{{name}}"),
)

Name = Annotated[str, Path(description="The job: its jobName.")]
_RUN: Final[dict[str, Any]] = body_of(
    {"runName": {"type": "string", "description": "Absent: the job's with a number."}}, ()
)
_RUN["requestBody"]["required"] = False


@router.get("", summary="List the scoring jobs", response_model=JobList, responses=MODEL_SERVICE.responses(503))
async def list_scoring_jobs(state: State, request: Request) -> Response:
    """All jobs, the newest first."""
    table = ScoringJobsState.of(state).jobs
    here = [job for key in table.keys() if (job := table.get(key)) is not None]  # noqa: SIM118 - a table
    listed = [job_shown(request, job) for job in here if is_own(job.name)]
    listed += await from_others(state, request, "data", "jobList")
    return data_response({"jobList": sorted(listed, key=made_at, reverse=True)})


@router.get(
    "/{name}",
    summary="A scoring job and its runs",
    response_model=ScoringJobReply,
    responses=MODEL_SERVICE.responses(404, 503),
)
async def get_scoring_job(state: State, request: Request, name: Name) -> Response:
    """As /job-info tells."""
    return described(state, request, own(name))


@router.post(
    "/{name}",
    summary="Start a run",
    response_model=StartedRun,
    responses=MODEL_SERVICE.responses(400, 404, 408, 409, 413, 415, 503),
    openapi_extra=_RUN,
)
async def start_scoring_run(
    state: State,
    request: Request,
    name: Name,
    fields: Annotated[Fields, Depends(fields_of)],
    key: IdempotencyKey = None,
) -> Response:
    """The run is begun; /job-info tells how far it is."""
    name = _known(state, name)
    run_name = text(fields, "runName", required=False)
    command = StartScoringRun(command_id_of(request, key, content_of(fields)), name, run_name)
    run = await send_command(state, state.topics.scoring_job_commands, name, command)
    return data_response({"status": True, "id": run.run_id, "name": run.name})


@router.delete(
    "/{name}",
    summary="Remove a scoring job",
    response_model=ActionReply,
    responses=MODEL_SERVICE.responses(400, 404, 503),
)
async def delete_scoring_job(state: State, name: Name, command_id: BareCommandId) -> Response:
    """The job and its runs are gone, and those that went on are ended; data sets that they made stay."""
    name = _known(state, name)
    command = DeleteScoringJob(command_id, name)
    await send_command(state, state.topics.scoring_job_commands, name, command)
    return data_response({"status": True})


def _known(state: StateRuntime, name: str) -> str:
    """The name as it is kept; RejectedError where there is no such job."""
    kept = own(name)
    if ScoringJobsState.of(state).job(kept) is None:
        raise jobs.unknown_job(kept)
    return kept
