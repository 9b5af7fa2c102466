"""How the cells of a CSV text are separated and where its table begins, from its first lines."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from connectors.csv_files.cells import are_dates, is_date, is_value, is_year, kind_of, names_dates
from connectors.csv_files.dialect import BadDatasetError, Dialect, DialectSettings, csv_rows

__all__ = ["DELIMITERS", "Shape", "find_shape", "looks_like_a_row", "sep_line"]

DELIMITERS: Final = (",", ";", "\t", "|")
"""Those that are found without being told."""
_ROWS: Final = 300  # looked at; a few would do, but lines above a table and bad rows must stay the minority
_HIGHEST: Final = 100  # lines above a header that are found without being told
_MOST_HEADERS: Final = 10  # rows that may be one, and have no table below them
_SOUND: Final = 0.9  # share of the rows below a header that must fit it, when the header is not in line 1
_FEWEST_ROWS: Final = 3  # with dates, to tell what is above and below them
_MOST_BELOW: Final = 20  # lines at the end that have none
_SEP: Final = re.compile(r'"?sep=(?P<delimiter>[^\r\n"])"?\r?', re.IGNORECASE)
_LINE: Final = re.compile(r"[-+|=: \t]*[-=]{2,}[-+|=: \t]*")  # drawn below the names of columns


@dataclass(frozen=True, slots=True)
class Shape:
    """The delimiter, the quotation mark (None: there is none) and the number of lines above the header.

    ``units_line`` is the line (from 0) of units below the header, ``dated`` are the columns that have dates only,
    ``width`` is how many columns there are; None, none and 0 where that is not known.
    """

    delimiter: str = ","
    quote: str | None = '"'
    skipped_lines: int = 0
    units_line: int | None = None
    dated: tuple[int, ...] = ()
    width: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    line: int  # from 0
    cells: list[str]


@dataclass(frozen=True, slots=True)
class _Table:
    """The best table that one delimiter makes of the lines, and what each column holds: ``dates``, ``numbers``."""

    delimiter: str
    skipped_lines: int
    kinds: tuple[str | None, ...]
    units_line: int | None

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.kinds)

    @property
    def typed(self) -> int:
        """How many columns hold dates or numbers only."""
        return sum(kind is not None for kind in self.kinds)

    @property
    def dated(self) -> tuple[int, ...]:
        """The columns of dates."""
        return tuple(place for place, kind in enumerate(self.kinds) if kind == "dates")


def sep_line(first: str) -> str | None:
    """The delimiter that Excel's first line names, such as sep=; in it."""
    match = _SEP.fullmatch(first)
    return match["delimiter"] if match else None


def find_shape(lines: Sequence[str], settings: DialectSettings, *, whole: bool) -> Shape:
    """The shape of a text by its first lines, which have no line ends; ``whole`` says whether they are all of it."""
    named = sep_line(lines[0].removeprefix("\ufeff")) if lines else None
    if named is not None and (not named.isascii() or named.isalnum()):
        raise BadDatasetError("bad_dialect", f"line 1: sep={named}: no separator of columns; name the delimiter")
    skipped = settings.skipped_lines
    above = 1 if named is not None and skipped is None else 0  # other lines may stand between this one and the header
    delimiters = DELIMITERS if settings.delimiter is None else (settings.delimiter,)
    if settings.delimiter is None and named is not None:
        delimiters = (named,)
    quote = _quote(lines, settings.quote)
    text = "\n".join(lines)
    tried = [one for one in delimiters if one == DELIMITERS[0] or one in text]  # only by commas is one column a table
    tables = [_table(lines[above:], delimiter, quote, skipped, whole=whole) for delimiter in tried]
    found = [table for table in tables if table is not None]
    if named is not None and settings.delimiter is None and not any(table.width > 1 for table in found):
        # The first line may be wrong: some programs write it whatever they separate by.
        others = [_table(lines[above:], delimiter, quote, skipped, whole=whole) for delimiter in DELIMITERS]
        found = [table for table in others if table is not None and table.width > 1] or found
    if not found:
        return Shape(delimiters[0], quote, above + (skipped or 0))
    # A file of one column is nothing to forecast, and lines above a table are rare: both are thought of last.
    best = max(found, key=lambda table: (table.width > 1, table.skipped_lines == (skipped or 0), table.typed))
    units = None if best.units_line is None else above + best.units_line
    return Shape(best.delimiter, quote, above + best.skipped_lines, units, best.dated, best.width)


def looks_like_a_row(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the names are a date and other values above columns of the same kinds: then the file has no header."""
    kinds = [(kind_of([label]), kind_of(cells)) for label, cells in zip(header, zip(*rows, strict=True), strict=True)]
    return ("dates", "dates") in kinds and all(above == below for above, below in kinds)


def _quote(lines: Sequence[str], given: str | None) -> str | None:
    if given is not None:
        return None if given == "none" else given
    some = lines[:_ROWS]
    if any('"' in line for line in some):
        return '"'
    if not any("'" in line for line in some):
        return '"'
    # Apostrophes enclose cells if most lines have a pair of them at the borders of a cell.
    enclosed = sum(re.search(r"(?:^|[,;\t|])'[^']*'(?:[,;\t|\r]|$)", line) is not None for line in some)
    return "'" if enclosed > len(some) / 2 else '"'


def _table(
    lines: Sequence[str], delimiter: str, quote: str | None, skipped: int | None, *, whole: bool
) -> _Table | None:
    """The table below the given number of lines, or where it is found; None where this delimiter makes none."""
    rows = list(islice(_rows(lines[skipped or 0 :], delimiter, quote), _ROWS))
    if not whole and len(rows) > 2 and rows[-1].line >= len(lines) - (skipped or 0) - 1:
        rows.pop()  # the last one may be cut off
    if len(rows) < 2:
        return None
    first = rows[0]
    if skipped is None and first.cells[0].lstrip().startswith("#"):
        first = _below_comments(rows)
    at_top = None
    if (width := _fits(first, rows)) and (width > 1 or delimiter == DELIMITERS[0]):
        at_top = _judged(first, rows, delimiter, width, skipped or 0)
    if skipped is not None or (at_top is not None and (at_top.typed or width == 1)):
        return at_top
    return _further_down(rows, delimiter=delimiter, dated=at_top is not None) or at_top


def _further_down(rows: Sequence[_Row], *, delimiter: str, dated: bool) -> _Table | None:
    """The table whose header is a later row; with ``dated`` only one that has dates."""
    if dated and not any(is_date(cell.strip()) for row in rows[-_FEWEST_ROWS:] for cell in row.cells):
        return None
    other, upper, looked_at = None, None, 0
    for place, row in enumerate(rows[1:], 1):
        if row.line > _HIGHEST or looked_at == _MOST_HEADERS:
            break
        if len(row.cells) < 2:  # of most separators that are tried; to look at all rows below each would take long
            continue
        if (width := _fits(row, rows)) > 1 and _is_header(row, _below(row, rows)):
            looked_at += 1
            table = _judged(row, rows, delimiter, width, 0)
            if not table.typed or (dated and not table.dated):
                upper = upper or table
                continue
            if any(_is_row(above.cells, table) for above in rows[1:place]):
                return other or upper  # its rows begin above: names that come again, or a damaged row
            if table.units_line is None or names_dates(row.cells):
                return table
            other = other or table
    return other or (None if dated else upper)


def _is_row(cells: Sequence[str], table: _Table) -> bool:
    """Whether a line above the table's header is like the rows below it: dates and numbers where those have them."""
    if not table.dated or len(cells) < table.width:
        return False
    own = [(cell.strip(), kind) for cell, kind in zip(cells, table.kinds, strict=False) if kind is not None]
    return all(is_date(cell) if kind == "dates" else is_value(cell) for cell, kind in own)


def _rows(lines: Sequence[str], delimiter: str, quote: str | None) -> Iterator[_Row]:
    """The rows of the lines with the line that each begins on; blank ones are left out."""
    reader = csv_rows([f"{line}\n" for line in lines], Dialect(delimiter=delimiter, quote=quote), strict=False)
    begin = 0  # the reader's own count stands at the end of a row that has line ends in its cells
    while True:
        try:
            cells = next(reader)
        except (StopIteration, csv.Error):  # an error: a cell larger than the reader takes; the scan will tell
            return
        if cells:
            yield _Row(begin, [cell.rstrip("\r\n") for cell in cells])
        begin = reader.line_num


def _below(row: _Row, rows: Sequence[_Row]) -> list[list[str]]:
    return [other.cells for other in rows if other.line > row.line]


def _names(row: _Row) -> list[str]:
    """The cells without the empty ones at the end."""
    cells = row.cells
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _fits(header: _Row, rows: Sequence[_Row]) -> int:
    """How many columns the header names if nearly all rows below have as many, beyond which all is empty; else 0."""
    width = len(_names(header))
    sound = [len(cells) >= width and not any(map(str.strip, cells[width:])) for cells in _below(header, rows)]
    notes = next((count for count, fits in enumerate(reversed(sound)) if fits), 0)
    if notes <= len(sound) // 3:
        sound = sound[: len(sound) - notes]
    return width if width and sound and sum(sound) >= _SOUND * len(sound) else 0


def _is_header(row: _Row, below: Sequence[list[str]]) -> bool:
    """Whether the cells are names: all different, none a date or number, but for years above numbers."""
    names = [name.strip() for name in _names(row)]
    named = names[1:] if names and not names[0] else names
    if not below or not named or len(set(named)) < len(named) or not all(named):
        return False
    values = [name for name in named if is_value(name)]
    return not values or (len(values) > 2 and len(values) < len(named) and all(map(is_year, values)))


def _below_comments(rows: Sequence[_Row]) -> _Row:
    """The header of a file that begins with # lines: the last of them, unless the row below has names too."""
    last = next((place for place, row in enumerate(rows) if not row.cells[0].lstrip().startswith("#")), len(rows))
    if last < len(rows) - 1 and _is_header(rows[last], _below(rows[last], rows)):
        return rows[last]
    return rows[max(0, last - 1)]


def _judged(header: _Row, rows: Sequence[_Row], delimiter: str, width: int, above: int) -> _Table:
    kinds, units = _columns(header, [row for row in rows if row.line > header.line], width)
    # Lines above the table count from its header's own line; leading blank lines are no heading.
    skipped = above + (header.line if header.line != rows[0].line else 0)
    return _Table(delimiter, skipped, tuple(kinds), None if units is None else above + units.line)


def _columns(header: _Row, below: Sequence[_Row], width: int) -> tuple[Sequence[str | None], _Row | None]:
    """What the columns have, and a row of units: texts around the dates of one are no part of them."""
    for place in range(width):
        rest = _dated_rows(below, place)
        if rest is None:
            continue
        kinds = _kinds(rest, width, dated=place)
        if rest[0] is below[0]:
            return kinds, None
        is_named = names_dates(header.cells) or not names_dates(below[0].cells)
        if is_named and _is_header(header, [row.cells for row in below]) and _is_units(below[0], width):
            return kinds, below[0]
    return _kinds(below, width), None


def _kinds(below: Sequence[_Row], width: int, dated: int | None = None) -> list[str | None]:
    """What each column has; of `dated` it is known."""
    cells = [row.cells[:width] for row in below if len(row.cells) >= width]
    columns = enumerate(zip(*cells, strict=True))
    return ["dates" if place == dated else kind_of(column) for place, column in columns]


def _dated_rows(below: Sequence[_Row], place: int) -> Sequence[_Row] | None:
    """The rows from the first date of a column to its last one; None where there is none in it, or another text."""

    def has_date(row: _Row) -> bool:
        return len(row.cells) > place and is_date(row.cells[place].strip())

    begin = next((number for number, row in enumerate(below[:2]) if has_date(row)), None)
    if begin is None:
        return None
    end = next((len(below) - number for number, row in enumerate(below[:-_MOST_BELOW:-1]) if has_date(row)), 0)
    rest = below[begin:end]
    if len(rest) < _FEWEST_ROWS or any(len(row.cells) <= place for row in rest):
        return None
    return rest if are_dates({row.cells[place].strip() for row in rest}) else None


def _is_units(row: _Row, width: int) -> bool:
    """Whether a row below the names is none of values, which all others are."""
    if _LINE.fullmatch("|".join(row.cells)):
        return True
    present = [cell for cell in map(str.strip, row.cells[:width]) if cell]
    return len(row.cells) >= width and bool(present) and not any(map(is_value, present))
