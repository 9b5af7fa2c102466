"""Where a table's rows are on this worker, filled from the changelog: what any such place can do, and memory."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import faust
from faust.stores.base import Store
from faust.types import TP
from faust.types.tables import CollectionT
from sortedcontainers import SortedList

from connectors.kafka.changelog_reader import Changes

if TYPE_CHECKING:
    from streams.rows.owned_log import OwnedLog

__all__ = ["MemoryRows", "Row", "RowStore", "Stored"]

_FEW = 1000
Row = tuple[bytes, bytes | None]
Stored = Callable[[int, int], None]
"""Takes the first and the last offset that the broker has given to the rows of one write."""


class RowStore(Store):
    """Bytes under bytes. What Faust asks of a store and nobody uses here does nothing."""

    owned_log: "OwnedLog"
    """Where changes of the rows are sent."""

    def __init__(self, app: faust.App, table: CollectionT) -> None:
        super().__init__(app.conf.store, app, table, key_type=bytes, value_type=bytes)

    @abstractmethod
    def get(self, key: bytes, default: None = None) -> bytes | None:
        """The row, or None where this worker does not have it."""

    @abstractmethod
    def keys(self, partition: int | None = None) -> list[bytes]:
        """The keys of all rows, or of one partition's."""

    @abstractmethod
    def beginning_with(self, prefix: bytes) -> list[bytes]:
        """The keys that begin so, ascending; it costs what it returns, not what the table holds."""

    @abstractmethod
    def items(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Partition, key and row of every row."""

    @abstractmethod
    def write(self, partition: int, rows: Sequence[Row]) -> Stored | None:
        """Change rows, None deletes; whoever sends them to the changelog calls what is returned when it has them."""

    @abstractmethod
    def recover(self, changes: Changes) -> None:
        """Apply what the changelog says."""

    @abstractmethod
    def forget(self, partition: int) -> None:
        """Remove a partition's rows: they are read anew."""

    def is_trusted(self, partition: int, offset: int, last: int) -> bool:
        """Whether rows up to `offset` can be brought up to date from a changelog that ends with the offset `last`."""
        del partition, offset, last
        return True

    def recovered(self, partition: int, last: int) -> None:
        """Note that the changelog up to the offset `last` is in the rows."""

    def tenure(self, partition: int) -> int:
        """The highest tenure in the part of the changelog that is in the rows, where only the rest is to be read."""
        return self.owned_log.highest_read(partition)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.keys())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self.get(key) is not None

    def persisted_offset(self, tp: TP) -> int | None:
        """How far the changelog is in rows that outlive the process."""
        del tp
        return None

    async def need_active_standby_for(self, tp: TP) -> bool:
        """Of no use: there are no standbys."""
        del tp
        return True

    def apply_changelog_batch(self, *_: Any) -> None:
        """Never called: `streams.rows.recovery` calls `recover`."""

    def reset_state(self) -> None:
        """Never called: Faust's command line is not used."""

    async def backup_partition(self, *_: Any, **__: Any) -> None:
        """The changelog is the backup."""

    def restore_backup(self, *_: Any, **__: Any) -> None:
        """The changelog is the backup."""


class _KeysInOrder:
    """The keys of a dictionary in order. They are sorted when somebody looks, so that writing takes next to no time."""

    def __init__(self, rows: Mapping[bytes, bytes]) -> None:
        self._rows = rows
        self._sorted: SortedList[bytes] = SortedList()
        self._new: list[bytes] = []

    def add(self, key: bytes) -> None:
        """Know of a key that was not among the rows. One that is no longer is left out when somebody looks."""
        self._new.append(key)

    def beginning_with(self, prefix: bytes) -> list[bytes]:
        """The keys that begin so and have rows, ascending."""
        if len(self._new) + len(self._sorted) > 2 * len(self._rows) + _FEW:  # most of them have gone
            self._sorted = SortedList(self._rows)
        else:
            self._sorted.update(self._new)
        self._new.clear()
        found: list[bytes] = []
        for key in self._sorted.irange(prefix):
            if not key.startswith(prefix):
                break
            if key in self._rows and (not found or key != found[-1]):  # what went and came again is there twice
                found.append(key)
        return found


class MemoryRows(RowStore):
    """All rows in dictionaries: the quickest, and read from the changelog at every start."""

    def __init__(self, app: faust.App, table: CollectionT) -> None:
        super().__init__(app, table)
        self._rows: dict[bytes, bytes] = {}
        self._keys = _KeysInOrder(self._rows)
        self._partition_of: dict[bytes, int] = {}

    def get(self, key: bytes, default: None = None) -> bytes | None:
        """The row, or None where this worker does not have it."""
        return self._rows.get(key, default)

    def __len__(self) -> int:
        return len(self._rows)

    def keys(self, partition: int | None = None) -> list[bytes]:
        """The keys of all rows, or of one partition's."""
        if partition is None:
            return list(self._rows)
        return [key for key, home in list(self._partition_of.items()) if home == partition]

    def beginning_with(self, prefix: bytes) -> list[bytes]:
        """The keys that begin so, ascending."""
        return self._keys.beginning_with(prefix)

    def items(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Partition, key and row of every row."""
        partition_of = self._partition_of
        return ((partition_of[key], key, row) for key, row in self._rows.items())

    def write(self, partition: int, rows: Sequence[Row]) -> Stored | None:
        """Change the rows; nothing is to be done when the changelog has them."""
        known, partition_of = self._rows, self._partition_of
        for key, row in rows:
            if row is None:
                known.pop(key, None)
                partition_of.pop(key, None)
            else:
                if key not in known:
                    self._keys.add(key)
                known[key] = row
                partition_of[key] = partition
        return None

    def recover(self, changes: Changes) -> None:
        """Apply what the changelog says."""
        self.write(changes.partition, changes.rows)

    def forget(self, partition: int) -> None:
        """Remove a partition's rows."""
        self.write(partition, [(key, None) for key in self.keys(partition)])

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Remove the rows of partitions that another worker has now."""
        del standby_tps
        held = {tp.partition for tp in active_tps}
        for partition in set(self._partition_of.values()) - held:
            self.forget(partition)
