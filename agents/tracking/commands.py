"""Applies the commands about experiments and runs."""

from functools import partial
from typing import Any

from faust.agents import Agent

from schemas.tracking import CreateExperiment, ExperimentRecord, TrackedRun, TrackRun
from streams.command_edge import CommandTopic, handle_all
from streams.engine.agents import agent_on
from streams.engine.tenure import check_writer
from streams.errors import Code, InvalidError
from streams.messages import Event, time_of
from streams.runtime import StateRuntime
from streams.tracking import experiments, runs
from streams.tracking.state import TrackingState

__all__ = ["attach"]

_Command = CreateExperiment | TrackRun


def _check_key(command: _Command, key: bytes | None) -> None:
    name = command.workload_uid if isinstance(command, TrackRun) else command.experiment_id
    if key != name.encode():
        field = "workload_uid" if isinstance(command, TrackRun) else "experiment_id"
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the {field}, {name[:80]}")


_TOPIC = CommandTopic("tracking commands", (CreateExperiment, TrackRun), _check_key)


def attach(state: StateRuntime) -> Agent:
    """Register `track_runs` on the state's app."""

    @agent_on(state.app, state.topics.tracking_commands, "track_runs")
    async def track_runs(stream: Any) -> None:
        """Apply commands, those of one run in their order, those of several side by side."""
        await handle_all(state, "track_runs", stream, _TOPIC, partial(_apply, state))

    agent: Agent = track_runs
    return agent


async def _apply(state: StateRuntime, event: Event, command: _Command) -> ExperimentRecord | TrackedRun:
    """Apply one command; the row that it was about, as its sender may show it."""
    check_writer(state.app, event)
    rows, partition, at = TrackingState.of(state), event.message.partition, time_of(event.message)
    if isinstance(command, CreateExperiment):
        experiments.check_new(command)
        key = experiments.key_of(command.experiment_id)
        experiment = experiments.begun(command, rows.experiments.get(key), at=at)
        await rows.experiments.put(partition, key, experiment)
        return experiment
    runs.check_run(command)
    key = command.workload_uid.encode()
    known = rows.runs.get(key)
    run = runs.begun(command, at=at) if known is None else runs.changed(known, command)
    if run != known:
        await rows.runs.put(partition, key, run)
    return run
