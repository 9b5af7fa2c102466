"""The trainer: every TrainSeries command is answered with exactly one SeriesResult, a forecast or an error."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from faust.agents import Agent

from agents.series.answers import AnswerWriter
from agents.series.offload import Offload, is_heavy, running_offload
from agents.series.quick import QuickSeries
from agents.series.requests import Accepted, accepted
from agents.series.timed import OF_THREAD, timed_batch
from connectors.kafka.publisher import Record
from models.batch import SeriesAnswer, SeriesRequest, forecast_batch
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.series import TrainSeries
from streams.engine.agents import agent_on
from streams.engine.transport import open_batches
from streams.engine.tries import GivenUpError, work_on
from streams.forecasting.state import ForecastingTrainer
from streams.messages import Event, Message, time_of
from streams.runtime import TrainerRuntime
from streams.telemetry.tracing import batch_of, trace_headers

__all__ = ["SeriesWork", "answer_commands", "attach"]

# Commands that are open: those of one long submission and of others behind it, so that jobs can take turns; and few
# enough to have in memory, and to begin anew after a crash. Heavy ones wait apart, or nothing quick would be seen.
_QUICK, _QUICK_BYTES = 10_000, 16 * 1024**2
_HEAVY = 20_000
_HELD_BYTES = 256 * 1024**2  # of all batches that have anything open
_OPEN_BATCHES = 10_000  # however few commands each has
# Slow series that are published together: so few that progress is seen, so many that networks are trained together.
# A search takes as long as many trainings, and nothing is shared between two.
_TOGETHER, _SEARCHES = 64, 4
_VALUE = 8  # bytes


def attach(runtime: TrainerRuntime) -> Agent:
    """Register `train_series` on the trainer's app."""
    app, settings, topics = runtime.app, runtime.settings, runtime.topics

    @agent_on(app, topics.series_commands, "train_series")
    async def train_series(stream: Any) -> None:
        """Answer batches: 1. compute, 2. publish, 3. acknowledge the input once the broker has the output.

        Many batches are open at a time, so that projects and jobs take turns, and no quick series waits for slow ones.
        """
        async with running_offload(settings) as offload:
            work = SeriesWork(runtime, offload)
            status = runtime.bootstrap, topics.job_status, topics.partitions
            refuse = partial(_refuse, runtime)
            with ForecastingTrainer.of(runtime).stops.followed(*status, runtime.codec, work.drop_unwanted):
                async for batch in open_batches(app, stream, settings.batch_size, max_open=_OPEN_BATCHES):
                    work_on(runtime, "train_series", batch, work.begin, refuse)
                    await work.room()

    return train_series


async def _refuse(runtime: TrainerRuntime, event: Event, error: GivenUpError) -> None:
    """Answer a command that is given up with an error."""
    command = runtime.codec.decode(event.message.value)
    if isinstance(command, TrainSeries):
        refused = Accepted(command, time_of(event.message), None, error.message, trace_headers(event.message))
        await runtime.publisher.send(_written(runtime, [refused], ()))


class SeriesWork:
    """The commands that are being answered, and whether more may come."""

    def __init__(self, runtime: TrainerRuntime, offload: Offload) -> None:
        self.runtime = runtime
        self.offload = offload
        self.quick = QuickSeries(runtime, offload, partial(_answer_quick, runtime))
        self._quick, self._heavy, self._held = _Open(), _Open(), _Open()
        self._fewer = asyncio.Event()

    def begin(self, events: Sequence[Event]) -> "asyncio.Future[None]":
        """Begin to answer a batch of events."""
        return self.answer([event.message for event in events])

    def answer(self, messages: Sequence[Message]) -> "asyncio.Future[None]":
        """Begin to answer a batch of messages; what it has counts as quick until more is known."""
        size = sum(len(message.value or b"") for message in messages)
        for among in (self._quick, self._held):
            among.add(len(messages), size)
        return asyncio.ensure_future(self._answer(messages, size))

    async def room(self) -> None:
        """Wait until more commands may be open."""
        quick, heavy, held = self._quick, self._heavy, self._held
        while quick.count >= _QUICK or quick.size >= _QUICK_BYTES or heavy.count >= _HEAVY or held.size >= _HELD_BYTES:
            self._fewer.clear()
            await self._fewer.wait()

    async def _answer(self, messages: Sequence[Message], size: int) -> None:
        """Slow series in parts, as they are done; it ends when the broker has all answers."""
        try:
            with batch_of("train_series", messages):
                try:
                    letters, quick, slow = await self.offload.beside(_sorted, self.runtime, messages)
                finally:
                    self._close(self._quick, len(messages), size)
                await asyncio.gather(
                    self.runtime.publisher.send(letters),
                    self._counted(self._quick, quick, self.quick.answer(quick)),
                    *(self._counted(self._heavy, part, _answer_part(self, part)) for part in _parts(slow)),
                )
        finally:
            self._close(self._held, len(messages), size)

    async def _counted(self, among: "_Open", items: Sequence[Accepted], work: Awaitable[None]) -> None:
        size = sum(len(item.command.target) * _VALUE for item in items)
        among.add(len(items), size)
        try:
            await work
        finally:
            self._close(among, len(items), size)

    def _close(self, among: "_Open", count: int, size: int) -> None:
        among.add(-count, -size)
        self._fewer.set()

    def drop_unwanted(self) -> None:
        """Compute nothing more for jobs that were stopped or deleted; the state has answered, or nobody asks."""
        self.quick.drop_unwanted()
        self.offload.drop_unwanted()


class _Open:
    """How many commands are open, and of how many bytes."""

    def __init__(self) -> None:
        self.count = self.size = 0

    def add(self, count: int, size: int) -> None:
        """Count more, or fewer."""
        self.count += count
        self.size += size


def _sorted(
    runtime: TrainerRuntime, messages: Sequence[Message]
) -> tuple[list[Record], list[Accepted], list[Accepted]]:
    """Dead letters of what is no command, what is quickly answered, and the commands that take longer."""
    letters, items = _read(runtime, messages)
    quick: list[Accepted] = []
    slow: list[Accepted] = []
    for item in items:
        if ForecastingTrainer.of(runtime).stops.covers(item.command.job_id, item.command.n):
            continue
        (quick if item.request is None or not is_heavy(item.request) else slow).append(item)
    return letters, quick, slow


def _answer_quick(runtime: TrainerRuntime, items: Sequence[Accepted]) -> list[Record]:
    """All records of quick series.

    One call in one thread: several would only take the interpreter away from each other, and from the event loop.
    """
    requests = _requests(items)
    with runtime.metrics.training(*{request.model_name for request in requests}):
        # Only where somebody compares it: series of other jobs would be laid side by side less often.
        timed = any(item.command.side for item in items)
        answers = timed_batch(requests, OF_THREAD) if timed else forecast_batch(requests)
    _count(runtime, items, answers)
    return _written(runtime, items, answers)


def _requests(items: Iterable[Accepted]) -> list[SeriesRequest]:
    return [item.request for item in items if item.request is not None]


def _parts(slow: Iterable[Accepted]) -> Iterator[Sequence[Accepted]]:
    """What is published together: of one job, and either searches or not."""
    alike: dict[tuple[int, bool], list[Accepted]] = {}
    for item in slow:
        alike.setdefault((item.command.job_id, item.command.search is not None), []).append(item)
    for (_, searched), items in alike.items():
        size = _SEARCHES if searched else _TOGETHER
        for start in range(0, len(items), size):
            yield items[start : start + size]


async def _answer_part(work: SeriesWork, items: Sequence[Accepted]) -> None:
    runtime, requests = work.runtime, _requests(items)
    owner = items[0].owner

    def wanted(place: int) -> bool:
        return not ForecastingTrainer.of(runtime).stops.covers(owner.job, items[place].command.n)

    with runtime.metrics.training(*{request.model_name for request in requests}):
        found = await work.offload.answer(requests, owner, wanted)
    answered = [(item, answer) for item, answer in zip(items, found, strict=True) if answer is not None]
    answers = [answer for _, answer in answered]
    kept = [item for item, _ in answered]
    _count(runtime, kept, answers)
    await runtime.publisher.send(await asyncio.to_thread(_written, runtime, kept, answers))


def _count(runtime: TrainerRuntime, items: Sequence[Accepted], answers: Sequence[SeriesAnswer]) -> None:
    given = iter(answers)
    outcomes: dict[str, list[int]] = {}
    for item in items:
        answer = None if item.request is None else next(given)
        failed = answer is None or answer.error is not None
        outcomes.setdefault(item.command.model_name, [0, 0])[failed] += 1
    for model, (answered, failures) in outcomes.items():
        runtime.metrics.count_series(model, answered=answered, failed=failures)


def answer_commands(runtime: TrainerRuntime, messages: Sequence[Message]) -> list[Record]:
    """The records that answer a batch of consumed messages, computed here; never raises for a bad message."""
    letters, items = _read(runtime, messages)
    return letters + _written(runtime, items, forecast_batch(_requests(items)))


def _read(runtime: TrainerRuntime, messages: Sequence[Message]) -> tuple[list[Record], list[Accepted]]:
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
