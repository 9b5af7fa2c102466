"""A Faust table of encoded events that is written in batches, through our publisher.

Faust's own `table[key] = value` sends one changelog message per write and cannot say when the broker has it
(faust-streaming 0.15.3); here a batch is one call, and its future ends when the broker has acknowledged all of it.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import faust
from faust.types.tables import CollectionT

from connectors.kafka.publisher import MessageTooLargeError, Publisher
from schemas.coding.codec import Codec
from streams.rows.owned_log import OwnedLog
from streams.rows.row_stores import MemoryRows, Row, RowStore
from streams.rows.tally import Tally

__all__ = ["EventTable", "RecordTable", "row_store"]

_ANY = TypeVar("_ANY")
_HEADERS = 256  # bytes that a row's headers may take: its tenure, and the trace that it belongs to


class EventTable:
    """Bytes under bytes, in the partition of the event that caused the write.

    A table whose rows count for a quota has a `tally`, which is told of each.
    """

    tally: Tally | None = None

    def __init__(self, app: faust.App, name: str, changelog: str, *, partitions: int, publisher: Publisher) -> None:
        self.name = name
        self.log = OwnedLog(changelog, publisher)
        self._publisher = publisher
        self._table = app.Table(
            name,
            partitions=partitions,
            key_type=bytes,
            value_type=bytes,
            changelog_topic=app.topic(
                changelog,
                key_type=bytes,
                value_type=bytes,
                key_serializer="raw",
                value_serializer="raw",
                partitions=partitions,
                compacting=True,
                acks=False,
                internal=True,
                allow_empty=True,  # a tombstone deletes
            ),
            on_recover=self._recovered,
        )
        self._rows: RowStore = row_store(app, self._table)
        self._rows.owned_log = self.log
        self._table._data = self._rows  # Faust would make one of its own, which its recovery fills

    def __len__(self) -> int:
        return len(self._rows)

    def _write(self, partition: int, changes: Sequence[Row]) -> "asyncio.Future[None]":
        """Change the rows now and the changelog in the same order; the future ends when the broker has it.

        A failed delivery leaves memory ahead of the log: the caller must let the process end, not go on. A row that
        no record can carry changes nothing: MessageTooLargeError.
        """
        most = self._publisher.max_message_bytes - _HEADERS
        for key, value in changes:
            if value is not None and (size := len(key) + len(value)) > most:
                raise MessageTooLargeError(self.log.topic, size, most)
        return self.log.send(partition, changes, self._rows.write(partition, changes))

    def write_again(self, partition: int, keys: Iterable[bytes]) -> "asyncio.Future[Any]":
        """Let the changelog end with our rows of these keys, where somebody else's came after them."""
        return self._write(partition, [(key, self._rows.get(key)) for key in keys])

    async def counted(self) -> None:
        """Have the tally count all rows, where there is one."""
        if self.tally is not None:
            await self.tally.counted(lambda: [(home, key) for home, key, _ in self._rows.items()], self._to_count)

    def _to_count(self, key: bytes) -> Any:
        """The record of a key, for the tally."""
        raise NotImplementedError

    async def _recovered(self) -> None:
        raise NotImplementedError


class RecordTable(EventTable, Generic[_ANY]):
    """Records of one type by key, with the last state of each decoded. One process writes a partition."""

    def __init__(
        self, app: faust.App, name: str, changelog: str, *, partitions: int, publisher: Publisher, codec: Codec
    ) -> None:
        super().__init__(app, name, changelog, partitions=partitions, publisher=publisher)
        self._codec = codec
        self._decoded: dict[bytes, _ANY] = {}
        self._groups: dict[bytes, dict[bytes, _ANY]] = {}  # beginning of keys → its records, once somebody has asked
        self._changed: set[bytes] | None = None  # keys, once somebody takes them

    def get(self, key: bytes) -> _ANY | None:
        """The record, or None where this worker does not have it."""
        record = self._decoded.get(key)
        if record is None:
            row = self._rows.get(key)
            if row is None:
                return None
            record = self._decoded[key] = self._codec.decode(row)
        return record

    def put(self, partition: int, key: bytes, record: _ANY) -> "asyncio.Future[None]":
        """Store the record; readers see it at once, the future ends when the changelog has it."""
        written = self._write(partition, [(key, self._codec.encode(record))])
        self._decoded[key] = record
        self._note_change(key)
        for group in self._groups_of(key):
            group[key] = record
        if self.tally is not None:
            self.tally.put(partition, key, record)
        return written

    def delete(self, partition: int, key: bytes) -> "asyncio.Future[None]":
        """Remove the record."""
        self._decoded.pop(key, None)
        self._note_change(key)
        for group in self._groups_of(key):
            group.pop(key, None)
        if self.tally is not None:
            self.tally.delete(key)
        return self._write(partition, [(key, None)])

    def take_changed(self) -> set[bytes] | None:
        """Keys of the records that were stored or removed since the last call; None: any, rows were read anew.

        For one caller alone, who has all of them with `keys` then.
        """
        taken, self._changed = self._changed, set()
        return taken

    def _note_change(self, key: bytes) -> None:
        if self._changed is not None:
            self._changed.add(key)

    def keys(self) -> list[bytes]:
        """Keys of the records that this worker has, ascending."""
        return self.beginning_with(b"")

    def beginning_with(self, prefix: bytes) -> list[bytes]:
        """The keys that begin so, of records that this worker has, ascending."""
        return self._rows.beginning_with(prefix)

    def group(self, prefix: bytes) -> Collection[_ANY]:
        """The records whose keys begin so, up to a slash, or all of them (b""), in no order.

        The first look reads them, later ones do not.
        """
        known = self._groups.get(prefix)
        if known is None:
            found = {key: record for key in self.beginning_with(prefix) if (record := self.get(key)) is not None}
            if not found:  # whoever asks for what is not there leaves nothing behind
                return ()
            known = self._groups[prefix] = found
        return known.values()

    def _groups_of(self, key: bytes) -> Iterator[dict[bytes, _ANY]]:
        """The groups that have been asked for and that the key is in: that of all, and one for each of its slashes."""
        end = 0
        while self._groups:
            if (group := self._groups.get(key[:end])) is not None:
                yield group
            end = key.find(b"/", end) + 1
            if end == 0:
                return

    def _to_count(self, key: bytes) -> _ANY | None:
        return self.get(key)

    async def _recovered(self) -> None:
        self._decoded.clear()
        self._groups.clear()
        self._changed = None
        if self.tally is not None:
            self.tally.forget()


def row_store(app: faust.App, table: CollectionT) -> RowStore:
    """The store that the app's setting names: `memory://`, or `rocksdb:///folder` with a folder per table below."""
    url = app.conf.store
    if url.scheme == "rocksdb":
        from streams.rows.disk_rows import DiskRows  # noqa: PLC0415 - RocksDB is only loaded where it is used

        return DiskRows(app, table, Path(url.path) / str(table.name))
    return MemoryRows(app, table)
