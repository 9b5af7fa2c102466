"""Sends training jobs again whose commands are gone from the log: see `streams.rows.lost_commands`."""

from collections.abc import Iterator
from dataclasses import replace

import structlog

from connectors.kafka.publisher import Record, partition_for
from connectors.kafka.topic_ends import TopicEnds
from schemas.training import StopTrainingJob, TrainDeepAR
from schemas.training_rows import TrainingJobRecord
from streams.engine.tenure import may_write
from streams.rows.lost_commands import LostCommands, Starts
from streams.runtime import StateRuntime
from streams.training.jobs import ENDED, TrainingState, key_of
from streams.training.state import TrainingJobsState

__all__ = ["lost_commands"]

log = structlog.get_logger(__name__)


def lost_commands(state: StateRuntime, ends: TopicEnds) -> LostCommands:
    """What watches over the commands that trainers find of training jobs."""
    partitions, table = state.topics.partitions, TrainingJobsState.of(state).jobs

    async def look_at_rows(place: int, generation: int, starts: Starts) -> bool:
        for key in table.keys():  # noqa: SIM118 - it is no mapping
            record = table.get(key)
            if record is None or record.status in ENDED:
                continue
            if partition_for(record.project_id.encode(), partitions) != place:
                continue
            if not may_write(state.app, generation):
                return False
            start, at = starts.of[0][partition_for(b"%d" % record.job_id, partitions)], record.run_offset
            if 0 <= at < start or (at < 0 < start and record.create_time < starts.before):
                await _send_again(state, record, place, generation)
        return True

    return LostCommands(
        state.app,
        ends,
        partitions=partitions,
        retention_days=state.settings.event_retention_days,
        commands=(state.topics.training_runs,),
        answers=state.topics.training_status,
        look_at_rows=look_at_rows,
    )


async def _send_again(state: StateRuntime, record: TrainingJobRecord, place: int, generation: int) -> None:
    """A training that goes on takes no harm: it is found under its id."""
    key = key_of(record.project_id, record.job_id)
    log.warning("training_lost", project_id=record.project_id, job_id=record.job_id)
    placed = await state.publisher.send_placed(
        [
            Record(state.topics.training_runs, b"%d" % record.job_id, state.codec.encode(command))
            for command in _commands_of(record)
        ]
    )
    table = TrainingJobsState.of(state).jobs
    current = table.get(key)
    if current is not None and may_write(state.app, generation):
        offset = min(placed.values(), default=-1)
        await table.put(place, key, replace(current, run_offset=offset))


def _commands_of(record: TrainingJobRecord) -> Iterator[TrainDeepAR | StopTrainingJob]:
    """What a trainer has to know of a job; all commands about it have one key, so they come in this order."""
    yield TrainDeepAR(
        command_id=record.command_id,
        project_id=record.project_id,
        job_id=record.job_id,
        job_name=record.job_name,
        data_url=record.data_url,
        parameters=record.parameters,
        job_desc=record.job_desc,
        workspace_id=record.workspace_id,
        train_url=record.train_url,
        log_url=record.log_url,
        config=record.config,
    )
    if record.status == TrainingState.STOPPING:
        yield StopTrainingJob(f"{record.command_id}-stop", record.project_id, record.job_id, record.version_id)
