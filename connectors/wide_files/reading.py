"""A checked table of any file; where its columns are series, with a row for each of their values.

The values of a series begin with the first that there is, and end with the last, so that a series that is shorter than
others is as long as in a file of its own. Where the last rows of the file have no value at all they are the future of
other columns, and every series has them.
"""

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from connectors.csv_files.columns import BadColumnError, ReadColumns, read_columns
from connectors.csv_files.dialect import BadDatasetError, Dialect, DialectSettings
from connectors.csv_files.inspection import OpenCsv, opened_csv
from connectors.csv_files.text import MOST_UNPACKED
from connectors.wide_files.stacking import Stack, stack_of

__all__ = ["MOST_COLUMNS", "opened_table"]

MOST_COLUMNS: Final = 20_000  # of a file whose columns are series: its header stays in no answer
_TOGETHER: Final = 1_000  # rows that are written at once
_EXACT: Final = 2.0**53
_SHOWN: Final = 5
_Numbers = npt.NDArray[np.float64]


@contextmanager
def opened_table(
    path: Path, settings: DialectSettings | None = None, *, max_bytes: int = MOST_UNPACKED
) -> Iterator[OpenCsv]:
    """As ``opened_csv``; with ``series_columns`` the text and the facts are of the table that has a row for each value.

    It is written with commas, its numbers as in the file. BadDatasetError also for a cell of a series that is no
    number, and for a table with more than ``max_bytes``.
    """
    chosen = None if settings is None else settings.series_columns
    if settings is None or chosen is None:
        with opened_csv(path, settings, max_bytes=max_bytes) as table:
            yield table
        return
    with (
        opened_csv(path, settings, max_bytes=max_bytes, max_columns=MOST_COLUMNS) as wide,
        tempfile.TemporaryDirectory(prefix="tidecast-") as folder,
    ):
        stack, dialect = stack_of(wide.facts.header, chosen), wide.facts.dialect
        target = Path(folder) / "text"
        told = _stacked(wide, stack, target, max_bytes)
        read_as = DialectSettings(
            encoding="utf-8",
            delimiter=",",
            quote='"',
            decimal=dialect.decimal,
            thousands=dialect.thousands or "none",
            skipped_lines=0,
            compression="none",
            timestamp_format=settings.timestamp_format,
        )
        with opened_csv(target, read_as) as table:
            facts = replace(
                table.facts,
                bytes=wide.facts.bytes,
                dialect=_written(dialect, stack),
                warnings=tuple(dict.fromkeys((*wide.facts.warnings, *told, *table.facts.warnings))),
                series_labels=tuple(wide.facts.header[index] for index in stack.series),
            )
            yield OpenCsv(path, table.text, facts)


def _written(dialect: Dialect, stack: Stack) -> Dialect:
    """How the table is written that a file of this dialect becomes."""
    return replace(dialect, delimiter=",", quote='"', skipped_lines=0, ignored_columns=(), series_columns=stack.series)


def _stacked(wide: OpenCsv, stack: Stack, target: Path, max_bytes: int) -> tuple[str, ...]:
    """Write the table, row by row of the file; what there is to tell of its numbers."""
    header, dialect = wide.facts.header, wide.facts.dialect
    try:
        read = read_columns(
            wide.text, header, dialect, texts=stack.kept, numbers=dict.fromkeys(stack.series, "series_columns")
        )
    except BadColumnError as error:
        text = f"{error.field}: {error.message}; or leave the column out of series_columns"
        raise BadDatasetError("bad_dialect", text) from None
    empty = [header[index] for index in stack.series if np.isnan(read.numbers[index]).all()]
    if len(empty) == len(stack.series):
        raise BadDatasetError("bad_dialect", "series_columns: none of these columns has a value; name others")
    size = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        for piece in _pieces(stack, header, dialect, read):
            size += file.write(piece)
            if size > max_bytes:
                text = f"the table has more than {max_bytes:,} bytes with a row for each value: send less, or raise "
                raise BadDatasetError("too_large", f"{text}TIDECAST_MAX_UPLOAD_BYTES")
    if not empty:
        return read.warnings
    shown = ", ".join(f'"{label}"' for label in empty[:_SHOWN]) + (" …" if empty[_SHOWN:] else "")
    return (*read.warnings, f"{len(empty)} columns have no value, and become no series: {shown}")


def _pieces(stack: Stack, header: Sequence[str], dialect: Dialect, read: ReadColumns) -> Iterator[str]:
    """The header, then the lines of some rows of the file at a time."""
    yield f"{_line(stack.header)}\n"
    kept = [([_line((text,)) for text in read.texts[index].texts], read.texts[index].codes) for index in stack.kept]
    names = [f",{_line((header[index],))}," for index in stack.series]
    values = [read.numbers[index] for index in stack.series]
    begins, ends = _spans(values)
    for first in range(0, len(values[0]), _TOGETHER):
        last = min(first + _TOGETHER, len(values[0]))
        rows = zip(*([texts[code] for code in codes[first:last].tolist()] for texts, codes in kept), strict=True)
        columns = [column[first:last].tolist() for column in values]
        lines: list[str] = []
        for row, cells in enumerate(rows, first):
            before = ",".join(cells)
            lines += [
                f"{before}{names[at]}{_number(column[row - first], dialect.decimal)}\n"
                for at, column in enumerate(columns)
                if begins[at] <= row < ends[at]
            ]
        yield "".join(lines)


def _spans(values: Sequence[_Numbers]) -> tuple[list[int], list[int]]:
    """The first row of each series, and the one behind its last."""
    rows = len(values[0])
    begins, ends = [], []
    for column in values:
        there = np.flatnonzero(~np.isnan(column))
        begins.append(int(there[0]) if len(there) else rows)
        ends.append(int(there[-1]) + 1 if len(there) else 0)
    if max(ends) < rows:  # rows without any value
        ends = [rows] * len(ends)
    return begins, ends


def _line(cells: Sequence[str]) -> str:
    """Cells as RFC 4180 has them."""
    if len(cells) == 1 and cells[0].isalnum():
        return cells[0]
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return "" if cells == ("",) else text.getvalue()


def _number(value: float, decimal: str) -> str:
    if value != value:  # noqa: PLR0124 - NaN, quicker than a call
        return ""
    if value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return repr(value) if decimal == "." else f'"{repr(value).replace(".", decimal)}"'
