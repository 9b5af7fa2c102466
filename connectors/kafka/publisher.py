"""Sends records and says when the broker has them: one librdkafka producer, each of its delivery reports counted.

Order is the order of the calls, per partition, whatever thread they come from: where librdkafka's queue is full, the
rest waits in a backlog that later records line up behind. A caller holds back by awaiting what it sent.
"""

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from confluent_kafka import KafkaError, Message, Producer, murmur2

from connectors.kafka.deliveries import (
    NO_OFFSET,
    Delivery,
    DeliveryError,
    Headers,
    MessageTooLargeError,
    Place,
    Record,
    Settle,
    by_destination,
    produce,
    produce_together,
)
from connectors.kafka.security import options

__all__ = ["DeliveryError", "Headers", "MessageTooLargeError", "Publisher", "Record", "partition_for"]

log = structlog.get_logger(__name__)

_MIB = 1024 * 1024
_RECORD_OVERHEAD = 1024  # bytes: Kafka's batch header (61) and record framing (about 40), with room to spare
_POLL_S = 0.1  # how long the polling thread sleeps at most; a delivery report wakes it at once
_BACKLOG_POLL_S = 0.01  # the same while a backlog waits for room in librdkafka's queue
_BACKLOG_STEP = 1000  # records moved per turn: the lock is held for about 2 ms, so senders are not held up
_MOST_QUEUED = 100_000  # records in librdkafka's queue, its own value
_PURGE_WAIT_S = 5.0  # purged records are reported at once; this only bounds a defect

_Stored = Callable[[int, int], None]


def partition_for(key: bytes, partitions: int) -> int:
    """Where `key` lies in a topic of so many partitions: murmur2, as Java's, aiokafka's and this publisher place it."""
    return murmur2(key, partitions)


class Publisher:
    """Sends records with acks=all and idempotence. Nothing connects before the first send, or `start`.

    `headers_here` is asked, where something is sent, for headers that all of it gets unless it has them.

    To be used by one process: do not fork after the first send, librdkafka's threads do not survive it. After a fatal
    error of librdkafka every send fails with DeliveryError; only a new process helps.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        client_id: str,
        max_message_bytes: int = 64 * _MIB,
        linger_ms: int = 5,
        delivery_timeout: timedelta = timedelta(minutes=2),
        headers_here: Callable[[], Headers] = tuple,
    ) -> None:
        self.max_message_bytes = max_message_bytes
        self._delivery_timeout = delivery_timeout
        self._headers_here = headers_here
        # librdkafka's default keeps up to 1 GiB of unsent records; the backlog keeps the order beyond this.
        self._most_bytes = max(256 * _MIB, 2 * max_message_bytes)
        self._config: dict[str, Any] = {
            **options(bootstrap),
            "client.id": client_id,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",  # Java's: librdkafka's own default places keys elsewhere
            # kafka-python, aiokafka and kafkajs come without LZ4 and zstd. A topic that has the broker unpack instead
            # has it unpack what others send, too: 2 MB of LZ4 that hold 400 MB end it.
            "compression.type": "none",
            "linger.ms": linger_ms,
            "delivery.timeout.ms": int(delivery_timeout.total_seconds() * 1000),
            "message.max.bytes": max_message_bytes + _RECORD_OVERHEAD,
            "queue.buffering.max.kbytes": self._most_bytes // 1024,
            "queue.buffering.max.messages": _MOST_QUEUED,
            # A connection that says nothing for so long is dead, though nobody has closed it; librdkafka's own value is
            # 60 s. A record of 64 MiB needs 27 Mbit/s to be sent in this time.
            "socket.timeout.ms": 20_000,
            "reconnect.backoff.max.ms": 1000,  # its 10 s would be the longest part of a broker's restart
            "error_cb": _log_error,
        }
        self._lock = threading.RLock()  # re-entrant: a callback of a future may send
        self._settled = threading.Condition(self._lock)
        self._producer: Producer | None = None
        self._thread: threading.Thread | None = None
        self._backlog: deque[tuple[Record, Delivery]] = deque()
        self._open: set[Delivery] = set()
        self._open_bytes = 0
        self._closed = False
        self._stopping = False
        self.sent: Counter[str] = Counter()  # records by topic, as they were handed in

    def start(self) -> None:
        """Start connecting, so that the first send need not wait for it."""
        with self._lock:
            self._started()

    async def send(self, records: Iterable[Record]) -> None:
        """Send and wait until the broker has acknowledged all of them; DeliveryError where it did not."""
        await self.send_nowait(records)

    def send_nowait(self, records: Iterable[Record], stored: _Stored | None = None) -> "asyncio.Future[None]":
        """Send in the order of the calls; the future ends as `send` does. To be called in an event loop.

        `stored`, for records of one partition, is told their first and last offset before the future ends well.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        offsets: list[int] = []

        def settle(error: DeliveryError | None) -> None:
            tell = partial(stored, min(offsets), max(offsets)) if stored is not None and offsets else None
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(_end, future, error, tell)

        self._dispatch(records, settle, None if stored is None else lambda _, offset: offsets.append(offset))
        return future

    def send_placed(self, records: Iterable[Record]) -> "asyncio.Future[Mapping[tuple[str, int], int]]":
        """Send in the order of the calls; the future ends with the lowest offset by topic and partition.

        A partition is left out where the broker did not say: it had the records from an earlier try.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Mapping[tuple[str, int], int]] = loop.create_future()
        lowest: dict[tuple[str, int], int] = {}

        def place(message: Message, offset: int) -> None:
            at = message.topic() or "", message.partition() or 0
            if offset != NO_OFFSET:
                lowest[at] = min(offset, lowest.get(at, offset))

        def settle(error: DeliveryError | None) -> None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_end, future, error, None, lowest)

        self._dispatch(records, settle, place)
        return future

    def enqueue(self, records: Iterable[Record]) -> "Future[None]":
        """Send from any thread; the future ends as `send` does."""
        future: Future[None] = Future()

        def settle(error: DeliveryError | None) -> None:
            with suppress(InvalidStateError):  # the caller cancelled it
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)

        self._dispatch(records, settle)
        return future

    async def flush(self) -> None:
        """Wait until everything sent before this call is acknowledged or has failed."""
        await asyncio.to_thread(self._wait_for, None)

    async def close(self, within: timedelta | None = None) -> None:
        """Flush for `within` at most (the delivery timeout, if None), fail what is left, and disconnect."""
        within = self._delivery_timeout if within is None else within
        await asyncio.to_thread(self._close, within.total_seconds())

    def _dispatch(self, records: Iterable[Record], settle: Settle, place: Place | None = None) -> None:
        batch, headers = tuple(records), self._headers_here()
        if headers:
            batch = tuple(_with(record, headers) for record in batch)
        sizes = [record.size for record in batch]
        if max(sizes, default=0) > self.max_message_bytes:
            index = next(index for index, size in enumerate(sizes) if size > self.max_message_bytes)
            settle(MessageTooLargeError(batch[index].topic, sizes[index], self.max_message_bytes, index=index))
            return
        if not batch:
            settle(None)
            return
        with self._lock:
            producer = self._started()
            delivery = Delivery(len(batch), sum(sizes), settle, self._finished, place)
            self._open.add(delivery)
            self._open_bytes += delivery.size
            self.sent.update(record.topic for record in batch)
            if self._is_room(producer, delivery) and (groups := by_destination(batch)):
                for group in groups:
                    produce_together(producer, group, delivery)
                return
            for index, record in enumerate(batch):
                if self._backlog or not produce(producer, record, delivery):
                    self._backlog.extend((late, delivery) for late in batch[index:])
                    break

    def _is_room(self, producer: Producer, delivery: Delivery) -> bool:
        """Whether librdkafka's queue has room for a whole call; else some would be taken behind those that are not."""
        queued, most = len(producer) + delivery.count, self._config["queue.buffering.max.messages"]
        return not self._backlog and queued <= most and self._open_bytes <= self._most_bytes

    def _started(self) -> Producer:
        if self._closed:
            raise RuntimeError("the publisher is closed")
        if self._producer is None:
            self._producer = Producer(self._config, logger=logging.getLogger("librdkafka"))
            self._thread = threading.Thread(target=self._poll, args=(self._producer,), name="publisher", daemon=True)
            self._thread.start()
        return self._producer

    def _poll(self, producer: Producer) -> None:
        while not self._stopping:
            producer.poll(_BACKLOG_POLL_S if self._backlog else _POLL_S)
            if self._backlog:
                self._move_backlog(producer)

    def _move_backlog(self, producer: Producer) -> None:
        with self._lock:
            for _ in range(min(_BACKLOG_STEP, len(self._backlog))):
                record, delivery = self._backlog[0]
                if not produce(producer, record, delivery):
                    return
                self._backlog.popleft()

    def _finished(self, delivery: Delivery) -> None:
        with self._settled:
            self._open.discard(delivery)
            self._open_bytes -= delivery.size
            self._settled.notify_all()

    def _wait_for(self, timeout_s: float | None) -> bool:
        with self._settled:
            waited_for = set(self._open)
            return self._settled.wait_for(lambda: waited_for.isdisjoint(self._open), timeout_s)

    def _close(self, timeout_s: float) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
        producer, thread = self._producer, self._thread
        if producer is None or thread is None:
            return
        if not self._wait_for(timeout_s):
            with self._lock:
                unsent, self._backlog = self._backlog, deque()
            for record, delivery in unsent:
                delivery.refused(record.topic, "the publisher was closed before it was sent")
            producer.purge()
            self._wait_for(_PURGE_WAIT_S)
        self._stopping = True
        thread.join()
        self._producer = None  # librdkafka disconnects when the last reference goes


def _with(record: Record, headers: Headers) -> Record:
    """The record with those of the headers that it does not have."""
    own = {name for name, _ in record.headers}
    return record._replace(headers=(*record.headers, *(header for header in headers if header[0] not in own)))


def _end(
    future: "asyncio.Future[Any]", error: Exception | None, tell: Callable[[], None] | None = None, outcome: Any = None
) -> None:
    if error is None and tell is not None:
        try:
            tell()
        except Exception as failed:  # noqa: BLE001 - who waits for the records must not go on without what follows
            error = failed
    if future.done():  # the caller was cancelled
        return
    if error is None:
        future.set_result(outcome)
    else:
        future.set_exception(error)


def _log_error(error: KafkaError) -> None:
    log.warning("kafka_client_error", code=error.name(), reason=error.str(), fatal=error.fatal())
