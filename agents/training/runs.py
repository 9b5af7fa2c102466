"""The trainer of what takes long: versions of training jobs, and models of many series of forecasting jobs."""

from functools import partial
from typing import Any

from faust.agents import Agent

from agents.deepar.pool import TrainingPool
from agents.deepar.together_runs import answer_together, refuse_together
from agents.training_runs.kinds import RunKinds
from agents.training_runs.version_runs import VersionRuns
from agents.user_code.folders import clear_runs
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.series import TrainTogether
from schemas.training import (
    DeleteTrainingJob,
    DeleteTrainingVersion,
    RunTrainingVersion,
    StopTrainingJob,
    TrainDeepAR,
)
from streams.checks import check_text
from streams.engine.agents import agent_on
from streams.engine.deliveries import Delivery, deliver
from streams.engine.tries import GivenUpError, tried
from streams.messages import Event
from streams.runtime import TrainerRuntime
from streams.telemetry.tracing import following

__all__ = ["attach"]

_OF_VERSIONS = TrainDeepAR | RunTrainingVersion | StopTrainingJob | DeleteTrainingVersion | DeleteTrainingJob


def attach(runtime: TrainerRuntime) -> Agent:
    """Register `run_training` on the trainer's app."""
    clear_runs(runtime.settings)

    @agent_on(runtime.app, runtime.topics.training_runs, "run_training")
    async def run_training(stream: Any) -> None:
        """Begin commands in the order of the log; a command to stop a training, which follows it, is seen meanwhile."""
        trainer = _Trainer(runtime)
        try:
            await deliver(runtime, "run_training", stream, partial(_decoded, runtime.codec), trainer.tried)
        finally:
            await trainer.close()

    agent: Agent = run_training
    return agent


def _decoded(codec: Codec, event: Event) -> Any:
    command = codec.decode(event.message.value)
    if not isinstance(command, _OF_VERSIONS | TrainTogether):
        raise UndecodableError(f"a {type(command).__name__} on the topic of trainings")
    if not isinstance(command, TrainTogether):
        check_text("command_id", command.command_id)
        check_text("project_id", command.project_id)  # key of whatever is told of the job
    return command


class _Trainer:
    """What the agent works with, as long as it runs."""

    def __init__(self, runtime: TrainerRuntime) -> None:
        self._runtime = runtime
        self._pool = TrainingPool(runtime.settings)
        self._kinds = RunKinds(runtime, self._pool)
        self._versions = VersionRuns(runtime)

    async def close(self) -> None:
        """End every process."""
        await self._versions.close()
        await self._pool.close()

    async def tried(self, delivery: Delivery, command: Any) -> None:
        """Answer a command, three times where that goes wrong; then what it is about fails."""

        async def refuse(event: Event, error: GivenUpError) -> None:
            if isinstance(command, TrainTogether):
                await refuse_together(self._runtime, event.message, command, error.message)
            elif isinstance(command, TrainDeepAR | RunTrainingVersion):
                await self._versions.refuse(self._kinds.of(command), error.message)

        answer = partial(self._answer, delivery, command)
        await tried(self._runtime, "run_training", delivery.event, answer, refuse, is_ours=delivery.is_ours)

    async def _answer(self, delivery: Delivery, command: Any) -> None:
        with following(delivery.event.message, "run_training"):
            match command:
                case TrainTogether():
                    with self._runtime.metrics.training(command.model_name):
                        await answer_together(self._runtime, self._pool, delivery.event.message, command)
                case TrainDeepAR() | RunTrainingVersion():
                    run = self._kinds.of(command, delivery.is_ours)
                    with self._runtime.metrics.training(run.what):
                        await self._versions.run(delivery, run)
                case StopTrainingJob() | DeleteTrainingVersion() | DeleteTrainingJob():
                    await self._versions.end(delivery, command)
