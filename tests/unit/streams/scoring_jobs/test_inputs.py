"""Which columns a model reads."""

from typing import Any

import pytest

from connectors.csv_files.dialect import RFC4180, Dialect
from streams.scoring_jobs.inputs import InputsError, ReadInput, inputs_of, number_columns

TENSOR = {"name": "X", "type": "tensor(float)", "shape": [-1, 3]}


def variable(name: str, kind: str = "double", shape: Any = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "shape": shape}


def test_by_the_names_of_its_variables() -> None:
    """In whatever case and order; others are not read."""
    found = inputs_of([variable("b", "string"), variable("A", "integer")], ["id", "a", "b"], ["id", "a"])

    assert found == (ReadInput("b", "text", ("b",), alone=True), ReadInput("A", "whole", ("a",), alone=True))


@pytest.mark.parametrize(
    ("columns", "numbers", "expected"),
    [
        (["a", "b", "c"], ["a", "b"], ("a", "b", "c")),
        (["a", "b", "c", "note"], ["a", "b", "c"], ("a", "b", "c")),
        (["id", "X_0", "X_1", "X_2"], ["id", "X_0", "X_1", "X_2"], ("X_0", "X_1", "X_2")),
    ],
)
def test_a_tensor_reads_columns_of_numbers(columns: list[str], numbers: list[str], expected: tuple[str, ...]) -> None:
    """Where there are as many as it takes, or columns of its name."""
    assert inputs_of([TENSOR], columns, numbers) == (ReadInput("X", "number", expected, alone=False),)


@pytest.mark.parametrize(
    ("variables", "columns", "words"),
    [
        ([variable("x"), variable("y")], ["a", "y"], "no column x"),
        ([TENSOR], ["a", "b"], "takes 3 numbers"),
        ([TENSOR], ["id", "a", "b", "c"], "leave out"),
        ([variable("X", "tensor(float)", [-1, 3, 8, 8])], ["a"], "as JSON"),
        ([variable("x", "tensor(float)", [-1, 2]), variable("y")], ["x", "y"], "x takes 2"),
    ],
)
def test_what_is_in_doubt_is_refused(variables: Any, columns: list[str], words: str) -> None:
    """An answer about other columns than were meant would look right."""
    with pytest.raises(InputsError, match=words):
        inputs_of(variables, columns, columns)


def test_columns_of_numbers() -> None:
    """A wrong cell does not make a column one of texts."""
    heads = {"a": [1, 2.5], "b": ["x", "y"], "c": ["1", "x2", "3"], "d": ["007", "008"], "e": [None, 1], "f": [True]}

    assert number_columns(heads, RFC4180) == ["a", "c", "e"]


def test_columns_of_numbers_as_people_write_them() -> None:
    """They were texts as soon as one cell was none."""
    heads = {"a": ["1,5", "?", "2,25"], "b": ["1.234,5", "x", "\u22127"], "c": ["1;2", "x", "3"]}

    assert number_columns(heads, Dialect(delimiter=";", decimal=",", thousands=".")) == ["a", "b"]
