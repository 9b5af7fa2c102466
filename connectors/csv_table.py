"""Checking an uploaded CSV file in one pass with bounded memory, before anything of it is kept.

Accepted: UTF-8 with or without byte order mark, commas, lines ended by LF or CRLF, cells in double quotes (a quote
inside is doubled; commas and line ends inside are text), blank lines (skipped). All else is refused with the line and
the remedy.

The checks themselves are in ``csv_scan``; this module reads the blocks and keeps what is learned.
"""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from connectors.csv_scan import BadDatasetError, CsvScan

__all__ = ["MISSING", "BadDatasetError", "Cell", "CsvFacts", "inspect_csv", "line_of_row"]

Cell: TypeAlias = str | int | float | None
"""A preview value: text, number, or None for a missing cell of a number column."""

MISSING: Final = frozenset({"", "NaN", "nan", "NAN", "NA", "null", "NULL"})
"""Texts that mean "no observation" in a column of numbers."""

_MAX_COLUMNS: Final = 2_000  # a job reads a handful; the preview and the header travel whole in every answer
_MAX_CELL: Final = 100_000  # bytes; below the 131,072 characters at which Python's own CSV reader gives up
_MAX_RECORD: Final = 1 << 20  # bytes of one row; also how far an unclosed quote is followed, so it bounds the memory
_BLOCK: Final = 1 << 18  # bytes per read; larger blocks were not faster

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")  # at most 15 digits: exact in every JSON reader
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class CsvFacts:
    """What a sound file holds: labels in file order, preview values by label, number of data rows, size in bytes."""

    header: tuple[str, ...]
    heads: Mapping[str, tuple[Cell, ...]]
    rows: int
    bytes: int


def inspect_csv(
    path: Path, *, max_columns: int = _MAX_COLUMNS, max_cell: int = _MAX_CELL, max_record: int = _MAX_RECORD
) -> CsvFacts:
    """The facts of a CSV file that later steps rely on; BadDatasetError says what is wrong, where and what to do.

    Memory stays within a few times the block size and ``max_record`` (bytes of one row), whatever the file holds.
    """
    scan = CsvScan(max_columns=max_columns, max_cell=max_cell, max_record=max_record)
    with path.open("rb") as file:
        left = scan.start(file.read(4))  # the longest mark that tells a kind of file
        while block := file.read(_BLOCK):
            left += block
            left = left[scan.take(left) :]
            scan.check_unfinished(left)
        if left:
            left = left[scan.take(left + b"\n") :]
            if left:
                scan.refuse_unclosed(left)
    if not scan.header:
        raise BadDatasetError(
            "empty_file", "the file is empty; put the column names in line 1 and one row in each line below"
        )
    if not scan.rows:
        raise BadDatasetError("no_rows", "the file has a header but no rows; at least one data row is needed")
    columns = zip(*scan.preview, strict=True)
    heads = {label: _preview_cells(cells) for label, cells in zip(scan.header, columns, strict=True)}
    return CsvFacts(header=scan.header, heads=heads, rows=scan.rows, bytes=path.stat().st_size)


def line_of_row(path: Path, row: int) -> int:
    """The line, from 1, on which data row ``row`` begins; rows count from 0, without header and blank lines."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        begin, seen = 1, -1
        for record in reader:
            if record:
                if seen == row:
                    return begin
                seen += 1
            begin = reader.line_num + 1
    raise IndexError(f"the file has no data row {row}")


def _preview_cells(cells: Sequence[str]) -> tuple[Cell, ...]:
    """Numbers if the shown cells are all numbers in JSON's notation or missing, at least one a number; else the texts.

    "007" and "1,234" are text: as numbers they would not be shown as in the file.
    """
    present = [cell for cell in cells if cell not in MISSING]
    if not present or not all(_is_number(cell) for cell in present):
        return tuple(cells)
    return tuple(None if cell in MISSING else int(cell) if _INTEGER.fullmatch(cell) else float(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    if _INTEGER.fullmatch(cell):
        return True
    exact = not cell.lstrip("-").isdigit()  # an integer too long to stay exact is an identifier: text
    return exact and _DECIMAL.fullmatch(cell) is not None and math.isfinite(float(cell))
