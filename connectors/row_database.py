"""Rows of a table in RocksDB, each with its partition, and how far each partition's changelog is in them.

Rows and offset are written together, or not at all: after a kill or a power failure the offset is never ahead of the
rows. A database that cannot be read is emptied: the changelog has everything.
"""

import shutil
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog
from rocksdict import DBCompressionType, Rdict, WriteBatch

from connectors.rocksdb_files import MIB, DatabaseInUseError, UnreadableDatabaseError, opened

__all__ = ["DatabaseInUseError", "Place", "RowDatabase"]

log = structlog.get_logger(__name__)

_BLOCK_CACHE: Final = 32 * MIB  # of a table: rows that are asked for often; the rest is in the system's cache
_FORGET: Final = 10_000  # rows per deletion
_SPOILT: Final = "spoilt"  # a file beside the database, which a worker leaves when it could not read it
_FIRST_ROW: Final = b"\x01"  # our own entries begin with a zero byte, which no row's key does
_PARTITION: Final = struct.Struct(">H")
_PLACE: Final = struct.Struct(">qqq")
_OLD_PLACE: Final = struct.Struct(">qq")  # as written before there were tenures


class Place(NamedTuple):
    """How far a changelog is in the rows: the last record's offset, and a time before which all later ones were not.

    `tenure` is the highest of the records up to there.
    """

    offset: int
    at_ms: int
    tenure: int = 0


class RowDatabase:
    """One table's rows, of all partitions that this worker has had."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._db = _open(folder)

    def get(self, key: bytes) -> tuple[int, bytes] | None:
        """The partition and the row."""
        found: bytes | None = self._db.get(key)
        return None if found is None else (_partition(found), found[_PARTITION.size :])

    def keys(self) -> Iterator[bytes]:
        """Keys of all partitions, ascending."""
        found: Any = self._db.keys(from_key=_FIRST_ROW)
        yield from found

    def items(self, prefix: bytes = b"") -> Iterator[tuple[int, bytes, bytes]]:
        """Partition, key and row where the key begins so, ascending by key."""
        following: Any = self._db.items(from_key=prefix or _FIRST_ROW)
        for key, found in following:
            if not key.startswith(prefix):
                break
            yield _partition(found), key, found[_PARTITION.size :]

    def count(self) -> int:
        """Roughly how many rows there are: RocksDB counts a row again that is written again, until it tidies up."""
        return int(self._db.property_value("rocksdb.estimate-num-keys") or 0)

    def place(self, partition: int) -> Place | None:
        """How far the partition is; None where nothing is known of it."""
        found: bytes | None = self._db.get(_place_key(partition))
        if found is None:
            return None
        return Place(*(_PLACE if len(found) == _PLACE.size else _OLD_PLACE).unpack(found))

    def write(self, partition: int, rows: Sequence[tuple[bytes, bytes | None]], place: Place | None) -> None:
        """Change rows, None deletes, and say with them how far they are; without a place that stays as it is."""
        batch, prefix = WriteBatch(raw_mode=True), _PARTITION.pack(partition)
        for key, row in rows:
            if row is None:
                batch.delete(key)
            else:
                batch.put(key, prefix + row)
        if place is not None:
            batch.put(_place_key(partition), _PLACE.pack(*place))
        self._db.write(batch)

    def forget(self, partition: int) -> None:
        """Remove the rows of a partition. First its place: what is left after a crash is not taken for complete."""
        self._db.delete(_place_key(partition))
        batch = WriteBatch(raw_mode=True)
        for home, key, _ in self.items():
            if home == partition:
                batch.delete(key)
                if batch.len() >= _FORGET:
                    self._db.write(batch)
                    batch = WriteBatch(raw_mode=True)
        self._db.write(batch)

    def spoil(self) -> None:
        """Let the next start begin with an empty database: this one could not be read or written."""
        with suppress(OSError):  # a disk without room: then the next process fails at the same row
            (self._folder / _SPOILT).touch()

    def close(self) -> None:
        """Let another process open it."""
        self._db.close()


def _open(folder: Path) -> Rdict:
    if (folder / _SPOILT).exists():
        log.warning("table_rows_read_from_changelog", folder=str(folder))
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = folder / "rows"
    try:
        return opened(rows, DBCompressionType.lz4(), cache_bytes=_BLOCK_CACHE)
    except UnreadableDatabaseError as error:
        log.warning("table_rows_read_from_changelog", folder=str(folder), error=str(error))
        shutil.rmtree(rows)
        return opened(rows, DBCompressionType.lz4(), cache_bytes=_BLOCK_CACHE)


def _partition(found: bytes) -> int:
    number: int = _PARTITION.unpack_from(found)[0]
    return number


def _place_key(partition: int) -> bytes:
    return b"\x00place" + _PARTITION.pack(partition)
