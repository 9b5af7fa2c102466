"""Tables piece by piece, written by pyarrow."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from pyarrow import csv, ipc, parquet

from connectors.table_files.forms import TableForm
from connectors.table_files.safe_cells import safe_cell

__all__ = ["TYPES", "table_pieces"]

TYPES: Final[Mapping[str, pa.DataType]] = {
    "text": pa.string(),
    "whole": pa.int64(),
    "real": pa.float64(),
    "seconds": pa.timestamp("s"),
    "microseconds": pa.timestamp("us"),
}
"""What a column may hold; times are wall clocks, counted from 1970-01-01 in the unit of their name."""


def table_pieces(
    form: TableForm, columns: Mapping[str, str], parts: Iterable[Sequence[Mapping[str, Any]]]
) -> Iterator[bytes]:
    """The bytes of a table of these rows, of which one part at a time is in memory.

    `columns` has a word of TYPES for each name. A row that lacks a column has nothing there. Text is written for
    spreadsheets where the form is CSV: none of it is a formula.
    """
    schema = pa.schema([(name, TYPES[kind]) for name, kind in columns.items()])
    texts = [name for name, kind in columns.items() if kind == "text"] if form is TableForm.CSV else []
    if form is TableForm.CSV:
        schema = pa.schema([(safe_cell(name), schema.field(name).type) for name in columns])
    sink = _Pieces()
    with _writer(form, sink, schema) as writer:
        for rows in parts:
            if rows:
                writer.write(_table(columns, texts, rows, schema))
            if piece := sink.taken():
                yield piece
    yield sink.taken()


def _table(
    columns: Mapping[str, str], texts: Sequence[str], rows: Sequence[Mapping[str, Any]], schema: pa.Schema
) -> pa.Table:
    found = {name: [row.get(name) for row in rows] for name in columns}
    for name in texts:
        found[name] = [None if value is None else safe_cell(value) for value in found[name]]
    return pa.table([pa.array(found[name], field.type) for name, field in zip(columns, schema, strict=True)], schema)


def _writer(form: TableForm, sink: "_Pieces", schema: pa.Schema) -> Any:
    if form is TableForm.PARQUET:
        return parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd")
    if form is TableForm.ARROW:
        return ipc.new_stream(pa.PythonFile(sink, mode="w"), schema)
    return csv.CSVWriter(pa.PythonFile(sink, mode="w"), schema)


class _Pieces:
    """A file that is written, and taken away piece by piece."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: Any) -> int:
        """Keep it until it is taken."""
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """What was written can still be taken."""

    def taken(self) -> bytes:
        """What was written since the last look."""
        found, self._parts = b"".join(self._parts), []
        return found
