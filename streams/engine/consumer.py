"""Faust's consumer made safe and quick. Subclasses internals of faust-streaming 0.15.3.

Stock Faust commits past a message that is still worked on, forgets acknowledgements when partitions are revoked before
it commits them, skips what it fetched and dropped during a rebalance where a partition has no committed offset yet, and
creates four tasks per message. `SafeConsumer` does not:

- a partition's committed offset moves only over offsets that were delivered here and acknowledged, up to the first that
  is not;
- when partitions are revoked: 1. no more is delivered, 2. open batches get `revoke_grace` to finish, 3. what was
  acknowledged is committed, 4. the rest is forgotten. What is acknowledged later was fetched for an assignment that has
  ended: it does not count, and the message is processed again by whoever owns its partition now;
- where that is this worker again and it keeps tables, they may show what such a batch has written and the broker does
  not have yet, and the message is done at once. So nothing is committed until the batches left open have ended well.

Acknowledge from the event loop only. Faust's settings `broker_commit_every` and `ConsumerScheduler` are not used.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

import structlog
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT
from faust.types.tuples import ack_lock

from streams.engine.fetch_thread import SafeConsumerThread
from streams.engine.lanes import Lane, Offsets, put_all
from streams.messages import Event

__all__ = ["SafeConsumer", "consumer_of"]

log = structlog.get_logger(__name__)

_FETCH_S = 1.0  # how long a fetch waits for data; Faust's own value
_IDLE_S = 0.05  # how often idle partitions are asked for data while others wait for a slow agent


class SafeConsumer(driver.Consumer):
    """A consumer that commits only what is done, and hands over what is done before it loses partitions."""

    #: How long a rebalance, or a stop with `stream_wait_empty`, waits for open batches. Those of the state's agents
    #: last milliseconds and end in time; a long training does not hold up the group, the next owner runs it again.
    revoke_grace: ClassVar[timedelta] = timedelta(seconds=2)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offsets: dict[TP, Offsets] = {}
        self._lanes: dict[TP, Lane] = {}
        self._taken = asyncio.Event()  # an agent has made room in its queue
        self._open: set[object] = set()  # batches
        self._all_closed = asyncio.Event()
        self._all_closed.set()
        self._unsettled: set[object] = set()  # batches whose writes tables may show and the broker may not have
        #: A rebalance has begun, and open batches may still end, for no other worker can have their partitions yet.
        self.handing_over = False

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return SafeConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- what may be committed

    def ack_events(self, events: Sequence[Event]) -> None:
        """Note that events are done. Without effect for those fetched for an assignment that has ended or is ending.

        Between the end of `handing_over` and the next assignment the generation is still the old one, but the events
        may be another worker's, or come again here: an acknowledgement would count for their second delivery.
        """
        if not (self.app.flow_control.is_active() or self.handing_over or self.app.should_stop):
            return
        generation, acking = self.app.consumer_generation_id, self.app.topics.acking_topics
        with ack_lock:
            for event in events:
                message: Any = event.message  # Faust counts who has it
                if message.acked:
                    continue
                if message.refcount > 1:  # another agent reads the same topic
                    message.refcount -= 1
                    continue
                message.acked = True
                if message.generation_id == generation and message.topic in acking:
                    self._acked_index[message.tp].add(message.offset)

    def committed(self, tp: TP) -> int | None:
        """What is committed of a partition, as far as is known without asking the broker."""
        offset: int | None = self._committed_offset.get(tp)
        return offset

    def outstanding(self) -> Mapping[TP, int]:
        """How many delivered messages of each partition cannot be committed yet: a steady rise means one is stuck."""
        return {tp: len(offsets.outstanding) for tp, offsets in self._offsets.items()}

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in tuple(self._offsets) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        offsets = self._offsets.get(tp)
        if offsets is None or self._unsettled:
            return None
        with ack_lock:
            self._acked[tp].clear()  # Faust's own stream iterators fill it; the index says the same
            return offsets.advance(self._acked_index[tp])

    async def commit_and_end_transactions(self) -> None:
        """Commit everything acknowledged so far, also where a commit is under way that began earlier."""
        while self._commit_fut is not None:
            await self.maybe_wait_for_commit_to_finish()
        await self.commit()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Warn of a partition that nobody works on. Stock crashes where aiokafka 0.14.0 is just seeking in it."""
        with suppress(AssertionError, AttributeError):  # no position yet, or no assignment any more
            super().verify_event_path(now, tp)

    # -- rebalances

    @property
    def hands(self) -> Any:
        """What notes which messages are in hand; None where nothing does."""
        return getattr(self.transport, "hands", None)

    def batch_opened(self, batch: Any) -> None:
        """Count a batch as worked on, until `batch_closed`."""
        self._open.add(batch)
        self._all_closed.clear()
        if self.hands is not None:
            self.hands.took(batch, batch.events)

    def batch_closed(self, batch: object, *, failed: bool = False) -> None:
        """End what `batch_opened` began. One of an ended assignment that fails stays in the way of all commits."""
        self._open.discard(batch)
        if not failed:
            self._unsettled.discard(batch)
        if self.hands is not None:
            self.hands.put_down(batch)
        if not self._open:
            self._all_closed.set()

    async def wait_empty(self) -> None:
        """Wait for open batches, for `revoke_grace` at most, then commit."""
        try:
            async with asyncio.timeout(self.revoke_grace.total_seconds()):
                await self._all_closed.wait()
        except TimeoutError:
            log.info("batches_left_open", batches=len(self._open))
        await self.commit_and_end_transactions()
        if self.app.tables:
            self._unsettled |= self._open

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop the flow, let open batches finish, commit, forget: in this order, unlike Faust."""
        self._active_partitions.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        self.handing_over = True
        try:
            await self._on_partitions_revoked(revoked)
            if not self.app.conf.stream_wait_empty and not self.app.should_stop:  # with it, Faust has called wait_empty
                await self.wait_empty()
        finally:
            self.handing_over = False
        self._lanes.clear()
        for tp in revoked:
            self._read_offset.pop(tp, None)
            self._committed_offset.pop(tp, None)
            self._forget(tp)

    async def perform_seek(self) -> None:
        """Start again at the committed offsets. The flow stays stopped until the caller resumes it.

        Faust empties the queues when it resumes: what was delivered between the seek and that would be lost.
        """
        self.stop_flow()
        await super().perform_seek()
        self._lanes.clear()
        self._offsets.clear()
        with ack_lock:  # wholly: what was acknowledged for an earlier delivery says nothing of the next one
            self._acked_index.clear()
            self._acked.clear()

    async def seek(self, partition: TP, offset: int) -> None:
        """Seek one partition. Messages of it that are open stay open, but they no longer hold back a commit."""
        self._forget(partition)
        await super().seek(partition, offset)

    def _forget(self, tp: TP) -> None:
        self._lanes.pop(tp, None)
        self._offsets.pop(tp, None)
        self._acked_index.pop(tp, None)
        self._acked.pop(tp, None)

    # -- from the broker to the agents' queues

    def room_made(self) -> None:
        """Tell that messages were taken from a queue that may have been full."""
        self._taken.set()

    async def _drain_messages(self, fetcher: Any) -> None:
        if self.app.client_only:
            await super()._drain_messages(fetcher)
            return
        try:
            while not (self.should_stop or fetcher.should_stop):
                if self.flow_active:
                    await self._drain_once()
                else:
                    await self.wait(self.can_resume_flow)
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if not self.transport.app.should_stop:
                raise

    async def _drain_once(self) -> None:
        """Fetch for the partitions that have nothing waiting, then deliver what there is room for.

        Records of a partition whose agent is slow wait in its lane and hold up no other partition.
        """
        wanted = self._get_active_partitions() - self._lanes.keys()
        if wanted:  # aiokafka takes an empty set to mean every partition
            records = await self._thread.getmany(wanted, 0 if self._lanes else _FETCH_S)
            if not self.flow_active:
                return  # a rebalance or a seek has begun: either sets the positions anew
            for partition, fetched in records.items():
                self._open_lane(ensure_TP(partition), fetched)
        self._taken.clear()
        delivered = 0
        for tp, lane in tuple(self._lanes.items()):
            delivered += await self._deliver(tp, lane)
            await asyncio.sleep(0)
        if not delivered and (self._lanes or not wanted):
            with suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_S):
                    await self._taken.wait()

    def _open_lane(self, tp: TP, records: Sequence[Any]) -> None:
        topics = self.app.topics
        self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
        channels = tuple(topics._tp_index.get(tp, ()))
        self._lanes[tp] = Lane(
            records,
            [channel.queue for channel in channels],
            raw=all(self._is_raw(channel) for channel in channels),
            offsets=self._offsets.setdefault(tp, Offsets()) if topics.acks_enabled_for(tp.topic) else None,
        )

    def _is_raw(self, channel: Any) -> bool:
        conf = self.app.conf
        serializers = channel.key_serializer or conf.key_serializer, channel.value_serializer or conf.value_serializer
        return serializers == ("raw", "raw") and {channel.key_type, channel.value_type} <= {None, bytes}

    async def _deliver(self, tp: TP, lane: Lane) -> int:
        app, read_offset, to_message = self.app, self._read_offset, self._to_message
        if not app.flow_control.is_active():
            return 0
        new_event, queues = app.conf.Event, lane.queues
        events: list[Event] = []
        ready = lane.ready()
        for _ in range(ready):
            record = lane.records.popleft()
            expected = read_offset[tp]
            if expected is not None and record.offset < expected:
                continue  # seen before a seek
            read_offset[tp] = record.offset + 1
            if lane.offsets is not None:
                lane.offsets.outstanding.append(record.offset)
            message = to_message(tp, record)
            if lane.raw:  # Faust's way through conductor, schema and codecs ends here too, at five times the cost
                message.refcount = len(queues)
                events.append(new_event(app, message.key, message.value, message.headers, message))
            else:
                await self.callback(message)
                if self._lanes.get(tp) is not lane:
                    break  # given up while the delivery waited
        for queue in queues if events else ():
            put_all(queue, events)
        if not lane.records and self._lanes.get(tp) is lane:
            del self._lanes[tp]
        return ready


def consumer_of(app: AppT) -> SafeConsumer | None:
    """The app's consumer; None where it has none yet, or one of Faust's own."""
    consumer = app._consumer  # the property would make one
    return consumer if isinstance(consumer, SafeConsumer) else None
