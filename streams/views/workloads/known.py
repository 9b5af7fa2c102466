"""Workloads that this worker has rows of: versions of training jobs, runs of clients, runs of scoring jobs (M-012).

They are workloads before their first point: whoever watches a training may begin before it does.
"""

from collections.abc import Sequence
from typing import Any, Final

from schemas.scoring_jobs import ScoringRunRecord
from schemas.tracking import TrackedRun
from schemas.training_rows import TrainingVersionRecord
from streams.access import names
from streams.access.caller import caller
from streams.runtime import StateRuntime
from streams.scoring_jobs.state import ScoringJobsState
from streams.tracking.runs import summary_of
from streams.tracking.state import TrackingState
from streams.training.earlier import version_of
from streams.training.state import TrainingJobsState
from streams.training.versions import workload_of
from streams.workloads.producers import Kind, WorkloadStatus, training_status

__all__ = ["Known", "known_workloads", "shown_workload"]

Known = TrainingVersionRecord | TrackedRun | ScoringRunRecord
_RUNS: Final = {
    "success": WorkloadStatus.SUCCEEDED,
    "failed": WorkloadStatus.FAILED,
    "paused": WorkloadStatus.PAUSED,
    "running": WorkloadStatus.RUNNING,
}


def known_workloads(state: StateRuntime) -> Sequence[Known]:
    """The rows that this worker has of the caller's project; to be called in the event loop, where rows change."""
    project = caller().project
    found: list[Known | None] = []
    if TrainingJobsState in state.parts:
        tables = TrainingJobsState.of(state)
        found += tables.versions.group(b"")
        found += map(version_of, tables.earlier())
    if TrackingState in state.parts:
        runs = TrackingState.of(state).runs
        found += map(runs.get, runs.keys())
    if ScoringJobsState in state.parts:
        found += ScoringJobsState.of(state).all_runs()
    return [row for row in found if row is not None and _project_of(row) == project and not _is_deleted(row)]


def _project_of(row: Known) -> str:
    match row:
        case TrainingVersionRecord():
            return row.project
        case TrackedRun():
            return names.project_of(row.workload_uid)
        case ScoringRunRecord():
            return names.project_of(row.job_name)


def _is_deleted(row: Known) -> bool:
    return isinstance(row, TrackedRun) and row.deleted


def shown_workload(row: Known) -> dict[str, Any]:
    """As the list of workloads has it."""
    match row:
        case TrainingVersionRecord():
            return {
                "workload_uid": workload_of(row.job_id, row.version_id),
                "name": f"{row.job_name} {row.version_name}",
                "kind": Kind.TRAINING,
                "status": training_status(row.status),
                "create_time": row.create_time,
            }
        case TrackedRun():
            return {"workload_uid": names.shown(row.workload_uid), **summary_of(row)}
        case ScoringRunRecord():
            return {
                "workload_uid": f"run-{row.run_id}",
                "name": row.name,
                "kind": Kind.RUN,
                "status": _RUNS.get(row.status, WorkloadStatus.UNKNOWN),
                "create_time": row.created,
            }
