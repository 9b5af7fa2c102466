"""What is committed, lost and repeated when agents read batches from a real broker."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer
from confluent_kafka import Producer
from faust.types import TP
from mode.supervisors import CrashingSupervisor

from connectors.kafka.publisher import DeliveryError, Record
from streams.engine.consumer import SafeConsumer
from streams.engine.transport import Batch, batches, open_batches
from tests.integration.workers import Cluster, app_running, shared, until

NEVER = 3600.0  # a commit interval: only the commits that a test asks for, or a rebalance makes


def numbered(topic: str, count: int, *, start: int = 0) -> list[Record]:
    """Records whose key and value are their number."""
    return [Record(topic, b"%d" % n, b"%d" % n) for n in range(start, start + count)]


def value_of(event: Any) -> int:
    """The number of a record."""
    return int(event.message.value)


def collector(
    app: faust.App, topic: str, seen: list[int], *, size: int = 1000, partitions: int = 1, **agent: Any
) -> None:
    """An agent that notes the numbers it read, and acknowledges them."""

    @app.agent(app.topic(topic, internal=True, partitions=partitions), name=f"collect-{topic}", **agent)
    async def collect(stream: Any) -> None:
        async for events in batches(app, stream, size):
            seen.extend(value_of(event) for event in events)


async def commit(app: faust.App) -> None:
    """Commit what is acknowledged so far."""
    await app.consumer.commit_and_end_transactions()


@pytest.mark.parametrize("blocked", [0, 1, 5])
@pytest.mark.parametrize("start", [0, 10])
async def test_a_message_that_is_worked_on_is_never_passed(cluster: Cluster, start: int, blocked: int) -> None:
    """50 later messages are done, one is not: the commit stays before it. Stock Faust 0.15.3 commits past it."""
    topic = cluster.topic("in")
    await cluster.send(numbered(topic, start))
    first: list[int] = []
    if start:
        app = cluster.app()
        collector(app, topic, first)
        async with app_running(app):
            await until(lambda: len(first) == start)
    await cluster.send(numbered(topic, 50, start=start))
    app = cluster.app(broker_commit_interval=NEVER)
    held, done = asyncio.Event(), Counter[int]()

    @app.agent(app.topic(topic, internal=True, partitions=1), concurrency=4)
    async def work(stream: Any) -> None:
        async for events in batches(app, stream, 1):
            if value_of(events[0]) == start + blocked:
                await held.wait()
            done[value_of(events[0])] += 1

    async with app_running(app):
        await until(lambda: len(done) == 49)
        await commit(app)
        assert cluster.committed("app", topic) in ({None} if start + blocked == 0 else {start + blocked})
        held.set()
        await until(lambda: len(done) == 50)
        await asyncio.sleep(0)
        await commit(app)

    assert cluster.committed("app", topic) == start + 50


async def test_agents_that_read_single_events_keep_the_promise_too(cluster: Cluster) -> None:
    """Faust's own, compiled stream iterator acknowledges into the same books."""
    topic = cluster.topic("in")
    await cluster.send(numbered(topic, 50))
    app = cluster.app(broker_commit_interval=NEVER, stream_wait_empty=False)
    held, done = asyncio.Event(), set[bytes]()

    @app.agent(app.topic(topic, internal=True, partitions=1), concurrency=4)
    async def work(stream: Any) -> None:
        async for value in stream:
            if value == b"5":
                await held.wait()
            done.add(value)

    async with app_running(app):
        await until(lambda: len(done) == 49)
        await commit(app)
        assert cluster.committed("app", topic) == 5
        held.set()
        await until(lambda: app.consumer._new_offset(TP(topic, 0)) == 50)


async def test_holes_in_the_log_hold_nothing_back(cluster: Cluster) -> None:
    """Offsets that transaction markers take up are passed when the messages around them are done."""
    topic = cluster.topic("in")
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": topic})
    producer.init_transactions(30)
    for transaction in range(5):
        producer.begin_transaction()
        for n in range(3):
            producer.produce(topic, b"%d" % (3 * transaction + n))
        producer.commit_transaction(30)
    app = cluster.app(broker_commit_interval=NEVER)
    open_: list[Batch] = []

    @app.agent(app.topic(topic, internal=True, partitions=1))
    async def work(stream: Any) -> None:
        async for batch in open_batches(app, stream, 1, max_open=15):
            open_.append(batch)

    async with app_running(app):
        await until(lambda: len(open_) == 15)
        for batch in [*open_[:7], *open_[8:]]:
            batch.ack()
        await commit(app)
        assert cluster.committed("app", topic) == 2 * 4 + 1  # two transactions of 3 + marker, one message of the third
        open_[7].ack()
        await commit(app)

    assert cluster.committed("app", topic) == 4 * 4 + 3


async def test_a_rebalance_repeats_nothing_that_was_acknowledged(cluster: Cluster) -> None:
    """What one worker has done is committed before its partitions go to another: no loss, no repetition."""
    topic = cluster.topic("in", partitions=4)
    await cluster.send(numbered(topic, 400))
    seen: list[int] = []
    one, two = (cluster.app(broker_commit_interval=NEVER, broker_client_id=name) for name in ("one", "two"))
    collector(one, topic, seen, partitions=4)
    collector(two, topic, seen, partitions=4)

    async with app_running(one):
        await until(lambda: len(seen) == 400)
        async with app_running(two):
            await until(lambda: shared(one, two))
            await cluster.send(numbered(topic, 400, start=400))
            await until(lambda: len(set(seen)) == 800)
        await until(lambda: len(one.consumer.assignment()) == 4 and not one.rebalancing)
        await cluster.send(numbered(topic, 1, start=800))
        await until(lambda: 800 in seen)

    assert Counter(seen) == Counter(range(801))


async def test_a_rebalance_waits_for_an_open_batch(cluster: Cluster) -> None:
    """A batch that ends within the grace is committed and not repeated by the next owner."""
    topic = cluster.topic("in", partitions=2)
    await cluster.send(numbered(topic, 20))
    one, two = (cluster.app(broker_commit_interval=NEVER, broker_client_id=name) for name in ("one", "two"))
    seen: list[int] = []

    @one.agent(one.topic(topic, internal=True, partitions=2))
    async def work(stream: Any) -> None:
        async for events in batches(one, stream):
            if not seen:
                await until(lambda: one.rebalancing)
                await asyncio.sleep(0.3)  # so the batch ends after its partitions have begun to be revoked
            seen.extend(value_of(event) for event in events)

    collector(two, topic, seen, partitions=2)
    async with app_running(one):
        await until(lambda: bool(one.consumer._open))
        async with app_running(two):
            await until(lambda: shared(one, two) and len(set(seen)) == 20)
            await cluster.send(numbered(topic, 20, start=20))
            await until(lambda: len(set(seen)) == 40)

    assert Counter(seen) == Counter(range(40))


async def test_a_batch_that_outlives_its_assignment_is_run_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its late end commits nothing for the next assignment, and nothing is lost."""
    monkeypatch.setattr(SafeConsumer, "revoke_grace", timedelta(seconds=0.1))
    topic = cluster.topic("in", partitions=2)
    await cluster.send(numbered(topic, 20))
    one, two = (cluster.app(broker_commit_interval=NEVER, broker_client_id=name) for name in ("one", "two"))
    seen: list[int] = []
    late: list[int] = []
    held = asyncio.Event()

    @one.agent(one.topic(topic, internal=True, partitions=2))
    async def work(stream: Any) -> None:
        async for events in batches(one, stream):
            if not late:
                late.extend(value_of(event) for event in events)
                await held.wait()
                continue  # acknowledges, too late
            seen.extend(value_of(event) for event in events)

    collector(two, topic, seen, partitions=2)
    async with app_running(one):
        await until(lambda: bool(late))
        async with app_running(two):
            await until(lambda: shared(one, two))
            held.set()
            await until(lambda: len(seen) >= 20)
            await asyncio.sleep(0)
            await asyncio.gather(commit(one), commit(two))
            ends = [cluster.committed("app", topic, partition=partition) for partition in (0, 1)]

    assert late
    assert Counter(seen) == Counter(range(20))  # those of the late batch too
    assert sum(end or 0 for end in ends) == 20


class BrokenError(Exception):
    """What the agent of a test raises."""


async def run_until_crash(app: faust.App) -> None:
    """Run an app whose agent takes it down, and raise what the agent raised."""
    async with app_running(app):
        await until(app._crashed.is_set)
    assert app._crash_reason is not None
    raise app._crash_reason


async def test_an_exception_in_the_body_is_no_acknowledgement(cluster: Cluster) -> None:
    """The failing batch is not committed; after a restart it comes again and nothing is lost."""
    topic = cluster.topic("in")
    await cluster.send(numbered(topic, 200))
    app = cluster.app()
    seen: list[int] = []

    @app.agent(app.topic(topic, internal=True, partitions=1), supervisor_strategy=CrashingSupervisor)
    async def work(stream: Any) -> None:
        async for events in batches(app, stream, 10):
            if any(value_of(event) == 75 for event in events):
                raise BrokenError
            seen.extend(value_of(event) for event in events)

    with pytest.raises(BrokenError):
        await run_until_crash(app)
    committed = cluster.committed("app", topic)
    again: list[int] = []
    app = cluster.app()
    collector(app, topic, again)
    async with app_running(app):
        await until(lambda: bool(again) and again[-1] == 199)

    assert committed == len(seen) == 70
    assert seen + again == list(range(200))


async def _thirty_in_and_narrow_out(cluster: Cluster) -> tuple[str, str]:
    """A topic with thirty messages, and one that refuses more than 1,000 bytes."""
    topic = cluster.topic("in")
    await cluster.send(numbered(topic, 30))
    return topic, cluster.topic("out", max_message_bytes="1000")


async def test_a_failed_delivery_is_no_acknowledgement(cluster: Cluster) -> None:
    """Input whose output the broker refused is not committed."""
    topic, out = await _thirty_in_and_narrow_out(cluster)
    app, publisher = cluster.app(), cluster.publisher()

    @app.agent(app.topic(topic, internal=True, partitions=1), supervisor_strategy=CrashingSupervisor)
    async def work(stream: Any) -> None:
        async for events in batches(app, stream, 10):
            size = 5000 if value_of(events[0]) == 20 else 5
            await publisher.send([Record(out, event.message.key, b"v" * size) for event in events])

    with pytest.raises(DeliveryError):
        await run_until_crash(app)
    await publisher.close()

    assert cluster.committed("app", topic) == 20
    assert len(cluster.read(out)) == 20


async def test_a_failed_delivery_that_nobody_awaits_is_no_acknowledgement(cluster: Cluster) -> None:
    """The same where the deliveries of several batches are under way at once."""
    topic, out = await _thirty_in_and_narrow_out(cluster)
    app, publisher = cluster.app(), cluster.publisher()

    @app.agent(app.topic(topic, internal=True, partitions=1), supervisor_strategy=CrashingSupervisor)
    async def work(stream: Any) -> None:
        async for batch in open_batches(app, stream, 1, max_open=3):
            [event] = batch.events
            value = event.message.value.ljust(5000 if value_of(event) == 20 else 2)
            batch.ack_when(publisher.send_nowait([Record(out, b"k", value)]))

    with pytest.raises(DeliveryError):
        await run_until_crash(app)
    await publisher.close()
    committed = cluster.committed("app", topic) or 0
    answered = {int(message.value()) for message in cluster.read(out)}

    assert committed <= 20
    assert set(range(committed)) <= answered


async def test_poison_that_the_body_handles_goes_on(cluster: Cluster) -> None:
    """What cannot be decoded goes to the dead letters, everything else is processed, all of it is committed."""
    topic, dead = cluster.topic("in"), cluster.topic("dead")
    poison = {20, 21, 150}
    await cluster.send(Record(topic, b"k", b"\xff" if n in poison else b"%d" % n) for n in range(200))
    app = cluster.app(broker_commit_interval=NEVER)
    publisher = cluster.publisher()
    seen: list[int] = []

    @app.agent(app.topic(topic, internal=True, partitions=1), supervisor_strategy=CrashingSupervisor)
    async def work(stream: Any) -> None:
        async for events in batches(app, stream, 50):
            for event in events:
                try:
                    seen.append(value_of(event))
                except ValueError:
                    await publisher.send([Record(dead, event.message.key, event.message.value)])

    async with app_running(app):
        await until(lambda: app.consumer._new_offset(TP(topic, 0)) == 200)
    await publisher.close()

    assert seen == [n for n in range(200) if n not in poison]
    assert [message.value() for message in cluster.read(dead)] == [b"\xff"] * 3
    assert cluster.committed("app", topic) == 200


async def test_a_stop_in_the_middle_of_a_batch_is_no_acknowledgement(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is stopped commits the batches that ended, and the next start reads the rest."""
    monkeypatch.setattr(SafeConsumer, "revoke_grace", timedelta(seconds=0.1))
    topic = cluster.topic("in")
    await cluster.send(numbered(topic, 20))
    app = cluster.app(broker_commit_interval=NEVER)
    open_ = asyncio.Event()

    @app.agent(app.topic(topic, internal=True, partitions=1))
    async def work(stream: Any) -> None:
        async for events in batches(app, stream, 10):
            if value_of(events[0]) == 10:
                open_.set()
                await asyncio.Event().wait()

    async with app_running(app):
        await asyncio.wait_for(open_.wait(), 20)
    committed = cluster.committed("app", topic)
    again: list[int] = []
    app = cluster.app()
    collector(app, topic, again)
    async with app_running(app):
        await until(lambda: len(again) == 10)

    assert committed == 10
    assert again == list(range(10, 20))


async def test_a_restart_goes_on_where_the_last_run_ended(cluster: Cluster) -> None:
    """Three starts in a row process every message once: none is lost, none repeated."""
    topic = cluster.topic("in", partitions=4)
    seen: list[int] = []
    for run in range(3):
        await cluster.send(numbered(topic, 100, start=100 * run))
        app = cluster.app(broker_commit_interval=NEVER)
        collector(app, topic, seen, size=7, partitions=4)
        async with app_running(app):
            await until(lambda: len(seen) >= 100 * (run + 1))  # noqa: B023 - used at once

    assert Counter(seen) == Counter(range(300))


async def test_a_seek_brings_back_what_was_never_committed(cluster: Cluster) -> None:
    """Where a group has no committed offset yet, the seek after a rebalance starts over: dropped messages are read."""
    topic = cluster.topic("in")
    await cluster.send(numbered(topic, 5))
    app = cluster.app(broker_commit_interval=NEVER)
    open_: list[Batch] = []

    @app.agent(app.topic(topic, internal=True, partitions=1))
    async def work(stream: Any) -> None:
        async for batch in open_batches(app, stream, max_open=2):
            open_.append(batch)

    async with app_running(app):
        await until(lambda: len(open_) == 1)
        await app.consumer.perform_seek()
        app.flow_control.resume()
        app.consumer.resume_flow()
        await until(lambda: len(open_) == 2)
        seen = [[value_of(event) for event in batch.events] for batch in open_]
        for batch in open_:
            batch.ack()

    assert seen == [[0, 1, 2, 3, 4]] * 2


async def test_a_slow_agent_does_not_hold_up_another(cluster: Cluster) -> None:
    """While one agent's queue is full with a backlog behind it, messages of other topics still arrive."""
    slow, quick = cluster.topic("slow"), cluster.topic("quick")
    await cluster.send(numbered(slow, 2000))
    app = cluster.app(stream_buffer_maxsize=10)
    held = asyncio.Event()
    seen: list[int] = []
    count = 0

    @app.agent(app.topic(slow, internal=True, partitions=1))
    async def work(stream: Any) -> None:
        nonlocal count
        async for events in batches(app, stream, 5):
            await held.wait()
            count += len(events)

    collector(app, quick, seen)
    async with app_running(app):
        await until(lambda: bool(app.consumer._open))
        await cluster.send(numbered(quick, 3))
        await until(lambda: len(seen) == 3, within=timedelta(seconds=3))
        assert app.consumer.outstanding()[TP(slow, 0)] <= 15
        held.set()
        await until(lambda: count == 2000)


async def test_records_do_not_wait_for_an_idle_partition(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after a backlog is read at once, though the broker was asked about the idle topic alone.

    That question would be answered after 1.5 s; here it would be after 30.
    """
    stock = AIOKafkaConsumer.__init__

    def patient(consumer: Any, *args: Any, **settings: Any) -> None:
        stock(consumer, *args, **settings | {"fetch_max_wait_ms": 30_000})

    monkeypatch.setattr(AIOKafkaConsumer, "__init__", patient)
    busy, idle = cluster.topic("busy"), cluster.topic("idle")
    await cluster.send(numbered(busy, 10))
    app = cluster.app(stream_buffer_maxsize=1)
    held = asyncio.Event()
    seen: list[int] = []

    @app.agent(app.topic(busy, internal=True, partitions=1))
    async def work(stream: Any) -> None:
        async for events in batches(app, stream, 1):
            await held.wait()
            seen.append(value_of(events[0]))

    collector(app, idle, [])
    async with app_running(app):
        await until(lambda: bool(app.consumer._open))
        await cluster.send(numbered(busy, 10, start=10))  # fetched, but not taken: the queue is full
        await asyncio.sleep(0.5)  # the broker is asked about the idle topic
        held.set()
        await until(lambda: len(seen) == 20)
        await cluster.send(numbered(busy, 1, start=20))
        await until(lambda: len(seen) == 21, within=timedelta(seconds=10))


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Callable[[], None] | None:
    """Faust logs the crashes that the tests cause."""
    caplog.set_level("CRITICAL")
    return None
