"""The state of training jobs: applies their commands and follows their training."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from faust.agents import Agent

from agents.training.configurations import create_configuration, delete_configuration, update_configuration
from agents.training.dispatch import Dispatch
from agents.training.job_commands import create_job, delete_job, update_job
from agents.training.lost_commands import lost_commands
from agents.training.rows import Rows
from agents.training.tracking import track
from agents.training.upkeep import keep_up
from agents.training.versions import create_version, delete_version, stop_version
from agents.training.visualizations import (
    create_visualization,
    delete_visualization,
    restart_visualization,
    stop_visualization,
    update_visualization,
)
from connectors.kafka.topic_ends import TopicEnds
from schemas import training as said
from schemas.coding.wire import UndecodableError
from streams.command_edge import CommandTopic, handle_all
from streams.engine.agents import agent_on
from streams.engine.tenure import SupersededError
from streams.engine.transport import batches, come_again
from streams.engine.tries import GivenUpError, together
from streams.errors import Code, InvalidError
from streams.messages import Event, time_of
from streams.runtime import StateRuntime
from streams.training import versions as training_versions
from streams.training.states import ENDED, TrainingState

__all__ = ["attach"]

_Apply = Callable[[Dispatch, Rows, Any, int], Awaitable[Any]]
_HANDLERS: Final[Mapping[type, _Apply]] = {
    said.TrainDeepAR: create_job,
    said.CreateTrainingJob: create_job,
    said.UpdateTrainingJob: update_job,
    said.DeleteTrainingJob: delete_job,
    said.CreateTrainingVersion: create_version,
    said.StopTrainingJob: stop_version,
    said.DeleteTrainingVersion: delete_version,
    said.CreateTrainingConfiguration: create_configuration,
    said.UpdateTrainingConfiguration: update_configuration,
    said.DeleteTrainingConfiguration: delete_configuration,
    said.CreateVisualizationJob: create_visualization,
    said.UpdateVisualizationJob: update_visualization,
    said.StopVisualizationJob: stop_visualization,
    said.RestartVisualizationJob: restart_visualization,
    said.DeleteVisualizationJob: delete_visualization,
}


def _check_key(command: Any, key: bytes | None) -> None:
    if key != command.project_id.encode():
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the project_id, {command.project_id[:80]}")


_TOPIC = CommandTopic("training commands", tuple(_HANDLERS), _check_key)


def attach(state: StateRuntime) -> tuple[Agent, Agent]:
    """Register `orchestrate_training_jobs` and `track_training` on the state's app."""
    app, topics = state.app, state.topics
    dispatch = Dispatch(state)

    @agent_on(app, topics.training_commands, "orchestrate_training_jobs")
    async def orchestrate_training_jobs(stream: Any) -> None:
        """Apply commands, those of one project in their order, those of several projects side by side."""
        watches = (lost_commands(state, TopicEnds(state.bootstrap)).watch(), keep_up(state, dispatch))
        apply = partial(_apply, dispatch, state)
        await handle_all(state, "orchestrate_training_jobs", stream, _TOPIC, apply, _end, beside=watches)

    @agent_on(app, topics.training_status, "track_training")
    async def track_training(stream: Any) -> None:
        """Note in the rows how far the trainings are, and let the next begin where one has ended."""
        async for events in batches(app, stream):
            state.metrics.observe_batch("track_training", len(events))
            try:
                await together(state, "track_training", events, partial(track, state, dispatch))
            except SupersededError:
                come_again(events)

    return orchestrate_training_jobs, track_training


async def _apply(dispatch: Dispatch, state: StateRuntime, event: Event, command: Any) -> Any:
    """Apply one command; what its sender may show of what it was about."""
    rows = Rows.of(state, event)
    rows.check()
    if (job_id := getattr(command, "job_id", None)) is not None:
        await asyncio.gather(*rows.take_up(command.project_id, job_id))
    return await _HANDLERS[type(command)](dispatch, rows, command, time_of(event.message))


async def _end(state: StateRuntime, event: Event, error: GivenUpError) -> None:
    """1. a version that no trainer knows of fails, one that could not be removed says so, 2. the sender is told."""
    try:
        command = state.codec.decode(event.message.value)
    except UndecodableError:
        return
    rows, at = Rows.of(state, event), time_of(event.message)
    if isinstance(command, said.TrainDeepAR | said.CreateTrainingJob | said.CreateTrainingVersion):
        for version in rows.tables.versions_of(command.project_id, command.job_id):
            ours = version.command_id == command.command_id and not version.given
            if ours and version.status == TrainingState.INITIALISING:
                told = said.TrainingStatus(
                    version.project_id, version.job_id, version.version_id, TrainingState.FAILED, at,
                    message=error.message, project=version.project,
                )  # fmt: skip
                await rows.put_version(training_versions.advanced(version, told))
    elif isinstance(command, said.DeleteTrainingVersion):
        found = rows.tables.version(command.project_id, command.job_id, command.version_id)
        if found is not None and (found.status in ENDED or not found.given):
            await rows.put_version(training_versions.delete_failed(found, at, error.message))
    state.waiters.refused(command.command_id, error)
