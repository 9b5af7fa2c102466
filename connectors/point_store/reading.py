"""Reads points as they were at one moment, whatever is written meanwhile; in windows that fit into memory.

For one thread at a time. What a reader sees stays on the disk for as long as it lives.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import numpy as np
import orjson
from rocksdict import Rdict

from connectors.point_store import keys
from connectors.point_store.columns import ROW, Points, joined, of_rows, unpacked, without_repeats
from connectors.point_store.keys import Entry

__all__ = ["PointReader", "StoredWorkload"]

_PAGE: Final = 256  # keys that are read at once
_KEPT_CHUNKS: Final = 64  # decoded ones that a reader keeps: neighbouring windows share some; 10 MB


class StoredWorkload:
    """A workload's row: `series` are its metrics with their sources, in order of first appearance.

    `heard` is the last stretch of its log, from 1, that has something of it; 0 where the first release wrote it.
    """

    __slots__ = ("created", "heard", "number", "partition", "series", "uid")

    def __init__(
        self, uid: str, number: int, partition: int, created: int, series: Sequence[tuple[str, str]], heard: int = 0
    ) -> None:
        self.uid = uid
        self.number = number
        self.partition = partition
        self.created = created
        self.series = list(series)
        self.heard = heard

    @classmethod
    def of_row(cls, uid: str, row: bytes) -> "StoredWorkload":
        """From what the store has."""
        number, partition, created, series, *heard = orjson.loads(row)
        return cls(uid, number, partition, created, [(name, source) for name, source in series], *heard)

    def row(self) -> bytes:
        """What the store has of it."""
        return orjson.dumps([self.number, self.partition, self.created, self.series, self.heard])


class PointReader:
    """The store at the moment when this was made."""

    def __init__(self, db: Rdict) -> None:
        # An iterator sees what was there when it was made. Those of rocksdict's snapshots do not (0.3.29).
        self._at: Any = db.iter()
        self._chunks: OrderedDict[tuple[int, int, tuple[int, int]], Points] = OrderedDict()

    def workload(self, uid: str) -> StoredWorkload | None:
        """Its row; None where nothing was ever heard of it."""
        row = self._get(keys.WORKLOAD + uid.encode())
        return None if row is None else StoredWorkload.of_row(uid, row)

    def newest_workloads(self, group: str, partitions: Collection[int]) -> Iterator[tuple[str, int]]:
        """The uids of a group in these partitions, each with when it was first heard of; the newest first."""
        for key, value in self._beginning_with(keys.group_prefix(group)):
            if keys.partition_of(value) in partitions:
                created, uid = keys.of_group(key)
                yield uid.decode(), created

    def count_workloads(self, group: str, partitions: Collection[int]) -> int:
        """How many that are; without looking at them."""
        counts = (self._get(keys.count_key(partition, group)) for partition in partitions)
        return sum(int.from_bytes(count or b"", "big") for count in counts)

    def counts(self, workload: StoredWorkload) -> list[int]:
        """How many points each series has, exactly."""
        counts = np.zeros(len(workload.series), np.int64)
        for key, stats in self._beginning_with(keys.workload_prefix(keys.INDEX, workload.number)):
            entry = keys.entry_of(key, stats)
            counts[entry.series] += entry.points
        waiting = self.pending(workload.number)
        np.add.at(counts, waiting.series, 1)
        found: list[int] = counts.tolist()
        return found

    def place(self, partition: int) -> int:
        """The offset from where on the partition's log is not seen here."""
        return int.from_bytes(self._get(keys.place_key(partition)) or b"", "big")

    def pending(
        self, number: int, series: Collection[int] | None = None, span: tuple[int, int] | None = None
    ) -> Points:
        """What is not merged yet of these series within that time, without what the chunks have already."""
        points = self._rows(number)
        if series is not None:
            points = points.take(np.isin(points.series, np.fromiter(series, np.uint32, len(series))))
        if span is not None:
            points = points.take((points.at >= span[0]) & (points.at <= span[1]))
        points = without_repeats(points)
        cuts = np.flatnonzero(np.diff(points.series)) + 1
        parts = [
            self._new(number, points.take(slice(first, last)))
            for first, last in zip([0, *cuts], [*cuts, points.size], strict=True)
            if last > first
        ]
        return joined(parts)

    def entries(self, number: int, series: int, span: tuple[int, int]) -> list[Entry]:
        """The chunks of a series that have something within that time, in their order."""
        prefix = keys.series_prefix(keys.INDEX, number, series)
        at, found = self._at, []
        at.seek_for_prev(keys.chunk_key(keys.INDEX, number, series, (span[0], -(2**63))))
        if not (at.valid() and at.key().startswith(prefix)):
            at.seek(prefix)
        while at.valid() and (key := at.key()).startswith(prefix):
            entry = keys.entry_of(key, at.value())
            if entry.first[0] > span[1]:
                break
            if entry.last[0] >= span[0]:
                found.append(entry)
            at.next()
        return found

    def all_entries(self, number: int) -> Iterator[Entry]:
        """All chunks of a workload."""
        for key, stats in self._beginning_with(keys.workload_prefix(keys.INDEX, number)):
            yield keys.entry_of(key, stats)

    def chunk(self, number: int, entry: Entry) -> Points:
        """A chunk's points."""
        place = number, entry.series, entry.first
        known = self._chunks.get(place)
        if known is None:
            data = self._get(keys.chunk_key(keys.CHUNK, number, entry.series, entry.first))
            assert data is not None  # both are written at once
            known = self._chunks[place] = unpacked(entry.series, data)
            if len(self._chunks) > _KEPT_CHUNKS:
                self._chunks.popitem(last=False)
        return known

    def _new(self, number: int, points: Points) -> Points:
        """Points of one series, less those that are in its chunks."""
        series = int(points.series[0])
        span = int(points.at[0]), int(points.at[-1])
        entries = self.entries(number, series, span)
        if not entries:
            return points
        at, iteration = points.at.tolist(), points.iteration.tolist()
        firsts = [entry.first for entry in entries]
        new = np.ones(points.size, np.bool_)
        known: dict[int, set[tuple[int, int]]] = {}
        for index, key in enumerate(zip(at, iteration, strict=True)):
            place = bisect_right(firsts, key) - 1
            if place >= 0 and key <= entries[place].last:
                if place not in known:
                    chunk = self.chunk(number, entries[place])
                    known[place] = set(zip(chunk.at.tolist(), chunk.iteration.tolist(), strict=True))
                new[index] = key not in known[place]
        return points if new.all() else points.take(new)

    def _rows(self, number: int) -> Points:
        blobs = [rows for _, rows in self._beginning_with(keys.workload_prefix(keys.PENDING, number))]
        return of_rows(b"".join(blobs))

    def _get(self, key: bytes) -> bytes | None:
        at = self._at
        at.seek(key)
        value: bytes | None = at.value() if at.valid() and at.key() == key else None
        return value

    def _beginning_with(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Page by page: whoever takes them may look for something else in between."""
        at, start = self._at, prefix
        while start:
            at.seek(start)
            start, page = b"", []
            while at.valid() and (key := at.key()).startswith(prefix):
                page.append((key, at.value()))
                if len(page) == _PAGE:
                    start = key + b"\0"
                    break
                at.next()
            yield from page


assert ROW.itemsize == 36  # what is on disks
