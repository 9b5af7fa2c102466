"""LevelDB's log format: blocks of 32 KiB, in which records lie in one piece or in several, each with a checksum."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from connectors.metric_sources.source_points import Problems

__all__ = ["LogFile"]

_BLOCK: Final = 32 * 1024
_HEAD: Final = 7  # bytes: checksum, length, type
_WRONG, _FULL, _FIRST, _MIDDLE, _LAST = 0, 1, 2, 3, 4
_CHUNK: Final = 128 * _BLOCK  # bytes read at a time
_LARGEST: Final = 64 * 1024 * 1024  # bytes of a record; the largest rows have some megabytes
_SEEDS: Final = {kind: zlib.crc32(bytes([kind])) for kind in (_FULL, _FIRST, _MIDDLE, _LAST)}


class LogFile:
    """The records of one file, which may still grow. `begin` is where its first record lies."""

    def __init__(self, path: Path, begin: int) -> None:
        self.path = path
        self.position = begin
        """Behind the last record that was whole; what is not whole yet begins here."""
        self.problems = Problems()

    def read_new(self) -> Iterator[bytes]:
        """The records that have become whole since the last time. What is wrong in between is left out and told."""
        parts: list[bytes] = []
        held = 0
        lost = False  # the pieces that follow belong to a record whose beginning is gone
        for start, kind, content, end in self._pieces():
            if kind == _WRONG or held > _LARGEST:
                if held > _LARGEST:
                    self._tell(start, f"a record has more than {_LARGEST} bytes; it is left out")
                parts, lost, self.position = [], kind not in (_FULL, _LAST), end
            elif kind in (_FULL, _FIRST):
                if parts:
                    self._tell(start, "the record before has no end; it is left out")
                parts, lost, self.position = [content], False, start
            elif parts:
                parts.append(content)
            else:
                if not lost:
                    self._tell(start, "a record has no beginning; it is left out")
                lost, self.position = kind == _MIDDLE, end
            held = held + len(content) if parts else 0
            if parts and kind in (_FULL, _LAST):
                self.position = end
                yield b"".join(parts)
                parts, held = [], 0

    def _pieces(self) -> Iterator[tuple[int, int, bytes, int]]:
        """Start, type, content and end of the pieces from the position on, as far as they are whole."""
        at = self.position
        with self.path.open("rb") as file:
            while True:
                begun, base = at, at - at % _BLOCK
                file.seek(base)
                data = file.read(_CHUNK)
                while (piece := self._piece(data, base, at)) is not None:
                    yield at, *piece
                    at = piece[2]
                if at == begun:
                    return

    def _piece(self, data: bytes, base: int, at: int) -> tuple[int, bytes, int] | None:
        """Type, content and end of the piece that lies there; _WRONG for what is; None where it is not whole."""
        left = _BLOCK - at % _BLOCK
        if left < _HEAD:  # filled up with zeros
            at += left
            left = _BLOCK
        place = at - base
        if place + _HEAD > len(data):
            return None
        checksum, length, kind = struct.unpack_from("<IHB", data, place)
        seed = _SEEDS.get(kind)
        if seed is None or _HEAD + length > left:
            return self._next_block(data, base, at, "a piece has neither a type nor a length that can be")
        end = place + _HEAD + length
        if end > len(data):
            return None
        content = data[place + _HEAD : end]
        if zlib.crc32(content, seed) != checksum:
            self._tell(at, "a checksum is wrong; what it is of is left out")
            return _WRONG, b"", base + end
        return kind, content, base + end

    def _next_block(self, data: bytes, base: int, at: int, sentence: str) -> tuple[int, bytes, int] | None:
        """Go on behind the block, once there is something."""
        end = at + _BLOCK - at % _BLOCK
        if end - base > len(data):
            return None  # it may be in the middle of being written
        self._tell(at, sentence)
        return _WRONG, b"", end

    def _tell(self, at: int, sentence: str) -> None:
        self.problems.add(f"{self.path}, byte {at}: {sentence}")
