"""Records, why they were not delivered, and how they are handed to librdkafka, whose reports are counted."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

__all__ = [
    "NO_OFFSET",
    "Delivery",
    "DeliveryError",
    "Headers",
    "MessageTooLargeError",
    "Place",
    "Record",
    "Settle",
    "by_destination",
    "produce",
    "produce_together",
]

NO_OFFSET = -1
"""As librdkafka says where it does not know it, because the broker had the record from an earlier try."""
_HEADER_OVERHEAD = 10  # bytes: two varint lengths, 5 each at most

Headers = Sequence[tuple[str, bytes]]
Settle = Callable[["DeliveryError | None"], None]
"""Told of a call once all its records have been reported."""
Place = Callable[[Message, int], None]
"""Told of each record that the broker has, and of its offset."""


class Record(NamedTuple):
    """A record to send. `value` None is a tombstone; without `partition` the key decides, see `partition_for`."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    timestamp_ms: int | None = None

    @property
    def size(self) -> int:
        """Bytes of key, value and headers, to be compared with a publisher's `max_message_bytes`."""
        size = len(self.key or b"") + len(self.value or b"")
        for name, value in self.headers:
            size += len(name.encode()) + len(value) + _HEADER_OVERHEAD
        return size


class DeliveryError(Exception):
    """Records of one call were not acknowledged: the broker may have all, some or none of them.

    Sending the same records again is right, where their keys make a repeat harmless.
    """

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"topic {topic}: {reason}")
        self.topic = topic
        self.reason = reason


class MessageTooLargeError(DeliveryError):
    """A record is larger than the limit, so sending it again is useless.

    With a `limit` the publisher refused it and sent nothing of the call; `index` is its place in the call. Without one
    the broker refused it, because the topic's max.message.bytes is smaller than the publisher's limit; it refuses the
    records that travelled with it too, so this need not be the one at fault. Declare topics 1 KiB above the limit.
    """

    def __init__(self, topic: str, size: int, limit: int | None, *, index: int | None = None) -> None:
        allowed = "the topic's max.message.bytes" if limit is None else f"the limit of {limit} bytes"
        super().__init__(topic, f"a record of {size} bytes exceeds {allowed}")
        self.size = size
        self.limit = limit
        self.index = index


class Delivery:
    """Counts the delivery reports of one call and settles it after the last."""

    __slots__ = ("_error", "_finished", "_lock", "_place", "_remaining", "_settle", "count", "size")

    def __init__(
        self, count: int, size: int, settle: Settle, finished: "Callable[[Delivery], None]", place: Place | None
    ) -> None:
        self.count = count
        self.size = size
        self._place = place
        self._remaining = count
        self._settle = settle
        self._finished = finished
        self._error: DeliveryError | None = None
        self._lock = threading.Lock()  # reports come from the polling thread, refusals from the sender's

    def reported(self, error: KafkaError | None, message: Message) -> None:
        """Take the report of one record; librdkafka calls this in the polling thread."""
        if self._place is not None:
            self._place(message, NO_OFFSET if (offset := message.offset()) is None else offset)
        self._count(None if error is None else _delivery_error(error, message))

    def refused(self, topic: str, reason: str) -> None:
        """Count a record that librdkafka did not take."""
        self._count(DeliveryError(topic, reason))

    def _count(self, error: DeliveryError | None) -> None:
        with self._lock:
            self._error = self._error or error
            self._remaining -= 1
            last = self._remaining == 0
        if last:
            self._settle(self._error)
            self._finished(self)


def by_destination(batch: Sequence[Record]) -> list[list[Record]]:
    """Those of one topic, and partition if they name one, in their order; empty where they must go one by one.

    confluent-kafka 2.16 takes each group in one call, but sends no headers and times then.
    """
    if len(batch) == 1:
        return []
    groups: dict[tuple[str, int | None], list[Record]] = {}
    for record in batch:
        if record.headers or record.timestamp_ms is not None:
            return []
        groups.setdefault((record.topic, record.partition), []).append(record)
    return list(groups.values())


def produce_together(producer: Producer, batch: Sequence[Record], delivery: Delivery) -> None:
    """Hand records of one destination to librdkafka, in half the time that one after the other takes."""
    first = batch[0]
    given: list[dict[str, Any]] = [{"key": record.key, "value": record.value} for record in batch]
    partition = -1 if first.partition is None else first.partition
    try:
        taken = producer.produce_batch(first.topic, given, partition=partition, on_delivery=delivery.reported)
    except KafkaException as error:  # of the topic or of the producer: none was taken
        for record in batch:
            delivery.refused(record.topic, error.args[0].str())
        return
    for record, it in zip(batch, given, strict=True) if taken < len(batch) else ():
        if "_error" in it:
            delivery.refused(record.topic, it["_error"].str())


def produce(producer: Producer, record: Record, delivery: Delivery) -> bool:
    """Hand one record to librdkafka; False if its queue is full."""
    try:
        producer.produce(
            record.topic,
            record.value,
            record.key,
            -1 if record.partition is None else record.partition,
            on_delivery=delivery.reported,
            timestamp=record.timestamp_ms or 0,
            headers=[*record.headers] or None,
        )
    except BufferError:
        return False
    except KafkaException as error:
        delivery.refused(record.topic, error.args[0].str())
    return True


def _delivery_error(error: KafkaError, message: Message) -> DeliveryError:
    topic = message.topic() or ""
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return MessageTooLargeError(topic, len(message.key() or b"") + len(message.value() or b""), None)
    return DeliveryError(topic, error.str())
