"""What a case has seen when its fault has healed, as plain values: all that the judge knows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from confluent_kafka import Message

from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError
from schemas.forecasting import CmdStatus
from tests.faults.history import Operation

__all__ = ["Asked", "Decoded", "Event", "Finding", "LogRecord", "Seen"]


class LogRecord(NamedTuple):
    """One record of the log; no value: a tombstone."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None

    @classmethod
    def of(cls, message: Message) -> Self:
        """The record of a message that a client has read."""
        return cls(message.topic(), message.partition(), message.offset(), message.key(), message.value())


@dataclass(frozen=True, slots=True)
class Seen:
    """The log from its beginning, the client's history, and what HTTP shows at the end."""

    log: Mapping[str, Sequence[LogRecord]]
    history: Sequence[Operation] = ()
    bodies: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """GET job_results by job."""
    forecasts: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """GET /forecasts by series, of those that were asked for."""
    jobs: frozenset[int] | None = None
    """The ids that GET /job/ lists; None: not asked for."""
    datasets: frozenset[int] | None = None
    """The ids that GET /data/ lists; None: not asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of one job: submission n is for `submissions[n]`, a series and a model.

    With `commands_removed` not all of its commands are in the log any more.
    """

    job_id: int
    ts_ids: Sequence[int]
    submissions: Sequence[tuple[int, str]]
    ends_as: CmdStatus = CmdStatus.DONE
    commands_removed: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    rule: str
    text: str
    job_id: int | None = None
    ts_id: int | None = None
    n: int | None = None

    def __str__(self) -> str:
        places = (("job", self.job_id), ("series", self.ts_id), ("submission", self.n))
        where = ", ".join(f"{name} {number}" for name, number in places if number is not None)
        return f"{self.rule}: {where}{': ' if where else ''}{self.text}"


class Event(NamedTuple):
    """A record with what it says; None: a tombstone."""

    record: LogRecord
    says: Any


class Decoded:
    """The log as events, each decoded once."""

    def __init__(self, log: Mapping[str, Sequence[LogRecord]], codec: Codec) -> None:
        self._log = log
        self._codec = codec
        self._events: dict[str, list[Event]] = {}
        self.unreadable: list[LogRecord] = []
        """Of the topics that have been looked at."""

    def __getitem__(self, topic: str) -> Sequence[Event]:
        """All of a topic that can be read, tombstones among it."""
        if topic not in self._events:
            self._events[topic] = list(self._decoded(topic))
        return self._events[topic]

    def said(self, topic: str, *keys: int) -> Iterator[Event]:
        """What is said under these keys, tombstones left out."""
        wanted = {b"%d" % key for key in keys}
        return (event for event in self[topic] if event.says is not None and event.record.key in wanted)

    def last(self, topic: str) -> Mapping[bytes | None, Any]:
        """What compaction leaves: the last event of each key, None where that is a tombstone."""
        return {event.record.key: event.says for event in self[topic]}

    def _decoded(self, topic: str) -> Iterator[Event]:
        for record in self._log.get(topic, ()):
            try:
                yield Event(record, None if record.value is None else self._codec.decode(record.value))
            except UndecodableError:
                self.unreadable.append(record)
