"""Reads what is on a topic now, and stops: for people who look, not for agents. Joins no group, commits nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.kafka.admin import BrokerUnreachableError
from connectors.kafka.publisher import partition_for
from connectors.kafka.security import options

__all__ = ["StoredRecord", "TopicMissingError", "read_key", "read_partition", "read_record", "read_topic"]

_TIMEOUT_S: Final = 15.0  # without anything from the broker; a rebalance or restart takes less
_POLL_S: Final = 0.2


class TopicMissingError(LookupError):
    """There is no such topic on the broker."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record with its place in the log; headers in their order, an absent header value as empty bytes."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def read_topic(bootstrap: str, topic: str, *, newest: int | None = None) -> Iterator[StoredRecord]:
    """The records that are on the topic at the time of the call, those of one partition in their order.

    `newest` bounds how many of each partition, None reads them all. BrokerUnreachableError where no broker answers,
    TopicMissingError where it has no such topic.
    """
    with _consumer(bootstrap) as consumer:
        ends: dict[int, int] = {}
        starts = []
        for partition in _partitions(consumer, bootstrap, topic):
            low, high = _watermarks(consumer, bootstrap, topic, partition)
            start = low if newest is None else max(low, high - newest)
            if start < high:
                ends[partition] = high
                starts.append(TopicPartition(topic, partition, start))
        yield from _until(consumer, bootstrap, starts, ends)


def read_partition(bootstrap: str, topic: str, partition: int, first_offset: int) -> Iterator[StoredRecord]:
    """The records of one partition at the time of the call, from an offset on, as far as they are still kept.

    Errors as `read_topic`.
    """
    with _consumer(bootstrap) as consumer:
        if partition not in _partitions(consumer, bootstrap, topic):
            return
        low, high = _watermarks(consumer, bootstrap, topic, partition)
        start = max(low, first_offset)
        if start < high:
            yield from _until(consumer, bootstrap, [TopicPartition(topic, partition, start)], {partition: high})


def read_key(bootstrap: str, topic: str, key: bytes) -> Iterator[StoredRecord]:
    """The records of one key at the time of the call, where our publisher placed it; errors as `read_topic`."""
    with _consumer(bootstrap) as consumer:
        partition = partition_for(key, len(_partitions(consumer, bootstrap, topic)))
        low, high = _watermarks(consumer, bootstrap, topic, partition)
        if low < high:
            found = _until(consumer, bootstrap, [TopicPartition(topic, partition, low)], {partition: high})
            yield from (record for record in found if record.key == key)


def read_record(bootstrap: str, topic: str, partition: int, offset: int) -> StoredRecord | None:
    """The record at this place, None where there is none; errors as `read_topic`."""
    with _consumer(bootstrap) as consumer:
        if partition not in _partitions(consumer, bootstrap, topic):
            return None
        low, high = _watermarks(consumer, bootstrap, topic, partition)
        if not low <= offset < high:
            return None
        starts = [TopicPartition(topic, partition, offset)]
        first = next(_until(consumer, bootstrap, starts, {partition: high}), None)
    return first if first is not None and first.offset == offset else None


@contextmanager
def _consumer(bootstrap: str) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            **options(bootstrap),
            "group.id": "tidecast-topic-reader",  # required by librdkafka; nothing is joined or committed
            "enable.auto.commit": False,
            "enable.partition.eof": True,  # tells the end where the last offsets hold no record
            "auto.offset.reset": "earliest",  # what expired between the question and the reading is skipped
            "log_level": 0,
            "error_cb": _ignore,  # connection errors are seen as silence
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def _partitions(consumer: Consumer, bootstrap: str, topic: str) -> tuple[int, ...]:
    try:
        found = consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic]
    except KafkaException as error:
        raise _unreachable(bootstrap) from error
    if found.error is not None:
        raise TopicMissingError(f"the broker at {bootstrap} has no topic {topic}")
    return tuple(sorted(found.partitions))


def _watermarks(consumer: Consumer, bootstrap: str, topic: str, partition: int) -> tuple[int, int]:
    """Also of a topic made a moment ago: its partition may have no leader yet, and librdkafka says so at once."""
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        try:
            found: Any = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_TIMEOUT_S)
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise _unreachable(bootstrap) from error
            time.sleep(_POLL_S)
        else:
            if found is None:
                raise _unreachable(bootstrap)
            low, high = found
            return low, high


def _until(
    consumer: Consumer, bootstrap: str, starts: list[TopicPartition], ends: dict[int, int]
) -> Iterator[StoredRecord]:
    """Records from the starts on, each partition up to its end."""
    open_partitions = set(ends)
    if not open_partitions:
        return
    consumer.assign(starts)
    silent_since = time.monotonic()
    while open_partitions:
        message = consumer.poll(_POLL_S)
        error = None if message is None else message.error()
        at_end = error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001  # librdkafka's name
        if message is None or (error is not None and not at_end):
            if time.monotonic() - silent_since > _TIMEOUT_S:
                raise _unreachable(bootstrap)
            continue
        silent_since = time.monotonic()
        if at_end:
            open_partitions.discard(message.partition() or 0)
        else:
            record = _record(message)
            if record.offset < ends[record.partition]:
                yield record
            if record.offset + 1 >= ends[record.partition]:
                open_partitions.discard(record.partition)


def _record(message: Message) -> StoredRecord:
    partition, offset = message.partition(), message.offset()
    assert partition is not None  # a record without error has both
    assert offset is not None
    return StoredRecord(
        topic=message.topic() or "",
        partition=partition,
        offset=offset,
        timestamp_ms=message.timestamp()[1],
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=tuple((str(name), _bytes(value) or b"") for name, value in tuple[Any, ...](message.headers() or ())),
    )


def _bytes(data: Any) -> bytes | None:
    return data.encode() if isinstance(data, str) else data


def _unreachable(bootstrap: str) -> BrokerUnreachableError:
    return BrokerUnreachableError(
        f"no Kafka broker answers at {bootstrap}: start it, or correct TIDECAST_KAFKA_BOOTSTRAP"
    )


def _ignore(_: KafkaError) -> None:
    """Connection errors, which librdkafka would print."""
