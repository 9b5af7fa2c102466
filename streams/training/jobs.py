"""Training jobs as values: what may be asked for, and what their rows say of their newest versions (contract 002)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from schemas.training import CreateTrainingJob, CreateTrainingVersion, TrainDeepAR
from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams.checks import ID_LIMIT
from streams.codes.training import TrainingCode
from streams.errors import InvalidError, NotFoundError, RejectedError
from streams.repeats import digest_of
from streams.training import versions as training_versions
from streams.training.algorithms import INFERENCE_CONFIG
from streams.training.config_values import wrong
from streams.training.configs import Limits, check_complete, checked_config, config_of, jsonl_of, merged
from streams.training.earlier import deepar_config
from streams.training.listing import DEFAULT_WORKSPACE
from streams.training.states import ENDED, TrainingState
from streams.training.versions import first_version

__all__ = [
    "ENDED",
    "INFERENCE_CONFIG",
    "TrainingState",
    "check_description",
    "check_id",
    "check_name_free",
    "check_new",
    "check_project",
    "created",
    "first_version",
    "key_of",
    "new_version",
    "project_of",
    "summarised",
    "unknown_job",
    "version_id_taken",
]

_PROJECT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")  # no slash, which parts it from the job in a row's key
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")  # as the name of the endpoint
_LONGEST_COMMAND_ID: Final = 200
_LONGEST_DESCRIPTION: Final = 256
_LONGEST_WORKSPACE: Final = 64


def key_of(project_id: str, job_id: int) -> bytes:
    """The key of a job's row; it lies in the partition of its project."""
    return f"{project_id}/{job_id}".encode()


def created(
    command: CreateTrainingJob | TrainDeepAR, stored: Mapping[str, Any], limits: Limits, *, at: int
) -> tuple[TrainingJobRecord, TrainingVersionRecord | None]:
    """The rows of a new job and its first version, which there may not be yet (T-070).

    `stored` has what the config leaves out. RejectedError where the command asks for what cannot be; whether its data
    is there is found out when it runs (T-071).
    """
    check_project(command.project_id, command.command_id, project_of(command))
    check_id("job_id", command.job_id)
    if not _NAME.fullmatch(command.job_name):
        raise wrong("job_name", f"found {command.job_name[:80]!r}, expected 1 to 64 of A-Z a-z 0-9 _ -")
    check_description(command.job_desc)
    if len(command.workspace_id) > _LONGEST_WORKSPACE:
        raise wrong("workspace_id", f"expected at most {_LONGEST_WORKSPACE} characters")
    asked = deepar_config(command) if isinstance(command, TrainDeepAR) else config_of(command.config)
    config = checked_config(merged(stored, asked), limits)
    if "pre_version_id" in config:
        raise wrong("config, pre_version_id", "is for new versions of a job: leave it out")
    check_complete(config, limits)
    job = TrainingJobRecord(
        project_id=command.project_id,
        job_id=command.job_id,
        job_name=command.job_name,
        version_id=0,
        version_name="",
        command_id=command.command_id,
        create_time=at,
        status=0,
        data_url="",
        job_desc=command.job_desc,
        workspace_id=command.workspace_id or DEFAULT_WORKSPACE,  # as in a request: what is left out may come as nothing
        endpoint=command.job_name if jsonl_of(config) is not None else None,
        digest=digest_of(command),
        next_version=1,
    )
    if config.get("create_version") is False:
        return job, None
    version_id = (
        isinstance(command, CreateTrainingJob) and command.version_id
    ) or command.job_id  # ids of jobs are never minted twice (T-114)
    check_id("version_id", version_id)
    version = training_versions.begun(
        job,
        config,
        limits,
        version_id=version_id,
        number=1,
        command_id=command.command_id,
        digest=job.digest,
        at=at,
    )
    version = replace(version, project=project_of(command))
    return summarised(job, [version]), version


def project_of(command: CreateTrainingJob | CreateTrainingVersion | TrainDeepAR) -> str:
    """Whose the files, the endpoint and the points of the command's version are."""
    return "" if isinstance(command, TrainDeepAR) else command.project


def new_version(
    command: CreateTrainingVersion,
    job: TrainingJobRecord,
    versions: Sequence[TrainingVersionRecord],
    stored: Mapping[str, Any],
    limits: Limits,
    *,
    at: int,
    most: int,
) -> tuple[TrainingJobRecord, TrainingVersionRecord]:
    """The rows of a job and its next version (T-110 … T-115). RejectedError."""
    check_project(command.project_id, command.command_id, command.project)
    check_id("version_id", command.version_id)
    if command.job_desc is not None:
        check_description(command.job_desc)
        job = replace(job, job_desc=command.job_desc)
    config = checked_config(merged(stored, config_of(command.config)), limits)
    check_complete(config, limits)
    before = config.get("pre_version_id", 0)
    if before and all(version.version_id != before for version in versions):
        text = f"config, pre_version_id: training job {job.job_id} has no version {before}"
        raise NotFoundError(TrainingCode.FAILED_OPERATION, text)
    newest = training_versions.newest_of(versions)
    if not before and newest is not None:
        config["pre_version_id"] = newest.version_id
    if len(versions) >= most:
        text = f"the job has {len(versions)} versions, the most there may be: delete some first"
        raise InvalidError(TrainingCode.LIMIT_REACHED, text)
    if jsonl_of(config) is not None:
        job = replace(job, endpoint=job.job_name)
    version = training_versions.begun(
        job,
        config,
        limits,
        version_id=command.version_id,
        number=job.next_version,
        command_id=command.command_id,
        digest=digest_of(command),
        at=at,
    )
    version = replace(version, project=command.project)
    return summarised(job, [*versions, version]), version


def check_new(job: TrainingJobRecord, known: Iterable[TrainingJobRecord], *, most: int) -> None:
    """RejectedError where the project has a job of this name (T-084, T-085) or as many as it may have (T-105).

    Names are unique in a workspace; those that endpoints have too are so in the whole project.
    """
    others = list(known)
    check_name_free(job, others)
    if len(others) >= most:
        raise InvalidError(
            TrainingCode.LIMIT_REACHED,
            f"the project has {len(others)} training jobs, the most there may be: delete some first",
        )


def check_name_free(job: TrainingJobRecord, known: Iterable[TrainingJobRecord]) -> None:
    """RejectedError where another job of the project has the name, in this workspace or for its endpoint."""
    for other in known:
        if other.job_name != job.job_name or other.job_id == job.job_id:
            continue
        if other.workspace_id == job.workspace_id or (job.endpoint is not None and other.endpoint is not None):
            raise InvalidError(TrainingCode.NAME_TAKEN, f"Job name:{job.job_name} is existed")


def version_id_taken(version_id: int) -> RejectedError:
    """The refusal of a version where another one of the project has its id (T-114)."""
    text = f"version_id: the project has a version {version_id} already: use another id"
    return InvalidError(TrainingCode.FAILED_OPERATION, text)


def summarised(job: TrainingJobRecord, versions: Sequence[TrainingVersionRecord]) -> TrainingJobRecord:
    """The job's row with what lists show of its newest version (T-044); these are all its versions."""
    newest = training_versions.newest_of(versions)
    if newest is None:
        return replace(job, version_id=0, version_name="", status=0, start_time=None, changed=None, version_count=0)
    return replace(
        job,
        version_id=newest.version_id,
        version_name=newest.version_name,
        status=newest.status,
        start_time=newest.start_time,
        changed=newest.changed,
        version_count=len(versions),
        next_version=max(job.next_version, newest.number + 1),
    )


def unknown_job(project_id: str, job_id: int) -> RejectedError:
    """The refusal of what is asked about a job that is not there."""
    return NotFoundError(TrainingCode.FAILED_OPERATION, f"project {project_id[:80]} has no training job {job_id}")


def check_project(project_id: str, command_id: str, project: str = "") -> None:
    """RejectedError where a project cannot be called so or is another than that of the files, or the id is too long."""
    if project not in ("", project_id):
        raise wrong("project", f"found {project[:80]!r}, expected the project_id, {project_id[:80]!r}, or nothing")
    if not _PROJECT.fullmatch(project_id):
        raise wrong("project_id", f"found {project_id[:80]!r}, expected 1 to 64 of A-Z a-z 0-9 . _ -")
    if len(command_id) > _LONGEST_COMMAND_ID:
        raise wrong("command_id", f"expected at most {_LONGEST_COMMAND_ID} characters")


def check_id(field: str, number: int) -> None:
    """RejectedError where this can be no id."""
    if not 1 <= number <= ID_LIMIT:
        raise wrong(field, f"found {number}, expected a whole number from 1 to {ID_LIMIT}")


def check_description(text: str, field: str = "job_desc") -> None:
    """RejectedError where a description is too long."""
    if len(text) > _LONGEST_DESCRIPTION:
        raise wrong(field, f"expected at most {_LONGEST_DESCRIPTION} characters")
