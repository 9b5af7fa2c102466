"""Takes records of the topic `metrics` into the store: thousands at once, each checked as `points` says.

What cannot be kept is told, with the reason; what lies in another partition than its key's is to be moved there.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from connectors.kafka.publisher import partition_for
from connectors.point_store.columns import ROW
from connectors.point_store.store import KeptWorkload, PointStore, TooManySeriesError
from schemas.coding.codec import Codec
from schemas.coding.point_columns import PointColumns, PointReader
from schemas.coding.wire import UndecodableError, decode_text
from schemas.workloads import MetricPoint
from streams.access.names import shown
from streams.codes.workloads import WorkloadsCode
from streams.errors import Code, InvalidError
from streams.workloads.points import check_point, check_uid, out_of_bounds

__all__ = ["Consumed", "Intake", "LogRecord", "Taken"]

log = structlog.get_logger(__name__)

_MOST_SLOTS: Final = 100_000  # series that are remembered, so that their points cost one look-up: 350 bytes each
_MOST_WORKLOADS: Final = 15_000  # 1 KiB each, beside their series; a batch may bring as many new ones as it has records
_NOBODY: Final = -1
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


_Seen = tuple[int, bytes | None, bytes, bytes]
"""Partition and key of a record, and its bytes of workload and metric, and of the source."""


class _Numbers:
    """Whole numbers, appended one by one and looked up many at a time.

    Made anew from a list for each batch they would cost as much as there are series, however small the batch is.
    """

    def __init__(self) -> None:
        self._kept = np.zeros(1024, np.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, number: int) -> None:
        if self._count == len(self._kept):
            self._kept = np.concatenate([self._kept, np.zeros_like(self._kept)])
        self._kept[self._count] = number
        self._count += 1

    def at(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those at some places; whatever there is where a place is no one's."""
        return self._kept[places]


class Intake:
    """For the thread that writes the store."""

    def __init__(self, store: PointStore, codec: Codec, partitions: int) -> None:
        self._store = store
        self._codec = codec
        self._partitions = partitions
        self._reader = PointReader(codec)
        self._slots: dict[_Seen, int] = {}  # what records of one series have in common → its slot
        self._owners, self._series = _Numbers(), _Numbers()  # of each slot: its workload, and its series within that
        self._workloads: list[KeptWorkload] = []
        self._ordinals: dict[str, int] = {}

    def prepare(self, records: Sequence[LogRecord]) -> "_Batch":
        """Look at some records; nothing is written yet."""
        if len(self._owners) > _MOST_SLOTS or self._store.known > _MOST_WORKLOADS:
            self._let_go()
        values = [record.value() or b"" for record in records]
        try:
            return _Batch(records, values, self._reader.read(values), self)
        except _MISTAKES:  # decision 21: whichever record it is, the others go on
            log.exception("points_read_one_by_one", records=len(records))
            return _Batch(records, values, PointColumns.unfit(len(records)), self)

    def write(self, batch: "_Batch") -> Taken:
        """Keep what can be kept of the batch, and how far the log has been read."""
        kept = batch.slots >= 0
        mine = self._owners.at(batch.slots[kept])
        present, ordinals = np.unique(mine, return_inverse=True)
        workloads = [self._workloads[number] for number in present.tolist()]
        self._store.write(batch.rows[kept], ordinals, workloads, batch.places)
        uids = [workload.uid for workload in workloads]
        return Taken(int(kept.sum()), uids, batch.places, batch.refused, batch.elsewhere)

    def forget_silent(self, begins: Mapping[int, int]) -> int:
        """Remove workloads of which the logs of these partitions, which begin so, have nothing any more; how many."""
        count = sum(self._store.forget_silent(partition, low) for partition, low in begins.items())
        if count:
            self._let_go()
        return count

    def _let_go(self) -> None:
        self._slots, self._workloads, self._ordinals = {}, [], {}
        self._owners, self._series = _Numbers(), _Numbers()
        self._store.let_go()

    def slot(self, key: bytes | None, uid: str, metric: str, source: str, partition: int, heard_at: int) -> int:
        """The number of a series of a workload; InvalidError, WrongPointError or TooManySeriesError."""
        check_uid(shown(uid))
        if key != uid.encode():
            raise InvalidError(Code.WRONG_KEY, f"the record's key must be the workload_uid, {uid}")
        _check_names(metric, source)
        ordinal = self._ordinals.get(uid)
        if ordinal is None:
            ordinal = self._ordinals[uid] = len(self._workloads)
            self._workloads.append(self._store.workload(uid, partition, heard_at))
        try:
            series = self._store.series_of(self._workloads[ordinal], metric, source)
        except TooManySeriesError as error:
            raise InvalidError(WorkloadsCode.TOO_MANY_METRICS, str(error)) from None
        self._owners.append(ordinal)
        self._series.append(series)
        return len(self._owners) - 1

    def home(self, key: bytes) -> int:
        """The partition where records of a key belong."""
        return partition_for(key, self._partitions)

    def slots_of(self, seen: Sequence[_Seen]) -> NDArray[np.int64]:
        """The slot of each record, `_NOBODY` where none like it was seen before."""
        known = self._slots
        return np.array([known.get(each, _NOBODY) for each in seen], np.int64)

    def slot_of(self, seen: _Seen) -> int:
        """The slot of one record."""
        return self._slots.get(seen, _NOBODY)

    def remember(self, seen: _Seen, slot: int) -> None:
        """Let records like this one find their series at once."""
        self._slots[seen] = slot

    def series_at(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """The series of each of these slots within its workload; any number for `_NOBODY`."""
        return self._series.at(slots)

    def decode(self, value: bytes | None) -> MetricPoint:
        """UndecodableError where it is no point."""
        event = self._codec.decode(value)
        if not isinstance(event, MetricPoint):
            raise UndecodableError(f"a {type(event).__name__}, not a MetricPoint")
        return event


@lru_cache(4096)
def _check_names(metric: str, source: str) -> None:
    check_point(metric, None, 0, 0, source)


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
        self._seen: list[_Seen] = [
            (partition, record.key(), value[5:head], value[tail:end])
            for partition, record, value, head, tail, end in zip(
                partitions, records, values, columns.head_end, columns.tail, columns.tail_end, strict=True
            )
        ]
        self.slots = intake.slots_of(self._seen)
        odd = ~columns.fits | out_of_bounds(columns.timestamp, columns.iteration)
        self.slots[odd] = _NOBODY
        for index in np.flatnonzero(self.slots == _NOBODY).tolist():
            slot = _NOBODY if odd[index] else self._begin_series(index, partitions[index], intake)
            if slot == _NOBODY:
                self._look_at(index, partitions[index], intake)
            else:
                self.slots[index] = slot
        self.rows["series"] = intake.series_at(self.slots)

    def _begin_series(self, index: int, partition: int, intake: Intake) -> int:
        """The slot of a series that is new; `_NOBODY` where anything is wrong, which `_look_at` finds out.

        Each training begins some, so its names alone are read: the rest of the record is in the columns.
        """
        known = intake.slot_of(self._seen[index])  # one before it may have been like it
        if known != _NOBODY:
            return known
        record, (_, key, head, tail) = self.records[index], self._seen[index]
        if key is None or intake.home(key) != partition:
            return _NOBODY
        try:
            uid, at = decode_text(head, 0)
            metric, _ = decode_text(head, at)
            source, _ = decode_text(tail, 0)
            slot = intake.slot(key, uid, metric, source, partition, record.timestamp()[1])
        except (UndecodableError, InvalidError, *_MISTAKES):
            return _NOBODY
        intake.remember(self._seen[index], slot)
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
            slot = intake.slot(key, uid, metric, source, partition, record.timestamp()[1])
        except (UndecodableError, InvalidError, *_MISTAKES) as error:
            self.refused.append((index, error))
            return
        value = np.nan if point.value is None or not np.isfinite(point.value) else point.value
        row = self.rows[index]
        row["at"], row["iteration"], row["value"] = point.timestamp, point.iteration, value
        self.slots[index] = slot
