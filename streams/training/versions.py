"""Versions of training jobs as values: how a row begins, and how it moves forward (contract T-042, T-110 … T-135)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from schemas.training import RunTrainingVersion, TrainingStatus
from schemas.training_rows import TrainingJobRecord, TrainingVersionRecord
from streams.codes.training import TrainingCode
from streams.errors import InvalidError, NotFoundError, RejectedError
from streams.training.configs import Limits, config_text, note_on, planned_epochs
from streams.training.states import ENDED, TOLD, TrainingState

__all__ = [
    "advanced",
    "begun",
    "cancelled",
    "check_stop",
    "delete_failed",
    "first_version",
    "given",
    "key_of_version",
    "log_names",
    "newest_of",
    "run_of",
    "stopping",
    "unknown_version",
    "version_name",
    "waiting",
    "workload_of",
]

_LONGEST_MESSAGE: Final = 2000  # characters; a message repeats what a line of the data says
_LONGEST_METRICS: Final = 60_000  # characters; a row has to fit into a small record


def first_version(job_id: int) -> tuple[int, str]:
    """Id and name of a job's first version where no other id was asked for."""
    return job_id, version_name(1)


def workload_of(job_id: int, version_id: int) -> str:
    """Whose the metric points of a version are (contract M-012), as its project calls it."""
    return f"tj-{job_id}-{version_id}"


def key_of_version(project_id: str, job_id: int, version_id: int) -> bytes:
    """The key of a version's row; it lies in the partition of its project, beside those of its job."""
    return f"{project_id}/{job_id}/{version_id}".encode()


def version_name(number: int) -> str:
    """T-082."""
    return f"V{number:04d}"


def begun(
    job: TrainingJobRecord,
    config: Mapping[str, Any],
    limits: Limits,
    *,
    version_id: int,
    number: int,
    command_id: str,
    digest: str,
    at: int,
) -> TrainingVersionRecord:
    """The row of a new version; the config has been checked."""
    kept = {name: value for name, value in config.items() if name not in ("create_version", "pre_version_id")}
    note = note_on(config, limits)
    return TrainingVersionRecord(
        project_id=job.project_id,
        job_id=job.job_id,
        version_id=version_id,
        number=number,
        version_name=version_name(number),
        job_name=job.job_name,
        command_id=command_id,
        create_time=at,
        status=TrainingState.INITIALISING,
        config=config_text(kept),
        pre_version_id=config.get("pre_version_id", 0),
        digest=digest,
        epochs=planned_epochs(config, limits),
        note=None if note is None else _shortened(note),
    )


def newest_of(versions: Iterable[TrainingVersionRecord]) -> TrainingVersionRecord | None:
    """The version with the highest number; None where there is none."""
    return max(versions, key=lambda version: version.number, default=None)


def run_of(record: TrainingVersionRecord) -> RunTrainingVersion:
    """What a trainer is told of a version."""
    return RunTrainingVersion(
        command_id=record.command_id,
        project_id=record.project_id,
        job_id=record.job_id,
        version_id=record.version_id,
        job_name=record.job_name,
        version_name=record.version_name,
        config=record.config,
        project=record.project,
    )


def waiting(record: TrainingVersionRecord) -> TrainingVersionRecord:
    """The row of a version that waits until others of its project have ended (T-105)."""
    return replace(record, status=TrainingState.QUEUED)


def given(record: TrainingVersionRecord, offset: int) -> TrainingVersionRecord:
    """The row of a version that a trainer will find, or has begun already; `offset` is its command's."""
    status = max(record.status, TrainingState.QUEUED)
    return replace(record, status=int(status), run_offset=offset, given=True)


def advanced(record: TrainingVersionRecord, told: TrainingStatus) -> TrainingVersionRecord:
    """The row after what a trainer tells; itself where the version has ended. RejectedError: it cannot tell that."""
    if told.status not in TOLD:
        raise InvalidError(TrainingCode.WRONG_PARAMETER, f"status {told.status} is none that a trainer may tell")
    if record.status in ENDED:
        return record
    # Not back from 9 to 8, nor from 8 to 7; a stopping version may still complete.
    status = told.status if told.status in ENDED else max(record.status, told.status)
    begins = told.status == TrainingState.RUNNING and record.start_time is None
    return replace(
        record,
        status=int(status),
        start_time=told.at if begins else record.start_time,
        changed=told.at,
        epoch=told.epoch or record.epoch,
        epochs=told.epochs or record.epochs,
        loss=record.loss if told.loss is None else told.loss,
        validation_loss=record.validation_loss if told.validation_loss is None else told.validation_loss,
        metrics=told.metrics or record.metrics,
        endpoint=told.endpoint or record.endpoint,
        message=_shortened(told.message) if told.message else record.message,
        given=True,
        system_metrics=_bounded(told.system_metrics) or record.system_metrics,
        model_metrics=_bounded(told.model_metrics) or record.model_metrics,
        log_files=max(told.log_files, record.log_files),
        forecast_job_id=record.forecast_job_id if told.forecast_job_id is None else told.forecast_job_id,
    )


def check_stop(record: TrainingVersionRecord) -> None:
    """RejectedError where the version has ended (T-134)."""
    if record.status in ENDED:
        raise InvalidError(
            TrainingCode.FAILED_OPERATION,
            f"version {record.version_id} of job {record.job_id} has ended with status {record.status}",
        )


def stopping(record: TrainingVersionRecord) -> TrainingVersionRecord:
    """The row of a version whose trainer is told to stop it."""
    return replace(record, status=TrainingState.STOPPING)


def cancelled(record: TrainingVersionRecord, at: int) -> TrainingVersionRecord:
    """The row of a version that was stopped before any trainer was given it."""
    return replace(record, status=TrainingState.CANCELLED, changed=at)


def delete_failed(record: TrainingVersionRecord, at: int, message: str) -> TrainingVersionRecord:
    """The row of a version that could not be removed (T-137)."""
    return replace(record, status=TrainingState.DELETE_FAILED, changed=at, message=_shortened(message))


def unknown_version(job_id: int, version_id: int) -> RejectedError:
    """The refusal of what is asked about a version that the job has not (T-132)."""
    return NotFoundError(TrainingCode.FAILED_OPERATION, f"training job {job_id} has no version {version_id}")


def log_names(record: TrainingVersionRecord, workers: int) -> list[str]:
    """The logs of a version, one per worker (T-140); none before it has begun."""
    begun_already = record.log_files > 0 or record.start_time is not None
    return [f"{record.job_name}.{worker}" for worker in range(max(workers, record.log_files))] if begun_already else []


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST_METRICS else ""
