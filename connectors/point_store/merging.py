"""Puts points of a series into its chunks: behind the last one as a rule, late ones where their time is (M-055)."""

from bisect import bisect_right
from typing import Any, Final

from rocksdict import Rdict, WriteBatch

from connectors.point_store import keys
from connectors.point_store.columns import Points, joined, parts_of, unpacked, without_repeats
from connectors.point_store.columns import packed as packed_columns
from connectors.point_store.keys import Entry

__all__ = ["merge_series"]

_CHUNK: Final = 4096  # points: a tenth of a million is read in 2 ms, a point is 7 to 11 bytes on the disk
# A last chunk that is not full is written again with what follows, where it has at most so many times as many points.
# So each point is written a few times at most, and a series ends with few small chunks.
_ABSORBED: Final = 2


def merge_series(db: Rdict, batch: WriteBatch, number: int, new: Points) -> None:
    """Add what puts new points of one series, ordered and each there once, into its chunks."""
    series, first = int(new.series[0]), (int(new.at[0]), int(new.iteration[0]))
    last = _last_entry(db, number, series)
    if last is None or first > last.last:
        _append(db, batch, number, new)
    else:
        _place(db, batch, number, new)


def _append(db: Rdict, batch: WriteBatch, number: int, new: Points) -> None:
    series, count, parts = int(new.series[0]), new.size, [new]
    entry = _last_entry(db, number, series)
    while entry is not None and entry.points < _CHUNK and entry.points <= _ABSORBED * count:
        parts.insert(0, _taken_out(db, batch, number, entry))
        count += entry.points
        entry = _last_entry(db, number, series, before=entry)
    _put(batch, number, joined(parts), _CHUNK)


def _place(db: Rdict, batch: WriteBatch, number: int, new: Points) -> None:
    """Each into the chunk where its time is; what is there already stays as it is."""
    entries = _entries(db, number, int(new.series[0]))
    firsts = [entry.first for entry in entries]
    of_entry: dict[int, list[int]] = {}
    for index, place in enumerate(zip(new.at.tolist(), new.iteration.tolist(), strict=True)):
        of_entry.setdefault(max(0, bisect_right(firsts, place) - 1), []).append(index)
    for at, indices in of_entry.items():
        entry = entries[at]
        both = without_repeats(joined([_load(db, number, entry), new.take(slice(indices[0], indices[-1] + 1))]))
        if both.size == entry.points:
            continue
        _delete(batch, number, entry)
        pieces = -(-both.size // _CHUNK)
        _put(batch, number, both, _CHUNK if entry is entries[-1] else -(-both.size // pieces))


def _put(batch: WriteBatch, number: int, points: Points, most: int) -> None:
    for part in parts_of(points, most):
        first, last = (int(part.at[0]), int(part.iteration[0])), (int(part.at[-1]), int(part.iteration[-1]))
        offsets = int(part.offset.min()), int(part.offset.max())
        entry = Entry(int(part.series[0]), first, last, part.size, offsets)
        batch.put(keys.chunk_key(keys.INDEX, number, entry.series, first), entry.stats())
        batch.put(keys.chunk_key(keys.CHUNK, number, entry.series, first), packed_columns(part))


def _taken_out(db: Rdict, batch: WriteBatch, number: int, entry: Entry) -> Points:
    _delete(batch, number, entry)
    return _load(db, number, entry)


def _delete(batch: WriteBatch, number: int, entry: Entry) -> None:
    for kind in (keys.INDEX, keys.CHUNK):
        batch.delete(keys.chunk_key(kind, number, entry.series, entry.first))


def _load(db: Rdict, number: int, entry: Entry) -> Points:
    data: Any = db.get(keys.chunk_key(keys.CHUNK, number, entry.series, entry.first))
    return unpacked(entry.series, data)


def _last_entry(db: Rdict, number: int, series: int, before: Entry | None = None) -> Entry | None:
    prefix = keys.series_prefix(keys.INDEX, number, series)
    at: Any = db.iter()
    if before is None:
        at.seek_for_prev(prefix + b"\xff" * 17)
    else:
        at.seek(keys.chunk_key(keys.INDEX, number, series, before.first))
        at.prev()
    return keys.entry_of(at.key(), at.value()) if at.valid() and at.key().startswith(prefix) else None


def _entries(db: Rdict, number: int, series: int) -> list[Entry]:
    prefix = keys.series_prefix(keys.INDEX, number, series)
    found = []
    at: Any = db.iter()
    at.seek(prefix)
    while at.valid() and (key := at.key()).startswith(prefix):
        found.append(keys.entry_of(key, at.value()))
        at.next()
    return found
