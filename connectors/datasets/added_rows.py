"""Rows of data sets that came after the upload, in the object store, where every worker reads them.

``datasets/<data_id>/=rows/<first>-<last>-<digest>.jsonl`` holds rows of observations between these offsets of the log,
as one array.
A row carries its offset, and of the same row the later offset wins, whichever file it is in: what is written twice,
because it was read again, changes nothing. Small files are put together now and then: 1. the whole is written, 2. the
parts are removed; whoever reads in between finds rows twice, which changes nothing.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

import orjson

from connectors.objects.layout import DATASETS
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = [
    "AddedCell",
    "AddedRow",
    "RowLayout",
    "added",
    "added_between",
    "append",
    "latest",
    "layout_of",
    "set_layout",
    "since",
    "version",
]

_FOLDER: Final = "=rows"  # no stored file's name has such a sign
_LAYOUT: Final = "=layout.json"
_FILE: Final = re.compile(r".*/[0-9]{20}-[0-9]{20}-[0-9a-f]{16}\.jsonl")
_MOST_FILES: Final = 64  # of a size, of a data set; then they are put together
_SIZES: Final = (1 << 14, 1 << 18)  # offsets that a file spans; larger ones stay: no row is written again and again
_TOGETHER: Final = 1 << 20  # offsets that are put together at once: so much is in memory then

AddedCell = float | str | None


@dataclass(frozen=True, slots=True)
class RowLayout:
    """By which columns a row is known: that of its time, written so (empty: as it is found), and those of its group."""

    timestamp: str
    groups: tuple[str, ...] = ()
    timestamp_format: str = ""


class AddedRow(NamedTuple):
    """A row: the offsets of the first and the last observation of it, what it is known by, and cells by column.

    ``instant`` is what ``timestamp`` says, in microseconds of UTC.
    """

    first: int
    last: int
    groups: tuple[str, ...]
    instant: int
    timestamp: str
    cells: Mapping[str, AddedCell]


def layout_of(store: ObjectStore, data_id: int) -> RowLayout | None:
    """The layout of a data set's rows; None where nobody has said it yet."""
    try:
        fields = json.loads(store.read_bytes(_key(data_id, _LAYOUT)))
    except ObjectNotFoundError:
        return None
    return RowLayout(fields["timestamp"], tuple(fields["groups"]), fields["timestamp_format"])


def set_layout(store: ObjectStore, data_id: int, layout: RowLayout) -> RowLayout:
    """The layout that holds from now on: this one, or where rows were added by another, that one."""
    known = layout_of(store, data_id)
    if known is not None and (known == layout or version(store, data_id)):
        return known
    store.put_bytes(_key(data_id, _LAYOUT), json.dumps(asdict(layout), ensure_ascii=False).encode())
    return layout


def version(store: ObjectStore, data_id: int) -> tuple[str, ...]:
    """What names all rows that were added so far: it is another one as soon as there are more. Empty: none were."""
    return tuple(sorted(key for key in store.keys(_key(data_id, _FOLDER)) if _FILE.fullmatch(key)))


def latest(store: ObjectStore, data_id: int) -> int:
    """The offset of the last observation that was added so far, as the files' names tell it; -1: none was."""
    return max((_last_of(key) for key in version(store, data_id)), default=-1)


def _span(key: str) -> int:
    """About how many rows a file may have, as its name tells it."""
    first, last, _ = key.rpartition("/")[2].split("-")
    return int(last) - int(first)


def _last_of(key: str) -> int:
    return int(key.rpartition("/")[2].split("-")[1])


def append(store: ObjectStore, data_id: int, rows: Sequence[AddedRow]) -> None:
    """Keep rows; those of one file follow one another in the log."""
    _write(store, data_id, rows)
    keys = version(store, data_id)
    for least, most in pairwise((0, *_SIZES)):
        of_size = [key for key in keys if least <= _span(key) < most]
        if len(of_size) > _MOST_FILES:
            spans = accumulate(_span(key) for key in of_size)
            small = [key for key, span in zip(of_size, spans, strict=True) if span <= _TOGETHER]
            _put_together(store, data_id, small, keys)


def _put_together(store: ObjectStore, data_id: int, small: Sequence[str], keys: Sequence[str]) -> None:
    """Make one file of these; each of its rows is there once, if no other file has observations among them.

    A row counts as written when its last cell was: one that an other file has corrected in between would come back.
    """
    rows = _read(store, small)
    first, last = min(row.first for row in rows), max(row.last for row in rows)
    alone = not any(_may_have(key, first, last) for key in set(keys).difference(small))
    whole = _write(store, data_id, _latest(rows) if alone else rows)
    for key in small:
        if key != whole:
            store.delete(key)


def added(store: ObjectStore, data_id: int) -> list[AddedRow]:
    """All rows that were added, each once as it is now, in the order in which they came first."""
    return since(store, data_id, -1)


def since(store: ObjectStore, data_id: int, offset: int) -> list[AddedRow]:
    """Of the rows those that came, or were corrected, behind this offset; what is read is little where they are few."""
    while True:
        keys = [key for key in version(store, data_id) if _last_of(key) > offset]
        try:
            rows = _read(store, keys)
        except ObjectNotFoundError:  # put together meanwhile
            continue
        return [row for row in sorted(_latest(rows), key=lambda row: row.first) if row.last > offset]


def added_between(store: ObjectStore, data_id: int, first: int, last: int) -> list[AddedRow]:
    """The rows whose last observation has an offset from `first` to `last`, as these observations left them.

    Files that can have none of them are not read. A row that was changed since may be missing.
    """
    while True:
        keys = [key for key in version(store, data_id) if _may_have(key, first, last)]
        try:
            rows = _latest(_read(store, keys))
        except ObjectNotFoundError:  # put together meanwhile
            continue
        return [row for row in rows if first <= row.last <= last]


def _may_have(key: str, first: int, last: int) -> bool:
    least, most = key.rpartition("/")[2].split("-")[:2]
    return int(least) <= last and int(most) >= first


def _latest(rows: Iterable[AddedRow]) -> list[AddedRow]:
    """Each row once, with the cells that were written last."""
    found: dict[tuple[tuple[str, ...], int], AddedRow] = {}
    for row in sorted(rows, key=lambda row: row.last):
        key = row.groups, row.instant
        known = found.get(key)
        found[key] = (
            row
            if known is None
            else row._replace(first=min(known.first, row.first), cells={**known.cells, **row.cells})
        )
    return list(found.values())


def _write(store: ObjectStore, data_id: int, rows: Sequence[AddedRow]) -> str:
    """The key of the file: equal rows have equal names, so that what is written again takes its own place."""
    content = orjson.dumps(list(map(tuple, rows)))  # at once: a call for each row takes ten times as long
    first, last = min(row.first for row in rows), max(row.last for row in rows)
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    key = _key(data_id, _FOLDER, f"{first:020d}-{last:020d}-{digest}.jsonl")
    store.put_bytes(key, content)
    return key


def _read(store: ObjectStore, keys: Iterable[str]) -> list[AddedRow]:
    return [
        AddedRow(first, last, tuple(groups), instant, timestamp, cells)
        for key in keys
        for first, last, groups, instant, timestamp, cells in _rows_in(store.read_bytes(key))
    ]


def _rows_in(content: bytes) -> list[list[Any]]:
    """All rows of a file: one array of them, or, in files of before 0.2.0, one in each line."""
    if content.startswith(b"[["):
        rows: list[list[Any]] = orjson.loads(content)
        return rows
    return [orjson.loads(line) for line in content.splitlines()]


def _key(data_id: int, *parts: str) -> str:
    return DATASETS.key(data_id, *parts)
