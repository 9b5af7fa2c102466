"""Training jobs: `/v1/{project_id}/training-jobs` (contract 002, sections 2 and 3)."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from schemas.training import CreateTrainingJob, DeleteTrainingJob, UpdateTrainingJob
from streams.access.caller import caller
from streams.quotas.state import Quotas
from streams.training import jobs as training_jobs
from streams.training.configs import sent_config
from streams.training.limits import limits_of
from streams.training.listing import job_summary, listed
from streams.training.state import TrainingJobsState
from streams.views.training import summaries
from streams.views.training.asking import TAG, Project, carried_out, known_job, now_ms, own_router, project_of, send
from streams.views.training.bodies import DescriptionBody, TrainingBody, TrainingListQuery
from streams.views.training.envelope import TRAINING, done
from streams.views.training.replies import (
    TrainingCreatedReply,
    TrainingJobReply,
    TrainingJobsReply,
)
from streams.views.web.answers import json_response
from streams.views.web.commands import BareCommandId, CommandId
from streams.views.web.creations import create_once
from streams.views.web.door import Door
from streams.views.web.reading import JobId, State, json_by_default

__all__ = ["DOOR"]

router = own_router("/v1/{project_id}/training-jobs")
DOOR = Door(
    apart=True,
    router=router,
    prefixes=("/v1",),  # also where there is nothing: the contract has its envelope "in all cases"
    tag=TAG,
    envelope=TRAINING,
    owner=project_of,
    slash=False,
    watched=(router.prefix, f"{router.prefix}/{{job_id}}"),
)


@router.post(
    "",
    summary="Create a training job",
    response_model=TrainingCreatedReply,
    responses=TRAINING.responses(400, 404, 408, 409, 413, 415, 503, 507),
    dependencies=[Depends(json_by_default)],
)
async def create_training_job(
    state: State, request: Request, project_id: Project, body: TrainingBody, command_id: CommandId
) -> Response:
    """The job and its first version, which runs by itself. What is wrong with its data shows in its status."""
    tables = TrainingJobsState.of(state)

    async def create(job_id: int) -> Response:
        command = CreateTrainingJob(
            command_id=command_id,
            project_id=project_id,
            job_id=job_id,
            job_name=body.job_name,
            config=sent_config(body.config, limits_of(state.settings)),
            job_desc=body.job_desc,
            workspace_id=body.workspace_id,
            config_name=body.config_name,
            project=caller().project,
        )
        if tables.job(project_id, job_id) is None:
            # Refused here, it need not take the way through the log.
            stored = tables.stored_config(project_id, command.config_name)
            training_jobs.created(command, stored, limits_of(state.settings), at=0)
        return json_response(summaries.created(*await send(state, project_id, command)))

    return await create_once(state, request, command_id, create, owned_by_id=False)


@router.get("", summary="List training jobs", response_model=TrainingJobsReply, responses=TRAINING.responses(400, 503))
async def list_training_jobs(
    state: State, project_id: Project, asked: Annotated[TrainingListQuery, Query()]
) -> Response:
    """One page of the project's jobs in a workspace."""
    jobs = TrainingJobsState.of(state).jobs_of(project_id)
    total, shown = listed(jobs, asked.to_listing(), now=now_ms())
    quotas = Quotas.of(state)
    return json_response(
        {
            "is_success": True,
            "job_total_count": total,
            "job_count_limit": max(0, quotas.most(project_id, "training_jobs") - len(jobs)),
            "quotas": quotas.most(project_id, "running_versions"),
            "jobs": shown,
        }
    )


@router.get(
    "/{job_id}",
    summary="Describe a training job",
    response_model=TrainingJobReply,
    responses=TRAINING.responses(400, 404, 503),
)
async def get_training_job(state: State, project_id: Project, job_id: JobId) -> Response:
    """As lists show it."""
    job = known_job(state, project_id, job_id)
    return json_response({"is_success": True, **job_summary(job, now=now_ms()), "workspace_id": job.workspace_id})


@router.put(
    "/{job_id}",
    summary="Describe a training job anew",
    **done(400, 404, 408, 413, 415, 503),
    dependencies=[Depends(json_by_default)],
)
async def update_training_job(
    state: State, project_id: Project, job_id: JobId, body: DescriptionBody, command_id: CommandId
) -> Response:
    """The description alone can be changed."""
    known_job(state, project_id, job_id)
    training_jobs.check_description(body.job_desc)
    return await carried_out(state, project_id, UpdateTrainingJob(command_id, project_id, job_id, body.job_desc))


@router.delete("/{job_id}", summary="Delete a training job", **done(400, 404, 503))
async def delete_training_job(state: State, project_id: Project, job_id: JobId, command_id: BareCommandId) -> Response:
    """What runs of it ends, and its versions, its endpoint and all that is kept of it are removed."""
    known_job(state, project_id, job_id)
    return await carried_out(state, project_id, DeleteTrainingJob(command_id, project_id, job_id))
