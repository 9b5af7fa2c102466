"""A table's rows on the disk of this worker.

The disk has only what the changelog has; rows that are not yet acknowledged lie over it in memory. So a worker that is
killed comes back with rows that are behind the log at most, and reads the rest from it.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

import faust
from faust.types import TP
from faust.types.tables import CollectionT

from connectors.kafka.changelog_reader import Changes
from connectors.row_database import Place, RowDatabase
from streams.rows.row_stores import Row, RowStore, Stored

__all__ = ["DiskRows"]

# Half of delete.retention.ms, Kafka's default of which the changelogs have: for so long a deletion stays in the log at
# least. Whoever was away for longer may have missed one.
_TRUSTED_MS: Final = 12 * 3600 * 1000


class DiskRows(RowStore):
    """Rows in RocksDB. Those of partitions that another worker has stay on the disk, and are not shown."""

    def __init__(self, app: faust.App, table: CollectionT, folder: Path) -> None:
        super().__init__(app, table)
        self._folder = folder
        self._opened: RowDatabase | None = None
        self._held: dict[int, object] = {}  # partition → a token, another one each time that it comes
        self._waiting: dict[bytes, tuple[int, bytes | None, object]] = {}  # key → partition, row, its write
        self._reading: dict[int, list[Callable[[], None]]] = {}  # partition → what waits until its changelog is read

    @property
    def _database(self) -> RowDatabase:
        if self._opened is None:
            self._opened = RowDatabase(self._folder)
        return self._opened

    async def on_start(self) -> None:
        """Open the database: whether another worker has it is to be known before anything is assigned."""
        _ = self._database

    async def on_stop(self) -> None:
        """Close it; what is acknowledged later is read from the changelog."""
        self._held.clear()
        if self._opened is not None:
            self._opened.close()

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Show the rows of our partitions only, and give up unacknowledged ones of those that went."""
        del revoked, newly_assigned, generation_id
        mine = {tp.partition for tp in assigned if tp.topic in self.table.changelog_topic.topics}
        for partition in self._held.keys() - mine:
            del self._held[partition]
        still = set(self._held)
        for partition in mine - still:
            self._held[partition] = object()
            self._reading.pop(partition, None)
        self._give_up_all_but(still)  # a late row of one that comes back would hide what its new owner has written

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Give up what was written meanwhile of partitions that another worker has now."""
        del active_tps, standby_tps
        self._give_up_all_but(self._held.keys())

    def _give_up_all_but(self, partitions: Collection[int]) -> None:
        self._waiting = {key: entry for key, entry in self._waiting.items() if entry[0] in partitions}

    def get(self, key: bytes, default: None = None) -> bytes | None:
        """The row, or None where this worker does not have it."""
        waiting = self._waiting.get(key)
        if waiting is not None:
            return waiting[1]
        try:
            found = self._database.get(key)
        except Exception as error:  # rocksdict 0.3.29 has no class of its own
            self._fail(error)
            raise
        return found[1] if found is not None and found[0] in self._held else default

    def __len__(self) -> int:
        """The number of rows, as RocksDB estimates it: deleted ones may be counted until they are compacted."""
        return max(0, self._database.count())

    def keys(self, partition: int | None = None) -> list[bytes]:
        """The keys of all rows, or of one partition's."""
        return [key for home, key, _ in self.items() if partition in (None, home)]

    def beginning_with(self, prefix: bytes) -> list[bytes]:
        """The keys that begin so, ascending."""
        return sorted(key for _, key, _ in self._beginning_with(prefix))

    def items(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Partition, key and row of every row; some seconds for a million."""
        return self._beginning_with(b"")

    def _beginning_with(self, prefix: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        waiting = {key: entry for key, entry in list(self._waiting.items()) if key.startswith(prefix)}
        try:
            for partition, key, row in self._database.items(prefix):
                if partition in self._held and key not in waiting:
                    yield partition, key, row
        except Exception as error:
            self._fail(error)
            raise
        for key, (partition, late, _) in waiting.items():
            if late is not None:
                yield partition, key, late

    def write(self, partition: int, rows: Sequence[Row]) -> Stored | None:
        """Show the rows now, and have them on the disk when the changelog has them.

        Those of a lost partition too, until the next rebalance: whoever writes them late reads them in the same breath.
        """
        token, held = object(), self._held.get(partition)
        for key, row in rows:
            self._waiting[key] = partition, row, token

        def stored(first: int, last: int) -> None:
            if held is None or self._held.get(partition) is not held:
                return  # the partition went meanwhile
            if partition in self._reading:  # what is older would come after it
                self._reading[partition].append(lambda: stored(first, last))
                return
            self._store(partition, rows, first, last)
            for key, _ in rows:
                entry = self._waiting.get(key)
                if entry is not None and entry[2] is token:
                    del self._waiting[key]

        return stored

    def _store(self, partition: int, rows: Sequence[Row], first: int, last: int) -> None:
        """Write what the changelog has. The offset moves over nothing that is not known to be in the rows."""
        reached = self._reached(partition)
        if 0 <= last <= reached:
            return  # a recovery has read it, and maybe what came after it
        tenure = max(self.tenure(partition), self.owned_log.number(partition))
        place = Place(last, _now_ms(), tenure) if 0 <= first <= reached + 1 else None
        self._change(partition, rows, place)

    def recover(self, changes: Changes) -> None:
        """Apply what the changelog says."""
        self._reading.setdefault(changes.partition, [])
        self._change(changes.partition, changes.rows, Place(changes.offset, changes.at_ms, changes.tenure))

    def recovered(self, partition: int, last: int) -> None:
        """Note that the changelog up to the offset `last` is in the rows."""
        self._change(partition, (), Place(max(last, self._reached(partition)), _now_ms(), self.tenure(partition)))
        for acknowledged in self._reading.pop(partition, ()):
            acknowledged()

    def forget(self, partition: int) -> None:
        """Remove a partition's rows, unacknowledged ones too."""
        self._waiting = {key: entry for key, entry in self._waiting.items() if entry[0] != partition}
        self._database.forget(partition)

    def is_trusted(self, partition: int, offset: int, last: int) -> bool:
        """False where the log is shorter than the rows, or they have been left alone for longer than it keeps all."""
        place = self._database.place(partition)
        if place is None or offset == last:
            return True
        return offset < last and _now_ms() - place.at_ms < _TRUSTED_MS

    def tenure(self, partition: int) -> int:
        """The highest tenure in the part of the changelog that is on the disk."""
        place = self._database.place(partition)
        return 0 if place is None else place.tenure

    def persisted_offset(self, tp: TP) -> int | None:
        """How far the changelog is in the rows."""
        place = self._database.place(tp.partition)
        return None if place is None else place.offset

    def _reached(self, partition: int) -> int:
        place = self._database.place(partition)
        return -1 if place is None else place.offset

    def _change(self, partition: int, rows: Sequence[Row], place: Place | None) -> None:
        try:
            self._database.write(partition, rows, place)
        except Exception as error:
            self._fail(error)
            raise

    def _fail(self, error: Exception) -> None:
        """End the worker: its next start reads all rows from the changelog."""
        if self._opened is not None and not self.should_stop:
            self._opened.spoil()
            self.loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self.app.crash(error)))


def _now_ms() -> int:
    return int(time.time() * 1000)
