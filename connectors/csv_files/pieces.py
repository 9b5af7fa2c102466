"""A large table in pieces: where one ends, which records it has, and their cells as arrays.

A piece ends behind a record, so pieces can be read side by side and put together again. The table is one that
``opened_csv`` has found sound.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO, Final

from connectors.csv_files.dialect import Dialect

__all__ = ["Cells", "begin_of_rows", "cells_of", "cut", "records_of"]

_LONGEST: Final = 1 << 26  # bytes of one record; a checked table has none of more than 1 MiB
_BOM: Final = b"\xef\xbb\xbf"

Cells = list[list[str]]


def cut(file: IO[bytes], begin: int, size: int, quote: str | None) -> int:
    """Where a piece of about `size` bytes ends that begins there: behind a record, or at the end of the file."""
    mark = None if quote is None else quote.encode()
    while True:
        file.seek(begin)
        data = file.read(size)
        if len(data) < size:
            return begin + len(data)
        place = _last_end(data, mark)
        if place >= 0:
            return begin + place + 1
        if size >= _LONGEST:
            raise ValueError(f"a record has more than {_LONGEST} bytes")
        size *= 4


def _last_end(data: bytes, mark: bytes | None) -> int:
    """The last line end that lies in no quoted cell; -1 where there is none."""
    place = data.rfind(b"\n")
    before = 0 if mark is None or place < 0 else data.count(mark, 0, place)
    while mark is not None and before % 2:
        earlier = data.rfind(b"\n", 0, data.rfind(mark, 0, place))
        if earlier < 0:
            return -1
        before -= data.count(mark, earlier, place)
        place = earlier
    return place


def begin_of_rows(file: IO[bytes], dialect: Dialect) -> int:
    """Where the first row of data begins: behind the header and what lies above it."""
    file.seek(0)
    place = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
    file.seek(place)
    for _ in range(dialect.skipped_lines):
        file.readline()
    mark, header = (dialect.quote or "").encode(), b""
    while line := file.readline():
        header += line
        if header.strip() and not (mark and header.count(mark) % 2):
            break
    return file.tell()


def records_of(data: bytes, quote: str | None) -> list[bytes]:
    """The records of a piece, without their line ends; blank lines are none."""
    lines = data.split(b"\n")
    mark = None if quote is None else quote.encode()
    if mark is not None and mark in data:
        lines = list(_joined(lines, mark))
    if b"\r" in data:
        lines = [line.removesuffix(b"\r") for line in lines]
    return [line for line in lines if line]


def _joined(lines: Sequence[bytes], mark: bytes) -> Iterator[bytes]:
    begun: list[bytes] = []
    inside = False
    for line in lines:
        begun.append(line)
        inside ^= bool(line.count(mark) % 2)
        if not inside:
            yield begun[0] if len(begun) == 1 else b"\n".join(begun)
            begun = []
    if begun:
        yield b"\n".join(begun)


def cells_of(records: Sequence[bytes], dialect: Dialect) -> Cells:
    """The cells of each record as texts."""
    text = io.StringIO(b"\n".join(records).decode("utf-8", "replace"), newline="")
    if dialect.quote is None:
        return list(csv.reader(text, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE))
    return list(csv.reader(text, delimiter=dialect.delimiter, quotechar=dialect.quote))
