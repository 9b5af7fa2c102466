"""Applies what is commanded of visualization jobs, and stops them at their time."""

import asyncio
from dataclasses import replace

from agents.training.dispatch import Dispatch
from agents.training.rows import Rows
from schemas.training import (
    CreateVisualizationJob,
    DeleteVisualizationJob,
    RestartVisualizationJob,
    StopVisualizationJob,
    UpdateVisualizationJob,
)
from schemas.training_rows import VisualizationJobRecord
from streams import idempotency
from streams.codes.training import TrainingCode
from streams.errors import InvalidError
from streams.quotas.state import Quotas
from streams.repeats import check_repeat
from streams.training import visualizations as training_visualizations
from streams.training.jobs import check_description, key_of

__all__ = [
    "create_visualization",
    "delete_visualization",
    "restart_visualization",
    "stop_at_its_time",
    "stop_visualization",
    "update_visualization",
]

_Known = UpdateVisualizationJob | StopVisualizationJob | RestartVisualizationJob | DeleteVisualizationJob


async def create_visualization(
    _: Dispatch, rows: Rows, command: CreateVisualizationJob, at: int
) -> VisualizationJobRecord:
    """Keep it; a repeat finds it."""
    tables = rows.tables
    known = tables.visualization(command.project_id, command.job_id)
    if known is not None and known.command_id == command.command_id:
        check_repeat(command, known.digest, f"visualization job {known.job_id}")
        return known
    if known is not None:
        text = f"job_id: project {command.project_id} has a visualization job {command.job_id} already"
        raise InvalidError(TrainingCode.FAILED_OPERATION, text)
    record = training_visualizations.created(command, at=at)
    others = tables.visualizations_of(command.project_id)
    training_visualizations.check_new(
        record, others, most=Quotas.of(rows.state).most(command.project_id, "training_jobs")
    )
    return await _kept(rows, record)


async def update_visualization(
    _: Dispatch, rows: Rows, command: UpdateVisualizationJob, __: int
) -> VisualizationJobRecord:
    """Describe it anew."""
    record = _known(rows, command)
    check_description(command.job_desc)
    if record.job_desc != command.job_desc:
        record = await _kept(rows, replace(record, job_desc=command.job_desc))
    return record


async def stop_visualization(_: Dispatch, rows: Rows, command: StopVisualizationJob, at: int) -> VisualizationJobRecord:
    """Show nothing more."""
    record = _known(rows, command)
    training_visualizations.check_stop(record, at)
    return await _kept(rows, training_visualizations.stopped(record, at=at))


async def restart_visualization(
    _: Dispatch, rows: Rows, command: RestartVisualizationJob, at: int
) -> VisualizationJobRecord:
    """Show it again, for as long as it was made for."""
    record = _known(rows, command)
    training_visualizations.check_restart(record, at)
    return await _kept(rows, training_visualizations.started(record, at=at))


async def delete_visualization(
    _: Dispatch, rows: Rows, command: DeleteVisualizationJob, __: int
) -> VisualizationJobRecord:
    """1. its key, 2. the row."""
    record = _known(rows, command)
    await asyncio.to_thread(idempotency.free, rows.state.store, record.command_id)
    rows.check()
    await rows.tables.visualizations.delete(rows.partition, key_of(record.project_id, record.job_id))
    return record


async def stop_at_its_time(rows: Rows, record: VisualizationJobRecord, now: int) -> None:
    """Write what has stopped by itself; until then views see it by the time."""
    if record.until is not None and training_visualizations.is_over(record, now):
        await _kept(rows, training_visualizations.stopped(record, at=record.until))


def _known(rows: Rows, command: _Known) -> VisualizationJobRecord:
    record = rows.tables.visualization(command.project_id, command.job_id)
    if record is None:
        raise training_visualizations.unknown_visualization(command.project_id, command.job_id)
    if command.command_id == record.command_id:
        check_repeat(command, record.digest, f"visualization job {record.job_id}")
    return record


async def _kept(rows: Rows, record: VisualizationJobRecord) -> VisualizationJobRecord:
    rows.check()
    await rows.tables.visualizations.put(rows.partition, key_of(record.project_id, record.job_id), record)
    return record
