"""Checking an uploaded CSV file in one pass with bounded memory, before anything of it is kept.

How the file is written is found out, or taken as its uploader says (``csv_text``: packing and encoding; ``csv_sniff``:
separators and lines above the table). A cell is in quotation marks or not (a mark inside is doubled; separators and
line ends inside are text), blank lines are skipped. What remains doubtful or wrong is refused with the line and the
remedy.

The checks themselves are in ``csv_scan``; this module reads the blocks and keeps what is learned.
"""

import codecs
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Final

from connectors.csv_files.dialect import RFC4180, BadDatasetError, Dialect, DialectSettings, checked, csv_rows
from connectors.csv_files.margins import TIDIED, tidied, trimmed
from connectors.csv_files.number_format import MISSING
from connectors.csv_files.preview import Cell, examples, numbers_shown, preview_cells
from connectors.csv_files.scan import CsvScan, NotUtf8Error
from connectors.csv_files.sniff import find_shape, looks_like_a_row
from connectors.csv_files.text import MOST_UNPACKED, CsvText, legacy_text, plain_text

__all__ = ["MISSING", "BadDatasetError", "Cell", "CsvFacts", "OpenCsv", "inspect_csv", "line_of_row", "opened_csv"]

_MAX_COLUMNS: Final = 2_000  # a job reads a handful; the preview and the header travel whole in every answer
_MAX_CELL: Final = 100_000  # bytes; below the 131,072 characters at which Python's own CSV reader gives up
_MAX_RECORD: Final = 1 << 20  # bytes of one row; also how far an unclosed quote is followed, so it bounds the memory
_BLOCK: Final = 1 << 18  # bytes per read; larger blocks were not faster
_SAMPLE: Final = 1 << 16  # bytes by which separators are found


@dataclass(frozen=True, slots=True)
class CsvFacts:
    """What a sound file holds: labels in file order, preview values by label, number of data rows, size in bytes.

    ``dialect`` says how it is written, ``warnings`` what can be read in two ways. ``series_labels`` are of columns
    that were series, of which the table has a row for each value.
    """

    header: tuple[str, ...]
    heads: Mapping[str, tuple[Cell, ...]]
    rows: int
    bytes: int
    dialect: Dialect = RFC4180
    warnings: tuple[str, ...] = ()
    series_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenCsv:
    """A checked file: ``text`` is its table in UTF-8 with the same lines, or the file itself where it is that."""

    path: Path
    text: Path
    facts: CsvFacts


@dataclass(frozen=True, slots=True)
class _Limits:
    columns: int = _MAX_COLUMNS
    cell: int = _MAX_CELL
    record: int = _MAX_RECORD


def inspect_csv(
    path: Path, *, max_columns: int = _MAX_COLUMNS, max_cell: int = _MAX_CELL, max_record: int = _MAX_RECORD
) -> CsvFacts:
    """The facts of a CSV file that later steps rely on; BadDatasetError says what is wrong, where and what to do.

    Memory stays within a few times the block size and ``max_record`` (bytes of one row), whatever the file holds.
    """
    with _opened(path, DialectSettings(), MOST_UNPACKED, _Limits(max_columns, max_cell, max_record)) as table:
        return table.facts


@contextmanager
def opened_csv(
    path: Path,
    settings: DialectSettings | None = None,
    *,
    max_bytes: int = MOST_UNPACKED,
    max_columns: int = _MAX_COLUMNS,
) -> Iterator[OpenCsv]:
    """The facts and the text of a CSV file, as ``inspect_csv``; a text that had to be made is gone after the block.

    ``max_bytes`` limits what a compressed file may hold.
    """
    with _opened(path, checked(settings or DialectSettings()), max_bytes, _Limits(max_columns)) as table:
        yield table


@contextmanager
def _opened(path: Path, settings: DialectSettings, max_bytes: int, limits: _Limits) -> Iterator[OpenCsv]:
    with ExitStack() as stack:
        text = stack.enter_context(plain_text(path, settings, max_bytes=max_bytes))
        try:
            table, facts = _facts(text, settings, limits, stack)
        except NotUtf8Error as error:
            legacy = stack.enter_context(legacy_text(text)) if settings.encoding is None else None
            if legacy is None:
                raise BadDatasetError(error.code, _damaged(error, settings)) from None
            table, facts = _facts(legacy, settings, limits, stack)
        yield OpenCsv(path, table, replace(facts, bytes=path.stat().st_size))


def _damaged(error: NotUtf8Error, settings: DialectSettings) -> str:
    if settings.encoding is not None:
        return f"encoding: {error.message}; correct the field, or leave it out"
    return f"{error.message}; the rest of it is UTF-8, so correct these bytes, or name the encoding"


def _facts(
    text: CsvText, settings: DialectSettings, limits: _Limits, stack: ExitStack, *, told: tuple[str, ...] | None = None
) -> tuple[Path, CsvFacts]:
    """The facts of a text, and where it lies without what is around its table; ``told`` of one that has been tidied."""
    with text.path.open("rb") as file:
        sample = file.read(_SAMPLE)
    whole = len(sample) < _SAMPLE
    lines = _sample_lines(sample, whole=whole)
    shape = find_shape(lines, settings, whole=whole)
    bare = stack.enter_context(trimmed(text.path, shape, lines))
    if shape.units_line is not None:
        lines[shape.units_line] = ""
    with bare.path.open("rb") as file:
        dialect = Dialect(
            encoding=text.encoding,
            delimiter=shape.delimiter,
            quote=shape.quote,
            skipped_lines=shape.skipped_lines,
            compression=text.compression,
            timestamp_format=settings.timestamp_format,
            sheet=text.sheet,
            given=settings.given,
        )
        scan = CsvScan(
            dialect,
            ignored=settings.ignored_columns,
            dated=bool(shape.dated),
            max_columns=limits.columns,
            max_cell=limits.cell,
            max_record=limits.record,
        )
        try:
            _scan(scan, file, shape.skipped_lines)
        except BadDatasetError as error:
            may_be_tidied = told is None and error.code in TIDIED
            tidy = stack.enter_context(tidied(text.path, shape, lines)) if may_be_tidied else None
            if tidy is None:
                raise
            return _facts(replace(text, path=tidy.path), settings, limits, stack, told=tidy.told)
    if not scan.header and settings.skipped_lines:
        raise BadDatasetError(
            "bad_dialect", f"skipped_lines: is {settings.skipped_lines}, and below them the file is empty; correct it"
        )
    if not scan.header:
        raise BadDatasetError(
            "empty_file", "the file is empty; put the column names in line 1 and one row in each line below"
        )
    if not scan.rows:
        raise BadDatasetError("no_rows", "the file has a header but no rows; at least one data row is needed")
    ignored = settings.ignored_columns
    dialect = replace(dialect, ignored_columns=ignored or tuple(range(len(scan.header), scan.width)))
    numbers = numbers_shown(dialect, settings, scan.header, examples(dialect, len(scan.header), lines))
    columns = zip(scan.header, zip(*scan.preview, strict=True), numbers.formats, strict=True)
    heads = {label: preview_cells(cells, form) for label, cells, form in columns}
    warnings = (*text.told, *(told or ()), *bare.told, *numbers.warnings)
    if len(scan.header) == 1:
        warnings = (_one_column(scan.header[0]), *warnings)
    if looks_like_a_row(scan.header, scan.preview):
        first = f"line {scan.header_line} looks like a row of values, and is taken for the names of the columns"
        warnings = (f"{first}; put a line with names above it if it is one", *warnings)
    return bare.path, CsvFacts(scan.header, heads, scan.rows, 0, numbers.dialect, warnings)


def _one_column(label: str) -> str:
    """A job needs two: times and values."""
    likely = {" ": "space", ":": ":", "^": "^", "~": "~"}
    mark = next((word for char, word in likely.items() if char in label.strip()), None)
    remedy = "name what separates the columns: delimiter" + (f", here perhaps {mark}" if mark else "")
    if "," in label or ";" in label or "\t" in label:
        remedy = "remove the quotation marks around whole lines"
    return f'the file has one column, "{label[:60]}", and a job needs times and values; if there are more, {remedy}'


def _sample_lines(sample: bytes, *, whole: bool) -> list[str]:
    """The lines of the sample; NotUtf8Error where it is not UTF-8, so that the text need not be gone through first."""
    text = sample.removeprefix(codecs.BOM_UTF8)
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        if whole or error.start < len(text) - 4:
            line = text.count(b"\n", 0, error.start) + 1
            place = len(sample) - len(text) + error.start
            wrong = f"line {line}: byte {place} (0x{text[error.start]:02X}) is not UTF-8"
            raise NotUtf8Error("not_utf8", wrong) from None
        decoded = text[: error.start].decode("utf-8")
    return [line.removesuffix("\r") for line in decoded.split("\n")]


def _scan(scan: CsvScan, file: IO[bytes], skipped_lines: int) -> None:
    above = codecs.BOM_UTF8 if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else b""
    file.seek(len(above))
    for _ in range(skipped_lines):
        above += (line := file.readline(_MAX_RECORD))
        if len(line) == _MAX_RECORD:
            raise BadDatasetError(
                "bad_dialect", f"skipped_lines: a line above the header has over {_MAX_RECORD:,} bytes"
            )
    scan.start(above)
    left = b""
    while block := file.read(_BLOCK):
        left += block
        left = left[scan.take(left) :]
        scan.check_unfinished(left)
    if left:
        left = left[scan.take(left + b"\n") :]
        if left:
            scan.refuse_unclosed(left)


def line_of_row(path: Path, row: int, dialect: Dialect = RFC4180) -> int:
    """The line, from 1, on which data row ``row`` begins; rows count from 0, without header and blank lines."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        above = sum(1 for _ in islice(file, dialect.skipped_lines))
        reader = csv_rows(file, dialect)
        begin, seen = 1, -1
        for record in reader:
            if record:
                if seen == row:
                    return above + begin
                seen += 1
            begin = reader.line_num + 1
    raise IndexError(f"the file has no data row {row}")
