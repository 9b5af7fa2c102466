"""Faust's consumer made safe and quick, and the reader of batches. Subclasses internals of faust-streaming 0.15.3.

Stock Faust commits past a message that is still worked on, forgets acknowledgements when partitions are revoked before it
commits them, acknowledges a message whose handler raised, loses what it fetched and dropped during a rebalance where a
partition has no committed offset yet, and creates four tasks per message. `SafeTransport` and `batches` do not:

- a partition's committed offset moves only over offsets that were delivered here and acknowledged, without a hole;
- when partitions are revoked: 1. no more is delivered, 2. open batches get `SafeConsumer.revoke_grace` to finish,
  3. what was acknowledged is committed, 4. the rest is forgotten. What is acknowledged later was fetched for an assignment
  that has ended: it does not count, and the message is processed again by whoever owns its partition now;
- a batch is acknowledged when its body ends normally, or never. A batch that failed is not delivered again in this process
  and nothing after it is committed: the agent must take the process down (`mode.supervisors.CrashingSupervisor`).

Acknowledge from the event loop only. `broker_commit_every` and `ConsumerScheduler` are not used.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from itertools import islice
from time import monotonic
from typing import Any, ClassVar

import structlog
from aiokafka.errors import KafkaError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, EventT
from faust.types.streams import StreamT
from faust.types.tuples import ack_lock

__all__ = ["Batch", "SafeConsumer", "SafeTransport", "batches", "is_current", "open_batches"]

log = structlog.get_logger(__name__)

_CHUNK = 100  # messages of a partition delivered before others get a turn: about 3 ms of the event loop
_FETCH_S = 1.0  # how long one fetch waits for data; Faust's own value
_IDLE_S = 0.05  # pause while every partition waits for its agent; the agent's queue outlasts it


class _Offsets:
    """The offsets of one partition that were delivered, in order, and are not yet known to be done."""

    __slots__ = ("committable", "outstanding")

    def __init__(self) -> None:
        self.committable: int | None = None
        self.outstanding: deque[int] = deque()

    def advance(self, acked: set[int]) -> int | None:
        """Move over what is acknowledged up to the first offset that is not; holes in the log cost nothing."""
        outstanding = self.outstanding
        while outstanding and outstanding[0] in acked:
            offset = outstanding.popleft()
            acked.discard(offset)
            self.committable = offset + 1
        if not outstanding:
            acked.clear()  # left-overs from an assignment that has ended
        return self.committable


class _Lane:
    """Fetched records of one partition on their way to the queues of its agents."""

    __slots__ = ("offsets", "queues", "records", "tp")

    def __init__(self, tp: TP, records: Sequence[Any], queues: Sequence[Any], offsets: _Offsets | None) -> None:
        self.tp = tp
        self.records = deque(records)
        self.queues = queues
        self.offsets = offsets

    def room(self) -> int:
        """How many records can be delivered without waiting."""
        return min((queue.maxsize - queue.qsize() for queue in self.queues if queue.maxsize), default=_CHUNK)


class _SafeConsumerThread(driver.AIOKafkaConsumerThread):
    """Lets a partition without a committed offset start over too when Faust seeks."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        return await self.call_thread(self._seek_to_committed)

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        # aiokafka 0.14.0 leaves the position alone where nothing, or 0, is committed: what had been fetched and dropped
        # before the seek would never be read. Changelogs are positioned by the recovery.
        uncommitted = [tp for tp, offset in committed.items() if not offset and self.app.topics.acks_enabled_for(tp.topic)]
        if uncommitted and self.app.conf.consumer_auto_offset_reset == "earliest":
            await consumer.seek_to_beginning(*uncommitted)
        return committed


class SafeConsumer(driver.Consumer):
    """A consumer that commits only what is done, and hands over what is done before it loses partitions."""

    #: How long a rebalance, or a stop with `stream_wait_empty`, waits for open batches. Batches of the state agents last
    #: milliseconds, so they end; a long training batch does not hold up the group and is run again by the next owner.
    revoke_grace: ClassVar[timedelta] = timedelta(seconds=2)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offsets: dict[TP, _Offsets] = {}
        self._lanes: dict[TP, _Lane] = {}
        self._lanes_generation = 0
        self._open: set[Batch] = set()
        self._all_closed = asyncio.Event()
        self._all_closed.set()

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return _SafeConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- what may be committed

    def ack_events(self, events: Sequence[EventT]) -> None:
        """Note that a batch is done. Without effect for messages of an assignment that has ended."""
        generation, acking = self.app.consumer_generation_id, self.app.topics.acking_topics
        with ack_lock:
            for event in events:
                message = event.message
                if message.acked:
                    continue
                if message.refcount > 1:  # another agent reads the same topic
                    message.refcount -= 1
                    continue
                message.acked = True
                if message.generation_id == generation and message.topic in acking:
                    self._acked_index[message.tp].add(message.offset)

    def outstanding(self) -> Mapping[TP, int]:
        """How many delivered messages of each partition are not committable yet: a steady rise means one is stuck."""
        return {tp: len(offsets.outstanding) for tp, offsets in self._offsets.items()}

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in tuple(self._offsets) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        offsets = self._offsets.get(tp)
        if offsets is None:
            return None
        with ack_lock:
            self._acked[tp].clear()  # only Faust's compiled stream iterator fills it; the index says the same
            return offsets.advance(self._acked_index[tp])

    async def commit_and_end_transactions(self) -> None:
        """Commit everything acknowledged so far, even where a commit is under way that began earlier."""
        while self._commit_fut is not None:
            await self.maybe_wait_for_commit_to_finish()
        await self.commit()

    # -- rebalances

    async def wait_empty(self) -> None:
        """Wait for open batches, for `revoke_grace` at most, then commit."""
        try:
            async with asyncio.timeout(self.revoke_grace.total_seconds()):
                await self._all_closed.wait()
        except TimeoutError:
            log.info("batches_left_open", batches=len(self._open))
        await self.commit_and_end_transactions()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop the flow, let open batches finish, commit, forget; in this order, unlike Faust's own."""
        self._active_partitions.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        await self._on_partitions_revoked(revoked)
        if not self.app.conf.stream_wait_empty and not self.app.should_stop:  # else Faust has called wait_empty
            await self.wait_empty()
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
        for tp in tuple(self._offsets):
            self._forget(tp)

    async def seek(self, partition: TP, offset: int) -> None:
        """Seek one partition; what is open of it no longer counts."""
        self._forget(partition)
        await super().seek(partition, offset)

    def _forget(self, tp: TP) -> None:
        self._offsets.pop(tp, None)
        self._acked_index.pop(tp, None)
        self._acked.pop(tp, None)

    # -- from the broker to the agents' queues

    async def _drain_messages(self, fetcher: Any) -> None:
        if self.app.client_only:
            await super()._drain_messages(fetcher)
            return
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self._drain_once()
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if not self.transport.app.should_stop:
                raise

    async def _drain_once(self) -> None:
        """Fetch for the partitions that have nothing waiting, then deliver what there is room for.

        A partition whose agent is slow keeps its records in its lane and holds up no other.
        """
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        records = await self._fetch()
        generation = self.app.consumer_generation_id
        if not self.flow_active or (self._lanes and self._lanes_generation != generation):
            dropped = bool(records or self._lanes)
            self._lanes.clear()
            if dropped and not self.flow_active:
                await self._seek_again()
                return
        self._lanes_generation = generation
        for partition, fetched in records.items():
            tp = ensure_TP(partition)
            self._lanes[tp] = self._lane(tp, fetched)
        for tp in tuple(self._lanes):
            await self._deliver(self._lanes[tp], generation)
            if tp in self._lanes and not self._lanes[tp].records:
                del self._lanes[tp]
            await asyncio.sleep(0)

    async def _fetch(self) -> Mapping[Any, Sequence[Any]]:
        # A set of its own: Faust changes the one it keeps while the request is under way, and aiokafka takes an empty one
        # to mean every partition.
        wanted = self._get_active_partitions() - self._lanes.keys()
        if not wanted:
            await asyncio.sleep(_IDLE_S)
            return {}
        return await self._thread.getmany(wanted, _IDLE_S if self._lanes else _FETCH_S)

    async def _seek_again(self) -> None:
        # What was dropped has moved the fetch positions. A rebalance sets them anew, but a seek may have come before it.
        try:
            await self.perform_seek()
        except (KafkaError, AssertionError) as error:  # aiokafka asserts that partitions are assigned
            log.info("seek_left_to_rebalance", reason=repr(error))

    def _lane(self, tp: TP, records: Sequence[Any]) -> _Lane:
        topics = self.app.topics
        self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
        queues = [channel.queue for channel in topics._tp_index.get(tp, ())]
        acks = topics.acks_enabled_for(tp.topic)
        return _Lane(tp, records, queues, self._offsets.setdefault(tp, _Offsets()) if acks else None)

    async def _deliver(self, lane: _Lane, generation: int) -> None:
        if not self.flow_active or self.app.consumer_generation_id != generation:
            return  # the next turn drops the lanes
        if not self.app.flow_control.is_active():
            return
        tp, read_offset, deliver = lane.tp, self._read_offset, self.callback
        for _ in islice(lane.records, 0):
            pass
        for _ in range(min(lane.room(), _CHUNK, len(lane.records))):
            record = lane.records.popleft()
            expected = read_offset[tp]
            if expected is not None and record.offset < expected:
                continue  # from before a seek
            read_offset[tp] = record.offset + 1
            if lane.offsets is not None:
                lane.offsets.outstanding.append(record.offset)
            await deliver(self._to_message(tp, record))  # there is room and the flow is on: does not wait
