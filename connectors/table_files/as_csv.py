"""A process that writes a Parquet or Arrow file as CSV to its standard output: see `connectors.table_files.reading`.

It ends with 1 and a line of the standard error where that cannot be done.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, ipc, parquet

from connectors.table_files.forms import TableForm
from connectors.table_files.limits import MEMORY_BYTES, limit_this_process

__all__: list[str] = []

_ROWS: Final = 16_384  # written at once
_CLOCK: Final = "%Y-%m-%dT%H:%M:%S%z"


class _RefusedError(Exception):
    """The text says what is wrong, and the remedy."""


def _main(path: str, form: str) -> None:
    limit_this_process()
    pa.set_cpu_count(1)
    try:
        schema, batches = _opened(path, TableForm(form))
        shown = pa.schema([(field.name, _shown_type(field)) for field in schema])
        with csv.CSVWriter(pa.PythonFile(sys.stdout.buffer, mode="w"), shown) as writer:
            for batch in batches:
                for first in range(0, batch.num_rows, _ROWS):
                    writer.write_batch(_as_shown(batch.slice(first, _ROWS), shown))
    except BrokenPipeError:
        os._exit(1)  # nobody reads it any more
    except _RefusedError as refused:
        sys.exit(str(refused))
    except (MemoryError, pa.ArrowMemoryError):
        sys.exit(f"it needs more than {MEMORY_BYTES >> 20} MiB at once: write it in smaller row groups")
    except (pa.ArrowException, OSError, ValueError) as error:
        sys.exit(f"it is damaged ({' '.join(str(error).split())[:200]}): write it again")


def _opened(path: str, form: TableForm) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    if form is TableForm.PARQUET:
        file = parquet.ParquetFile(path, pre_buffer=False)
        return file.schema_arrow, file.iter_batches(_ROWS, use_threads=False)
    with open(path, "rb") as head:  # noqa: PTH123  # one look
        is_file = head.read(6) == b"ARROW1"
    if is_file:
        table = ipc.open_file(pa.OSFile(path))
        return table.schema, (table.get_batch(number) for number in range(table.num_record_batches))
    stream = ipc.open_stream(pa.OSFile(path))
    return stream.schema, iter(stream)


def _shown_type(field: pa.Field) -> pa.DataType:
    """As what a column is written."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_date(kind):
        return kind
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return _coarse(kind)
    texts = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_decimal,
        pa.types.is_time,
        pa.types.is_timestamp,
        pa.types.is_null,
    )
    if any(test(kind) for test in texts):
        return pa.string()
    raise _RefusedError(f"the column {field.name!r} holds {kind}, which is no cell: leave it out, or write it as text")


def _coarse(kind: Any) -> pa.DataType:
    """Microseconds are the finest that a series has."""
    return pa.timestamp("us", kind.tz) if kind.unit == "ns" else kind


def _as_shown(batch: pa.RecordBatch, shown: pa.Schema) -> pa.RecordBatch:
    columns = [_column(column, field) for column, field in zip(batch.columns, shown, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=shown)


def _column(column: Any, field: pa.Field) -> Any:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        try:
            return pc.strftime(column.cast(_coarse(column.type), safe=False), format=_CLOCK)
        except pa.ArrowInvalid as error:
            text = f"the zone {column.type.tz} of the column {field.name!r} is not known here ({error})"
            raise _RefusedError(f"{text}: write its times in UTC, or without a zone") from None
    return column.cast(field.type, safe=not pa.types.is_timestamp(field.type))


if __name__ == "__main__":
    _main(*sys.argv[1:])
