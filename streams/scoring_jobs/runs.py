"""Runs of scoring jobs: their statuses, what may be done with them, how a run's row moves forward (S-102 … S-108)."""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from schemas.scoring_jobs import (
    OperateScoringRun,
    ScoreDataset,
    ScoringJobRecord,
    ScoringRunRecord,
    ScoringRunStatus,
)
from streams.access.names import shown
from streams.checks import invalid_field
from streams.codes.scoring_jobs import ScoringJobsCode
from streams.errors import ConflictError, NotFoundError
from streams.repeats import digest_of

__all__ = [
    "ACTIVE",
    "CONTINUE",
    "DELETE",
    "FAILED",
    "MOST_KEPT",
    "OPERATIONS",
    "PAUSE",
    "PAUSED",
    "RUNNING",
    "STOP",
    "STOPPED",
    "SUCCESS",
    "begun",
    "check_operation",
    "duration",
    "failed",
    "free_name",
    "goes_on",
    "id_of",
    "is_id",
    "key_of",
    "operated",
    "order_for",
    "sent",
    "stale",
    "told",
    "unknown_run",
]

RUNNING: Final = "running"
PAUSED: Final = "paused"
SUCCESS: Final = "success"
FAILED: Final = "failed"
ACTIVE: Final = (RUNNING, PAUSED)

STOP: Final = "stop"
PAUSE: Final = "pause"
CONTINUE: Final = "continue"
DELETE: Final = "delete"
OPERATIONS: Final = (STOP, PAUSE, CONTINUE, DELETE)
STOPPED: Final = "stopped"
"""The reason of a run that was told to stop (S-104)."""

MOST_KEPT: Final = 1000
"""Runs of a job whose rows are kept: of one each minute the last sixteen hours."""

_FROM: Final[dict[str, Collection[str]]] = {
    STOP: ACTIVE,
    PAUSE: (RUNNING,),
    CONTINUE: (PAUSED,),
    DELETE: (RUNNING, PAUSED, SUCCESS, FAILED),
}
_ID: Final = re.compile(r"r-[0-9a-f]{20}")
_LONGEST_REASON: Final = 2000  # characters; a reason repeats what a library says


def id_of(job: ScoringJobRecord, what: str) -> str:
    """The id of the run that this command, or this time of the schedule, begins: a repeat begins the same run.

    Unique over all jobs, also over those that had the name before.
    """
    content = f"{job.name} {job.command_id} {what}".encode("utf-8", "surrogatepass")
    return f"r-{blake2b(content, digest_size=10).hexdigest()}"


def is_id(text: str) -> bool:
    """Whether it can be the id of a run: objects of the store are named by it."""
    return _ID.fullmatch(text) is not None


def key_of(job_name: str, run_id: str) -> bytes:
    """The key of a run's row, which lies in its job's partition; those of a job begin alike."""
    return f"{job_name}/{run_id}".encode()


def free_name(job: ScoringJobRecord, taken: Collection[str]) -> str:
    """The name of a run that was given none: the job's, with the first free number (S-100)."""
    number, name = job.runs + 1, shown(job.name)
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def begun(
    job: ScoringJobRecord, run_id: str, name: str, command: object, *, at: int, output_id: int, due: int | None = None
) -> ScoringRunRecord:
    """The row of a new run."""
    return ScoringRunRecord(
        run_id=run_id,
        name=name,
        job_name=job.name,
        command_id=getattr(command, "command_id", ""),
        created=at,
        attempt=1,
        status=RUNNING,
        begun=at,
        model_name=job.model_name,
        input_dataset=job.input_dataset,
        output_dataset=job.output_dataset,
        output_id=output_id,
        due=due,
        digest=digest_of(command),
    )


def order_for(run: ScoringRunRecord) -> ScoreDataset:
    """What a trainer is told."""
    return ScoreDataset(
        run_id=run.run_id,
        job_name=run.job_name,
        attempt=run.attempt,
        model_name=run.model_name,
        input_dataset=run.input_dataset,
        output_dataset=run.output_dataset,
        output_id=run.output_id,
    )


def check_operation(run: ScoringRunRecord, operation: str) -> None:
    """RejectedError where the run's status does not allow it (S-108)."""
    if operation not in OPERATIONS:
        raise invalid_field("type", f"found {operation[:40]!r}, expected one of {', '.join(OPERATIONS)} or result")
    if run.status not in _FROM[operation]:
        allowed = " or ".join(_FROM[operation])
        text = f"type: run {run.run_id} is {run.status}, {operation} is possible only where it is {allowed}"
        raise ConflictError(ScoringJobsCode.RUN_STATE, text)


def operated(run: ScoringRunRecord, command: OperateScoringRun, at: int) -> ScoringRunRecord:
    """The row of a run that is stopped, paused or continued."""
    run = replace(run, operation=command.command_id, operation_digest=digest_of(command))
    if command.operation == CONTINUE:
        return replace(run, status=RUNNING, begun=at, attempt=run.attempt + 1, offset=-1)
    run = replace(run, spent=duration(run, at), begun=at)
    if command.operation == PAUSE:
        return replace(run, status=PAUSED)
    return replace(run, status=FAILED, ended=at, reason=STOPPED)


def told(run: ScoringRunRecord, said: ScoringRunStatus) -> ScoringRunRecord:
    """The row after a trainer's word; itself where that comes too late, or says nothing new."""
    if said.attempt != run.attempt or run.status != RUNNING:
        return run
    rows = max(run.rows, said.rows)
    if said.status == RUNNING:
        known = (rows, said.wrong_rows) == (run.rows, run.wrong_rows)
        return run if known else replace(run, rows=rows, wrong_rows=said.wrong_rows)
    run = replace(run, rows=said.rows, wrong_rows=said.wrong_rows)
    if said.status == SUCCESS:
        return replace(run, status=SUCCESS, spent=duration(run, said.at), begun=said.at, ended=said.at)
    return failed(run, said.reason or "the trainer does not say why", said.at)


def failed(run: ScoringRunRecord, reason: str, at: int) -> ScoringRunRecord:
    """The row of a run that has come to its end without a result."""
    return replace(run, status=FAILED, spent=duration(run, at), begun=at, ended=at, reason=_shortened(reason))


def sent(run: ScoringRunRecord, offset: int) -> ScoringRunRecord:
    """The row once it is known where trainers find its command."""
    return replace(run, offset=offset)


def goes_on(run: ScoringRunRecord) -> bool:
    """Whether a trainer has it, or will when it is continued; else a worker ended before it told one."""
    return run.status == PAUSED or (run.status == RUNNING and run.offset >= 0)


def _shortened(reason: str | None) -> str | None:
    return f"{reason[:_LONGEST_REASON]}…" if reason is not None and len(reason) > _LONGEST_REASON else reason


def duration(run: ScoringRunRecord, now: int) -> int:
    """Milliseconds that it has run, which count up while it does (S-104)."""
    return run.spent + (max(0, now - run.begun) if run.status == RUNNING else 0)


def stale(runs: Iterable[ScoringRunRecord]) -> list[ScoringRunRecord]:
    """The runs of a job that are not kept any more."""
    ended = sorted((run for run in runs if run.status not in ACTIVE), key=lambda run: run.created)
    return ended[: max(0, len(ended) - MOST_KEPT)]


def unknown_run(name: str, run_id: str) -> NotFoundError:
    """What to raise where there is no such run."""
    of = f" with the id {run_id[:80]!r}" if run_id else ""
    text = f"runName: there is no run {name[:80]!r}{of}; GET /api/v1/runs lists those there are"
    return NotFoundError(ScoringJobsCode.UNKNOWN_RUN, text)
