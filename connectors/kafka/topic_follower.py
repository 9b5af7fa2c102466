"""Follows a topic from its beginning, for whoever must know what its records say; joins no group, commits nothing."""

from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

__all__ = ["TopicFollower"]

_AT_ONCE: Final = 500  # records handed on together
_POLL_S: Final = 0.2
_AGAIN_S: Final = 1.0  # after an error; the client connects again by itself

OnRecords = Callable[[Sequence[tuple[bytes | None, bytes | None]]], object]


class TopicFollower:
    """Reads all partitions of a topic in a thread of its own, until `close`; whatever the broker does meanwhile."""

    def __init__(self, bootstrap: str, topic: str, partitions: int, on_records: OnRecords) -> None:
        """`on_records` is called in the thread, with the keys and values of some records, in the order of each key."""
        self._bootstrap = bootstrap
        self._topic = topic
        self._partitions = partitions
        self._on_records = on_records
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
                "bootstrap.servers": self._bootstrap,
                "group.id": "tidecast-topic-follower",  # required by librdkafka; nothing is joined or committed
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 100,
                "reconnect.backoff.max.ms": 1000,
                "log_level": 0,
                "error_cb": _ignore,  # connection errors are seen as silence
            }
        )
        try:
            consumer.assign([TopicPartition(self._topic, number, 0) for number in range(self._partitions)])
            while not self._end.is_set():
                self._hand_on(consumer)
        finally:
            consumer.close()

    def _hand_on(self, consumer: Consumer) -> None:
        try:
            messages = consumer.consume(_AT_ONCE, timeout=_POLL_S)
        except KafkaException:
            self._end.wait(_AGAIN_S)
            return
        found = [(message.key(), message.value()) for message in messages if message.error() is None]
        if found:
            self._on_records(found)
        elif messages:  # errors only, such as a topic that is not there yet
            self._end.wait(_AGAIN_S)


def _ignore(_: Any) -> None:
    """Errors of the connection, which librdkafka mends by itself."""
