"""Reads tables' changelogs up to a given end, many records at a time: what a worker does before it may answer.

Faust's consumer hands over one record at a time, in Python; librdkafka hands over thousands at once.

Each owner of a partition writes its tenure into its records: a number above those before it. A record of a lower
tenure that comes after one of a higher had waited in a former owner's producer: it is not applied, but its key is told,
for compaction would keep it. Records without a tenure are of releases that had none, and are applied.
"""

import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from connectors.kafka.admin import BrokerUnreachableError
from connectors.kafka.security import options

__all__ = ["READING_ERRORS", "TENURE", "ChangelogReader", "Changes", "Span", "Tenure"]

TENURE: Final = "tenure"  # the header's name
READING_ERRORS: Final = (BrokerUnreachableError, KafkaException)
"""What reading raises while the broker is away, or refuses."""

_BATCH: Final = 5000  # records per call: a few ms of the event loop that applies them
_POLL_S: Final = 0.1  # how long a call waits for a full batch; it bounds how many large rows are held at once
_TIMEOUT_S: Final = 30.0  # without anything from the broker; a broker's restart takes less
_RECEIVE_BYTES: Final = 100_000_000  # librdkafka's own limit of an answer, which must be above the largest record
_OVERHEAD_BYTES: Final = 1024 * 1024  # of an answer, beside one record as large as is allowed


_TENURE: Final = struct.Struct(">q8s")


class Tenure(NamedTuple):
    """An owner's time with a partition: a number that grows from owner to owner, and which process it is."""

    number: int
    owner: bytes

    def __bytes__(self) -> bytes:
        return _TENURE.pack(*self)


class Span(NamedTuple):
    """The offsets of a partition to be read: from the first on, to the last, both included.

    `tenure` is the highest number before them. With `own` the records of all other tenures are a former owner's.
    """

    first: int
    last: int
    tenure: int = 0
    own: Tenure | None = None


class Changes(NamedTuple):
    """Records of one partition in their order, by key; None deletes. With the offset and time of the last one.

    `tenure` is the highest number up to there.
    """

    topic: str
    partition: int
    offset: int
    at_ms: int
    rows: Sequence[tuple[bytes, bytes | None]]
    tenure: int = 0


class ChangelogReader:
    """Reads spans once. Joins no group, commits nothing. For one thread at a time; connects when it is made."""

    def __init__(self, bootstrap: str, spans: Mapping[tuple[str, int], Span], *, max_message_bytes: int) -> None:
        self._bootstrap = bootstrap
        self._last = {place: span.last for place, span in spans.items()}
        self._tenures = {place: span.tenure for place, span in spans.items()}
        self._own = {place: bytes(span.own) for place, span in spans.items() if span.own is not None}
        #: Keys whose last record is a former owner's.
        self.stale: dict[tuple[str, int], set[bytes]] = {}
        self._silent_since = time.monotonic()
        self._consumer = Consumer(
            {
                **options(bootstrap),
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
                    rows = found.setdefault(place, [])
                    if self._is_applied(place, key, message.headers()):
                        rows.append((key, message.value()))
                    ends[place] = offset, message.timestamp()[1]
            elif error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  # librdkafka's name
                if not error.retriable():
                    raise KafkaException(error)
                continue
            if error is not None or offset >= last:
                del self._last[place]
        self._watch(silent=not messages)
        return [Changes(*place, *ends[place], rows, self._tenures[place]) for place, rows in found.items()]

    def tenure(self, topic: str, partition: int) -> int:
        """The highest number that was read of a partition, or known before."""
        return self._tenures[topic, partition]

    def _is_applied(self, place: tuple[str, int], key: bytes, headers: Any) -> bool:
        said = next((value for name, value in headers or () if name == TENURE), None)
        own = self._own.get(place)
        number = self._tenures[place] if said is None else int(_TENURE.unpack(said)[0])
        if number < self._tenures[place] or own not in (None, said):
            self.stale.setdefault(place, set()).add(key)
            return False
        self._tenures[place] = number
        if place in self.stale:
            self.stale[place].discard(key)
        return True

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
