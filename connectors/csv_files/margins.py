"""What lies around and between the rows of a table and is none of them: units, notes, totals, rows without anything.

Spreadsheets and statistical offices write them. They are left out of the text that is read, line for line, so that
messages go on naming the lines of the file; what was left out is told.
"""

import csv
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from connectors.csv_files.cells import is_date, is_value, names_dates
from connectors.csv_files.dialect import CsvRows, Dialect, csv_rows
from connectors.csv_files.sniff import DELIMITERS, Shape

if TYPE_CHECKING:
    from _csv import Writer

__all__ = ["TIDIED", "Trimmed", "tidied", "trimmed"]

_TAIL: Final = 1 << 16  # bytes at the end that are looked at
_MOST_LINES: Final = 50  # below a table
_SHOWN: Final = 60
_BLOCK: Final = 1 << 20
_TOTALS: Final = (
    "total", "grand total", "subtotal", "sum", "average", "mean", "median", "summe", "gesamt", "gesamtsumme",
    "insgesamt", "durchschnitt", "mittelwert", "somme", "moyenne", "total général", "suma", "promedio", "totale",
    "media", "totaal", "итого", "всего", "合计", "总计", "合計", "総計", "小计", "小計", "합계", "총계",
    "toplam", "razem",
)  # fmt: skip
_ENDS: Final = ("end", "eof", "end of file", "end of data", "ende")
_NOTE: Final = re.compile(r"[*#(\[©†‡•—-].*|[^\W\d].*[\s:].*", re.DOTALL)  # begins with a mark, or has words
_REMARK: Final = re.compile(r"[*#©†‡].*|[^\W\d]{3,} ?:.*", re.DOTALL)
_EMPTY: Final = " \t\"'\x1a\u00a0\ufeff"
_FEW: Final = 50  # rows that are looked at before they are copied
TIDIED: Final = ("bad_line_end", "empty_row", "ragged_row", "stray_quote", "wrong_separator")
"""The codes of faults that `tidied` may mend."""


@dataclass(frozen=True, slots=True)
class Trimmed:
    """A text without its margins, the same file where it has none, and what to tell of them."""

    path: Path
    told: tuple[str, ...] = ()


@contextmanager
def trimmed(path: Path, shape: Shape, lines: Sequence[str]) -> Iterator[Trimmed]:
    """The text of a table of this shape, whose first ``lines`` are given; a copy is gone after the block."""
    cuts: list[tuple[int, int]] = []
    told: list[str] = []
    if shape.units_line is not None:
        with path.open("rb") as file:
            begin = sum(len(file.readline()) for _ in range(shape.units_line))
            length = len(file.readline().rstrip(b"\r\n"))
        cuts.append((begin, begin + length))
        told.append(
            f"line {shape.units_line + 1} is taken for the units of the columns, and left out: "
            f'"{lines[shape.units_line][:_SHOWN]}"'
        )
    below = _below(path, shape)
    if below is not None:
        begin, first, last, text = below
        cuts.append((begin, path.stat().st_size))
        if text:
            which = f"line {first} lies" if first == last else f"lines {first} to {last} lie"
            left = "is" if first == last else "are"
            told.append(f'{which} below the table, and {left} left out: "{text[:_SHOWN]}"')
    if not cuts:
        yield Trimmed(path)
        return
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tidecast-"))
        made = Path(folder) / "text"
        _copy_without(path, made, cuts)
        yield Trimmed(made, tuple(told))


@contextmanager
def tidied(path: Path, shape: Shape, lines: Sequence[str]) -> Iterator[Trimmed | None]:
    """The text of a table with dates in the strict form that is read, line for line; None: it cannot be made.

    What is mended are the faults of programs: blanks before cells in quotation marks, carriage returns too many, lines
    of blanks or separators alone, comments between the rows, and a header that lacks a name for the numbers that R puts
    before each row.
    """
    delimiter = shape.delimiter
    if shape.width < 2 and delimiter == DELIMITERS[0]:  # no table was found, and this one is no finding
        delimiter = max(DELIMITERS, key="".join(lines[-_FEW:]).count)
    dialect = Dialect(delimiter=delimiter, quote=shape.quote)
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidecast-"))) / "text"
        with path.open(encoding="utf-8-sig", newline="\n") as file, made.open("w", encoding="utf-8", newline="") as new:
            new.writelines(islice(file, shape.skipped_lines))
            rows = csv_rows((line.rstrip("\r\n") + "\n" for line in file), dialect, blanks=False)
            comments = _copy_tidily(rows, csv.writer(new, delimiter=delimiter, lineterminator="\n"))
        if comments is None:
            yield None
            return
        told = f"{comments:,} lines between the rows begin with #, and are left out"
        yield Trimmed(made, (told,) if comments else ())


def _copy_tidily(rows: CsvRows, target: "Writer") -> int | None:
    """How many comments were left out; None where the rows cannot be told apart, or have no dates."""
    comments = 0
    try:
        first = list(islice(rows, _FEW))
        if not any(is_date(cell.strip()) for row in first[-_FEW // 2 :] for cell in row):
            return None
        _name_numbers(first)
        for row in chain(first, rows):
            is_comment = len(row) == 1 and row[0].startswith("#")
            comments += is_comment
            target.writerow([] if is_comment or not any(map(str.strip, row)) else row)
    except csv.Error:
        return None
    return comments


def _name_numbers(rows: Sequence[list[str]]) -> None:
    """Put an empty name before the others where rows are numbered and the header has no name for that."""
    header, *below = [row for row in rows if row] or [[]]
    dates = next((place for place, name in enumerate(header) if names_dates([name])), None)
    if dates is None or len(below) < 2 or any(len(row) != len(header) + 1 for row in below):
        return
    begin = int(below[0][0] == "1")
    if all(row[0] == str(begin + number) and is_date(row[dates + 1].strip()) for number, row in enumerate(below)):
        header.insert(0, "")


def _copy_without(source: Path, target: Path, cuts: Sequence[tuple[int, int]]) -> None:
    with source.open("rb") as file, target.open("wb") as written:
        for begin, end in cuts:
            while (left := begin - file.tell()) > 0:
                written.write(file.read(min(left, _BLOCK)))
            file.seek(end)
        while block := file.read(_BLOCK):
            written.write(block)


def _below(path: Path, shape: Shape) -> tuple[int, int, int, str] | None:
    """Where what is below the table begins, its first and last line from 1, and its first text; None: nothing is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    ends = tail.splitlines(keepends=True)[(1 if size > _TAIL else 0) :]
    begin, found = size, ""
    count = 0
    for line in reversed(ends[-_MOST_LINES:]):
        text = line.decode("utf-8", "replace")
        if text.strip():
            cells = _cells(text, shape)
            if cells is None or not _is_none_of_the_table(cells, shape):
                break
            found = ", ".join(filter(None, (cell.strip(_EMPTY) for cell in cells))) or found
            begin, count = size - len(b"".join(ends[len(ends) - count - 1 :])), count + 1
        else:
            count += 1
    if begin == size:
        return None
    with path.open("rb") as file:
        first = 1
        while file.tell() < begin:
            first += file.read(min(_BLOCK, begin - file.tell())).count(b"\n")
        last = first + file.read().rstrip().count(b"\n")
    return (begin, first, last, found) if first > shape.skipped_lines + 2 else None


def _cells(line: str, shape: Shape) -> list[str] | None:
    """The cells of a line; None where it begins or ends in the midst of one."""
    if shape.quote is not None and line.count(shape.quote) % 2:
        return None
    dialect = Dialect(delimiter=shape.delimiter, quote=shape.quote)
    return next(iter(csv_rows([line.strip("\r\n") + "\n"], dialect, strict=False)), None)


def _is_none_of_the_table(cells: Sequence[str], shape: Shape) -> bool:
    """Whether a line at the end is a note, a total or nothing; one that may be a damaged row is not."""
    bare = [cell.strip(_EMPTY) for cell in cells]
    present = [cell for cell in bare if cell]
    whole = len(cells) == shape.width
    if shape.width < 2 or (whole and not shape.dated):
        return False
    if not present:
        return True
    if is_value(present[0]) or any(is_date(bare[place]) for place in shape.dated if place < len(bare)):
        return False
    word = present[0].rstrip(":").casefold()
    if word in _TOTALS:
        return True
    if len(present) > 1 and whole:
        return _REMARK.fullmatch(present[0]) is not None
    return word in _ENDS or _NOTE.fullmatch(present[0]) is not None
