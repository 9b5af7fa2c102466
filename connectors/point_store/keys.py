"""Under which keys the store has what, such that what is asked for together lies side by side.

| key | holds |
|---|---|
| `place`, partition | how far the partition's log is in the store |
| `next` | the number of the next new workload |
| `u`, uid | a workload: its number, partition, when it was first heard of, its series in order of first appearance |
| `t`, that time backwards, uid | nothing: the newest workloads come first |
| `p`, number, offset | rows of one batch of the log, not merged yet |
| `i`, number, series, first time and iteration of a chunk | its last ones, how many points, and their offsets |
| `c`, the same | the chunk's columns |
"""

import struct
from typing import Final, NamedTuple

__all__ = [
    "AGE",
    "CHUNK",
    "INDEX",
    "NEXT",
    "PENDING",
    "WORKLOAD",
    "Entry",
    "age_key",
    "chunk_key",
    "entry_of",
    "pending_key",
    "place_key",
    "series_prefix",
    "uid_of_age",
    "workload_prefix",
]

NEXT: Final = b"\x00next"
WORKLOAD, AGE, PENDING, INDEX, CHUNK = b"u", b"t", b"p", b"i", b"c"
_NUMBER: Final = struct.Struct(">Q")
_PARTITION: Final = struct.Struct(">H")
_SERIES: Final = struct.Struct(">QI")
_FIRST: Final = struct.Struct(">QIQQ")
_STATS: Final = struct.Struct(">qqIqq")
_BIAS: Final = 2**63  # so that bytes are ordered as the numbers are


class Entry(NamedTuple):
    """What is known of a chunk without reading it. Chunks of a series do not overlap in (time, iteration)."""

    series: int
    first: tuple[int, int]
    last: tuple[int, int]
    points: int
    offsets: tuple[int, int]

    def stats(self) -> bytes:
        """What its key does not say."""
        return _STATS.pack(*self.last, self.points, *self.offsets)


def place_key(partition: int) -> bytes:
    """Of how far a log is."""
    return b"\x00place" + _PARTITION.pack(partition)


def age_key(created: int, uid: bytes) -> bytes:
    """The newest first."""
    return AGE + _NUMBER.pack(_BIAS - created) + uid


def uid_of_age(key: bytes) -> bytes:
    """The uid in such a key."""
    return key[len(AGE) + _NUMBER.size :]


def pending_key(number: int, offset: int) -> bytes:
    """Of rows that are not merged."""
    return PENDING + _NUMBER.pack(number) + _NUMBER.pack(offset)


def workload_prefix(kind: bytes, number: int) -> bytes:
    """What all keys of that kind begin with."""
    return kind + _NUMBER.pack(number)


def series_prefix(kind: bytes, number: int, series: int) -> bytes:
    """The same of one series."""
    return kind + _SERIES.pack(number, series)


def chunk_key(kind: bytes, number: int, series: int, first: tuple[int, int]) -> bytes:
    """Of a chunk, or of what the index says of it."""
    return kind + _FIRST.pack(number, series, first[0] + _BIAS, first[1] + _BIAS)


def entry_of(key: bytes, stats: bytes) -> Entry:
    """What the index says of a chunk."""
    _, series, at, iteration = _FIRST.unpack_from(key, 1)
    last_at, last_iteration, count, least, most = _STATS.unpack(stats)
    first = at - _BIAS, iteration - _BIAS
    return Entry(series, first, (last_at, last_iteration), count, (least, most))
