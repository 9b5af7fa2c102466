"""Takes records of the topic `metrics` into the store: thousands at once, each checked as `points` says.

What cannot be kept is told, with the reason; what lies in another partition than its key's is to be moved there.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import structlog

from connectors.kafka.publisher import partition_for
from connectors.point_store.columns import ROW
from connectors.point_store.store import PointStore
from schemas.coding.codec import Codec
from schemas.coding.point_columns import PointColumns, PointReader
from schemas.coding.wire import UndecodableError
from schemas.workloads import MetricPoint
from streams.errors import InvalidError
from streams.workloads.points import check_point, out_of_bounds
from streams.workloads.slots import NOBODY, Seen, Slots

__all__ = ["Consumed", "Intake", "LogRecord", "Taken"]

log = structlog.get_logger(__name__)

_MOST_SLOTS: Final = 100_000  # series that are remembered, so that their points cost one look-up: 350 bytes each
_MOST_WORKLOADS: Final = 15_000  # 1 KiB each, beside their series; a batch may bring as many new ones as it has records
_MISTAKES: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError, struct.error)
"""What a record that nobody has thought of may raise; a wrong point is a ValueError. Disk and broker raise others."""


class LogRecord(Protocol):
    """A record of the log, as Kafka's client gives it."""

    def key(self) -> bytes | None: ...  # noqa: D102
    def value(self) -> bytes | None: ...  # noqa: D102
    def partition(self) -> int | None: ...  # noqa: D102
    def offset(self) -> int | None: ...  # noqa: D102
    def timestamp(self) -> tuple[int, int]: ...  # noqa: D102


@dataclass(frozen=True)
class Consumed:
    """A record of the log, as dead letters are made of."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: float
    headers: Any

    @classmethod
    def of(cls, record: Any) -> "Consumed":
        """From what Kafka's client gives."""
        return cls(
            topic=record.topic(),
            partition=record.partition(),
            offset=record.offset(),
            key=record.key(),
            value=record.value(),
            timestamp=record.timestamp()[1] / 1000,
            headers=record.headers(),
        )


class Taken(NamedTuple):
    """What came of a batch: how many points are kept, whose, and which records are not, by their place in the batch."""

    points: int
    uids: Sequence[str]
    places: Mapping[int, int]
    refused: Sequence[tuple[int, Exception]]
    elsewhere: Sequence[int]


class Intake:
    """For the thread that writes the store."""

    def __init__(self, store: PointStore, codec: Codec, partitions: int) -> None:
        self._store = store
        self._codec = codec
        self._partitions = partitions
        self._reader = PointReader(codec)
        self.slots = Slots(store, self.home)

    def prepare(self, records: Sequence[LogRecord]) -> "_Batch":
        """Look at some records; nothing is written yet."""
        if len(self.slots) > _MOST_SLOTS or self._store.known > _MOST_WORKLOADS:
            self.slots.let_go()
        values = [record.value() or b"" for record in records]
        try:
            return _Batch(records, values, self._reader.read(values), self)
        except _MISTAKES:  # decision 21: whichever record it is, the others go on
            log.exception("points_read_one_by_one", records=len(records))
            return _Batch(records, values, PointColumns.unfit(len(records)), self)

    def write(self, batch: "_Batch") -> Taken:
        """Keep what can be kept of the batch, and how far the log has been read."""
        kept = batch.slots >= 0
        workloads, ordinals = self.slots.owners(batch.slots[kept])
        self._store.write(batch.rows[kept], ordinals, workloads, batch.places)
        uids = [workload.uid for workload in workloads]
        return Taken(int(kept.sum()), uids, batch.places, batch.refused, batch.elsewhere)

    def forget_silent(self, begins: Mapping[int, int]) -> int:
        """Remove workloads of which the logs of these partitions, which begin so, have nothing any more; how many."""
        count = sum(self._store.forget_silent(partition, low) for partition, low in begins.items())
        if count:
            self.slots.let_go()
        return count

    def home(self, key: bytes) -> int:
        """The partition where records of a key belong."""
        return partition_for(key, self._partitions)

    def decode(self, value: bytes | None) -> MetricPoint:
        """UndecodableError where it is no point."""
        event = self._codec.decode(value)
        if not isinstance(event, MetricPoint):
            raise UndecodableError(f"a {type(event).__name__}, not a MetricPoint")
        return event


class _Batch:
    """Records, their columns, and for each the slot of its series, or why there is none."""

    def __init__(
        self, records: Sequence[LogRecord], values: Sequence[bytes], columns: PointColumns, intake: Intake
    ) -> None:
        self.records = records
        self.values = values
        self.columns = columns
        self.refused: list[tuple[int, Exception]] = []
        self.elsewhere: list[int] = []
        self.rows = np.zeros(len(records), ROW)
        partitions = [record.partition() or 0 for record in records]
        offsets = [record.offset() or 0 for record in records]
        self.places = {number: place + 1 for number, place in zip(partitions, offsets, strict=True)}
        self.rows["offset"] = offsets
        self.rows["at"] = columns.timestamp
        self.rows["iteration"] = columns.iteration
        self.rows["value"] = np.where(np.isfinite(columns.value), columns.value, np.nan)
        self._seen: list[Seen] = [
            (partition, record.key(), value[5:head], value[tail:end])
            for partition, record, value, head, tail, end in zip(
                partitions, records, values, columns.head_end, columns.tail, columns.tail_end, strict=True
            )
        ]
        self.slots = intake.slots.known(self._seen)
        odd = ~columns.fits | out_of_bounds(columns.timestamp, columns.iteration)
        self.slots[odd] = NOBODY
        for index in np.flatnonzero(self.slots == NOBODY).tolist():
            slot = NOBODY if odd[index] else self._begin_series(index, partitions[index], intake)
            if slot == NOBODY:
                self._look_at(index, partitions[index], intake)
            else:
                self.slots[index] = slot
        self.rows["series"] = intake.slots.series_at(self.slots)

    def _begin_series(self, index: int, partition: int, intake: Intake) -> int:
        """The slot of a series that is new; `NOBODY` where anything is wrong, which `_look_at` finds out.

        Each training begins some, so its names alone are read: the rest of the record is in the columns.
        """
        known = intake.slots.known_one(self._seen[index])  # one before it may have been like it
        if known != NOBODY:
            return known
        _, key, head, tail = self._seen[index]
        if key is None:
            return NOBODY
        try:
            slot = intake.slots.by_bytes(key, head, tail, partition, self.records[index].timestamp()[1])
        except (UndecodableError, InvalidError, *_MISTAKES):
            return NOBODY
        if slot != NOBODY:
            intake.slots.remember(self._seen[index], slot)
        return slot

    def _look_at(self, index: int, partition: int, intake: Intake) -> None:
        """One record by itself: a schema that is not ours, or something wrong."""
        record = self.records[index]
        key = record.key()
        if key is not None and intake.home(key) != partition:
            self.elsewhere.append(index)
            return
        try:
            point = intake.decode(record.value())
            check_point(point.metric_name, point.value, point.timestamp, point.iteration, point.data_source)
            uid, metric, source = point.workload_uid, point.metric_name, point.data_source
            slot = intake.slots.by_names(key, uid, metric, source, partition, record.timestamp()[1])
        except (UndecodableError, InvalidError, *_MISTAKES) as error:
            self.refused.append((index, error))
            return
        value = np.nan if point.value is None or not np.isfinite(point.value) else point.value
        row = self.rows[index]
        row["at"], row["iteration"], row["value"] = point.timestamp, point.iteration, value
        self.slots[index] = slot
