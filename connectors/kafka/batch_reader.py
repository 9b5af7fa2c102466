"""Reads partitions of a topic from given places on, thousands of records at a time; joins no group, commits nothing."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.kafka.security import options

__all__ = ["BatchReader"]

_TIMEOUT_S: Final = 10.0
_RECEIVE_BYTES: Final = 100_000_000  # librdkafka's own limit of an answer, which must be above the largest record
_OVERHEAD_BYTES: Final = 1024 * 1024
_QUEUE_KIB: Final = 8 * 1024  # fetched ahead, 100,000 points: small records take four times their size in memory
# The topic, or one of its partitions, is not there at the moment: it may be soon, and nothing was read.
_PASSING: Final = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001  # librdkafka's names
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
)


class BatchReader:
    """For one thread at a time; connects when it is made."""

    def __init__(self, bootstrap: str, topic: str, *, max_message_bytes: int) -> None:
        self._topic = topic
        self._places: dict[int, int] = {}
        self._consumer = Consumer(
            {
                **options(bootstrap),
                "group.id": "tidecast-batch-reader",  # required by librdkafka; nothing is joined or committed
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                # A partition whose queue is full is left out of a fetch, and waits for the end of that of idle ones.
                "fetch.wait.max.ms": 50,
                "fetch.queue.backoff.ms": 10,
                "queued.max.messages.kbytes": _QUEUE_KIB,
                "receive.message.max.bytes": max(_RECEIVE_BYTES, max_message_bytes + _OVERHEAD_BYTES),
                "reconnect.backoff.max.ms": 1000,
                "log_level": 0,
                "error_cb": _ignore,  # connection errors are seen as silence
            }
        )

    def read_from(self, places: Mapping[int, int]) -> None:
        """Read these partitions, and no others, from these offsets on; one that is read already goes on."""
        gone, new = self._places.keys() - places.keys(), places.keys() - self._places.keys()
        if gone:
            self._consumer.incremental_unassign([TopicPartition(self._topic, number) for number in gone])
        if new:
            begin = [TopicPartition(self._topic, number, places[number]) for number in new]
            self._consumer.incremental_assign(begin)
        self._places = dict(places)

    def bounds(self, partition: int) -> tuple[int, int]:
        """The first offset that is still there, and that of the next record; KafkaException where nobody says."""
        found: Any = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=_TIMEOUT_S)
        low, high = found
        return low, high

    def begins(self, partitions: Iterable[int]) -> dict[int, int]:
        """The first offset that is still there of each partition; none of those of which nobody says it now."""
        found = {}
        for partition in partitions:
            with suppress(KafkaException):
                found[partition] = self.bounds(partition)[0]
        return found

    def read(self, most: int, within_s: float, more_s: float) -> list[Message]:
        """What has arrived, at most so many records, in `within_s` the first and in `more_s` those after it.

        KafkaException where the broker refuses.
        """
        found = self._consumer.consume(1, within_s)
        if found:  # it would wait for all of them until the time is up
            found += self._consumer.consume(most - 1, more_s)
        if not any(message.error() is not None for message in found):
            return found
        for message in found:
            error = message.error()
            if error is not None and not error.retriable() and error.code() not in _PASSING:
                raise KafkaException(error)
        return [message for message in found if message.error() is None]

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()


def _ignore(_: KafkaError) -> None:
    """Connection errors, which librdkafka mends by itself."""
