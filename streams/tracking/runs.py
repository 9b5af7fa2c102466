"""The rules of runs: how their workloads are called, what may be said of them, what comes of it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final

from schemas.tracking import TrackedRun, TrackRun
from streams.access.names import shown
from streams.checks import check_moment, check_text, invalid_field
from streams.codes.tracking import TrackingCode
from streams.errors import ConflictError, NotFoundError, RejectedError, TooLargeError

__all__ = ["CLIENTS", "STATUSES", "begun", "changed", "check_run", "check_texts", "summary_of", "uid_of", "unknown_run"]

CLIENTS: Final = ("wandb", "mlflow")
_WORKLOAD_STATUSES: Final = {
    "running": "running",
    "scheduled": "running",
    "finished": "succeeded",
    "failed": "failed",
    "killed": "stopped",
}
STATUSES: Final = tuple(_WORKLOAD_STATUSES)
_IN_UID: Final = re.compile(r"[A-Za-z0-9._:-]{1,124}")
_LONGEST_NAME: Final = 500  # characters of names of runs, experiments and users
_LONGEST_KEY: Final = 250  # characters of the name of a parameter or tag, as MLflow's own store has it
_LONGEST_TEXT: Final = 8000  # characters of its value; likewise
_LARGEST: Final = 256 * 1024  # characters of all parameters and tags of a run: its row is one record


def uid_of(run_id: str) -> str:
    """The workload that the points of a run are of: `run-` and its id, changed where no uid can have it."""
    if _IN_UID.fullmatch(run_id):
        return f"run-{run_id}"
    plain = re.sub(r"[^A-Za-z0-9._:-]", "_", run_id)[:100]
    return f"run-{plain}-{blake2b(run_id.encode('utf-8', 'surrogatepass'), digest_size=6).hexdigest()}"


def check_run(command: TrackRun) -> None:
    """RejectedError where nothing of a run can be so."""
    check_text("run_id", command.run_id)
    if not command.run_id or shown(command.workload_uid) != uid_of(command.run_id):
        raise invalid_field("workload_uid", f"expected the one that follows from the run_id, {uid_of(command.run_id)}")
    if command.client not in CLIENTS:
        raise invalid_field("client", f"found {command.client[:40]!r}, expected one of {', '.join(CLIENTS)}")
    if command.status is not None and command.status not in STATUSES:
        raise invalid_field("status", f"found {command.status[:40]!r}, expected one of {', '.join(STATUSES)}")
    for field in ("experiment_id", "experiment", "name", "user"):
        check_text(field, getattr(command, field) or "", longest=_LONGEST_NAME)
    check_moment("start_time", command.start_time)
    check_moment("end_time", command.end_time)
    check_texts("params", command.params)
    check_texts("tags", command.tags)


def check_texts(field: str, texts: Mapping[str, str]) -> None:
    """RejectedError where these parameters or tags are more than can be kept."""
    for key, text in texts.items():
        if not 1 <= len(key) <= _LONGEST_KEY:
            raise invalid_field(field, f"a key has {len(key)} characters, expected 1 to {_LONGEST_KEY}")
        if len(text) > _LONGEST_TEXT:
            raise invalid_field(
                field, f"the value of {key[:80]!r} has {len(text)} characters, at most {_LONGEST_TEXT} are kept"
            )
    _check_size(field, texts)


def _check_size(field: str, *texts: Mapping[str, str]) -> None:
    size = sum(len(key) + len(text) for some in texts for key, text in some.items())
    if size > _LARGEST:
        raise TooLargeError(
            TrackingCode.RUN_TOO_LARGE, f"{field}: {size} characters in all, at most {_LARGEST} are kept: send less"
        )


def begun(command: TrackRun, *, at: int) -> TrackedRun:
    """The row of a run that was not known; RejectedError unless the command begins one."""
    if not command.begin:
        raise unknown_run(command.run_id)
    return TrackedRun(
        command.workload_uid,
        command.run_id,
        command.client,
        command.experiment_id,
        command.experiment,
        command.name or command.run_id,
        command.user or "",
        command.status or "running",
        at,
        at if command.start_time is None else command.start_time,
        command.end_time,
        bool(command.deleted),
        dict(command.params),
        dict(command.tags),
    )


def changed(run: TrackedRun, command: TrackRun) -> TrackedRun:
    """The row after a command; said twice, it comes to the same. RejectedError where it speaks of another run."""
    other = command.begin and (command.client, command.experiment) != (run.client, run.experiment)
    if run.run_id != command.run_id or other:
        raise ConflictError(
            TrackingCode.OTHER_RUN,
            f"run id {command.run_id[:80]!r} is that of a run of {run.client} in {run.experiment[:80]!r}, and all "
            "projects share the ids: choose another one",
        )
    for key, text in command.params.items():
        if run.params.get(key, text) != text:
            raise ConflictError(
                TrackingCode.PARAMETER_EXISTS,
                f"parameter {key[:80]!r} is {run.params[key][:80]!r} already, and parameters do not change: use "
                "another name",
            )
    params, tags = {**run.params, **command.params}, {**run.tags, **command.tags}
    _check_size("params and tags", params, tags)
    return replace(
        run,
        name=run.name if command.name is None else command.name,
        user=run.user if command.user is None else command.user,
        status=run.status if command.status is None else command.status,
        start_time=run.start_time if command.start_time is None or command.begin else command.start_time,
        end_time=run.end_time if command.end_time is None else command.end_time,
        deleted=run.deleted if command.deleted is None else command.deleted,
        params=params,
        tags=tags,
    )


def unknown_run(run_id: str) -> RejectedError:
    """What to raise where there is no run of this id."""
    return NotFoundError(TrackingCode.UNKNOWN_RUN, f"there is no run {run_id[:80]!r}: begin it, or name another one")


def summary_of(run: TrackedRun) -> dict[str, Any]:
    """What GET /api/v1/workloads tells of the run beside its uid (M-011), in that list's words."""
    return {
        "name": run.name,
        "kind": f"{run.client}-run",
        "status": _WORKLOAD_STATUSES[run.status],
        "create_time": run.start_time,
    }
