"""Files that hold a table by columns, as the CSV that they would be."""

import csv
import io
import os
import signal
from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, ipc, parquet

from connectors.table_files import as_csv, reading
from connectors.table_files.forms import TableForm
from connectors.table_files.reading import FIRST_BYTES, UnreadableTableError, form_of, opened_as_csv


def streamed(table: pa.Table, path: Path) -> None:
    """An Arrow stream, which has no magic word."""
    with ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table)


WRITERS: dict[str, Callable[[pa.Table, Path], Any]] = {
    "parquet": lambda table, path: parquet.write_table(table, path, row_group_size=7),
    "arrow": lambda table, path: feather.write_feather(table, str(path), compression="zstd"),
    "stream": streamed,
}


def text_of(path: Path) -> str:
    """The whole text, by the form that the file's first bytes tell."""
    with path.open("rb") as file:
        form = form_of(file.read(FIRST_BYTES))
    assert form is not None
    with opened_as_csv(path, form) as told:
        return b"".join(iter(lambda: told.read(1000), b"")).decode()


def rows_of(table: pa.Table, tmp_path: Path, form: str = "parquet") -> list[list[str]]:
    """What a CSV reader finds."""
    path = tmp_path / "table"
    WRITERS[form](table, path)
    return list(csv.reader(io.StringIO(text_of(path))))


@pytest.mark.parametrize("form", WRITERS)
def test_a_row_is_a_line_in_the_order_of_the_file(tmp_path: Path, form: str) -> None:
    """However it was written, in however many pieces."""
    count = 40_000
    table = pa.table({"a b": [f"{n},\n" for n in range(count)], '"y"': np.arange(count) / 7})
    header, *rows = rows_of(table, tmp_path, form)

    assert header == ["a b", '"y"']
    assert [(name, float(value)) for name, value in rows] == [(f"{n},\n", n / 7) for n in range(count)]


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (pa.array([1, None, -(2**63)]), ["1", "", str(-(2**63))]),
        (pa.array([0.1, None, 1e-7], pa.float32()), ["0.1", "", "1e-7"]),
        (pa.array([np.float16(0.5)], pa.float16()), ["0.5"]),
        (pa.array([Decimal("12.340"), None]), ["12.340", ""]),
        (pa.array([True, None]), ["true", ""]),
        (pa.array(["ü", None, "x"]).dictionary_encode(), ["ü", "", "x"]),
        (pa.array([date(2024, 2, 29)]), ["2024-02-29"]),
        (pa.array([time(9, 30)], pa.time32("s")), ["09:30:00.000"]),
        (pa.array([1_704_099_600], pa.timestamp("s")), ["2024-01-01 09:00:00.000"]),
        (pa.array([1_704_067_200_123_456_789], pa.timestamp("ns")), ["2024-01-01 00:00:00.123456"]),
        (
            pa.array([1_711_839_600, 1_711_922_400], pa.timestamp("s", "Europe/Berlin")),  # the clocks go forward
            ["2024-03-31T00:00:00.000+0100", "2024-04-01T00:00:00.000+0200"],
        ),
        (pa.nulls(1), [""]),
    ],
    ids=lambda it: str(it.type) if isinstance(it, pa.Array) else "",
)
def test_cells_are_as_a_person_would_write_them(tmp_path: Path, column: pa.Array, cells: list[str]) -> None:
    """Times with a zone on the clock of that zone."""
    beside = pa.array(["x"] * len(column))

    assert rows_of(pa.table({"x": column, "y": beside}), tmp_path)[1:] == [[cell, "x"] for cell in cells]


@pytest.mark.parametrize("column", [pa.array([[1]]), pa.array([{"a": 1}]), pa.array([b"1"])], ids=lambda it: it.type)
def test_what_is_no_cell_is_refused_by_name(tmp_path: Path, column: pa.Array) -> None:
    """With the remedy."""
    with pytest.raises(UnreadableTableError, match=r"the column 'odd' holds .*: leave it out, or write it as text"):
        rows_of(pa.table({"x": ["a"], "odd": column}), tmp_path)


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("cut", [0.5, 0.9, 0.99])
def test_a_file_that_was_cut_off_is_damaged(tmp_path: Path, form: str, cut: float) -> None:
    """Nobody gets a part of it as if it were all."""
    whole, path = tmp_path / "whole", tmp_path / "cut"
    rng = np.random.default_rng(1)
    WRITERS[form](pa.table({"x": rng.normal(size=50_000)}), whole)
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])

    with pytest.raises(UnreadableTableError, match="damaged"):
        text_of(path)


def test_a_small_file_of_much_takes_no_more_memory_than_it_may(tmp_path: Path) -> None:
    """Four gigabytes of one value are a few kilobytes in Parquet: a process of its own meets the limit."""
    path = tmp_path / "bomb"
    one = pa.array(["x" * 2**20])
    row_group = pa.table({"x": pa.DictionaryArray.from_arrays(pa.array([0] * 4096, pa.int32()), one)})
    parquet.write_table(row_group, path)
    assert path.stat().st_size < 100_000

    with pytest.raises(UnreadableTableError, match="2048 MiB at once: write it in smaller row groups"):
        text_of(path)


def test_a_process_that_is_killed_leaves_no_half_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has written until then ends with an error."""
    path = tmp_path / "table"
    parquet.write_table(pa.table({"x": np.arange(2_000_000) / 7}), path)

    with opened_as_csv(path, TableForm.PARQUET) as told:
        told.read(1000)
        os.kill(told._process.pid, signal.SIGKILL)
        with pytest.raises(UnreadableTableError, match="damaged, or takes too much time"):
            list(iter(lambda: told.read(1 << 20), b""))


def test_who_reads_no_further_ends_the_process(tmp_path: Path) -> None:
    """A limit of bytes, or a stop."""
    path = tmp_path / "table"
    parquet.write_table(pa.table({"x": np.arange(2_000_000) / 7}), path)
    with opened_as_csv(path, TableForm.PARQUET) as told:
        told.read(1000)

    assert told._process.returncode is not None


@pytest.mark.parametrize("first", [b"a,b\n1,2\n", b"ARROW1,b", b"\xff\xfea\0b\0", b"", b"PAR"])
def test_other_files_have_no_form(first: bytes) -> None:
    """A CSV file may have a column called ARROW1."""
    assert form_of(first) is None


def test_the_process_is_named_where_it_lies() -> None:
    """`reading` starts it by its name."""
    assert as_csv.__name__ == "connectors.table_files.as_csv" == reading.PROGRAM
