"""Rows of data sets in JSON Lines, as a model is asked them."""

from typing import Any

import numpy as np
import pytest

from agents.scoring_jobs import rendering
from agents.scoring_jobs.calls import Source
from agents.scoring_jobs.tables import rows_of
from connectors.csv_files.dialect import RFC4180, Dialect
from connectors.csv_files.number_format import NumberFormat


def numbers(data: bytes) -> tuple[list[float], set[int]]:
    """What the column x has, and which rows are wrong."""
    errors: dict[int, str] = {}
    rows = rows_of(Source("k", "jsonl", ("x",), ("x",), RFC4180, ()), data)
    [found] = rows.numbers(["x"], errors)
    return found.tolist(), set(errors)


def test_a_byte_order_mark_is_no_part_of_the_first_row() -> None:
    """Programs of Windows begin a file with one."""
    assert numbers(b'\xef\xbb\xbf{"x": 1}\n{"x": 2.5}\n') == ([1.0, 2.5], set())


@pytest.mark.parametrize("text", ["inf", "-Infinity", "nan", "1_000", "\u0661\u0662", "1e999", "0x10"])
def test_a_text_that_is_no_plain_number_is_a_wrong_row(text: str) -> None:
    """As in a row of a CSV file: the model was asked about infinity."""
    found, wrong = numbers(f'{{"x": "{text}"}}\n{{"x": " -1.5e3 "}}\n{{"x": ""}}'.encode())

    assert wrong == {0}
    assert found[1] == -1500.0
    assert np.isnan([found[0], found[2]]).all()


def test_cells_of_one_value_and_different_types_are_written_each_as_its_own() -> None:
    """True is 1 for a dictionary, and 1 is 1.0."""
    values: list[Any] = [1, True, 1.0, 0, False, None]
    assert rendering._texts(values) == [b"1", b"true", b"1.0", b"0", b"false", b""]


def test_columns_of_a_table_have_their_own_formats() -> None:
    """A cell that is none in its column's is a wrong row, not another number."""
    source = Source("k", "csv", "csv", ("x", "y"), Dialect(delimiter=";"), (), {"y": NumberFormat(",", ".")})
    rows, errors = rows_of(source, b"0.5;1.234,5\n1,5;2,5\n7;0.5\n"), dict[int, str]()
    x, y = rows.numbers(["x", "y"], errors)

    assert (x[[0, 2]].tolist(), y[:2].tolist()) == ([0.5, 7.0], [1234.5, 2.5])
    assert errors == {1: "x: found '1,5', expected a number", 2: "y: found '0.5', expected a number"}
