"""TensorFlow's record files: each record has its length, a checksum of it, the data, and a checksum of that."""

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from google_crc32c import value as crc32c
from numpy.typing import NDArray

from connectors.metric_sources.source_points import Problems

__all__ = ["RecordFile", "Records"]

_HEAD: Final = 12  # bytes: the length, and its checksum
_FOOT: Final = 4
_CHUNK: Final = 4 * 1024 * 1024  # bytes read at a time; some ten thousand scalars
_LARGEST: Final = 64 * 1024 * 1024  # bytes of a record that is looked into: those above hold graphs or pictures
_MOST_HEADS: Final = 10_000  # lengths that are remembered with their checksum
_DELTA: Final = 0xA282EAD8  # TensorFlow masks checksums, since it takes checksums of data with checksums in it


@dataclass(frozen=True, slots=True)
class Records:
    """Records that lie in one buffer, those whose checksum is right."""

    data: bytes = b""
    starts: NDArray[Any] = field(default_factory=lambda: np.empty(0, np.int64))
    lengths: NDArray[Any] = field(default_factory=lambda: np.empty(0, np.int64))


class RecordFile:
    """A file that may still grow. A record that is not whole yet is read when it is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        """Up to where it has been read."""
        self.stopped = False
        """Whether nothing behind the position can be found, because a length is wrong."""
        self.problems = Problems()
        self._heads: dict[bytes, int] = {}

    def read_new(self) -> Records:
        """The next records, some megabytes of them; none where nothing new is whole."""
        if self.stopped:
            return Records()
        try:
            return self._read()
        except FileNotFoundError:  # one that was moved away holds up no other of its folder
            return Records()

    def _read(self) -> Records:
        with self.path.open("rb") as file:
            size = file.seek(0, 2)
            if size < self.position:
                self._stop(f"it has become shorter ({size} bytes): what is new in it cannot be told")
                return Records()
            wanted = _CHUNK
            while True:
                begun = file.seek(self.position)
                found, needed = self._scan(file.read(wanted))
                wanted = _CHUNK
                if len(found.starts) or self.stopped:
                    return found
                if self.position > begun:  # what was whole was wrong
                    continue
                if not needed or begun + needed > size:  # it is being written
                    return found
                if needed > _LARGEST:
                    self.problems.add(f"{self._place(0)}: a record of {needed} bytes is too large to be looked into")
                    self.position += needed
                else:
                    wanted = needed

    def _scan(self, data: bytes) -> tuple[Records, int]:
        """The whole records at the beginning of the data, and how many bytes the one behind them has, 0: unknown."""
        at, size, heads = 0, len(data), self._heads
        ends: list[int] = []
        sums: list[int] = []
        add_end, add_sum = ends.append, sums.append
        needed = 0
        while (start := at + _HEAD) <= size:
            length = heads.get(data[at:start])
            if length is None:
                length = self._length(data[at:start])
                if length is None:
                    self._stop(
                        f"{self._place(at)}: the checksum of a length is wrong; where the next record begins is unknown"
                    )
                    break
            end = start + length
            if end + _FOOT > size:
                needed = _HEAD + length + _FOOT
                break
            add_end(end)
            add_sum(crc32c(data[start:end]))
            at = end + _FOOT
        good = self._good(data, ends, sums)
        self.position += at
        return good, needed

    def _length(self, head: bytes) -> int | None:
        """The length that a head says, None where its checksum is wrong."""
        length, stored = struct.unpack("<QI", head)
        if _masked(np.array([crc32c(head[:8])]))[0] != stored:
            return None
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        self._heads[head] = length
        return int(length)

    def _good(self, data: bytes, ends: list[int], sums: list[int]) -> Records:
        """The records whose checksum is right, of all that end there one behind the other; the others are told."""
        if not ends:
            return Records()
        behind = np.array(ends, np.int64)
        first = np.empty_like(behind)
        first[0], first[1:] = _HEAD, behind[:-1] + (_FOOT + _HEAD)
        feet = np.frombuffer(data, np.uint8)[behind[:, None] + np.arange(_FOOT)].view("<u4")[:, 0]
        right = _masked(np.array(sums, np.int64)) == feet
        for start in first[~right].tolist():
            self.problems.add(f"{self._place(start - _HEAD)}: the checksum of a record is wrong; it is left out")
        return Records(data, first[right], (behind - first)[right])

    def _place(self, at: int) -> str:
        return f"{self.path}, byte {self.position + at}"

    def _stop(self, sentence: str) -> None:
        self.stopped = True
        self.problems.add(sentence)


def _masked(sums: NDArray[Any]) -> NDArray[Any]:
    wide = sums.astype(np.uint64)
    rotated = (wide >> np.uint64(15)) | (wide << np.uint64(17))
    return (rotated + np.uint64(_DELTA)) & np.uint64(0xFFFF_FFFF)
