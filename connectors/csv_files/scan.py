"""The separators and faults of a CSV text, block of bytes by block of bytes.

A scan finds the separators a strict CSV reader would, with numpy and without making the cells, so that the rows of a
large file are only counted and measured.
"""

import io
import re
from collections.abc import Sequence
from itertools import islice
from typing import Final, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from connectors.csv_files.dialect import BadDatasetError, Dialect, csv_rows

__all__ = ["PREVIEW_ROWS", "CsvScan", "NotUtf8Error"]

PREVIEW_ROWS: Final = 5  # J-039: the sample shows five values per column
_NEWLINE, _RETURN = b"\n\r"
_NAMES: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar", " ": "a blank"}

_Positions: TypeAlias = npt.NDArray[np.int64]


class NotUtf8Error(BadDatasetError):
    """The text is not UTF-8; it may be another encoding's."""


class CsvScan:
    """The state of one pass: what is known of the text and where in it the next byte lies.

    ``dialect`` is what the text looks like, ``ignored`` how many of the last columns the header need not name (None:
    those that are empty throughout). In a table with ``dated`` rows one of separators alone is none.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        ignored: Sequence[int] | None,
        dated: bool,
        max_columns: int,
        max_cell: int,
        max_record: int,
    ) -> None:
        self.header: tuple[str, ...] = ()
        self.preview: list[list[str]] = []
        self.rows = 0
        self.width = 0  # of the widest row
        self._dialect = dialect
        self._delimiter = ord(dialect.delimiter)
        self._quote = None if dialect.quote is None else ord(dialect.quote)
        self._given = ignored
        self._dated = dated
        self._max_columns = max_columns
        self._max_cell = max_cell
        self._max_record = max_record
        self.header_line = 0
        self._named = 0  # cells of the header, with those that name nothing
        self._line = 1  # of the first byte not taken yet
        self._offset = 0  # of the same byte in the text

    def start(self, above: bytes) -> None:
        """Pass over a byte order mark, or over the lines above the header."""
        self._offset = len(above)
        self._line += above.count(b"\n")

    def take(self, data: bytes) -> int:
        """Check all complete rows at the beginning of the data; how many bytes they are."""
        view = np.frombuffer(data, dtype=np.uint8)
        if (nul := data.find(b"\0")) >= 0:
            self._refuse("nul_byte", data, nul, f"a NUL byte at byte {self._offset + nul}; save the file as UTF-8 text")
        separators = np.flatnonzero((view == self._delimiter) | (view == _NEWLINE))
        quotes = self._quotes(data, view)
        if len(quotes):
            self._check_quotes(data, view, quotes)
            separators = separators[~_inside(quotes, separators)]
        ends = np.flatnonzero(view[separators] == _NEWLINE)
        if not len(ends):
            return 0
        separators = separators[: ends[-1] + 1]
        size = int(separators[-1]) + 1
        self._check_text(data[:size])
        if b"\r" in data:
            self._check_returns(data, view, quotes, size)
        self._check_rows(data, view, separators, ends)
        self._offset += size
        self._line += data.count(b"\n", 0, size) if len(quotes) else len(ends)
        return size

    def check_unfinished(self, left: bytes) -> None:
        """Refuse a row that goes on beyond the limit."""
        if len(left) <= self._max_record:
            return
        if self._quote is not None and left.count(self._quote) % 2:
            self.refuse_unclosed(left)
        text = f"the row is longer than {self._max_record:,} bytes; shorten it, or put the missing line ends in"
        self._refuse("row_too_large", left, 0, text)

    def refuse_unclosed(self, left: bytes) -> NoReturn:
        """Refuse a quoted cell that does not end."""
        mark = self._dialect.quote or ""
        remedy = f"close it, or double a quotation mark that is text: {mark * 2}"
        text = f"a quotation mark opens a cell that never ends; {remedy}"
        self._refuse("unclosed_quote", left, left.rfind(mark.encode()), text)

    def _refuse(self, code: str, data: bytes, position: int, text: str) -> NoReturn:
        raise BadDatasetError(code, f"line {self._line_of(data, position)}: {text}")

    def _line_of(self, data: bytes, position: int) -> int:
        return self._line + data.count(b"\n", 0, position)

    def _quotes(self, data: bytes, view: npt.NDArray[np.uint8]) -> _Positions:
        if self._quote is None or self._quote not in data:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(view == self._quote)

    def _check_quotes(self, data: bytes, view: npt.NDArray[np.uint8], quotes: _Positions) -> None:
        """Refuse a quote that neither begins nor ends a cell; two in a row inside a quoted cell are text."""
        opening, closing = quotes[::2], quotes[1::2]
        before = view[np.maximum(opening - 1, 0)]
        comma, quote = self._delimiter, self._quote
        odd_open = opening[(opening > 0) & (before != comma) & (before != _NEWLINE) & (before != quote)]
        closing = closing[closing + 1 < len(view)]
        after = view[closing + 1]
        odd_close = closing[(after != comma) & (after != _NEWLINE) & (after != _RETURN) & (after != quote)]
        odd = [int(positions[0]) for positions in (odd_open, odd_close) if len(positions)]
        if len(odd_open) and odd_open[0] == min(odd) and re.search(rb"[,;\t|] +$", data[: min(odd)][-9:]):
            text = "a blank before a quotation mark that opens a cell; remove the blanks behind the separators"
            self._refuse("stray_quote", data, min(odd), text)
        if odd:
            text = (
                "a quotation mark inside a cell; put the whole cell in quotation marks and double those in it: "
                f"{(self._dialect.quote or '') * 2}; or, if the file quotes nothing, upload it with quote none"
            )
            self._refuse("stray_quote", data, min(odd), text)

    def _check_text(self, data: bytes) -> None:
        if data.isascii():
            return
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            text = f"byte {self._offset + error.start} (0x{data[error.start]:02X}) is not UTF-8"
            line = self._line_of(data, error.start)
            raise NotUtf8Error("not_utf8", f"line {line}: {text}; save the file as UTF-8") from None

    def _check_returns(self, data: bytes, view: npt.NDArray[np.uint8], quotes: _Positions, size: int) -> None:
        returns = np.flatnonzero(view[:size] == _RETURN)
        lone = returns[view[returns + 1] != _NEWLINE]  # rows end with a line feed, so there always is a next byte
        lone = lone[~_inside(quotes, lone)]
        if len(lone):
            text = "a carriage return without line feed; save the file with LF or CRLF line ends"
            self._refuse("bad_line_end", data, int(lone[0]), text)

    def _check_rows(self, data: bytes, view: npt.NDArray[np.uint8], separators: _Positions, ends: _Positions) -> None:
        stops = separators[ends]
        begins = np.concatenate(([0], stops[:-1] + 1))
        lengths = stops - begins
        fields = np.diff(ends, prepend=-1)
        full = (lengths > 1) | ((lengths == 1) & (view[begins] != _RETURN))
        if not full.all():
            begins, stops, fields, ends = begins[full], stops[full], fields[full], ends[full]
            if not len(begins):
                return
        cells = np.diff(separators, prepend=-1) - 1
        if int(cells.max()) > self._max_cell:
            place = int(separators[np.argmax(cells > self._max_cell)])
            text = f"a cell is longer than {self._max_cell:,} bytes; shorten or remove it"
            self._refuse("cell_too_large", data, place, text)
        if not self.header:
            self.header_line = self._line_of(data, int(begins[0]))
            self.header = self._read_header(data[begins[0] : stops[0]], int(fields[0]), data, int(begins[0]))
            begins, stops, fields, ends = begins[1:], stops[1:], fields[1:], ends[1:]
            if not len(begins):
                return
        width = len(self.header)
        self.width = max(self.width, int(fields.max()))
        if self._dated:
            self._check_something(data, view, begins, stops, fields)
        if (fields != width).any():
            lasts = separators[np.minimum(ends - fields + width, len(separators) - 1)]
            self._check_widths(data, view, lasts, begins, stops, fields)
        self.rows += len(begins)
        wanted = PREVIEW_ROWS - len(self.preview)
        for begin, stop in islice(zip(begins, stops, strict=True), wanted):
            self.preview.append(self._record(data[begin:stop])[:width])

    def _check_something(
        self, data: bytes, view: npt.NDArray[np.uint8], begins: _Positions, stops: _Positions, fields: _Positions
    ) -> None:
        """Refuse a row of separators alone, as spreadsheets write for one that they show empty."""
        lengths = stops - begins
        if (lengths <= fields).any() and (empty := lengths - (view[stops - 1] == _RETURN) < fields).any():
            text = "the row has nothing in its cells; remove it"
            self._refuse("empty_row", data, int(begins[np.argmax(empty)]), text)

    def _check_widths(
        self,
        data: bytes,
        view: npt.NDArray[np.uint8],
        lasts: _Positions,
        begins: _Positions,
        stops: _Positions,
        fields: _Positions,
    ) -> None:
        """Refuse a row that lacks cells, or has something in cells that the header does not name.

        ``lasts`` are the ends of the last cells that the header names, in rows that have as many.
        """
        width = len(self.header)
        extra = fields - width
        returns = view[stops - 1] == _RETURN
        odd = (extra < 0) | ((extra > 0) & (stops - lasts - returns != extra) & (self._given is None))
        for row in np.flatnonzero(odd).tolist():
            cells = self._record(data[begins[row] : stops[row]])
            if len(cells) < width or any(map(str.strip, cells[width:])):
                self._refuse_width(data, int(begins[row]), len(cells))

    def _refuse_width(self, data: bytes, begin: int, cells: int) -> NoReturn:
        width = len(self.header)
        if width < cells <= self._named:
            text = f"line {self.header_line}: column {width + 1} has no name; give every column a name of its own"
            raise BadDatasetError("empty_column_name", text)
        if cells < width:
            remedy = "add the missing cell, which may be empty, or remove the row"
        else:
            mark = self._dialect.delimiter
            remedy = f"put a cell that holds {_NAMES.get(mark, mark)} in quotation marks"
            if not self.rows and cells == width + 1:
                remedy += ", or, if the first column has no name, give it one"
            if not self.rows:
                remedy += (
                    f", or, if line {self.header_line} is not the table's header, say how many lines lie above it: "
                    "skipped_lines"
                )
        self._refuse(
            "ragged_row", data, begin, f"the row has {cells} cells but the header names {width} columns; {remedy}"
        )

    def _read_header(self, record: bytes, fields: int, data: bytes, begin: int) -> tuple[str, ...]:
        if fields > self._max_columns:
            self._refuse(
                "too_many_columns", data, begin, f"{fields:,} columns; at most {self._max_columns:,} are allowed"
            )
        labels = self._record(record)
        self._named = len(labels)
        labels = self._without_ignored(labels)
        unnamed = next((index for index, label in enumerate(labels) if label.strip()), len(labels))
        for index in range(unnamed, len(labels)):
            if not labels[index].strip():
                text = f"column {index + 1} has no name; give every column a name of its own"
                self._refuse("empty_column_name", data, begin, text)
        for index in range(unnamed):  # pandas writes its index so, and reads it under this name
            labels[index] = _new_label(f"Unnamed: {index}", labels)
        if len(set(labels)) < len(labels):
            double = next(label for label in labels if labels.count(label) > 1)
            text = f'two columns are named "{double}"; give every column a name of its own'
            self._refuse("duplicate_column", data, begin, text)
        if len(labels) == 1 and (found := re.search(r"[,;\t|]", labels[0])) and not record.startswith(b'"'):
            name = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}[found[0]]
            text = f"the columns seem to be separated by {name}, but those of the rows are not; name the delimiter"
            self._refuse("wrong_separator", data, begin, text)
        return tuple(labels)

    def _without_ignored(self, labels: list[str]) -> list[str]:
        """The labels without those of the columns that are to be ignored: as was said, else the nameless last ones."""
        if self._given is not None:
            kept = len(labels) - len(self._given)
            if sorted(self._given) != list(range(kept, len(labels))) or kept < 1:
                text = (
                    f"ignored_columns: only the last of the {len(labels)} columns can be left out: [{len(labels) - 1}]"
                )
                raise BadDatasetError("bad_dialect", text)
            return labels[:kept]
        named = max((index for index, label in enumerate(labels, 1) if label.strip()), default=0)
        if named == 0:
            text = f"line {self.header_line}: no column has a name; give every column a name of its own"
            raise BadDatasetError("empty_column_name", text)
        return labels[:named]

    def _record(self, data: bytes) -> list[str]:
        """The cells of one row that has been checked."""
        text = io.StringIO(data.decode("utf-8"), newline="")
        return next(csv_rows(text, self._dialect))


def _new_label(label: str, labels: Sequence[str]) -> str:
    while label in labels:
        label += ".1"
    return label


def _inside(quotes: _Positions, positions: _Positions) -> npt.NDArray[np.bool_]:
    """Which positions lie in a quoted cell: those with an odd number of quotes before them."""
    inside: npt.NDArray[np.bool_] = np.searchsorted(quotes, positions) % 2 == 1
    return inside
