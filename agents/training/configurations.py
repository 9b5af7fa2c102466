"""Applies what is commanded of stored configurations."""

import asyncio

from agents.training.dispatch import Dispatch
from agents.training.rows import Rows
from schemas.training import CreateTrainingConfiguration, DeleteTrainingConfiguration, UpdateTrainingConfiguration
from schemas.training_rows import TrainingConfigurationRecord
from streams import idempotency
from streams.quotas.state import Quotas
from streams.repeats import check_repeat
from streams.training import configurations as training_configurations
from streams.training.configurations import key_of_configuration
from streams.training.limits import limits_of

__all__ = ["create_configuration", "delete_configuration", "update_configuration"]


async def create_configuration(
    _: Dispatch, rows: Rows, command: CreateTrainingConfiguration, at: int
) -> TrainingConfigurationRecord:
    """Keep it; a repeat finds it."""
    table, settings = rows.tables.configurations, rows.state.settings
    key = key_of_configuration(command.project_id, command.config_name)
    known = table.get(key)
    if known is not None and known.command_id == command.command_id:
        check_repeat(command, known.digest, f"training configuration {known.config_name}")
        return known
    record = training_configurations.created(command, limits_of(settings), at=at)
    names = [one.config_name for one in rows.tables.configurations_of(command.project_id)]
    training_configurations.check_new(
        record.config_name, names, most=Quotas.of(rows.state).most(command.project_id, "training_jobs")
    )
    rows.check()
    await table.put(rows.partition, key, record)
    return record


async def update_configuration(
    _: Dispatch, rows: Rows, command: UpdateTrainingConfiguration, __: int
) -> TrainingConfigurationRecord:
    """Change what is sent (decision 23); a repeat changes nothing more."""
    record = _known(rows, command)
    changed = training_configurations.updated(record, command, limits_of(rows.state.settings))
    if changed != record:
        rows.check()
        key = key_of_configuration(record.project_id, record.config_name)
        await rows.tables.configurations.put(rows.partition, key, changed)
    return changed


async def delete_configuration(
    _: Dispatch, rows: Rows, command: DeleteTrainingConfiguration, __: int
) -> TrainingConfigurationRecord:
    """1. its key, 2. the row."""
    record = _known(rows, command)
    await asyncio.to_thread(idempotency.free, rows.state.store, record.command_id)
    rows.check()
    key = key_of_configuration(record.project_id, record.config_name)
    await rows.tables.configurations.delete(rows.partition, key)
    return record


def _known(
    rows: Rows, command: UpdateTrainingConfiguration | DeleteTrainingConfiguration
) -> TrainingConfigurationRecord:
    key = key_of_configuration(command.project_id, command.config_name)
    record = rows.tables.configurations.get(key)
    if record is None:
        raise training_configurations.unknown_configuration(command.config_name)
    if command.command_id == record.command_id:
        check_repeat(command, record.digest, f"training configuration {record.config_name}")
    return record
