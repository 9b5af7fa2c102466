"""Tables piece by piece: whoever reads them finds what was written."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from connectors.table_files.forms import TableForm
from connectors.table_files.writing import table_pieces

COLUMNS = {"=g": "text", "id": "whole", "at": "seconds", "exactly": "microseconds", "value": "real"}
ROWS: Sequence[Mapping[str, Any]] = (
    {"=g": "=1+1", "id": 2**53 + 1, "at": 1_577_836_800, "exactly": 1_577_836_800_000_001, "value": 0.1},
    {"=g": 'a "b", c\nd', "id": 2, "value": -1e300},
    {"id": 3},
)


def written(form: TableForm, parts: Sequence[Sequence[Mapping[str, Any]]]) -> bytes:
    """The whole."""
    return b"".join(table_pieces(form, COLUMNS, parts))


@pytest.mark.parametrize("parts", [[ROWS], [[row] for row in ROWS], [[], ROWS[:1], [], ROWS[1:], []]])
@pytest.mark.parametrize("form", [TableForm.PARQUET, TableForm.ARROW])
def test_programs_read_each_value_however_it_came(form: TableForm, parts: Any) -> None:
    """With its type, to the last bit; what is not there is null."""
    content = written(form, parts)
    table = (
        parquet.read_table(io.BytesIO(content)) if form is TableForm.PARQUET else ipc.open_stream(content).read_all()
    )
    first, second, third = table.to_pylist()

    assert first == {
        "=g": "=1+1",
        "id": 2**53 + 1,
        "at": datetime(2020, 1, 1),  # noqa: DTZ001 - a wall clock
        "exactly": datetime(2020, 1, 1, 0, 0, 0, 1),  # noqa: DTZ001
        "value": 0.1,
    }
    assert second == {"=g": 'a "b", c\nd', "id": 2, "at": None, "exactly": None, "value": -1e300}
    assert third == {"=g": None, "id": 3, "at": None, "exactly": None, "value": None}
    assert table.schema.field("id").type == pa.int64()


def test_spreadsheets_find_no_formula() -> None:
    """Neither in a cell nor in the header; line ends and quotation marks stay inside of their cells."""
    header, first, second, third = csv.reader(io.StringIO(written(TableForm.CSV, [ROWS]).decode(), newline=""))

    assert header == ["'=g", "id", "at", "exactly", "value"]
    assert first == ["'=1+1", "9007199254740993", "2020-01-01 00:00:00", "2020-01-01 00:00:00.000001", "0.1"]
    assert second == ['a "b", c\nd', "2", "", "", "-1e+300"]
    assert third == ["", "3", "", "", ""]


@pytest.mark.parametrize("form", list(TableForm))
def test_a_table_of_no_rows_is_one(form: TableForm) -> None:
    """With its columns."""
    content = written(form, [])
    names = {
        TableForm.CSV: lambda: next(csv.reader(io.StringIO(content.decode()))),
        TableForm.PARQUET: lambda: parquet.read_table(io.BytesIO(content)).column_names,
        TableForm.ARROW: lambda: ipc.open_stream(content).read_all().column_names,
    }[form]()

    assert [name.removeprefix("'") for name in names] == [*COLUMNS]


@pytest.mark.parametrize("form", list(TableForm))
def test_no_part_is_asked_for_before_the_one_before_was_taken(form: TableForm) -> None:
    """So that one of them is in memory, however long the table is."""
    asked: list[int] = []

    def parts() -> Iterator[list[Mapping[str, Any]]]:
        for place in range(3):
            asked.append(place)
            yield [{"id": place}]

    pieces = table_pieces(form, COLUMNS, parts())
    next(pieces)

    assert asked == [0]
    assert len(list(pieces)) >= 2
