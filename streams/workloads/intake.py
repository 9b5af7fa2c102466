"""Takes records of the topic `metrics` into the store: thousands at once, each checked as `points` says.

What cannot be kept is told, with the reason; what lies in another partition than its key's is to be moved there.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from connectors.kafka.publisher import partition_for
from connectors.point_store.columns import ROW
from connectors.point_store.store import KeptWorkload, PointStore, TooManySeriesError
from schemas.coding.codec import Codec
from schemas.coding.point_columns import PointColumns, PointReader
from schemas.coding.wire import UndecodableError
from schemas.workloads import MetricPoint
from streams.checks import ID_LIMIT
from streams.codes.workloads import WorkloadsCode
from streams.errors import Code, InvalidError
from streams.workloads.points import IN_SECONDS, LATEST_MS, WrongPointError, check_point, check_uid

__all__ = ["Intake", "LogRecord", "Taken"]

_MOST_SLOTS: Final = 200_000  # series that are remembered, so that their points cost one look-up
_MOST_WORKLOADS: Final = 50_000
_NOBODY: Final = -1


class LogRecord(Protocol):
    """A record of the log, as Kafka's client gives it."""

    def key(self) -> bytes | None: ...  # noqa: D102
    def value(self) -> bytes | None: ...  # noqa: D102
    def partition(self) -> int | None: ...  # noqa: D102
    def offset(self) -> int | None: ...  # noqa: D102
    def timestamp(self) -> tuple[int, int]: ...  # noqa: D102


class Taken(NamedTuple):
    """What came of a batch: how many points are kept, whose, and which records are not, by their place in the batch."""

    points: int
    uids: Sequence[str]
    places: Mapping[int, int]
    refused: Sequence[tuple[int, Exception]]
    elsewhere: Sequence[int]


_Seen = tuple[int, bytes | None, bytes, bytes]
"""Partition and key of a record, and its bytes of workload and metric, and of the source."""


class _Slot(NamedTuple):
    owner: int
    series: int


class Intake:
    """For the thread that writes the store."""

    def __init__(self, store: PointStore, codec: Codec, partitions: int) -> None:
        self._store = store
        self._codec = codec
        self._partitions = partitions
        self._reader = PointReader(codec)
        self._slots: dict[_Seen, int] = {}  # what records of one series have in common → its slot
        self._of_slot: list[_Slot] = []
        self._workloads: list[KeptWorkload] = []
        self._ordinals: dict[str, int] = {}

    def prepare(self, records: Sequence[LogRecord]) -> "_Batch":
        """Look at some records; nothing is written yet."""
        if len(self._of_slot) > _MOST_SLOTS or self._store.known > _MOST_WORKLOADS:
            self._slots, self._of_slot, self._workloads, self._ordinals = {}, [], [], {}
            self._store.let_go()
        values = [record.value() or b"" for record in records]
        return _Batch(records, values, self._reader.read(values), self)

    def write(self, batch: "_Batch") -> Taken:
        """Keep what can be kept of the batch, and how far the log has been read."""
        owners = np.fromiter((slot.owner for slot in self._of_slot), np.int64, len(self._of_slot))
        kept = batch.slots >= 0
        mine = owners[batch.slots[kept]]
        present, ordinals = np.unique(mine, return_inverse=True)
        workloads = [self._workloads[number] for number in present.tolist()]
        self._store.write(batch.rows[kept], ordinals, workloads, batch.places)
        uids = [workload.uid for workload in workloads]
        return Taken(int(kept.sum()), uids, batch.places, batch.refused, batch.elsewhere)

    def slot(self, key: bytes | None, uid: str, metric: str, source: str, partition: int, heard_at: int) -> int:
        """The number of a series of a workload; InvalidError, WrongPointError or TooManySeriesError."""
        check_uid(uid)
        if key != uid.encode():
            raise InvalidError(Code.WRONG_KEY, f"the record's key must be the workload_uid, {uid}")
        check_point(metric, None, 0, 0, source)
        ordinal = self._ordinals.get(uid)
        if ordinal is None:
            ordinal = self._ordinals[uid] = len(self._workloads)
            self._workloads.append(self._store.workload(uid, partition, heard_at))
        try:
            series = self._store.series_of(self._workloads[ordinal], metric, source)
        except TooManySeriesError as error:
            raise InvalidError(WorkloadsCode.TOO_MANY_METRICS, str(error)) from None
        self._of_slot.append(_Slot(ordinal, series))
        return len(self._of_slot) - 1

    def home(self, key: bytes) -> int:
        """The partition where records of a key belong."""
        return partition_for(key, self._partitions)

    def slots_of(self, seen: Sequence[_Seen]) -> NDArray[np.int64]:
        """The slot of each record, `_NOBODY` where none like it was seen before."""
        known = self._slots
        return np.array([known.get(each, _NOBODY) for each in seen], np.int64)

    def remember(self, seen: _Seen, slot: int) -> None:
        """Let records like this one find their series at once."""
        self._slots[seen] = slot

    def series(self) -> NDArray[np.int64]:
        """The series of each slot within its workload."""
        return np.fromiter((slot.series for slot in self._of_slot), np.int64, len(self._of_slot))

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
        self._seen: list[_Seen] = [
            (partition, record.key(), value[5:head], value[tail:end])
            for partition, record, value, head, tail, end in zip(
                partitions, records, values, columns.head_end, columns.tail, columns.tail_end, strict=True
            )
        ]
        self.slots = intake.slots_of(self._seen)
        self.slots[~columns.fits | _out_of_bounds(columns)] = _NOBODY
        for index in np.flatnonzero(self.slots == _NOBODY).tolist():
            self._look_at(index, partitions[index], intake)
        series = intake.series()
        self.rows["series"] = series[self.slots] if len(series) else 0

    def _look_at(self, index: int, partition: int, intake: Intake) -> None:
        """One record by itself: a series that is new, a schema that is not ours, or something wrong."""
        record = self.records[index]
        key = record.key()
        if key is not None and intake.home(key) != partition:
            self.elsewhere.append(index)
            return
        try:
            point = intake.decode(record.value())
            check_point(point.metric_name, point.value, point.timestamp, point.iteration, point.data_source)
            fits = bool(self.columns.fits[index])
            slot = (
                int(intake.slots_of([self._seen[index]])[0]) if fits else _NOBODY
            )  # one before it may have been like it
            if slot == _NOBODY:
                uid, metric, source = point.workload_uid, point.metric_name, point.data_source
                slot = intake.slot(key, uid, metric, source, partition, record.timestamp()[1])
                if fits:
                    intake.remember(self._seen[index], slot)
        except (UndecodableError, InvalidError, WrongPointError) as error:
            self.refused.append((index, error))
            return
        value = np.nan if point.value is None or not np.isfinite(point.value) else point.value
        row = self.rows[index]
        row["at"], row["iteration"], row["value"] = point.timestamp, point.iteration, value
        self.slots[index] = slot


def _out_of_bounds(columns: PointColumns) -> NDArray[np.bool_]:
    """Numbers that `check_point` has something to say of."""
    at, iteration = columns.timestamp, columns.iteration
    wrong: NDArray[np.bool_] = (at < 0) | (at > LATEST_MS) | ((at >= IN_SECONDS.start) & (at < IN_SECONDS.stop))
    return wrong | (iteration > ID_LIMIT) | (iteration < -ID_LIMIT)
