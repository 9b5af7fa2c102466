"""The points of the workloads that a worker has, in RocksDB: filled in batches, each with its place in the log.

Points and place are written together or not at all; whatever of the log is read again changes nothing. Rows of a batch
lie under their workload until there are enough of them; then they are merged into chunks of columns, by series.
"""

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray
from rocksdict import DBCompressionType, Rdict, WriteBatch

from connectors.point_store import keys
from connectors.point_store.columns import ROW, of_rows, without_repeats
from connectors.point_store.groups import Groups, group_by_age
from connectors.point_store.merging import merge_series
from connectors.point_store.reading import PointReader, StoredWorkload
from connectors.rocksdb_files import MIB, UnreadableDatabaseError, opened
from connectors.rocksdb_files import DatabaseInUseError as StoreInUseError

__all__ = ["KeptWorkload", "PointStore", "StoreInUseError", "TooManySeriesError"]

log = structlog.get_logger(__name__)

_BLOCK_CACHE: Final = 16 * MIB
_MERGE_POINTS: Final = 16_384  # of a workload that may wait: who reads it sorts them each time, 2 ms
_MERGE_BLOBS: Final = 256
_STRETCH: Final = 10_000  # offsets of a log: so seldom it is noted that something came of a workload
_FOLDER: Final = re.compile(r"points-(\d+)")


class TooManySeriesError(ValueError):
    """A workload has as many metrics as one may have."""


class KeptWorkload(StoredWorkload):
    """A workload that points come for."""

    __slots__ = ("blobs", "by_name", "changed", "new", "waiting")

    def __init__(self, stored: StoredWorkload, *, waiting: int = 0, blobs: int = 0, new: bool = False) -> None:
        super().__init__(stored.uid, stored.number, stored.partition, stored.created, stored.series, stored.heard)
        self.by_name = {name: index for index, name in enumerate(self.series)}
        self.waiting = waiting
        self.blobs = blobs
        self.new = new
        self.changed = new


class PointStore:
    """One thread writes; others read with `reader`."""

    def __init__(self, folder: Path, *, most_series: int, group_of: Callable[[str], str]) -> None:
        """`group_of` says with which others a uid is listed and counted: the same at all times."""
        self._folder = folder
        self._group_of = group_of
        self._most_series = most_series
        self._db = _open(folder)
        group_by_age(self._db, group_of)
        self._known: dict[str, KeptWorkload] = {}
        self._next = int.from_bytes(self._db.get(keys.NEXT) or b"", "big")

    def reader(self) -> PointReader:
        """The store as it is now."""
        return PointReader(self._db)

    def place(self, partition: int) -> int | None:
        """The offset from where on the partition's log is not in the store; None where nothing is known of it."""
        found: bytes | None = self._db.get(keys.place_key(partition))
        return None if found is None else int.from_bytes(found, "big")

    @property
    def known(self) -> int:
        """How many workloads are in memory."""
        return len(self._known)

    def let_go(self) -> None:
        """Have no workload in memory any more; what `workload` gave before must not be used again."""
        self._known.clear()

    def workload(self, uid: str, partition: int, heard_at: int) -> KeptWorkload:
        """The workload, which is a new one where nothing was heard of it before."""
        known = self._known.get(uid)
        if known is not None:
            return known
        row: bytes | None = self._db.get(keys.WORKLOAD + uid.encode())
        if row is None:
            known = KeptWorkload(StoredWorkload(uid, self._next, partition, heard_at, ()), new=True)
            self._next += 1
        else:
            stored = StoredWorkload.of_row(uid, row)
            sizes = [len(rows) for _, rows in self._waiting(stored.number)]
            known = KeptWorkload(stored, waiting=sum(sizes) // ROW.itemsize, blobs=len(sizes))
        self._known[uid] = known
        return known

    def series_of(self, workload: KeptWorkload, metric: str, source: str) -> int:
        """The number of a series, which is a new one where it was not seen before; TooManySeriesError."""
        index = workload.by_name.get((metric, source))
        if index is None:
            index = len(workload.series)
            if index >= self._most_series:
                raise TooManySeriesError(
                    f"workload {workload.uid} has {index} metrics already, the most that are kept of one: use fewer "
                    "names, or raise TIDECAST_MAX_WORKLOAD_METRICS"
                )
            workload.by_name[metric, source] = index
            workload.series.append((metric, source))
            workload.changed = True
        return index

    def write(
        self,
        rows: NDArray[Any],
        owners: NDArray[np.int64],
        workloads: Sequence[KeptWorkload],
        places: Mapping[int, int],
    ) -> None:
        """Keep rows of `ROW` in the order of the log, `owners` says whose; and how far the log is in the store now."""
        batch = WriteBatch(raw_mode=True)
        groups = Groups(self._db, batch, self._group_of)
        order = np.argsort(owners, kind="stable")
        data = memoryview(rows[order].tobytes())
        offsets = rows["offset"][order]
        sizes = np.bincount(owners, minlength=len(workloads)).tolist()
        first = 0
        for workload, size in zip(workloads, sizes, strict=True):
            if size:
                content = bytes(data[first * ROW.itemsize : (first + size) * ROW.itemsize])
                batch.put(keys.pending_key(workload.number, int(offsets[first])), content)
                first += size
                stretch = 1 + int(offsets[first - 1]) // _STRETCH
                if stretch > workload.heard:
                    batch.delete(_heard_key(workload))
                    workload.heard, workload.changed = stretch, True
                    batch.put(_heard_key(workload), b"")
            if workload.changed:
                batch.put(keys.WORKLOAD + workload.uid.encode(), workload.row())
                if workload.new:
                    groups.add(workload)
                    batch.put(keys.NEXT, self._next.to_bytes(8, "big"))
        groups.put_counts()
        for partition, place in places.items():
            batch.put(keys.place_key(partition), place.to_bytes(8, "big"))
        self._db.write(batch)
        for workload, size in zip(workloads, sizes, strict=True):
            workload.new = workload.changed = False
            workload.waiting += size
            workload.blobs += size > 0
            if workload.waiting >= _MERGE_POINTS or workload.blobs >= _MERGE_BLOBS:
                self.merge(workload)

    def merge(self, workload: KeptWorkload) -> None:
        """Make chunks of a workload's rows."""
        waiting = self._waiting(workload.number)
        points = without_repeats(of_rows(b"".join(rows for _, rows in waiting)))
        batch = WriteBatch(raw_mode=True)
        cuts = np.flatnonzero(np.diff(points.series)) + 1
        for first, last in zip([0, *cuts], [*cuts, points.size], strict=True):
            if last > first:
                merge_series(self._db, batch, workload.number, points.take(slice(first, last)))
        for key, _ in waiting:
            batch.delete(key)
        self._db.write(batch)
        workload.waiting = workload.blobs = 0

    def forget(self, workload: StoredWorkload) -> None:
        """Remove a workload; to be called by the thread that writes."""
        batch = WriteBatch(raw_mode=True)
        for kind in (keys.PENDING, keys.INDEX, keys.CHUNK):
            for key in self._keys(keys.workload_prefix(kind, workload.number)):
                batch.delete(key)
        batch.delete(keys.WORKLOAD + workload.uid.encode())
        groups = Groups(self._db, batch, self._group_of)
        groups.remove(workload)
        groups.put_counts()
        batch.delete(_heard_key(workload))
        self._db.write(batch)
        self._known.pop(workload.uid, None)

    def forget_silent(self, partition: int, low: int) -> int:
        """Remove workloads of which the partition's log, which begins at `low`, has nothing any more; how many.

        To be called by the thread that writes, which must ask for its workloads anew where there were any.
        """
        silent, prefix = [], keys.heard_prefix(partition)
        at: Any = self._db.iter()
        at.seek(prefix)
        while at.valid() and (key := at.key()).startswith(prefix):
            stretch, uid = keys.of_heard(key)
            if stretch * _STRETCH > low:
                break
            silent.append(uid)
            at.next()
        for uid in silent:
            row: bytes | None = self._db.get(keys.WORKLOAD + uid)
            if row is not None:
                self.forget(StoredWorkload.of_row(uid.decode(), row))
        return len(silent)

    def close(self) -> None:
        """Let another process open it."""
        self._db.close()

    def _waiting(self, number: int) -> list[tuple[bytes, bytes]]:
        prefix = keys.workload_prefix(keys.PENDING, number)
        found = []
        at: Any = self._db.iter()
        at.seek(prefix)
        while at.valid() and (key := at.key()).startswith(prefix):
            found.append((key, at.value()))
            at.next()
        return found

    def _keys(self, prefix: bytes) -> list[bytes]:
        found = []
        at: Any = self._db.iter()
        at.seek(prefix)
        while at.valid() and (key := at.key()).startswith(prefix):
            found.append(key)
            at.next()
        return found


def _heard_key(workload: StoredWorkload) -> bytes:
    return keys.heard_key(workload.partition, workload.heard, workload.uid.encode())


def folder_of_log(parent: Path, log_id: str) -> Path:
    """A folder of its own for each log; those of others are removed, as points of a log that is no more are of no use.

    Kafka's ids of topics may have slashes in them.
    """
    folder = parent / f"topic-{log_id.replace('/', '_')}"
    for other in parent.glob("topic-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def wipe(folder: Path) -> None:
    """Let the next one that opens the store begin with nothing, and read the log again.

    A new folder: who reads the old one at the moment reads on.
    """
    last = _folders(folder)[-1:]
    number = 1 + int(_FOLDER.fullmatch(last[0].name)[1]) if last else 0  # type: ignore[index]
    (folder / f"points-{number}").mkdir(parents=True)


def _folders(folder: Path) -> list[Path]:
    found = [(int(match[1]), path) for path in folder.glob("points-*") if (match := _FOLDER.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def _open(folder: Path) -> Rdict:
    folder.mkdir(parents=True, exist_ok=True)
    *old, current = _folders(folder) or [folder / "points-0"]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    try:
        return opened(current, DBCompressionType.zstd(), cache_bytes=_BLOCK_CACHE)
    except UnreadableDatabaseError as error:
        log.warning("points_unreadable", folder=str(folder), error=str(error))
        wipe(folder)
        return _open(folder)
