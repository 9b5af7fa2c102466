"""The trainer: every TrainSeries command is answered with exactly one SeriesResult, a forecast or an error."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from faust.agents import Agent
from mode.supervisors import CrashingSupervisor

from agents.offload import Offload, is_heavy, running_offload
from agents.series_answers import AnswerWriter
from agents.series_requests import Accepted, accepted
from connectors.publisher import Record
from models.batch import SeriesAnswer, SeriesRequest, forecast_batch
from schemas.codec import Codec
from schemas.commands import TrainSeries
from schemas.wire import UndecodableError
from streams.runtime import TrainerRuntime
from streams.tracing import batch_of
from streams.transport import open_batches

__all__ = ["answer_commands", "answer_messages", "attach"]

_OPEN_BATCHES = 8  # more than partitions in the usual case, and few enough to start again after a crash
# Slow series that are published together: so few that progress is seen, so many that networks are trained together.
# A search takes as long as many trainings, and nothing is shared between two.
_TOGETHER, _SEARCHES = 64, 4


def attach(runtime: TrainerRuntime) -> Agent:
    """Register `train_series` on the trainer's app."""
    app, settings = runtime.app, runtime.settings

    @app.agent(
        app.topic(runtime.topics.series_commands, value_serializer="raw", internal=True),
        name="train_series",
        supervisor_strategy=CrashingSupervisor,
    )
    async def train_series(stream: Any) -> None:
        """Answer batches: 1. compute, 2. publish, 3. acknowledge the input once the broker has the output.

        Several batches are open at a time, so that quick series behind slow ones need not wait for them.
        """
        async with running_offload(settings) as offload:
            async for batch in open_batches(app, stream, settings.batch_size, max_open=_OPEN_BATCHES):
                messages = [event.message for event in batch.events]
                batch.ack_when(asyncio.ensure_future(answer_messages(runtime, offload, messages)))

    return train_series


async def answer_messages(runtime: TrainerRuntime, offload: Offload, messages: Sequence[Any]) -> None:
    """Answer a batch in parts: the quick series together, the others as they are done; ends when the broker has all."""
    with batch_of("train_series", messages):
        await _answer_parts(runtime, offload, messages)


async def _answer_parts(runtime: TrainerRuntime, offload: Offload, messages: Sequence[Any]) -> None:
    records, rest = await offload.beside(_answer_quick, runtime, messages)
    slow = [item for item in rest if item.command.search is None]
    searches = [item for item in rest if item.command.search is not None]
    parts = [*_parts(slow, _TOGETHER), *_parts(searches, _SEARCHES)]
    await asyncio.gather(runtime.publisher.send(records), *(_answer_part(runtime, offload, part) for part in parts))


def _answer_quick(runtime: TrainerRuntime, messages: Sequence[Any]) -> tuple[list[Record], list[Accepted]]:
    """All records of quick series and of what is no command, and the commands that take longer.

    One call in one thread: several would only take the interpreter away from each other, and from the event loop.
    """
    letters, items = _read(runtime, messages)
    quick: list[Accepted] = []
    rest: list[Accepted] = []
    for item in items:
        (quick if item.request is None or not is_heavy(item.request) else rest).append(item)
    requests = _requests(quick)
    with runtime.metrics.training(*{request.model_name for request in requests}):
        answers = forecast_batch(requests)
    _count(runtime, quick, answers)
    return letters + _written(runtime, quick, answers), rest


def _requests(items: Iterable[Accepted]) -> list[SeriesRequest]:
    return [item.request for item in items if item.request is not None]


def _parts(items: Sequence[Accepted], size: int) -> list[Sequence[Accepted]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


async def _answer_part(runtime: TrainerRuntime, offload: Offload, items: Sequence[Accepted]) -> None:
    requests = _requests(items)
    with runtime.metrics.training(*{request.model_name for request in requests}):
        answers = await offload.answer(requests)
    _count(runtime, items, answers)
    await runtime.publisher.send(await asyncio.to_thread(_written, runtime, items, answers))


def _count(runtime: TrainerRuntime, items: Sequence[Accepted], answers: Sequence[SeriesAnswer]) -> None:
    given = iter(answers)
    outcomes: dict[str, list[int]] = {}
    for item in items:
        answer = None if item.request is None else next(given)
        failed = answer is None or answer.error is not None
        outcomes.setdefault(item.command.model_name, [0, 0])[failed] += 1
    for model, (answered, failures) in outcomes.items():
        runtime.metrics.count_series(model, answered=answered, failed=failures)


def answer_commands(runtime: TrainerRuntime, messages: Sequence[Any]) -> list[Record]:
    """The records that answer a batch of consumed messages, computed here; never raises for a bad message."""
    letters, items = _read(runtime, messages)
    return letters + _written(runtime, items, forecast_batch(_requests(items)))


def _read(runtime: TrainerRuntime, messages: Sequence[Any]) -> tuple[list[Record], list[Accepted]]:
    """Dead letters of what is no command, and the commands."""
    letters: list[Record] = []
    items: list[Accepted] = []
    for message in messages:
        try:
            command = _command(runtime.codec, message.value)
        except UndecodableError as error:
            letters.append(runtime.dead_letter(message, error))
            continue
        items.append(accepted(command, message, runtime.settings.max_next_k_prediction))
    return letters, items


def _written(runtime: TrainerRuntime, items: Sequence[Accepted], answers: Sequence[SeriesAnswer]) -> list[Record]:
    writer = AnswerWriter(runtime.codec, runtime.topics, runtime.store, runtime.settings.record_limit)
    given = iter(answers)
    records: list[Record] = []
    for item in items:
        records += writer.records(item, None if item.request is None else next(given))
    return records


def _command(codec: Codec, value: bytes | None) -> TrainSeries:
    event = codec.decode(value)
    if not isinstance(event, TrainSeries):
        raise UndecodableError(f"a {type(event).__name__} on the topic of TrainSeries commands")
    return event
