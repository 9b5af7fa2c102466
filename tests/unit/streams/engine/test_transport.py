"""What the consumer may commit, and how batches end, without a broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import ConsumerMessage
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.fetch_thread import ask_briefly_beside_records
from streams.engine.lanes import Offsets
from streams.engine.tenure import SupersededError, is_current
from streams.engine.transport import Batch, SafeTransport, batches, handle_by_key, open_batches


@given(
    offsets=st.lists(st.integers(0, 60), unique=True).map(sorted),
    order=st.randoms(use_true_random=False),
    cut=st.integers(0, 60),
)
def test_an_offset_is_committable_only_if_all_delivered_before_it_are_done(
    offsets: list[int], order: Any, cut: int
) -> None:
    """Whatever the holes in the log and the order of acknowledgements, no message is passed that is not done."""
    tracked, acked = Offsets(), set()
    tracked.outstanding.extend(offsets)
    done = order.sample(offsets, min(cut, len(offsets)))
    for offset in done:
        acked.add(offset)
        tracked.advance(acked)

    open_ = [offset for offset in offsets if offset not in done]
    passable = [offset for offset in offsets if not open_ or offset < open_[0]]
    assert tracked.advance(acked) == (passable[-1] + 1 if passable else None)
    assert list(tracked.outstanding) == offsets[len(passable) :]


def test_acknowledgements_of_an_earlier_assignment_leave_nothing_behind() -> None:
    """What was acknowledged but never delivered in this assignment is neither committed nor kept."""
    tracked, acked = Offsets(), {3, 4, 99}
    tracked.outstanding.extend([3, 4])

    assert tracked.advance(acked) == 5
    assert acked == set()


@pytest.fixture
async def app() -> faust.App:
    """An app that is never started: its consumer keeps the books, no more."""
    app = faust.App("unit", broker="kafka://127.0.0.1:1", key_serializer="raw", value_serializer="raw")
    app.transport = SafeTransport(app.conf.broker, app)
    app.topics.acking_topics.add("commands")
    app.consumer_generation_id = 7
    app.flow_control.resume()
    return app


@pytest.fixture
def stream(app: faust.App) -> Any:
    """A stream over a queue that the test fills."""
    return app.stream(app.channel(maxsize=100))


@pytest.fixture
def deliver(app: faust.App, stream: Any) -> Callable[..., None]:
    """Puts messages of partition 0 into the stream's queue, as the consumer does."""

    def deliver(*offsets: int, generation: int = 7) -> None:
        tp = faust.types.TP("commands", 0)
        tracked = app.consumer._offsets.setdefault(tp, Offsets())
        for offset in offsets:
            tracked.outstanding.append(offset)
            message = ConsumerMessage(*tp, offset, 0.0, 0, [], b"k", b"v", None, tp=tp, generation_id=generation)
            message.refcount = 1
            stream.channel.queue.force_put_nowait(app.create_event(b"k", b"v", [], message))

    return deliver


def committable(app: faust.App) -> int | None:
    """The offset that a commit would write now."""
    return app.consumer._new_offset(faust.types.TP("commands", 0))


async def test_a_batch_is_what_has_arrived_up_to_its_size(app: faust.App, stream: Any, deliver: Any) -> None:
    """No waiting for a full batch; a batch is acknowledged when the body asks for the next."""
    deliver(0, 1, 2, 3, 4)
    sizes, seen = [], []

    async for events in batches(app, stream, 3):
        seen.append(committable(app))
        sizes.append([event.message.offset for event in events])
        if sum(map(len, sizes)) == 5:
            deliver(5)
        if len(sizes) == 3:
            break

    assert sizes == [[0, 1, 2], [3, 4], [5]]
    assert seen == [None, 3, 5]
    assert committable(app) == 5  # the last was left by break


async def test_a_body_that_raises_acknowledges_nothing_of_its_batch(app: faust.App, stream: Any, deliver: Any) -> None:
    """The exception reaches the agent and the batch stays uncommitted."""
    deliver(0, 1, 2, 3)

    with pytest.raises(ValueError, match="poison"):  # noqa: PT012 - the loop is what is tested
        async for events in batches(app, stream, 2):
            if events[0].message.offset == 2:
                raise ValueError("poison")

    assert committable(app) == 2


async def test_cancelling_the_agent_acknowledges_nothing_of_its_batch(
    app: faust.App, stream: Any, deliver: Any
) -> None:
    """A worker that stops in the middle of a batch does not commit it."""
    deliver(0, 1)
    in_body = asyncio.Event()

    async def agent() -> None:
        async for _ in batches(app, stream):
            in_body.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(agent())
    await in_body.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)

    assert committable(app) is None
    assert app.consumer._all_closed.is_set()


async def test_messages_of_an_ended_assignment_are_not_delivered(app: faust.App, stream: Any, deliver: Any) -> None:
    """What was queued before a rebalance is left to the partition's next owner."""
    deliver(0, 1, generation=6)
    deliver(2)

    batch = await anext(batches(app, stream))

    assert [event.message.offset for event in batch] == [2]


async def test_an_acknowledgement_after_a_rebalance_does_not_count(app: faust.App, stream: Any, deliver: Any) -> None:
    """The messages come again, so the late end of their first run commits nothing."""
    deliver(0, 1)
    reader = open_batches(app, stream)
    [batch] = await take(reader, 1)
    assert is_current(app, batch.events[0])
    app.consumer_generation_id = 8

    batch.ack()

    assert not is_current(app, batch.events[0])
    assert committable(app) is None


@pytest.mark.parametrize("superseded", [True, False])
async def test_commands_that_were_superseded_are_not_acknowledged(
    app: faust.App, stream: Any, deliver: Any, *, superseded: bool
) -> None:
    """Nobody has applied them: an acknowledgement would stand for their next delivery, whoever gets it."""
    deliver(0, 1, 2)

    async def handle(event: Any) -> None:
        if superseded and event.message.offset == 1:
            raise SupersededError

    opened = open_batches(app, stream)
    batch = await anext(opened)
    await handle_by_key("agent", batch.events, handle)
    batch.ack()

    assert app.consumer._open == set()
    assert committable(app) == (1 if superseded else 3)


@pytest.mark.parametrize(
    ("flows", "handing_over", "counts"), [(False, False, False), (False, True, True), (True, False, True)]
)
async def test_nothing_is_acknowledged_while_partitions_are_elsewhere(
    app: faust.App, stream: Any, deliver: Any, *, flows: bool, handing_over: bool, counts: bool
) -> None:
    """Between the end of the grace and the next assignment the generation is the old one, the partitions are not."""
    deliver(0)
    opened = open_batches(app, stream)
    batch = await anext(opened)
    if not flows:
        app.flow_control.suspend()
    app.consumer.handing_over = handing_over

    batch.ack()

    assert committable(app) == (1 if counts else None)


async def test_a_seek_forgets_all_acknowledgements(
    app: faust.App, stream: Any, deliver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of partitions of which nothing is outstanding, too: the next delivery of an offset is another one."""
    tp = faust.types.TP("commands", 0)

    async def seek_to_committed() -> dict[Any, int]:
        return {tp: 0}

    monkeypatch.setattr(app.consumer, "seek_to_committed", seek_to_committed)
    deliver(0)
    opened = open_batches(app, stream)
    batch = await anext(opened)
    app.consumer._offsets.clear()  # as a revocation does
    batch.ack()

    await app.consumer.perform_seek()
    deliver(0)

    assert committable(app) is None


async def test_a_message_of_two_agents_is_done_when_both_are(app: faust.App, stream: Any, deliver: Any) -> None:
    """One agent's acknowledgement does not commit what the other has not done."""
    deliver(0)
    reader = open_batches(app, stream)
    [batch] = await take(reader, 1)
    batch.events[0].message.refcount = 2

    app.consumer.ack_events(batch.events)
    after_one = committable(app)
    app.consumer.ack_events(batch.events)

    assert (after_one, committable(app)) == (None, 1)


async def take(reader: AsyncIterator[Batch], count: int) -> list[Batch]:
    """The next batches of a reader."""
    return [await anext(reader) for _ in range(count)]


async def test_open_batches_may_end_in_any_order(app: faust.App, stream: Any, deliver: Any) -> None:
    """A later batch that ends first waits for the earlier one before its offsets count."""
    deliver(0, 1, 2, 3)
    reader = open_batches(app, stream, 2, max_open=2)
    first, second = await take(reader, 2)

    second.ack()
    after_second = committable(app)
    first.ack()

    assert (after_second, committable(app)) == (None, 4)


async def test_no_more_batches_are_open_than_allowed(app: faust.App, stream: Any, deliver: Any) -> None:
    """The reader waits for the end of one before it takes the next."""
    deliver(0, 1, 2)
    reader = open_batches(app, stream, 1, max_open=2)
    first, _ = await take(reader, 2)
    third = asyncio.ensure_future(anext(reader))

    await asyncio.sleep(0.01)
    assert not third.done()
    first.ack()

    assert [event.message.offset for event in (await third).events] == [2]


async def test_a_batch_is_acknowledged_when_its_delivery_is(app: faust.App, stream: Any, deliver: Any) -> None:
    """`ack_when` leaves the batch open until the broker has what it caused."""
    deliver(0)
    reader = open_batches(app, stream)
    [batch] = await take(reader, 1)
    delivery = asyncio.get_running_loop().create_future()

    batch.ack_when(delivery)
    before = committable(app)
    delivery.set_result(None)
    await asyncio.sleep(0)

    assert (before, committable(app)) == (None, 1)


@pytest.mark.parametrize("waits_for", ["messages", "room"])
async def test_a_failed_delivery_reaches_the_agent(app: faust.App, stream: Any, deliver: Any, waits_for: str) -> None:
    """The reader raises the error of a delivery that nobody awaited, and its batch is not acknowledged."""
    deliver(0)
    if waits_for == "room":
        deliver(1)
    reader = open_batches(app, stream, 1, max_open=2 if waits_for == "messages" else 1)
    [batch] = await take(reader, 1)
    delivery = asyncio.get_running_loop().create_future()
    batch.ack_when(delivery)
    next_batch = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)

    delivery.set_exception(ConnectionError("broker gone"))

    with pytest.raises(ConnectionError, match="broker gone"):
        await asyncio.wait_for(next_batch, 1)
    assert committable(app) is None


async def test_batches_work_in_fausts_agent_tests(app: faust.App) -> None:
    """An agent that reads batches can be tested with `agent.test_context`; its `put` does not wait for the body."""
    seen: list[bytes] = []

    @app.agent(app.topic("commands", key_type=bytes, value_type=bytes))
    async def agent(stream: Any) -> None:
        async for events in batches(app, stream):
            seen.extend(event.value for event in events)

    async with agent.test_context() as tested:
        await tested.put(b"one", wait=False)
        await tested.put(b"two", wait=False)
        async with asyncio.timeout(2):
            while len(seen) < 2:
                await asyncio.sleep(0)

    assert seen == [b"one", b"two"]


async def test_stock_transport_is_refused() -> None:
    """Batches over Faust's own consumer would promise what they cannot keep."""
    app = faust.App("unit", broker="kafka://127.0.0.1:1")

    with pytest.raises(TypeError, match="SafeTransport"):
        await anext(batches(app, app.stream(app.channel())))


@pytest.mark.parametrize("error", [AssertionError, AttributeError])
async def test_looking_for_idle_partitions_does_not_end_the_worker(
    app: faust.App, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Every second Faust looks at each partition's position; there is none just after a seek or a revocation."""

    def look(*_: Any) -> None:
        raise error

    monkeypatch.setattr(driver.Consumer, "verify_event_path", look)

    app.consumer.verify_event_path(0.0, faust.types.TP("commands", 0))


@pytest.mark.parametrize(
    ("read", "waiting", "wait_ms"),
    [
        ({("commands", 0)}, {}, 1500),
        ({("commands", 0)}, {("commands", 0): "records"}, 100),
        ({("commands", 0)}, {("changelog", 0): "records"}, 1500),
        (None, {("commands", 0): "records"}, 1500),
    ],
    ids=["nothing-waits", "records-wait", "of-a-changelog", "no-assignment"],
)
def test_the_broker_is_asked_briefly_where_records_wait(read: Any, waiting: dict[Any, Any], wait_ms: int) -> None:
    """Of partitions that are read: a changelog's are never taken, and would keep the questions brief for good."""
    fetcher = SimpleNamespace(_fetch_max_wait_ms=1500, _records={("commands", 0): "earlier"})
    fetcher._get_actions_per_node = lambda assignment: (assignment, fetcher._fetch_max_wait_ms)
    consumer: Any = SimpleNamespace(_active_partitions={("commands", 0)})
    ask_briefly_beside_records(consumer, fetcher)
    fetcher._get_actions_per_node("before")
    consumer._active_partitions, fetcher._records = read, waiting

    assert fetcher._get_actions_per_node("now") == ("now", wait_ms)
