"""Agents without a broker: consumed messages in, published records out.

The apps are the real ones, from `create_state` and `create_trainer`; they are never started. Only what leaves the
process is replaced: the publisher.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from faust.types import TP, ConsumerMessage

from connectors.kafka.publisher import DeliveryError, MessageTooLargeError, Record, _with, partition_for
from schemas.coding.codec import Codec
from streams.engine.lanes import Offsets
from streams.errors import RejectedError
from streams.runtime import TrainerRuntime
from streams.settings import Settings
from streams.telemetry.tracing import current_headers
from streams.workers import apps

__all__ = ["AT", "CODEC", "FakePublisher", "Log", "Worker", "headers", "message", "refusal", "restarted", "stopped"]

AT = 1_600_000_000.0  # when every message was appended: 2020-09-13T12:26:40Z
CODEC = Codec()
_WITHIN = timedelta(seconds=20)
_GENERATION = 7
_PARTITIONS = 4


class FakePublisher:
    """Keeps what is sent. Delivers at once, unless told to hold or to fail a topic."""

    def __init__(self, max_message_bytes: int = 1024 * 1024) -> None:
        self.max_message_bytes = max_message_bytes
        self.records: list[Record] = []
        self.log: list[Record] = []  # all that was ever sent, as the broker keeps it
        self.failing: set[str] = set()
        self.held: list[asyncio.Future[None]] | None = None

    async def send(self, records: Iterable[Record]) -> None:
        """As the publisher's."""
        await self.send_nowait(records)

    def send_nowait(self, records: Iterable[Record], stored: object = None) -> "asyncio.Future[None]":
        """As the publisher's, size limit included."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        batch, here = tuple(records), current_headers()
        if here:
            batch = tuple(_with(record, here) for record in batch)
        for index, record in enumerate(batch):
            if record.size > self.max_message_bytes:
                future.set_exception(
                    MessageTooLargeError(record.topic, record.size, self.max_message_bytes, index=index)
                )
                return future
        lost = [record for record in batch if record.topic in self.failing]
        delivered = [record for record in batch if record not in lost]
        self.records += delivered
        self.log += delivered
        if lost:
            future.set_exception(DeliveryError(lost[0].topic, "the broker is gone"))
        elif self.held is not None and batch:
            self.held.append(future)
        else:
            future.set_result(None)
        return future

    def send_placed(self, records: Iterable[Record]) -> "asyncio.Future[Mapping[tuple[str, int], int]]":
        """As the publisher's; the offsets are those of `log`."""
        batch, ends = tuple(records), Counter((record.topic, _place(record)) for record in self.log)
        placed: dict[tuple[str, int], int] = {}
        for record in batch:
            at = record.topic, _place(record)
            placed.setdefault(at, ends[at])
            ends[at] += 1
        return asyncio.ensure_future(_then(self.send_nowait(batch), placed))

    def release(self) -> None:
        """Deliver what was held back, and hold no more."""
        for future in self.held or ():
            future.set_result(None)
        self.held = None


def _place(record: Record) -> int:
    return partition_for(record.key or b"", _PARTITIONS) if record.partition is None else record.partition


async def _then(sent: "asyncio.Future[None]", placed: Mapping[tuple[str, int], int]) -> Mapping[tuple[str, int], int]:
    await sent
    return placed


class Worker:
    """One process: its runtime, the messages that its agents consume and the records that they publish."""

    def __init__(self, runtime: TrainerRuntime, publisher: FakePublisher) -> None:
        self.runtime: Any = runtime
        self.publisher = publisher
        self._offsets: dict[TP, int] = {}
        self._app = runtime.app
        self._app.consumer_generation_id = _GENERATION
        self._app.flow_control.resume()

    async def consume(self, topic: str, *messages: ConsumerMessage) -> None:
        """Let the agent of this topic take the messages as one batch; ends when all is done, raises what it raises."""
        task = self.start(topic, *messages)
        try:
            await self.settled(task)
        finally:
            await stopped(task)

    def start(self, topic: str, *messages: ConsumerMessage) -> "asyncio.Task[None]":
        """Begin as `consume` does, without waiting."""
        agent = next(a for a in self._app.agents.values() if a.channel.get_topic_name() == topic)
        stream = self._app.stream(self._app.channel(maxsize=100_000))
        self._app.topics.acking_topics.add(topic)
        for item in messages:
            self._app.consumer._offsets.setdefault(item.tp, Offsets()).outstanding.append(item.offset)
            item.refcount = 1
            stream.channel.queue.force_put_nowait(self._app.create_event(item.key, item.value, [], item))
        task = asyncio.ensure_future(agent.fun(stream))
        task.queue = stream.channel.queue  # type: ignore[attr-defined]
        return task

    async def settled(self, task: "asyncio.Task[None]") -> None:
        """Wait until the agent has nothing left to do; raise its error, if it ended with one."""
        queue: Any = task.queue  # type: ignore[attr-defined]
        async with asyncio.timeout(_WITHIN.total_seconds()):
            while not task.done() and not (
                queue.empty() and not self._app.consumer._open and any(not waiter.done() for waiter in queue._getters)
            ):
                await asyncio.sleep(0.001)
        if task.done():
            await task

    async def commands(self, *commands: Any, key: bytes | None = None, together: bool = True) -> list[ConsumerMessage]:
        """Consume job commands under their own keys, or under `key`: as one batch, or one by one."""
        topic = self.runtime.topics.job_commands
        made = [self.message(topic, b"%d" % command.job_id if key is None else key, command) for command in commands]
        for batch in [made] if together else [[one] for one in made]:
            await self.consume(topic, *batch)
        return made

    def message(self, topic: str, key: bytes | None, event: Any, *, partition: int | None = None) -> ConsumerMessage:
        """The next message of the topic; `event` may be bytes or None as they stand."""
        if partition is None:
            partition = partition_for(key or b"", self.runtime.topics.partitions)
        tp = TP(topic, partition)
        offset = self._offsets[tp] = self._offsets.get(tp, -1) + 1
        value = event if event is None or isinstance(event, bytes) else CODEC.encode(event)
        return message(topic, key, value, partition=partition, offset=offset)

    def committed(self, of: ConsumerMessage) -> bool:
        """Whether the offset after this message, or a later one, may be committed now."""
        offset = self._app.consumer._new_offset(of.tp)
        return offset is not None and offset > of.offset

    def sent(self, topic: str) -> list[Record]:
        """What was published on the topic."""
        return [record for record in self.publisher.records if record.topic == topic]

    def events(self, topic: str) -> list[Any]:
        """What was published on the topic, decoded; None is a tombstone."""
        return [None if record.value is None else CODEC.decode(record.value) for record in self.sent(topic)]

    def dead(self) -> list[dict[str, str]]:
        """The headers of the dead letters, in order."""
        return [headers(record) for record in self.sent(self.runtime.topics.dead_letters)]

    def forget(self) -> None:
        """Start counting anew what is published."""
        self.publisher.records.clear()


class Log:
    """Where topics begin and end, and up to where the worker has read answers."""

    def __init__(self, topics: Any) -> None:
        self.begin: dict[str, int] = {}
        self.end: dict[str, int] = {}
        self.read = 0
        self.topics = topics

    async def starts(self, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """As the broker says."""
        return {(topic, place): self.begin.get(topic, 0) for topic, place in partitions}

    async def ends(self, partitions: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        """Likewise."""
        return {(topic, place): self.end.get(topic, 0) for topic, place in partitions}


async def refusal(arriving: Callable[..., Awaitable[Any]], worker: Worker, sent: Any, **place: Any) -> RejectedError:
    """Why a command is refused, as its sender is told, who waits while `arriving` lets it arrive."""
    with worker.runtime.waiters.waiting(sent.command_id) as outcome:
        await arriving(worker, sent, **place)
        with pytest.raises(RejectedError) as caught:
            await outcome
    return caught.value


async def restarted(worker: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """The next process on the same log: its tables hold what their changelogs say."""
    publisher = FakePublisher()
    monkeypatch.setattr(apps, "Publisher", lambda *_, **__: publisher)
    runtime = apps.create_state(settings, "127.0.0.1:1")
    rows = {table.changelog_topic.get_topic_name(): table.data for table in runtime.app.tables.values()}
    for record in worker.publisher.log:
        if record.topic in rows:
            rows[record.topic].write(record.partition, [(record.key, record.value)])
    return Worker(runtime, publisher)


async def stopped(task: "asyncio.Task[None]") -> None:
    """End an agent."""
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task


def message(
    topic: str, key: bytes | None, value: bytes | None, *, partition: int = 0, offset: int = 0
) -> ConsumerMessage:
    """A consumed message, as Faust hands it to an agent."""
    return ConsumerMessage(
        topic, partition, offset, AT, 0, [], key, value, None, tp=TP(topic, partition), generation_id=_GENERATION
    )


def headers(record: Record) -> dict[str, str]:
    """A record's headers as text."""
    return {name: value.decode() for name, value in record.headers}


def of(records: Sequence[Record], topic: str) -> list[Any]:
    """The decoded records of one topic."""
    return [CODEC.decode(record.value) for record in records if record.topic == topic]
