"""The separators and faults of a CSV file, block of bytes by block of bytes.

A scan finds the separators a strict CSV reader would, with numpy and without making the cells, so that the rows of a
large file are only counted and measured.
"""

import codecs
import csv
import io
import re
from itertools import islice
from typing import Final, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["PREVIEW_ROWS", "BadDatasetError", "CsvScan"]

PREVIEW_ROWS: Final = 5  # J-039: the sample shows five values per column
_COMMA, _NEWLINE, _RETURN, _QUOTE = b',\n\r"'

_Positions: TypeAlias = npt.NDArray[np.int64]


class BadDatasetError(ValueError):
    """A file or a name that cannot become a dataset: ``code`` is a slug, ``message`` says the place and the remedy."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class CsvScan:
    """The state of one pass: what is known of the file and where in it the next byte lies."""

    def __init__(self, *, max_columns: int, max_cell: int, max_record: int) -> None:
        self.header: tuple[str, ...] = ()
        self.preview: list[list[str]] = []
        self.rows = 0
        self._max_columns = max_columns
        self._max_cell = max_cell
        self._max_record = max_record
        self._line = 1  # of the first byte not taken yet
        self._offset = 0  # of the same byte in the file

    def start(self, first: bytes) -> bytes:
        """The first four bytes without a byte order mark; refuses files that are plainly no UTF-8 text."""
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise BadDatasetError("not_utf8", "the file is UTF-16 (byte order mark at byte 0); save it as UTF-8")
        if first.startswith((b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0")):
            raise BadDatasetError("not_csv", "the file is a spreadsheet or an archive; upload the CSV text itself")
        if first.startswith(codecs.BOM_UTF8):
            self._offset = len(codecs.BOM_UTF8)
        return first[self._offset :]

    def take(self, data: bytes) -> int:
        """Check all complete rows at the beginning of the data; how many bytes they are."""
        view = np.frombuffer(data, dtype=np.uint8)
        if (nul := data.find(b"\0")) >= 0:
            self._refuse("nul_byte", data, nul, f"a NUL byte at byte {self._offset + nul}; save the file as UTF-8 text")
        separators = np.flatnonzero((view == _COMMA) | (view == _NEWLINE))
        quotes = np.flatnonzero(view == _QUOTE) if b'"' in data else np.empty(0, dtype=np.int64)
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
        self._line += data.count(b"\n", 0, size)
        return size

    def check_unfinished(self, left: bytes) -> None:
        """Refuse a row that goes on beyond the limit."""
        if len(left) <= self._max_record:
            return
        if left.count(b'"') % 2:
            self.refuse_unclosed(left)
        text = f"the row is longer than {self._max_record:,} bytes; shorten it, or put the missing line ends in"
        self._refuse("row_too_large", left, 0, text)

    def refuse_unclosed(self, left: bytes) -> NoReturn:
        """Refuse a quoted cell that does not end."""
        text = 'a quotation mark opens a cell that never ends; close it, or double a quotation mark that is text: ""'
        self._refuse("unclosed_quote", left, left.rfind(b'"'), text)

    def _refuse(self, code: str, data: bytes, position: int, text: str) -> NoReturn:
        line = self._line + data.count(b"\n", 0, position)
        raise BadDatasetError(code, f"line {line}: {text}")

    def _check_quotes(self, data: bytes, view: npt.NDArray[np.uint8], quotes: _Positions) -> None:
        """Refuse a quote that neither begins nor ends a cell; two in a row inside a quoted cell are text."""
        opening, closing = quotes[::2], quotes[1::2]
        before = view[np.maximum(opening - 1, 0)]
        odd_open = opening[(opening > 0) & (before != _COMMA) & (before != _NEWLINE) & (before != _QUOTE)]
        closing = closing[closing + 1 < len(view)]
        after = view[closing + 1]
        odd_close = closing[(after != _COMMA) & (after != _NEWLINE) & (after != _RETURN) & (after != _QUOTE)]
        odd = [int(positions[0]) for positions in (odd_open, odd_close) if len(positions)]
        if odd:
            text = 'a quotation mark inside a cell; put the whole cell in quotation marks and double those in it: ""'
            self._refuse("stray_quote", data, min(odd), text)

    def _check_text(self, data: bytes) -> None:
        if data.isascii():
            return
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            text = (
                f"byte {self._offset + error.start} (0x{data[error.start]:02X}) is not UTF-8;"
                " the file looks like Latin-1 or Windows-1252: save it as UTF-8"
            )
            self._refuse("not_utf8", data, error.start, text)

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
            begins, stops, fields = begins[full], stops[full], fields[full]
            if not len(begins):
                return
        cells = np.diff(separators, prepend=-1) - 1
        if int(cells.max()) > self._max_cell:
            place = int(separators[np.argmax(cells > self._max_cell)])
            text = f"a cell is longer than {self._max_cell:,} bytes; shorten or remove it"
            self._refuse("cell_too_large", data, place, text)
        if not self.header:
            self.header = self._read_header(data[begins[0] : stops[0]], int(fields[0]), data, int(begins[0]))
            begins, stops, fields = begins[1:], stops[1:], fields[1:]
        ragged = np.flatnonzero(fields != len(self.header))
        if len(ragged):
            row = int(ragged[0])
            text = (
                f"the row has {fields[row]} cells but the header names {len(self.header)} columns;"
                " put a cell that holds a comma in quotation marks"
            )
            self._refuse("ragged_row", data, int(begins[row]), text)
        self.rows += len(begins)
        wanted = PREVIEW_ROWS - len(self.preview)
        self.preview += [_record(data[begin:stop]) for begin, stop in islice(zip(begins, stops, strict=True), wanted)]

    def _read_header(self, record: bytes, fields: int, data: bytes, begin: int) -> tuple[str, ...]:
        if fields > self._max_columns:
            self._refuse(
                "too_many_columns", data, begin, f"{fields:,} columns; at most {self._max_columns:,} are allowed"
            )
        labels = _record(record)
        for index, label in enumerate(labels):
            if not label.strip():
                text = f"column {index + 1} has no name; give every column a name of its own"
                self._refuse("empty_column_name", data, begin, text)
        if len(set(labels)) < len(labels):
            double = next(label for label in labels if labels.count(label) > 1)
            text = f'two columns are named "{double}"; give every column a name of its own'
            self._refuse("duplicate_column", data, begin, text)
        if len(labels) == 1 and (found := re.search(r"[;\t|]", labels[0])):
            name = {";": "semicolons", "\t": "tabs", "|": "bars"}[found[0]]
            text = f"the columns are separated by {name}; save the file with commas"
            self._refuse("wrong_separator", data, begin, text)
        return tuple(labels)


def _inside(quotes: _Positions, positions: _Positions) -> npt.NDArray[np.bool_]:
    """Which positions lie in a quoted cell: those with an odd number of quotes before them."""
    inside: npt.NDArray[np.bool_] = np.searchsorted(quotes, positions) % 2 == 1
    return inside


def _record(data: bytes) -> list[str]:
    """The cells of one row that has been checked."""
    return next(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
