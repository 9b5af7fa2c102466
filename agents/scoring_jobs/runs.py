"""The trainer of scoring runs: each command is acknowledged when its run has come to its end."""

import asyncio
import time
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from faust.agents import Agent

from agents.scoring_jobs.pool import ScoringPool
from agents.scoring_jobs.preparing import FailedRunError, forget
from agents.scoring_jobs.run import score_dataset
from connectors.kafka.publisher import Record
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.scoring_jobs import EndScoringRun, ScoreDataset, ScoringRunStatus
from streams.engine.agents import agent_on
from streams.engine.deliveries import Delivery, deliver
from streams.engine.tries import GivenUpError, tried
from streams.errors import Code, InvalidError
from streams.messages import Event
from streams.runtime import TrainerRuntime
from streams.scoring_jobs import runs
from streams.telemetry.tracing import following

__all__ = ["attach"]


def attach(runtime: TrainerRuntime) -> Agent:
    """Register `run_scoring` on the trainer's app."""

    @agent_on(runtime.app, runtime.topics.scoring_runs, "run_scoring")
    async def run_scoring(stream: Any) -> None:
        """Begin commands in the order of the log; a command to end a run, which follows it, is seen meanwhile."""
        pool = ScoringPool(runtime.settings)
        work = partial(_tried, runtime, _Runs(runtime, pool))
        try:
            await deliver(runtime, "run_scoring", stream, partial(_decoded, runtime.codec), work)
        finally:
            await pool.close()

    agent: Agent = run_scoring
    return agent


def _decoded(codec: Codec, event: Event) -> ScoreDataset | EndScoringRun:
    command = codec.decode(event.message.value)
    if not isinstance(command, ScoreDataset | EndScoringRun):
        raise UndecodableError(f"a {type(command).__name__} on the topic of scoring runs")
    if event.message.key != command.run_id.encode():
        raise InvalidError(Code.WRONG_KEY, f"the record's key must be the run_id, {command.run_id[:80]}")
    if not runs.is_id(command.run_id):
        raise InvalidError(Code.INVALID_ID, f"run_id: found {command.run_id[:80]!r}, which is none of ours")
    return command


async def _tried(runtime: TrainerRuntime, scoring: "_Runs", delivery: Delivery, command: Any) -> None:
    async def handle() -> None:
        if isinstance(command, ScoreDataset):
            await scoring.score(delivery, command)
        else:
            await scoring.end(delivery, command)

    async def ended(_: Event, error: GivenUpError) -> None:
        if isinstance(command, ScoreDataset):
            await scoring.tell(command, runs.FAILED, reason=error.message)

    with following(delivery.event.message, "run_scoring"):
        await tried(runtime, "run_scoring", delivery.event, handle, ended, is_ours=delivery.is_ours)


class _Run:
    """What goes on for one run: its commands take turns; attempts can be ended by one that comes later."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.attempts: dict[Delivery, int] = {}


class _Runs:
    """The runs of this process. Calls come in the order of the log, and so are their effects on each run."""

    def __init__(self, runtime: TrainerRuntime, pool: ScoringPool) -> None:
        self._runtime = runtime
        self._pool = pool
        self._runs: WeakValueDictionary[str, _Run] = WeakValueDictionary()

    async def score(self, delivery: Delivery, command: ScoreDataset) -> None:
        """Score the data set; ends when the broker has the run's last status. A repeat tells the same."""
        run = self._runs.setdefault(command.run_id, _Run())
        run.attempts[delivery] = command.attempt
        try:
            async with run.turn:
                if await delivery.still_ours():
                    await self._score(delivery, command)
        finally:
            del run.attempts[delivery]

    async def _score(self, delivery: Delivery, command: ScoreDataset) -> None:
        settings = self._runtime.settings
        told = partial(self._said, command)
        await told(runs.RUNNING, 0, 0)
        try:
            rows, wrong = await score_dataset(self._runtime.store, settings.object_store_url, self._pool, command, told)
        except FailedRunError as error:
            if await delivery.still_ours():
                await self.tell(command, runs.FAILED, reason=str(error))
                await asyncio.to_thread(forget, self._runtime.store, command.job_name, command.run_id, result=True)
            return
        if await delivery.still_ours():
            await self.tell(command, runs.SUCCESS, rows, wrong)

    async def end(self, delivery: Delivery, command: EndScoringRun) -> None:
        """End attempts of a run, and remove what is not to be kept of them."""
        run = self._runs.setdefault(command.run_id, _Run())
        for attempt, number in list(run.attempts.items()):
            if number <= command.attempt:
                attempt.give_up()
        async with run.turn:
            if command.remove and await delivery.still_ours():
                await asyncio.to_thread(
                    forget, self._runtime.store, command.job_name, command.run_id, result=command.forget
                )

    async def _said(self, command: ScoreDataset, status: str, rows: int, wrong: int) -> None:
        await self.tell(command, status, rows, wrong)

    async def tell(
        self, command: ScoreDataset, status: str, rows: int = 0, wrong: int = 0, *, reason: str | None = None
    ) -> None:
        """Let the state know."""
        said = ScoringRunStatus(
            run_id=command.run_id,
            job_name=command.job_name,
            attempt=command.attempt,
            status=status,
            at=round(time.time() * 1000),
            rows=rows,
            wrong_rows=wrong,
            reason=reason,
        )
        topic, key = self._runtime.topics.scoring_run_status, command.job_name.encode()
        await self._runtime.publisher.send([Record(topic, key, self._runtime.codec.encode(said))])
