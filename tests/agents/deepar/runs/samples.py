"""Commands, what a trainer has said of them, and a pool that computes nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import pytest
from faust.types import TP

from agents.deepar.job_calls import Begun, EpochDone, Trained, TrainingRun
from agents.training import runs as training_runs
from agents.versions.outcomes import checkpoint_key
from connectors.kafka.publisher import Record
from connectors.objects import endpoints
from connectors.objects.endpoints import Endpoint, UnknownEndpointError
from models.deepar.artefact import dump
from schemas.training import DeleteTrainingJob, StopTrainingJob, TrainDeepAR, TrainingStatus
from schemas.workloads import MetricPoint
from streams.engine.lanes import Offsets
from tests.acceptance.deepar import artefact
from tests.agents.bench import CODEC, Worker, stopped

__all__ = [
    "CHECKPOINT",
    "DELETE",
    "FACTS",
    "JOB",
    "MODEL",
    "NAME",
    "PARAMETERS",
    "PROJECT",
    "STOP",
    "TRAIN",
    "WITHIN_S",
    "Agent",
    "FakePool",
    "consume",
    "endpoint",
    "epochs",
    "number_of",
    "outcomes",
    "points",
    "pool_of_trainers",
    "put_endpoint",
    "redelivered",
    "sent",
    "statuses",
]

PROJECT, JOB, NAME = "p1", 7, "sales"
PARAMETERS = {"time_freq": "D", "prediction_length": "3", "epochs": 40, "likelihood": "gaussian"}
TRAIN = TrainDeepAR("c-1", PROJECT, JOB, NAME, "/uploads/sales.jsonl", PARAMETERS)
DELETE = DeleteTrainingJob("c-2", PROJECT, JOB)
STOP = StopTrainingJob("c-3", PROJECT, JOB, JOB)
FACTS = {
    "epochs": 40,
    "best_epoch": 31,
    "loss": 1.5,
    "validation_loss": 1.75,
    "series": 3,
    "metrics": {"RMSE": 2.5, "ND": None},
}
MODEL = dump(replace(artefact(epochs=40), facts=FACTS))
CHECKPOINT = checkpoint_key(PROJECT, JOB)
WITHIN_S = 20.0


def pool_of_trainers(monkeypatch: pytest.MonkeyPatch) -> "FakePool":
    """The pool of whatever trainer the test makes."""
    pool = FakePool()
    monkeypatch.setattr(training_runs, "TrainingPool", lambda *_: pool)
    return pool


class FakePool:
    """Does what the test says instead of training; `asked` is what was to be trained."""

    def __init__(self) -> None:
        self.asked: list[TrainingRun] = []
        self.limits: list[float] = []
        self.ended: list[TrainingRun] = []
        self.cancelled = 0
        self.closed = False
        self.gate: asyncio.Event | None = None
        self.slow_end = asyncio.Event()
        self.slow_end.set()
        self.reports: list[Any] = [Begun(40, 1000)]
        self.answers: list[Any] = []

    async def compute(
        self, argument: Any, owner: Any, *, limit_s: float, on_report: Any = None, on_ended: Any = None
    ) -> Any:
        del owner
        self.asked.append(argument)
        self.limits.append(limit_s)
        try:
            for report in self.reports:
                on_report(report)
                await asyncio.sleep(0.001)
            self.ended.append(on_ended())
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            await self.slow_end.wait()
            raise
        answer = self.answers.pop(0) if self.answers else Trained(MODEL)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


class Agent:
    """The agent at work, fed while it is."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.task = worker.start(worker.runtime.topics.training_runs)

    def feed(self, message: Any) -> Any:
        """Let a message arrive."""
        app = self.worker._app
        app.consumer._offsets.setdefault(message.tp, Offsets()).outstanding.append(message.offset)
        message.refcount = 1
        self.task.queue.force_put_nowait(app.create_event(message.key, message.value, [], message))
        return message

    def command(self, event: Any) -> Any:
        """Let a command arrive."""
        return self.feed(sent(self.worker, event))

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; the agent's error, if it ends."""
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                await asyncio.sleep(0.002)
                if self.task.done():
                    await self.task

    async def settled(self) -> None:
        """Nothing is left to do."""
        await self.worker.settled(self.task)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await stopped(self.task)


def sent(worker: Worker, event: Any) -> Any:
    """The next message of the topic."""
    key = b"%d" % getattr(event, "job_id", 0)
    return worker.message(worker.runtime.topics.training_runs, key, event)


async def consume(worker: Worker, *events: Any) -> list[Any]:
    """Let commands arrive together, until nothing is left to do; their messages."""
    messages = [sent(worker, event) for event in events]
    await worker.consume(worker.runtime.topics.training_runs, *messages)
    return messages


def statuses(worker: Worker) -> list[TrainingStatus]:
    """What was told."""
    found: list[TrainingStatus] = worker.events(worker.runtime.topics.training_status)
    return found


def outcomes(worker: Worker) -> list[TrainingStatus]:
    """What was told of ends."""
    return [status for status in statuses(worker) if status.status != 8]


def points(worker: Worker) -> list[MetricPoint]:
    """The metric points that were sent."""
    found: list[MetricPoint] = worker.events(worker.runtime.topics.metrics)
    return found


def endpoint(worker: Worker, name: str = NAME) -> Endpoint | None:
    """The endpoint, if there is one."""
    try:
        return endpoints.load(worker.runtime.store, name)
    except UnknownEndpointError:
        return None


def epochs(*numbers: int) -> list[EpochDone]:
    """Epochs that are done."""
    return [EpochDone(number, 40, number / 2, number / 4, 1000 + number) for number in numbers]


def put_endpoint(worker: Worker, *, project_id: str = PROJECT, job_id: int = JOB) -> None:
    """An endpoint of the job's name, of whatever job."""
    made = Endpoint(
        NAME, "V0001", endpoints.model_key(NAME, "V0001"), project_id, job_id, "D", 3, 5, None, 0, "gaussian", 6, 2, 5
    )
    endpoints.publish(worker.runtime.store, made, MODEL)


def redelivered(message: Any) -> Any:
    """The message as the next assignment brings it."""
    return type(message)(
        message.topic,
        message.partition,
        message.offset,
        message.timestamp,
        message.timestamp_type,
        message.headers,
        message.key,
        message.value,
        None,
        tp=TP(message.topic, message.partition),
        generation_id=message.generation_id + 1,
    )


def number_of(record: Record) -> int:
    """The status that a record tells."""
    number: int = CODEC.decode(record.value).status
    return number
