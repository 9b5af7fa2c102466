"""The trainer of what takes long: versions of training jobs, and models of many series of forecasting jobs."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

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
from streams.engine.deliveries import Deliveries, Delivery
from streams.engine.transport import open_batches
from streams.engine.tries import GivenUpError, tried
from streams.errors import RejectedError
from streams.messages import Event
from streams.runtime import TrainerRuntime
from streams.telemetry.logs import speaking_of
from streams.telemetry.tracing import following

__all__ = ["attach"]

_OPEN_COMMANDS: Final = 1000  # of which most wait: each is a task, and behind the last one no stop would be seen
_OF_VERSIONS = TrainDeepAR | RunTrainingVersion | StopTrainingJob | DeleteTrainingVersion | DeleteTrainingJob


def attach(runtime: TrainerRuntime) -> Agent:
    """Register `run_training` on the trainer's app."""
    app = runtime.app
    clear_runs(runtime.settings)

    @agent_on(app, runtime.topics.training_runs, "run_training")
    async def run_training(stream: Any) -> None:
        """Begin commands in the order of the log; each is acknowledged when it has come to its end.

        A training may take a day. A command to stop it, which follows it in the log, is seen meanwhile.
        """
        trainer, deliveries = _Trainer(runtime), Deliveries(app)
        watch = asyncio.create_task(deliveries.watch())
        try:
            async for batch in open_batches(app, stream, 1, max_open=_OPEN_COMMANDS):
                event = batch.events[0]
                runtime.metrics.observe_batch("run_training", 1)
                try:
                    command = await asyncio.to_thread(_decoded, runtime.codec, event.message.value)
                except (UndecodableError, RejectedError) as error:
                    batch.ack_when(runtime.publisher.send_nowait([runtime.dead_letter(event.message, error)]))
                    continue

                def work(delivery: Delivery, command: Any = command) -> Coroutine[Any, Any, None]:
                    return trainer.tried(delivery, command)

                with speaking_of(event.message, command):  # the task has it for as long as it runs
                    batch.ack_when(deliveries.begin(event, work))
        finally:
            watch.cancel()
            deliveries.close()
            await trainer.close()

    return run_training


def _decoded(codec: Codec, value: bytes | None) -> Any:
    command = codec.decode(value)
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
