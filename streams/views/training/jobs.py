"""Training jobs: `/v1/{project_id}/training-jobs`, the part of contract 002 that DeepAR needs."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from connectors.processes.compute_process import cores
from schemas.training import DeleteTrainingJob, StopTrainingJob
from schemas.training_rows import TrainingJobRecord
from streams.checks import ID_LIMIT
from streams.runtime import StateRuntime
from streams.training import jobs as training_jobs
from streams.training.state import TrainingJobsState
from streams.views.training import summaries as training_summaries
from streams.views.training.bodies import TrainingBody, TrainingListQuery
from streams.views.training.envelope import TRAINING
from streams.views.training.replies import (
    TrainingCreatedReply,
    TrainingDoneReply,
    TrainingJobsReply,
    TrainingVersionReply,
    TrainingVersionsReply,
)
from streams.views.web.answers import json_response
from streams.views.web.commands import IdempotencyKey, command_id_of, send_command
from streams.views.web.creations import create_once
from streams.views.web.door import Door, Owned, Tag
from streams.views.web.reading import HeadRoute, runtime, sent_as_json

__all__ = ["DOOR"]

router = APIRouter(prefix="/v1/{project_id}/training-jobs", route_class=HeadRoute)


def _project(path: str) -> Owned | None:
    """A project's jobs are all with one worker, which also counts them."""
    match path.split("/"):
        case ["", "v1", project, "training-jobs", *_] if project:
            return Owned(project.encode("utf-8", "replace"))
    return None


DOOR = Door(
    router=router,
    prefixes=("/v1",),  # also where there is nothing: the contract has its envelope "in all cases"
    tag=Tag("training jobs", "DeepAR, trained on a file of JSON Lines, in the words of ModelArts."),
    envelope=TRAINING,
    owner=_project,
    slash=False,
)

State = Annotated[StateRuntime, Depends(runtime)]
Project = Annotated[
    str, Path(pattern="^[A-Za-z0-9._-]{1,64}$", description="The project; it begins with its first job.")
]
JobId = Annotated[int, Path(ge=1, le=ID_LIMIT, description="The job.")]
VersionId = Annotated[int, Path(ge=1, le=ID_LIMIT, description="The version.")]
PerPage = Annotated[int, Query(ge=1, le=1000, description="Versions on a page.")]


@router.post(
    "",
    summary="Train a model",
    response_model=TrainingCreatedReply,
    responses=TRAINING.responses(400, 408, 409, 413, 415, 503, 507),
    dependencies=[Depends(sent_as_json)],
)
async def create_training_job(
    state: State, request: Request, project_id: Project, body: TrainingBody, key: IdempotencyKey = None
) -> Response:
    """The job and its version; it trains by itself. Wrong data shows in its status, the model as an endpoint."""
    command_id = command_id_of(request, key, await request.body())

    async def create(job_id: int) -> Response:
        command = body.to_event(command_id, project_id, job_id)
        record = _find(state, project_id, job_id)
        if record is None:
            # Refused here, it need not take the way through the log.
            training_jobs.begun(command, at=0, max_samples=state.settings.max_num_samples)
            record = await send_command(state, state.topics.training_commands, project_id, command)
        return json_response(training_summaries.created(record))

    return await create_once(state, request, command_id, create, owned_by_id=False)


@router.get("", summary="List training jobs", response_model=TrainingJobsReply, responses=TRAINING.responses(400, 503))
async def list_training_jobs(
    state: State, project_id: Project, asked: Annotated[TrainingListQuery, Query()]
) -> Response:
    """One page of the project's jobs in a workspace."""
    records = training_jobs.of_project(TrainingJobsState.of(state).jobs, project_id)
    listing = asked.to_listing()
    total, jobs = training_summaries.listed(records, listing, now=_now())
    return json_response(
        {
            "is_success": True,
            "job_total_count": total,
            "job_count_limit": max(0, state.settings.max_training_jobs - len(records)),
            "quotas": state.settings.training_processes or cores(),
            "jobs": jobs,
        }
    )


@router.delete(
    "/{job_id}",
    summary="Delete a training job",
    response_model=TrainingDoneReply,
    responses=TRAINING.responses(400, 404, 503),
)
async def delete_training_job(
    state: State, request: Request, project_id: Project, job_id: JobId, key: IdempotencyKey = None
) -> Response:
    """Its training ends, and its endpoint and all that is kept of it are removed."""
    _known(state, project_id, job_id)
    command = DeleteTrainingJob(command_id_of(request, key), project_id, job_id)
    await send_command(state, state.topics.training_commands, project_id, command)
    return json_response({"is_success": True})


@router.get(
    "/{job_id}/versions",
    summary="Versions of a training job",
    response_model=TrainingVersionsReply,
    responses=TRAINING.responses(400, 404, 503),
)
async def list_training_versions(
    state: State,
    project_id: Project,
    job_id: JobId,
    per_page: PerPage = 10,
    page: Annotated[int, Query(ge=0, le=65_535, description="0: all versions.")] = 0,
) -> Response:
    """What was asked for and how far it is."""
    record = _known(state, project_id, job_id)
    versions = [training_summaries.version(record, now=_now())]
    shown = versions if page == 0 else versions[(page - 1) * per_page : page * per_page]
    return json_response(training_summaries.named(record) | {"version_count": len(versions), "versions": shown})


@router.get(
    "/{job_id}/versions/{version_id}",
    summary="Describe a version",
    response_model=TrainingVersionReply,
    responses=TRAINING.responses(400, 404, 503),
)
async def get_training_version(state: State, project_id: Project, job_id: JobId, version_id: VersionId) -> Response:
    """What was asked for and how far it is."""
    record = _known(state, project_id, job_id)
    training_jobs.check_version(record, version_id)
    return json_response(training_summaries.named(record) | training_summaries.version(record, now=_now()))


@router.post(
    "/{job_id}/versions/{version_id}/stop",
    summary="Stop a version",
    response_model=TrainingDoneReply,
    responses=TRAINING.responses(400, 404, 408, 503),
)
async def stop_training_version(
    state: State,
    request: Request,
    project_id: Project,
    job_id: JobId,
    version_id: VersionId,
    key: IdempotencyKey = None,
) -> Response:
    """Status 9 soon becomes 12, or 13 where it had not begun. What is being stopped already stays so."""
    training_jobs.check_stop(_known(state, project_id, job_id), version_id)
    command = StopTrainingJob(command_id_of(request, key), project_id, job_id, version_id)
    await send_command(state, state.topics.training_commands, project_id, command)
    return json_response({"is_success": True})


def _find(state: StateRuntime, project_id: str, job_id: int) -> TrainingJobRecord | None:
    return TrainingJobsState.of(state).jobs.get(training_jobs.key_of(project_id, job_id))


def _known(state: StateRuntime, project_id: str, job_id: int) -> TrainingJobRecord:
    record = _find(state, project_id, job_id)
    if record is None:
        raise training_jobs.unknown_job(project_id, job_id)
    return record


def _now() -> int:
    return round(time.time() * 1000)
