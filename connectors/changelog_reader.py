"""Reads tables' changelogs up to a given end, many records at a time: what a worker does before it may answer.

Faust's consumer hands over one record at a time, in Python; librdkafka hands over thousands at once.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.kafka_admin import BrokerUnreachableError

__all__ = ["ChangelogReader", "Changes", "Span"]

_BATCH: Final = 5000  # records per call: a few ms of the event loop that applies them
_POLL_S: Final = 0.1  # how long a call waits for a full batch; it bounds how many large rows are held at once
_TIMEOUT_S: Final = 30.0  # without anything from the broker; a broker's restart takes less
_RECEIVE_BYTES: Final = 100_000_000  # librdkafka's own limit of an answer, which must be above the largest record
_OVERHEAD_BYTES: Final = 1024 * 1024  # of an answer, beside one record as large as is allowed


class Span(NamedTuple):
    """The offsets of a partition to be read: from the first on, to the last, both included."""

    first: int
    last: int


class Changes(NamedTuple):
    """Records of one partition in their order, by key; None deletes. With the offset and time of the last one."""

    topic: str
    partition: int
    offset: int
    at_ms: int
    rows: Sequence[tuple[bytes, bytes | None]]


class ChangelogReader:
    """Reads spans once. Joins no group, commits nothing. For one thread at a time; connects when it is made."""

    def __init__(self, bootstrap: str, spans: Mapping[tuple[str, int], Span], *, max_message_bytes: int) -> None:
        self._bootstrap = bootstrap
        self._last = {place: span.last for place, span in spans.items()}
        self._silent_since = time.monotonic()
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "tidecast-changelog-reader",  # required by librdkafka; nothing is joined or committed
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,  # tells the end where the last offsets hold no record
                "auto.offset.reset": "earliest",
                "receive.message.max.bytes": max(_RECEIVE_BYTES, max_message_bytes + _OVERHEAD_BYTES),
                "fetch.queue.backoff.ms": 10,  # after its queue was full; the default, a second, is the time of 100 MB
                "log_level": 0,
                "error_cb": _ignore,  # connection errors are seen as silence
            }
        )
        self._consumer.assign([TopicPartition(topic, number, span.first) for (topic, number), span in spans.items()])

    @property
    def done(self) -> bool:
        """Whether everything has been read."""
        return not self._last

    def read(self) -> list[Changes]:
        """What has arrived, at most a few thousand records; BrokerUnreachableError where nothing does for long."""
        found: dict[tuple[str, int], list[tuple[bytes, bytes | None]]] = {}
        ends: dict[tuple[str, int], tuple[int, int]] = {}
        messages = self._consumer.consume(_BATCH, _POLL_S)
        for message in messages:
            place = message.topic() or "", message.partition() or 0
            last = self._last.get(place)
            if last is None:
                continue
            error, offset = message.error(), message.offset() or 0
            if error is None and offset <= last:
                key = message.key()
                if key is not None:
                    found.setdefault(place, []).append((key, message.value()))
                    ends[place] = offset, message.timestamp()[1]
            elif error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  # librdkafka's name
                if not error.retriable():
                    raise KafkaException(error)
                continue
            if error is not None or offset >= last:
                del self._last[place]
        self._watch(silent=not messages)
        return [Changes(*place, *ends[place], rows) for place, rows in found.items()]

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def _watch(self, *, silent: bool) -> None:
        if not silent:
            self._silent_since = time.monotonic()
        elif time.monotonic() - self._silent_since > _TIMEOUT_S:
            raise BrokerUnreachableError(f"the broker at {self._bootstrap} does not deliver the tables' changelogs")


def _ignore(_: KafkaError) -> None:
    """Connection errors, which librdkafka would print."""
