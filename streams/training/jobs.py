"""Training jobs as values: what may be asked for, and how a job's row moves forward (contract 002)."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import IntEnum
from typing import Final

from connectors.objects import layout
from models.deepar.config import DeepARConfig
from models.deepar.serving.inference_config import parse_text
from models.errors import RejectedInputError
from schemas.training import TrainDeepAR, TrainingStatus
from schemas.training_rows import TrainingJobRecord
from streams.checks import ID_LIMIT, check_kept, path_key
from streams.codes.training import TrainingCode
from streams.errors import InvalidError, NotFoundError, RejectedError
from streams.repeats import digest_of
from streams.rows.event_table import RecordTable

__all__ = [
    "ENDED",
    "INFERENCE_CONFIG",
    "LARGEST_STATUS",
    "LONGEST_TEXT",
    "TrainingState",
    "advanced",
    "begun",
    "check_new",
    "check_stop",
    "check_version",
    "first_version",
    "key_of",
    "of_project",
    "sent",
    "stopping",
    "unknown_job",
]

INFERENCE_CONFIG: Final = "DEEPAR_INFERENCE_CONFIG"
"""The label of a parameter that the endpoint is to have in its environment (contract D-054, D-060)."""
LONGEST_TEXT: Final = 65_536
"""Characters of all parameters together, and of the config that is kept: a row has to fit into a small record."""

_PROJECT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")  # no slash, which parts it from the job in a row's key
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")  # as the name of the endpoint
_LONGEST: Final = {"command_id": 200, "workspace_id": 64, "job_desc": 256, "train_url": 1024, "log_url": 1024}
_LONGEST_MESSAGE: Final = 2000  # characters; a message repeats what a line of the data says


class TrainingState(IntEnum):
    """The numbers of contract T-041 that a job here may have (T-042)."""

    INITIALISING = 1
    SUBMIT_FAILED = 5
    QUEUED = 7
    RUNNING = 8
    STOPPING = 9
    COMPLETED = 10
    FAILED = 11
    STOPPED = 12
    CANCELLED = 13
    LOST = 14


ENDED: Final = frozenset(
    (
        TrainingState.SUBMIT_FAILED,
        TrainingState.COMPLETED,
        TrainingState.FAILED,
        TrainingState.STOPPED,
        TrainingState.CANCELLED,
        TrainingState.LOST,
    )
)
LARGEST_STATUS: Final = 21
"""Contract T-041 has more numbers than are used here; a filter may name them."""
_TOLD: Final = ENDED | {TrainingState.QUEUED, TrainingState.RUNNING}  # what a trainer may say


def key_of(project_id: str, job_id: int) -> bytes:
    """The key of a job's row; it lies in the partition of its project."""
    return f"{project_id}/{job_id}".encode()


def of_project(table: RecordTable[TrainingJobRecord], project_id: str) -> list[TrainingJobRecord]:
    """All jobs of a project that this worker owns."""
    prefix = key_of(project_id, 0)[:-1]
    found = (table.get(key) for key in table.beginning_with(prefix))
    return [record for record in found if record is not None]


def first_version(job_id: int) -> tuple[int, str]:
    """Id and name of a job's first version. Ids of jobs are never minted twice, so this one is unique too (T-114)."""
    return job_id, "V0001"


def begun(command: TrainDeepAR, *, at: int, max_samples: int) -> TrainingJobRecord:
    """The row of a new job; RejectedError where the command asks for what cannot be.

    Whether its data is there is found out when it runs (T-071).
    """
    _check_names(command)
    config, unused = _checked(command.parameters, max_samples)
    version_id, version_name = first_version(command.job_id)
    return TrainingJobRecord(
        project_id=command.project_id,
        job_id=command.job_id,
        job_name=command.job_name,
        version_id=version_id,
        version_name=version_name,
        command_id=command.command_id,
        create_time=at,
        status=TrainingState.INITIALISING,
        data_url=command.data_url,
        parameters=command.parameters,
        job_desc=command.job_desc,
        workspace_id=command.workspace_id,
        train_url=command.train_url,
        log_url=command.log_url,
        epochs=config.epochs,
        config=command.config,
        note=_shortened(f"DeepAR has no use for: {', '.join(unused)}") if unused else None,
        digest=digest_of(command),
    )


def check_new(record: TrainingJobRecord, known: Iterable[TrainingJobRecord], *, most: int) -> None:
    """RejectedError where the project has a job of this name (T-084, T-085) or as many as it may have (T-105).

    Names are unique in the project, whatever the workspace, because an endpoint has the name of its job.
    """
    names = [other.job_name for other in known]
    if record.job_name in names:
        raise InvalidError(TrainingCode.NAME_TAKEN, f"Job name:{record.job_name} is existed")
    if len(names) >= most:
        raise InvalidError(
            TrainingCode.LIMIT_REACHED,
            f"the project has {len(names)} training jobs, the most there may be: delete some first",
        )


def sent(record: TrainingJobRecord, offset: int) -> TrainingJobRecord:
    """The row of a job that a trainer will find, or has begun already; `offset` is its command's."""
    begun = record.status != TrainingState.INITIALISING
    return replace(record, status=record.status if begun else TrainingState.QUEUED, run_offset=offset)


def advanced(record: TrainingJobRecord, told: TrainingStatus) -> TrainingJobRecord:
    """The row after what a trainer tells; itself where the job has ended. RejectedError where it cannot tell that."""
    if told.status not in _TOLD:
        raise InvalidError(TrainingCode.WRONG_PARAMETER, f"status {told.status} is none that a trainer may tell")
    if record.status in ENDED:
        return record
    # Not back from 9 to 8, nor from 8 to 7; a stopping job may still complete.
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
    )


def check_version(record: TrainingJobRecord, version_id: int) -> None:
    """RejectedError where the job has no such version (T-132)."""
    if record.version_id != version_id:
        text = f"training job {record.job_id} has no version {version_id}; its version is {record.version_id}"
        raise NotFoundError(TrainingCode.FAILED_OPERATION, text)


def check_stop(record: TrainingJobRecord, version_id: int) -> None:
    """RejectedError where there is no such version, or it has ended (T-134)."""
    check_version(record, version_id)
    if record.status in ENDED:
        raise InvalidError(
            TrainingCode.FAILED_OPERATION,
            f"version {version_id} of job {record.job_id} has ended with status {record.status}",
        )


def stopping(record: TrainingJobRecord) -> TrainingJobRecord:
    """The row of a job that is told to stop."""
    return replace(record, status=TrainingState.STOPPING)


def unknown_job(project_id: str, job_id: int) -> RejectedError:
    """The refusal of what is asked about a job that is not there."""
    return NotFoundError(TrainingCode.FAILED_OPERATION, f"project {project_id[:80]} has no training job {job_id}")


def _check_names(command: TrainDeepAR) -> None:
    if not _PROJECT.fullmatch(command.project_id):
        raise _wrong("project_id", f"found {command.project_id[:80]!r}, expected 1 to 64 of A-Z a-z 0-9 . _ -")
    if not 1 <= command.job_id <= ID_LIMIT:
        raise _wrong("job_id", f"found {command.job_id}, expected a whole number from 1 to {ID_LIMIT}")
    if not _NAME.fullmatch(command.job_name):
        raise _wrong("job_name", f"found {command.job_name[:80]!r}, expected 1 to 64 of A-Z a-z 0-9 _ -")
    for field, most in _LONGEST.items():
        if len(getattr(command, field)) > most:
            raise _wrong(field, f"expected at most {most} characters")
    if layout.is_own(path_key("data_url", command.data_url)):  # any other place is looked at when it runs (T-071)
        raise _wrong("data_url", f"found {command.data_url[:80]!r}, the service's own: PUT the file to /uploads/")
    for field, path in (("train_url", command.train_url), ("log_url", command.log_url)):
        if ".." in path.split("/"):
            raise _wrong(field, f"found {path[:80]!r}, expected a path without ..")
    _check_config(command.config)


def _check_config(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise _wrong("config", f"expected at most {LONGEST_TEXT} characters")
    try:
        kept = json.loads(text)
    except (ValueError, RecursionError):
        kept = None
    if not isinstance(kept, dict):
        raise _wrong("config", "expected a JSON object")
    try:
        check_kept(kept)
    except ValueError as error:
        raise _wrong("config", str(error)) from None


def _checked(parameters: Mapping[str, object], max_samples: int) -> tuple[DeepARConfig, tuple[str, ...]]:
    """What the parameters mean, and the labels of those that mean nothing here (T-075)."""
    if "" in parameters:
        raise _wrong("parameter", "a label is empty")
    if sum(len(label) + len(str(value)) for label, value in parameters.items()) > LONGEST_TEXT:
        raise _wrong("parameter", f"expected at most {LONGEST_TEXT} characters in all labels and values")
    settings = {label: value for label, value in parameters.items() if label != INFERENCE_CONFIG}
    asked = parameters.get(INFERENCE_CONFIG)
    try:
        if asked is not None and not isinstance(asked, str):
            raise _wrong(INFERENCE_CONFIG, "expected JSON as a text, with its quotation marks escaped")
        parse_text(asked, max_samples=max_samples)
        return DeepARConfig.from_hyper_parameters(settings)
    except RejectedInputError as error:
        raise _wrong("parameter", error.message) from None


def _wrong(field: str, text: str) -> RejectedError:
    return InvalidError(TrainingCode.WRONG_PARAMETER, f"{field}: {text}")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
