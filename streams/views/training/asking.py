"""What all addresses of training jobs take from their paths, and whose answer they ask for."""

import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Response

from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams.access.caller import caller
from streams.checks import ID_LIMIT
from streams.codes.training import TrainingCode
from streams.errors import NotFoundError
from streams.runtime import StateRuntime
from streams.training.jobs import unknown_job
from streams.training.state import TrainingJobsState
from streams.training.versions import unknown_version
from streams.views.web.answers import json_response
from streams.views.web.commands import send_command
from streams.views.web.door import Owned, Tag
from streams.views.web.reading import PLAIN_ID, ForgivingRoute

__all__ = [
    "TAG",
    "Project",
    "VersionId",
    "carried_out",
    "known_job",
    "known_version",
    "now_ms",
    "own_router",
    "project_of",
    "send",
]

TAG: Final = Tag(
    "training jobs", "Trainings with their versions, configurations and curves, in the words of ModelArts."
)
Project = Annotated[
    str, Path(pattern="^[A-Za-z0-9._-]{1,64}$", description="The project; it begins with its first job.")
]
VersionId = Annotated[int, PLAIN_ID, Path(ge=1, le=ID_LIMIT, description="The version.")]


def project_of(path: str) -> Owned | None:
    """All that a project has is with one worker, which also counts it."""
    match path.split("/"):
        case ["", "v1", project, "training-jobs" | "training-job-configs" | "visualization-jobs", *_] if project:
            return Owned(project.encode("utf-8", "replace"))
    return None


def known_job(state: StateRuntime, project_id: str, job_id: int) -> TrainingJobRecord:
    """The job; RejectedError where there is none."""
    job = TrainingJobsState.of(state).job(project_id, job_id)
    if job is None:
        raise unknown_job(project_id, job_id)
    return job


async def _own_project(project_id: Project) -> None:
    """RejectedError where whoever asks is of another project than the address; access off, any text is one."""
    who = caller()
    if who.name and project_id != who.project_id:
        raise NotFoundError(TrainingCode.FAILED_OPERATION, f"there is no project {project_id} that you belong to")


def own_router(prefix: str = "") -> APIRouter:
    """For addresses below a project, which answer to nobody of another one."""
    return APIRouter(
        prefix=prefix,
        route_class=ForgivingRoute,
        dependencies=[Depends(_own_project)],
        strict_content_type=False,  # T-028: what is not declared is JSON; foreign pages are refused by their Origin
    )


def known_version(state: StateRuntime, project_id: str, job_id: int, version_id: int) -> TrainingVersionRecord:
    """The version; RejectedError where there is none."""
    known_job(state, project_id, job_id)
    version = TrainingJobsState.of(state).version(project_id, job_id, version_id)
    if version is None:
        raise unknown_version(job_id, version_id)
    return version


async def send(state: StateRuntime, project_id: str, command: Any) -> Any:
    """Append a command of the project, and wait for what its agent made of it."""
    return await send_command(state, state.topics.training_commands, project_id, command)


async def carried_out(state: StateRuntime, project_id: str, command: Any) -> Response:
    """Likewise, where nothing is to be told but that it is done."""
    await send(state, project_id, command)
    return json_response({"is_success": True})


def now_ms() -> int:
    """Now, as rows have times."""
    return round(time.time() * 1000)
