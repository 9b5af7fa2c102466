"""Jobs in the words of the contract: `/model-deploy-job`, `/job-info` (S-093 … S-104)."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from schemas.scoring_jobs import DeployScoringJob
from streams.access.visibility import own
from streams.runtime import StateRuntime
from streams.schedules import POLICIES
from streams.scoring_jobs import jobs
from streams.scoring_jobs.state import ScoringJobsState
from streams.views.scoring.owners import owners_answer
from streams.views.scoring.reading import ALIAS, Fields, answers_post, body_of, data_response, fields_of, text
from streams.views.scoring_jobs.replies import ScoringJobReply
from streams.views.scoring_jobs.scripts import JOBS
from streams.views.scoring_jobs.shown import (
    args_of,
    content_of,
    ext_of,
    job_shown,
    run_shown,
    variables_of,
    version_of,
)
from streams.views.web.commands import IdempotencyKey, command_id_of, send_command
from streams.views.web.door import Door
from streams.views.web.model_service import MODEL_SERVICE, ActionReply
from streams.views.web.reading import ForgivingRoute, State

__all__ = ["DOOR", "described"]

router = APIRouter(route_class=ForgivingRoute)
DOOR = Door(
    router=router,
    prefixes=tuple(f"{prefix}/{name}" for name in ("model-deploy-job", "job-info") for prefix in ("", ALIAS)),
    tag=JOBS,
    envelope=MODEL_SERVICE,
    slash=False,
    apart=True,
    asks=("job-info",),
)

Sent = Annotated[Fields, Depends(fields_of)]
_TEXT: Final = {"type": "string"}
_DEPLOYED: Final[dict[str, Any]] = {
    "fileName": _TEXT | {"description": "The script: as /generate-script answered."},
    "ext": _TEXT | {"description": "Its suffix; .py if absent."},
    "jobName": _TEXT | {"description": "Unique: 1 to 64 of A-Z a-z 0-9 _ . and -"},
    "jobDescription": _TEXT | {"description": "For people."},
    "environment": _TEXT | {"description": "A Python version, which is shown; 3.7 if absent."},
    "variables": {"type": "object", "description": "Environment variables; kept and shown."},
    "args": _TEXT | {"description": "Arguments; kept and shown."},
    "dispatch": _TEXT | {"enum": list(jobs.DISPATCHES)},
    "runName": _TEXT | {"description": "The first run. It starts at once; by schedule only where it is named here."},
    "schedule": _TEXT | {"description": "Five cron fields, @daily and the like, or an interval such as 15m."},
    "timeZone": _TEXT | {"description": "IANA name of the clock that cron fields speak of; UTC if absent."},
    "missedRuns": _TEXT | {"enum": list(POLICIES), "description": "What becomes of times while nobody was there."},
}


@answers_post(
    router,
    "/model-deploy-job",
    summary="Deploy a job that scores a data set",
    response_model=ActionReply,
    responses=MODEL_SERVICE.responses(400, 404, 408, 409, 413, 415, 503),
    openapi_extra=body_of(_DEPLOYED, ("fileName", "jobName")),
)
async def deploy_scoring_job(state: State, request: Request, fields: Sent, key: IdempotencyKey = None) -> Response:
    """The job is kept, and its first run is begun. The script itself is never run: runs do what it says."""
    command = DeployScoringJob(
        command_id=command_id_of(request, key, content_of(fields)),
        job_name=own(text(fields, "jobName")),
        file_name=text(fields, "fileName"),
        ext=ext_of(fields),
        description=text(fields, "jobDescription", required=False),
        environment=version_of(fields),
        variables=variables_of(fields),
        args=args_of(fields),
        dispatch=text(fields, "dispatch", required=False) or jobs.DEMAND,
        run_name=text(fields, "runName", required=False),
        schedule=text(fields, "schedule", required=False),
        time_zone=text(fields, "timeZone", required=False) or "UTC",
        missed_runs=text(fields, "missedRuns", required=False) or POLICIES[0],
    )
    answer = await owners_answer(state, request, command.job_name)
    if answer is not None:
        return answer
    job = await send_command(state, state.topics.scoring_job_commands, command.job_name, command)
    return data_response({"status": True, "jobName": job.name, "url": job_shown(request, job)["url"]})


@answers_post(
    router,
    "/job-info",
    summary="Describe a scoring job",
    response_model=ScoringJobReply,
    responses=MODEL_SERVICE.responses(400, 404, 413, 415, 503),
    openapi_extra=body_of({"jobName": _TEXT | {"description": "The job."}}, ("jobName",)),
)
async def describe_scoring_job(state: State, request: Request, fields: Sent) -> Response:
    """The job and its runs, the oldest first."""
    name = own(text(fields, "jobName"))
    answer = await owners_answer(state, request, name)
    return described(state, request, name) if answer is None else answer


def described(state: StateRuntime, request: Request, name: str) -> Response:
    """A job of this worker, named as it is kept; RejectedError 404 where there is none."""
    here = ScoringJobsState.of(state)
    job = here.job(name)
    if job is None:
        raise jobs.unknown_job(name)
    return data_response({**job_shown(request, job), "runList": [run_shown(run) for run in here.runs_of(name)]})
