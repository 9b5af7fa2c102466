"""The safe transport, and the reader of batches: an agent's messages are acknowledged when they are done, or never.

Stock Faust (0.15.3) acknowledges a message whose handler raised or was cancelled. Here a batch that failed is not
acknowledged, so nothing after it is committed; nor is it delivered again in this process: the agent must take the
process down (`supervisor_strategy=mode.supervisors.CrashingSupervisor`), and the next start reads it again.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from time import monotonic
from typing import Any

import structlog
from faust.transport.drivers import aiokafka as driver
from faust.types import AppT
from faust.types.streams import StreamT

from streams.engine.consumer import SafeConsumer
from streams.engine.tenure import SupersededError
from streams.messages import Event
from streams.telemetry.tracing import following

__all__ = [
    "Batch",
    "KeyOrders",
    "SafeTransport",
    "batches",
    "come_again",
    "handle_by_key",
    "open_batches",
]

log = structlog.get_logger(__name__)

_ENDED = -1  # in the place of a message's generation: of an assignment that has ended, whatever the worker's is called


class SafeTransport(driver.Transport):
    """Faust's aiokafka transport with `SafeConsumer`: `app.transport = SafeTransport(app.conf.broker, app)`."""

    Consumer = SafeConsumer
    hands: Any = None  # of `streams.engine.hands`, in a worker


class Batch:
    """Messages taken together, in the order of each partition. They are done all together or not at all."""

    __slots__ = ("_otherwise", "_pipeline", "_waits_for", "events", "waiting")

    def __init__(self, pipeline: "_Pipeline", events: Sequence[Event]) -> None:
        self.events = events
        self._pipeline = pipeline
        self._otherwise: Callable[[BaseException], Awaitable[None]] | None = None
        self._waits_for: asyncio.Future[Any] | None = None  # a task that nobody holds may vanish
        self.waiting = False

    def ack(self) -> None:
        """Say that the batch is done, so that its offsets may be committed once all before them are done too."""
        if self._pipeline.close(self):
            self._pipeline.consumer.ack_events(self.events)

    def ack_when(
        self, done: "asyncio.Future[Any]", otherwise: Callable[[BaseException], Awaitable[None]] | None = None
    ) -> None:
        """Acknowledge when `done` ends well, such as the future of `Publisher.send_nowait`.

        If it fails, `otherwise` is asked to do the batch in another way, or to raise. If that fails too, nothing is
        acknowledged and the reader raises its error where it waits for the next batch; unless it is SupersededError.
        """
        self.waiting = True
        self._otherwise, self._waits_for = otherwise, done
        done.add_done_callback(self._settle)

    def _settle(self, done: "asyncio.Future[Any]") -> None:
        if done.cancelled():
            self._pipeline.fail(self, RuntimeError("what a batch waited for was cancelled"))
        elif error := done.exception():
            if self._otherwise is not None:
                self.ack_when(asyncio.ensure_future(self._otherwise(error)))
            elif isinstance(error, SupersededError):
                self._pipeline.close(self)  # not acknowledged: it comes again, to whoever has it now
            else:
                self._pipeline.fail(self, error)
        else:
            self.ack()


class _Pipeline:
    """The batches that one reader has open."""

    def __init__(self, consumer: SafeConsumer, queue: Any, max_open: int) -> None:
        self.consumer = consumer
        self._queue = queue
        self._waits = False
        self._room = asyncio.Semaphore(max_open)
        self._open: set[Batch] = set()
        self._error: BaseException | None = None

    async def take(self, max_size: int) -> Batch:
        """Wait until one more batch may be open, then for messages that this worker may process."""
        await self._room.acquire()
        while True:
            hands = self.consumer.hands
            careful = hands is not None and hands.careful
            events = [await self._first(), *self._waiting(0 if careful else max_size - 1)]
            if careful:
                await hands.empty()
            self.consumer.room_made()
            self._raise_error()
            app, generation = self.consumer.app, self.consumer.app.consumer_generation_id
            current = [event for event in events if event.message.generation_id == generation]
            if current and app.flow_control.is_active():  # see `is_current`
                return self._opened(current)

    async def _first(self) -> Any:
        self._raise_error()
        self._waits = True
        try:
            return await self._queue.get()
        finally:
            self._waits = False

    def _waiting(self, most: int) -> list[Any]:
        """What waits already. `get_nowait` of Faust's queue would take 5 µs for each."""
        queue = self._queue
        waiting = queue._queue
        events = [waiting.popleft() for _ in range(min(most, len(waiting)))]
        for _ in range(min(len(events), len(queue._putters))):
            queue._wakeup_next(queue._putters)
        return events

    def close(self, batch: Batch, *, failed: bool = False) -> bool:
        """End a batch; False if it had ended."""
        if batch not in self._open:
            return False
        self._open.remove(batch)
        self._room.release()
        self.consumer.batch_closed(batch, failed=failed)
        return True

    def close_abandoned(self) -> None:
        """End what nobody will acknowledge any more: the reader stops."""
        for batch in [batch for batch in self._open if not batch.waiting]:
            self.close(batch)

    def fail(self, batch: Batch, error: BaseException) -> None:
        """End a batch that cannot be done and let the reader raise the error."""
        self.close(batch, failed=True)
        self._error = error
        if self._waits:
            self._queue._throw(error)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _opened(self, events: Sequence[Event]) -> Batch:
        now, monitor = monotonic(), self.consumer.app.monitor
        for tp in {event.message.tp for event in events}:
            monitor.stream_inbound_time[tp] = now  # else Faust reports the stream as stuck
        batch = Batch(self, events)
        self._open.add(batch)
        self.consumer.batch_opened(batch)
        return batch


async def open_batches(
    app: AppT, stream: StreamT[Any], max_size: int = 1000, *, max_open: int = 2
) -> AsyncGenerator[Batch, None]:
    """Read batches that the body acknowledges itself, in any order, `max_open` at a time at most.

    So that batch k+1 is computed while the broker's acknowledgements of batch k are awaited:
    `batch.ack_when(publisher.send_nowait(records))`. A batch that is neither acknowledged nor given a future to wait
    for stays open, and its place is not free until the reader ends.
    """
    if not isinstance(app.consumer, SafeConsumer):
        raise TypeError("batches need the app's transport to be a SafeTransport")
    await stream.maybe_start()
    pipeline = _Pipeline(app.consumer, stream.channel.queue, max_open)
    try:
        while not stream.should_stop:
            try:
                batch = await pipeline.take(max_size)
            except StopAsyncIteration:  # Faust's way to end a test's stream
                return
            yield batch
    finally:
        pipeline.close_abandoned()


async def batches(app: AppT, stream: StreamT[Any], max_size: int = 1000) -> AsyncGenerator[Sequence[Event], None]:
    """Read lists of events, whatever has arrived up to `max_size`; a list is acknowledged when the body ends normally.

    Not acknowledged: a list whose body raises, breaks or is cancelled. The body must await what it sends.
    """
    async with aclosing(open_batches(app, stream, max_size, max_open=1)) as opened:
        async for batch in opened:
            yield batch.events
            batch.ack()


def come_again(events: Iterable[Event]) -> None:
    """Let no acknowledgement of their batch count for these events: they are another worker's, who reads them again."""
    for event in events:
        event.message.generation_id = _ENDED


async def handle_by_key(agent: str, events: Iterable[Event], handle: Callable[[Event], Awaitable[None]]) -> None:
    """Handle commands of one key in their order, those of several keys side by side, each in its sender's trace.

    A key's commands end with the first that raises SupersededError: that one and those behind it come again, so an
    acknowledgement of the batch does not count for them.
    """
    by_key: dict[Any, list[Event]] = {}
    for event in events:
        by_key.setdefault(event.message.key, []).append(event)

    async def in_order(of_key: Sequence[Event]) -> None:
        for number, event in enumerate(of_key):
            try:
                with following(event.message, agent):
                    await handle(event)
            except SupersededError:
                log.info("commands_superseded", agent=agent, key=event.message.key)
                come_again(of_key[number:])
                return

    await asyncio.gather(*map(in_order, by_key.values()))


class KeyOrders:
    """Keeps the order of what has one key, over all that is handled at a time."""

    def __init__(self) -> None:
        self._locks: dict[Any, tuple[asyncio.Lock, int]] = {}

    def in_order(self, handle: Callable[[Event], Awaitable[None]]) -> Callable[[Event], Awaitable[None]]:
        """`handle`, but each event waits for what was begun before with its key."""

        async def handle_in_turn(event: Event) -> None:
            key = event.message.key
            lock, waiting = self._locks.get(key, (asyncio.Lock(), 0))
            self._locks[key] = lock, waiting + 1
            try:
                async with lock:
                    await handle(event)
            finally:
                lock, waiting = self._locks[key]
                if waiting == 1:
                    del self._locks[key]
                else:
                    self._locks[key] = lock, waiting - 1

        return handle_in_turn
