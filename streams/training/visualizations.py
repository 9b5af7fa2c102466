"""Visualization jobs as values: what they show, and until when (contract T-170 … T-182)."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from schemas.training import CreateVisualizationJob
from schemas.training_rows import TrainingVersionRecord, VisualizationJobRecord
from streams.checks import path_key
from streams.codes.training import TrainingCode
from streams.errors import InvalidError, NotFoundError, RejectedError
from streams.repeats import digest_of
from streams.training.config_fields import Kind
from streams.training.config_values import CHECKS, wrong
from streams.training.configs import config_of
from streams.training.jobs import check_description, check_id, check_project
from streams.training.states import TrainingState

__all__ = [
    "JOB_TYPES",
    "MOST_HOURS",
    "check_new",
    "check_restart",
    "check_stop",
    "created",
    "is_over",
    "shown_status",
    "started",
    "stopped",
    "unknown_visualization",
    "writers_of",
]

JOB_TYPES: Final = ("tensorboard", "mindinsight")
MOST_HOURS: Final = 24
_HOUR_MS: Final = 3_600_000
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,20}")
_LONGEST_FLAVOR: Final = 64


def created(command: CreateVisualizationJob, *, at: int) -> VisualizationJobRecord:
    """The row of a new visualization job, which is shown from now on; RejectedError where it cannot be."""
    check_project(command.project_id, command.command_id)
    check_id("job_id", command.job_id)
    if not _NAME.fullmatch(command.job_name):
        raise wrong("job_name", f"found {command.job_name[:80]!r}, expected 1 to 20 of A-Z a-z 0-9 _ -")
    check_description(command.job_desc)
    if command.train_url == "":
        raise wrong("train_url", "is missing: send the train_url of the training to show")
    CHECKS[Kind.PATH]("train_url", command.train_url)
    if command.job_type not in JOB_TYPES:
        raise wrong("job_type", f"found {command.job_type[:80]!r}, expected {' or '.join(JOB_TYPES)}")
    if len(command.flavor_code) > _LONGEST_FLAVOR:
        raise wrong("flavor, code", f"expected at most {_LONGEST_FLAVOR} characters")
    if not 0 <= command.schedule_hours <= MOST_HOURS:
        raise wrong("schedule, duration", f"found {command.schedule_hours}, expected 0 to {MOST_HOURS}")
    record = VisualizationJobRecord(
        project_id=command.project_id,
        job_id=command.job_id,
        job_name=command.job_name,
        command_id=command.command_id,
        create_time=at,
        status=TrainingState.INITIALISING,
        train_url=command.train_url,
        job_desc=command.job_desc,
        job_type=command.job_type,
        flavor_code=command.flavor_code,
        schedule_hours=command.schedule_hours,
        digest=digest_of(command),
    )
    return started(record, at=at)


def check_new(record: VisualizationJobRecord, known: Iterable[VisualizationJobRecord], *, most: int) -> None:
    """RejectedError where the project has a visualization job of this name, or as many as it may have."""
    names = [other.job_name for other in known]
    if record.job_name in names:
        raise InvalidError(TrainingCode.NAME_TAKEN, f"Job name:{record.job_name} is existed")
    if len(names) >= most:
        text = f"the project has {len(names)} visualization jobs, the most there may be: delete some first"
        raise InvalidError(TrainingCode.LIMIT_REACHED, text)


def started(record: VisualizationJobRecord, *, at: int) -> VisualizationJobRecord:
    """The row of one that is shown from now on, for as long as it was made for; 0 hours: until it is stopped."""
    until = at + record.schedule_hours * _HOUR_MS if record.schedule_hours else None
    return replace(record, status=TrainingState.RUNNING, start_time=at, until=until, changed=at)


def stopped(record: VisualizationJobRecord, *, at: int) -> VisualizationJobRecord:
    """The row of one that is shown no more."""
    return replace(record, status=TrainingState.STOPPED, changed=at)


def is_over(record: VisualizationJobRecord, now: int) -> bool:
    """Whether its time is up, though its row does not say so yet."""
    return record.status == TrainingState.RUNNING and record.until is not None and record.until <= now


def shown_status(record: VisualizationJobRecord, now: int) -> int:
    """The status now."""
    return int(TrainingState.STOPPED) if is_over(record, now) else record.status


def check_stop(record: VisualizationJobRecord, now: int) -> None:
    """RejectedError where it is not shown."""
    if shown_status(record, now) != TrainingState.RUNNING:
        text = f"visualization job {record.job_id} has stopped already, with status {shown_status(record, now)}"
        raise InvalidError(TrainingCode.FAILED_OPERATION, text)


def check_restart(record: VisualizationJobRecord, now: int) -> None:
    """RejectedError where it is shown still."""
    if shown_status(record, now) == TrainingState.RUNNING:
        text = f"visualization job {record.job_id} is running: stop it first"
        raise InvalidError(TrainingCode.FAILED_OPERATION, text)


def unknown_visualization(project_id: str, job_id: int) -> RejectedError:
    """The refusal of what is asked about a visualization job that is not there."""
    text = f"project {project_id[:80]} has no visualization job {job_id}"
    return NotFoundError(TrainingCode.FAILED_OPERATION, text)


def writers_of(train_url: str, versions: Iterable[TrainingVersionRecord]) -> list[TrainingVersionRecord]:
    """The versions that write to this path, the latest first."""
    place = _place(train_url)
    perhaps = (one for one in versions if place in one.config)  # of thousands few name it: the others are not read
    found = [one for one in perhaps if (url := config_of(one.config).get("train_url")) and _place(url) == place]
    return sorted(found, key=lambda one: (one.create_time, one.version_id), reverse=True)


def _place(path: str) -> str:
    """Where a path leads, however it is written."""
    return path_key("train_url", path) if path.strip("/") else ""
