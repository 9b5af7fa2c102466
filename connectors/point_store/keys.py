"""Under which keys the store has what, such that what is asked for together lies side by side.

| key | holds |
|---|---|
| `place`, partition | how far the partition's log is in the store |
| `next` | the number of the next new workload |
| `u`, uid | a workload: number, partition, when it was first heard of, series in order of appearance, that stretch |
| `g`, group, that time backwards, uid | its partition; the newest of a group come first |
| `n`, partition, group | how many workloads that are |
| `t`, that time backwards, uid | the same as `g` in stores of earlier releases, which had no groups |
| `h`, partition, stretch, uid | nothing: workloads by the last stretch of the log that has something of them |
| `p`, number, offset | rows of one batch of the log, not merged yet |
| `i`, number, series, first time and iteration of a chunk | its last ones, how many points, and their offsets |
| `c`, the same | the chunk's columns |
"""

import struct
from typing import Final, NamedTuple

__all__ = [
    "AGE",
    "CHUNK",
    "GROUP",
    "HEARD",
    "INDEX",
    "NEXT",
    "PENDING",
    "WORKLOAD",
    "Entry",
    "chunk_key",
    "count_key",
    "entry_of",
    "group_key",
    "group_prefix",
    "heard_key",
    "heard_prefix",
    "of_age",
    "of_group",
    "of_heard",
    "packed_partition",
    "partition_of",
    "pending_key",
    "place_key",
    "series_prefix",
    "workload_prefix",
]

NEXT: Final = b"\x00next"
WORKLOAD, GROUP, COUNT, HEARD, PENDING, INDEX, CHUNK = b"u", b"g", b"n", b"h", b"p", b"i", b"c"
AGE: Final = b"t"
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


def group_prefix(group: str) -> bytes:
    """What keys of a group begin with, and no others: groups are words, which have no zeros."""
    return GROUP + group.encode() + b"\0"


def group_key(group: str, created: int, uid: bytes) -> bytes:
    """The newest first."""
    return group_prefix(group) + _NUMBER.pack(_BIAS - created) + uid


def of_group(key: bytes) -> tuple[int, bytes]:
    """The time and the uid in such a key."""
    return _aged(key, key.index(b"\0") + 1)


def count_key(partition: int, group: str) -> bytes:
    """Of how many workloads of the group the partition has."""
    return COUNT + _PARTITION.pack(partition) + group.encode()


def of_age(key: bytes) -> tuple[int, bytes]:
    """The time and the uid in a key of an earlier release."""
    return _aged(key, len(AGE))


def _aged(key: bytes, first: int) -> tuple[int, bytes]:
    return _BIAS - _NUMBER.unpack_from(key, first)[0], key[first + _NUMBER.size :]


def heard_key(partition: int, stretch: int, uid: bytes) -> bytes:
    """The one that was silent for longest first."""
    return heard_prefix(partition) + _NUMBER.pack(stretch) + uid


def heard_prefix(partition: int) -> bytes:
    """What such keys of a partition begin with."""
    return HEARD + _PARTITION.pack(partition)


def of_heard(key: bytes) -> tuple[int, bytes]:
    """The stretch and the uid in such a key."""
    first = len(HEARD) + _PARTITION.size
    return _NUMBER.unpack_from(key, first)[0], key[first + _NUMBER.size :]


def packed_partition(partition: int) -> bytes:
    """As such a key's value has it."""
    return _PARTITION.pack(partition)


def partition_of(value: bytes) -> int:
    """The partition in such a value."""
    partition: int = _PARTITION.unpack(value)[0]
    return partition


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
