"""A process that writes a sheet of a workbook as CSV to its standard output: see `connectors.table_files.reading`.

It ends with 0 and what there is to tell of the sheet as JSON, or with 1 and a line of the standard error where that
cannot be done.
"""

import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final, TextIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from connectors.table_files.limits import MEMORY_BYTES, limit_this_process
from connectors.table_files.sheet_marks import marks_of

__all__: list[str] = []

_CUT: Final = 999_000  # microseconds
_EXACT: Final = 2.0**53  # whole numbers beyond are no longer each a number of its own
_SHOWN: Final = 5  # of a list
_FEW: Final = 30  # rows in which the first whole row of a table lies
_PAIR: Final = 2
_PLAIN: Final = re.compile(r"[\w:]+")


class _RefusedError(Exception):
    """The text says what is wrong, and the remedy."""


def _main(path: str, wanted: str) -> None:
    limit_this_process()
    text = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="", write_through=False)
    try:
        with CalamineWorkbook.from_path(path) as book:
            sheet, others = _chosen(book, wanted or None)
            told = [*_others(sheet, others), *_write(sheet, text), *_marks(path, sheet.name)]
        text.flush()
    except BrokenPipeError:
        os._exit(1)  # nobody reads it any more
    except _RefusedError as refused:
        sys.exit(str(refused))
    except MemoryError:
        sys.exit(f"it needs more than {MEMORY_BYTES >> 20} MiB at once: keep the table alone in the workbook")
    except (CalamineError, OSError, ValueError) as error:
        sys.exit(f"it is damaged ({' '.join(str(error).split())[:200]}): save it again")
    sys.stderr.write(json.dumps({"sheet": sheet.name, "told": told}) + "\n")


def _chosen(book: CalamineWorkbook, wanted: str | None) -> tuple[CalamineSheet, list[str]]:
    """The sheet that is read, and the names of the others."""
    sheets = [it for it in book.sheets_metadata if it.typ == SheetTypeEnum.WorkSheet]
    names = [it.name for it in sheets]
    if wanted is not None:
        found = wanted if wanted in names else next((it for it in names if it.strip() == wanted.strip()), None)
        if found is None:
            raise _RefusedError(f"sheet: there is no sheet {wanted[:100]!r}; the workbook has {_list(names)}")
        chosen = book.get_sheet_by_name(found)
        if not chosen.height:
            raise _RefusedError(f"sheet: the sheet {found!r} is empty; the workbook has {_list(names)}")
        return chosen, []
    seen = [it.name for it in sheets if it.visible == SheetVisibleEnum.Visible]
    likely: CalamineSheet | None = None
    for name in [*seen, *(it for it in names if it not in seen)]:
        sheet = book.get_sheet_by_name(name)
        if _is_table(sheet):
            return sheet, [it for it in names if it != name]
        likely = likely or (sheet if sheet.height else None)
    if likely is None:
        raise _RefusedError("its sheets are empty: put the column names in row 1 and one row in each line below")
    return likely, [it for it in names if it != likely.name]


def _is_table(sheet: CalamineSheet) -> bool:
    """Whether two rows have two cells with something in them each: a page of notes has not."""
    full = 0
    if sheet.width >= _PAIR:
        for row in sheet.iter_rows():
            full += sum(cell != "" for cell in row) >= _PAIR
            if full == _PAIR:
                return True
    return False


def _others(sheet: CalamineSheet, others: Sequence[str]) -> Iterator[str]:
    if others:
        yield f"the sheet {_list([sheet.name])} is read; the workbook also has {_list(others)}: name another by sheet"


def _write(sheet: CalamineSheet, text: TextIO) -> Iterator[str]:
    """Write the sheet's rows, each in the line of its number; what there is to tell of merged cells."""
    merges = _Merges(sheet)
    clocks: set[int] = set()
    for number, row in enumerate(sheet.iter_rows()):  # they are in memory; a row begins with the first used column
        clocks.update(at for at, cell in enumerate(row) if type(cell) is datetime)
        merges.look(number, row)
    writer = csv.writer(text, lineterminator="\n")
    for number, row in enumerate(sheet.iter_rows()):
        cells = [_text(cell, clock=at in clocks) for at, cell in enumerate(merges.filled(number, row))]
        if any(cells):
            writer.writerow(cells)
        else:
            text.write("\n")
    return merges.told()


class _Merges:
    """Merged cells below the title of a table; texts and days stand in each of their rows, as people read them."""

    def __init__(self, sheet: CalamineSheet) -> None:
        first = (sheet.start or (0, 0))[1]
        head = list(islice(sheet.iter_rows(), _FEW))
        counts = [sum(cell != "" for cell in row) for row in head]
        title = counts.index(max(counts)) if counts else 0
        self._starts: dict[int, list[tuple[int, int, str]]] = {}
        self._open: dict[int, tuple[int, Any]] = {}
        self._filled: list[str] = []
        self._bare: list[str] = []
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
            if bottom < title or not 0 <= left - first < sheet.width:
                continue
            place = f"{_letters(left)}{top + 1}:{_letters(right)}{bottom + 1}"
            if left == right and top > title:
                self._starts.setdefault(top, []).append((left - first, bottom, place))
            else:
                self._bare.append(place)

    def look(self, number: int, row: Sequence[Any]) -> None:
        """Sort what begins in a row by what it holds."""
        for at, bottom, place in self._starts.pop(number, ()):
            if isinstance(row[at], str | date) and row[at] != "":
                self._filled.append(place)
                self._starts.setdefault(number, []).append((at, bottom, place))
            elif row[at] != "":
                self._bare.append(place)

    def filled(self, number: int, row: list[Any]) -> list[Any]:
        """The row, after those above it."""
        if self._open:
            self._open = {at: one for at, one in self._open.items() if number <= one[0]}
            for at, (_, value) in self._open.items():
                row[at] = value
        for at, bottom, _ in self._starts.get(number, ()):
            self._open[at] = bottom, row[at]
        return row

    def told(self) -> Iterator[str]:
        """What became of them."""
        if self._filled:
            yield f"the text of merged cells counts for each of their rows: {_list(self._filled)}"
        if self._bare:
            yield f"of merged cells only the first has their value, the others are empty: {_list(self._bare)}"


def _letters(column: int) -> str:
    """What spreadsheets call a column: A, B … Z, AA."""
    letters = ""
    column += 1
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def _text(cell: object, *, clock: bool) -> str:  # noqa: PLR0911 - one for each kind of cell
    """A cell as a CSV file has it. In a column with times of day days have one, too."""
    if isinstance(cell, str):
        return " ".join(cell.splitlines()) if "\n" in cell or "\r" in cell else cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT else repr(cell)
    if isinstance(cell, datetime):
        return _whole(cell).isoformat(sep=" ")
    if isinstance(cell, date):
        return f"{cell.isoformat()} 00:00:00" if clock else cell.isoformat()
    if isinstance(cell, timedelta):
        return _duration(cell)
    return _whole(datetime.combine(date.min, cell)).time().isoformat() if isinstance(cell, time) else str(cell)


def _whole(cell: datetime) -> datetime:
    """Of what the reader cut off to a millisecond before a second, the second: sums of parts of a day miss it so."""
    return cell + timedelta(microseconds=1_000_000 - cell.microsecond) if cell.microsecond >= _CUT else cell


def _duration(span: timedelta) -> str:
    """As a spreadsheet shows hours that are more than a day."""
    seconds = round(span.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _marks(path: str, sheet: str) -> Iterator[str]:
    marks = marks_of(path, sheet)
    if marks.hidden_rows:
        shown = _list([str(number) for number in marks.hidden_rows])
        yield f"hidden rows are read, too: {shown}; delete those that are not meant"
    if marks.hidden_columns:
        shown = _list([_letters(number - 1) for number in marks.hidden_columns])
        yield f"hidden columns are read, too: {shown}; delete those that are not meant"
    if marks.errors:
        yield f"{marks.errors:,} cells hold an error such as #DIV/0!, and are read as missing values"
    if marks.unvalued:
        text = f"{marks.unvalued:,} formulas have no saved value, and are read as missing values"
        yield f"{text}: open the workbook in a spreadsheet program and save it"


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(name if _PLAIN.fullmatch(name) else repr(name)[:100] for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else shown


if __name__ == "__main__":
    _main(*sys.argv[1:])
