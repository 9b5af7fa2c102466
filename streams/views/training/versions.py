"""Versions of training jobs and their logs: `…/training-jobs/{job_id}/versions` (contract 002, section 4)."""

import asyncio
from typing import Annotated, Literal

from fastapi import Depends, Query, Request, Response

from schemas.training import CreateTrainingVersion, DeleteTrainingVersion, StopTrainingJob
from streams.access.caller import caller
from streams.training import jobs as training_jobs
from streams.training import versions as training_versions
from streams.training.configs import sent_config
from streams.training.limits import limits_of
from streams.training.listing import page_of
from streams.training.state import TrainingJobsState
from streams.views.training import summaries
from streams.views.training.asking import (
    TAG,
    Project,
    VersionId,
    carried_out,
    known_job,
    known_version,
    now_ms,
    own_router,
    project_of,
    send,
)
from streams.views.training.bodies import VersionBody
from streams.views.training.envelope import TRAINING, done
from streams.views.training.logs import Log, read_part
from streams.views.training.replies import (
    TrainingLogFilesReply,
    TrainingLogReply,
    TrainingVersionReply,
    TrainingVersionsReply,
    VersionCreatedReply,
)
from streams.views.web.answers import json_response
from streams.views.web.commands import BareCommandId, CommandId
from streams.views.web.creations import create_once
from streams.views.web.door import Door
from streams.views.web.reading import JobId, State, json_by_default

__all__ = ["DOOR"]

router = own_router("/v1/{project_id}/training-jobs/{job_id}/versions")
DOOR = Door(
    apart=True,
    router=router,
    tag=TAG,
    envelope=TRAINING,
    owner=project_of,
    slash=False,
    watched=(router.prefix, f"{router.prefix}/{{version_id}}"),
)

PerPage = Annotated[int, Query(ge=1, le=1000, description="Versions on a page; of no effect where page is 0.")]
Measured = Annotated[
    Literal["text", "object"] | None,
    Query(alias="system_metric_list", description="object: system_metric_list is one, not JSON in a text."),
]


@router.post(
    "",
    summary="Create a version",
    response_model=VersionCreatedReply,
    responses=TRAINING.responses(400, 404, 408, 409, 413, 415, 503, 507),
    dependencies=[Depends(json_by_default)],
)
async def create_training_version(
    state: State, request: Request, project_id: Project, job_id: JobId, body: VersionBody, command_id: CommandId
) -> Response:
    """The job runs once more, as its next version."""
    tables = TrainingJobsState.of(state)
    known_job(state, project_id, job_id)

    async def create(version_id: int) -> Response:
        command = CreateTrainingVersion(
            command_id=command_id,
            project_id=project_id,
            job_id=job_id,
            version_id=version_id,
            config=sent_config(body.config, limits_of(state.settings)),
            job_desc=body.job_desc,
            config_name=body.config_name,
            project=caller().project,
        )
        if tables.version(project_id, job_id, version_id) is None:
            # Refused here, it need not take the way through the log.
            training_jobs.new_version(
                command,
                known_job(state, project_id, job_id),
                tables.versions_of(project_id, job_id),
                tables.stored_config(project_id, command.config_name),
                limits_of(state.settings),
                at=0,
                most=state.settings.max_training_versions,
            )
        return json_response(summaries.version_created(*await send(state, project_id, command)))

    return await create_once(state, request, command_id, create, owned_by_id=False)


@router.get(
    "",
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
    measured: Measured = None,
) -> Response:
    """What was asked for and how far it is, the newest first."""
    job = known_job(state, project_id, job_id)
    versions = TrainingJobsState.of(state).versions_of(project_id, job_id)
    shown, now = versions if page == 0 else page_of(versions, page, per_page), now_ms()
    interval_s = state.settings.system_metric_interval_s
    return json_response(
        {
            **summaries.named(job),
            "version_count": len(versions),
            "versions": [
                summaries.version(one, now=now, interval_s=interval_s, measured_as_object=measured == "object")
                for one in shown
            ],
        }
    )


@router.get(
    "/{version_id}",
    summary="Describe a version",
    response_model=TrainingVersionReply,
    responses=TRAINING.responses(400, 404, 503),
)
async def get_training_version(
    state: State, project_id: Project, job_id: JobId, version_id: VersionId, measured: Measured = None
) -> Response:
    """What was asked for and how far it is."""
    version = known_version(state, project_id, job_id, version_id)
    shown = summaries.version(
        version,
        now=now_ms(),
        interval_s=state.settings.system_metric_interval_s,
        measured_as_object=measured != "text",
    )
    return json_response(summaries.named(known_job(state, project_id, job_id)) | shown)


@router.post("/{version_id}/stop", summary="Stop a version", **done(400, 404, 408, 503))
async def stop_training_version(
    state: State, project_id: Project, job_id: JobId, version_id: VersionId, command_id: BareCommandId
) -> Response:
    """Status 9 soon becomes 12, or 13 where it had not begun. What is being stopped already stays so."""
    training_versions.check_stop(known_version(state, project_id, job_id, version_id))
    return await carried_out(state, project_id, StopTrainingJob(command_id, project_id, job_id, version_id))


@router.delete("/{version_id}", summary="Delete a version", **done(400, 404, 503))
async def delete_training_version(
    state: State, project_id: Project, job_id: JobId, version_id: VersionId, command_id: BareCommandId
) -> Response:
    """What runs of it ends, and what is kept of it is removed; its metrics and the job stay."""
    known_version(state, project_id, job_id, version_id)
    return await carried_out(state, project_id, DeleteTrainingVersion(command_id, project_id, job_id, version_id))


@router.get(
    "/{version_id}/log/file-names",
    summary="Logs of a version",
    response_model=TrainingLogFilesReply,
    responses=TRAINING.responses(400, 404, 503),
)
async def list_training_logs(state: State, project_id: Project, job_id: JobId, version_id: VersionId) -> Response:
    """One for each worker."""
    version = known_version(state, project_id, job_id, version_id)
    return json_response({"is_success": True, "log_file_list": Log.names(version)})


@router.get(
    "/{version_id}/aom-log",
    summary="Read a log",
    response_model=TrainingLogReply,
    responses=TRAINING.responses(400, 404, 503),
)
async def read_training_log(
    state: State,
    project_id: Project,
    job_id: JobId,
    version_id: VersionId,
    log_file: Annotated[str, Query(max_length=80, description="One of log/file-names; empty: the first.")] = "",
    lines: Annotated[int, Query(ge=0, le=500, description="So many lines, the last ones.")] = 50,
    offset: Annotated[
        int | None, Query(ge=0, le=2**53, description="Instead: what follows this byte, up to 64 KiB.")
    ] = None,
) -> Response:
    """The last lines, or what has come since; also while it runs, and after."""
    log = Log.of(known_version(state, project_id, job_id, version_id), log_file)
    return json_response(await asyncio.to_thread(read_part, state.store, log, lines, offset))
