"""Gives versions to trainers again whose commands are gone from the log: see `streams.rows.lost_commands`."""

from collections.abc import Iterator
from dataclasses import replace

import structlog

from connectors.kafka.publisher import Record, partition_for
from connectors.kafka.topic_ends import TopicEnds
from schemas.training import RunTrainingVersion, StopTrainingJob
from schemas.training_rows import TrainingVersionRecord
from streams.engine.tenure import may_write
from streams.rows.lost_commands import LostCommands, Starts
from streams.runtime import StateRuntime
from streams.training.state import TrainingJobsState
from streams.training.states import ENDED, TrainingState
from streams.training.versions import key_of_version, run_of

__all__ = ["lost_commands"]

log = structlog.get_logger(__name__)


def lost_commands(state: StateRuntime, ends: TopicEnds) -> LostCommands:
    """What watches over the commands that trainers find of versions."""
    partitions, table = state.topics.partitions, TrainingJobsState.of(state).versions

    async def look_at_rows(place: int, generation: int, starts: Starts) -> bool:
        for project_id in table.projects_with_open():
            if partition_for(project_id.encode(), partitions) != place:
                continue
            for record in table.open_of(project_id):
                if not may_write(state.app, generation):
                    return False
                partition = partition_for(b"%d" % record.job_id, partitions)
                lost = starts.are_behind(partition, record.run_offset, record.create_time)
                if record.given and lost and record.status not in ENDED:
                    await _send_again(state, record, place, generation)
        return True

    return LostCommands(
        state,
        ends,
        commands=(state.topics.training_runs,),
        answers=state.topics.training_status,
        look_at_rows=look_at_rows,
    )


async def _send_again(state: StateRuntime, record: TrainingVersionRecord, place: int, generation: int) -> None:
    """A training that goes on takes no harm: it is found under its id."""
    of = record.project_id, record.job_id, record.version_id
    log.warning("training_lost", project_id=of[0], job_id=of[1], version_id=of[2])
    placed = await state.publisher.send_placed(
        [
            Record(state.topics.training_runs, b"%d" % record.job_id, state.codec.encode(command))
            for command in _commands_of(record)
        ]
    )
    tables = TrainingJobsState.of(state)
    current = tables.version(*of)
    if current is not None and may_write(state.app, generation):
        offset = min(placed.values(), default=-1)
        await tables.versions.put(place, key_of_version(*of), replace(current, run_offset=offset))


def _commands_of(record: TrainingVersionRecord) -> Iterator[RunTrainingVersion | StopTrainingJob]:
    """What a trainer has to know of a version; all commands about a job have one key, so they come in this order."""
    yield run_of(record)
    if record.status == TrainingState.STOPPING:
        yield StopTrainingJob(
            f"{record.command_id}-stop", record.project_id, record.job_id, record.version_id, record.project
        )
