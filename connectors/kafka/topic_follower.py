"""Follows a topic from its beginning, for whoever must know what its records say; joins no group, commits nothing."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from threading import Event, Thread
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from connectors.kafka.publisher import partition_for
from connectors.kafka.security import options

__all__ = ["TopicFollower"]

_AT_ONCE: Final = 500  # records handed on together
_POLL_S: Final = 0.2
_ANSWER_S: Final = 5.0
_AGAIN_S: Final = 1.0  # after an error; the client connects again by itself

OnRecords = Callable[[Sequence[Any]], object]


class TopicFollower:
    """Reads all partitions of a topic in a thread of its own, until `close`; whatever the broker does meanwhile."""

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        partitions: int,
        on_records: OnRecords,
        *,
        since: tuple[bytes, int] | None = None,
        begin: Mapping[int, int] | None = None,
        shown: Callable[[Message], Any] | None = None,
    ) -> None:
        """`on_records` is called in the thread, with the keys and values of some records, in the order of each key.

        Where `shown` is given, with what it makes of each record instead.

        `since` is the only key that is looked for, where our publisher places it, and from when on, in milliseconds.
        `begin` is the offset at which it begins in a partition, where that is not the first.
        """
        self._bootstrap = bootstrap
        self._topic = topic
        self._partitions = partitions
        self._on_records = on_records
        self._since = since
        self._begin = begin or {}
        self._shown = shown or _key_and_value
        self._end = Event()
        self._thread = Thread(target=self._follow, name=f"follow-{topic}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Read no more; it may take a moment until the thread has ended, which nobody needs to wait for."""
        self._end.set()

    def _follow(self) -> None:
        consumer = Consumer(
            {
                **options(self._bootstrap),
                "group.id": "tidecast-topic-follower",  # required by librdkafka; nothing is joined or committed
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "reconnect.backoff.max.ms": 1000,
                "log_level": 0,
                "error_cb": _ignore,  # connection errors are seen as silence
            }
        )
        try:
            consumer.assign(self._places(consumer))
            while not self._end.is_set():
                self._hand_on(consumer)
        finally:
            consumer.close()

    def _places(self, consumer: Consumer) -> list[TopicPartition]:
        """Where to begin."""
        if self._since is None:
            return [
                TopicPartition(self._topic, number, self._begin.get(number, 0)) for number in range(self._partitions)
            ]
        key, at = self._since
        number = partition_for(key, self._partitions)
        while not self._end.is_set():
            with suppress(KafkaException):  # it does not answer yet
                ends = consumer.get_watermark_offsets(TopicPartition(self._topic, number), timeout=_ANSWER_S)
                (found,) = consumer.offsets_for_times([TopicPartition(self._topic, number, at)], timeout=_ANSWER_S)
                if ends is not None and found.error is None:
                    # Where there is none yet, whatever comes lies behind what was the end before the question. The
                    # client's own word for it, -1, means the end at its first fetch, when some may have come.
                    return [TopicPartition(self._topic, number, found.offset if found.offset >= 0 else ends[1])]
            self._end.wait(_AGAIN_S)
        return []

    def _hand_on(self, consumer: Consumer) -> None:
        try:
            messages = consumer.consume(_AT_ONCE, timeout=_POLL_S)
        except KafkaException:
            self._end.wait(_AGAIN_S)
            return
        only = None if self._since is None else self._since[0]
        found = [
            self._shown(message) for message in messages if message.error() is None and only in (None, message.key())
        ]
        if found:
            self._on_records(found)
        elif any(message.error() is not None for message in messages):  # such as a topic that is not there yet
            self._end.wait(_AGAIN_S)


def _key_and_value(message: Message) -> tuple[bytes | None, bytes | None]:
    return message.key(), message.value()


def _ignore(_: Any) -> None:
    """Errors of the connection, which librdkafka mends by itself."""
