"""Which columns of a data set a model reads: by the names of its variables; of a tensor, the columns of numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from connectors.csv_files.dialect import Dialect
from connectors.csv_files.number_format import NumbersFound
from connectors.csv_files.preview import column_format

__all__ = ["InputsError", "Kind", "ReadInput", "inputs_of", "is_number", "kind_of", "number_columns", "read_as_numbers"]

Kind = Literal["number", "whole", "truth", "text"]
_TEXTS: Final = ("string", "date", "time")
_SHOWN: Final = 10  # names that a message repeats


class InputsError(ValueError):
    """The data set has not what the model reads; the text is the run's reason of failure."""


@dataclass(frozen=True, slots=True)
class ReadInput:
    """A variable of the model, what it takes, and the columns that it is read from; `alone`: one value a record."""

    name: str
    kind: Kind
    columns: tuple[str, ...]
    alone: bool


def is_number(value: Any) -> bool:
    """Whether a cell, as a preview or JSON has it, may stand in a column of numbers."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def number_columns(heads: Mapping[str, Sequence[Any]], dialect: Dialect) -> list[str]:
    """The columns whose first cells are numbers, as a preview shows them; a cell or two may be wrong."""
    return [name for name, cells in heads.items() if all(map(is_number, cells)) or _mostly_numbers(cells, dialect)]


def _mostly_numbers(cells: Sequence[Any], dialect: Dialect) -> bool:
    """A preview shows a column as texts where one cell is none; one of texts such as 007 is meant to be texts."""
    present = [str(cell) for cell in cells if cell not in (None, "")]
    found = NumbersFound(column_format(present, dialect))
    numbers = sum(math.isfinite(found[cell]) for cell in present)
    return len(present) / 2 < numbers < len(present)


def read_as_numbers(inputs: Sequence[ReadInput]) -> list[str]:
    """The columns that the model reads numbers from."""
    return [column for one in inputs if one.kind in ("number", "whole") for column in one.columns]


def kind_of(type_name: str) -> Kind:
    """What a variable of this type takes, in the words of its file: ``double``, ``tensor(int64)``."""
    name = type_name.lower()
    if any(text in name for text in _TEXTS):
        return "text"
    if "bool" in name:
        return "truth"
    return "whole" if "int" in name else "number"


def inputs_of(
    variables: Sequence[Mapping[str, Any]], columns: Sequence[str], numbers: Sequence[str], *, nested: bool = False
) -> tuple[ReadInput, ...]:
    """Each variable with its columns; InputsError names those that are missing.

    `numbers` are the columns that hold numbers. With `nested` a cell may be an array, as in JSON.
    """
    if len(variables) == 1 and variables[0]["name"] not in columns and _rank(variables[0]) > 1:
        return (_tensor(variables[0], columns, numbers),)
    found, missing = [], []
    by_letters = {name.lower(): name for name in columns}
    for variable in variables:
        name = variable["name"]
        column = name if name in columns else by_letters.get(name.lower())
        if column is None:
            missing.append(f"{name} ({variable['type']})")
            continue
        width = _width(variable)
        if width != 1 and not nested:
            raise InputsError(
                f"the model's variable {name} takes {width or 'several'} numbers, the data set has one column"
            )
        found.append(ReadInput(name, kind_of(variable["type"]), (column,), alone=width == 1))
    if missing:
        more = " …" if len(missing) > _SHOWN else ""
        there = ", ".join(columns[:_SHOWN]) + (" …" if len(columns) > _SHOWN else "")
        raise InputsError(f"the data set has no column {', '.join(missing[:_SHOWN])}{more}; it has {there}")
    return tuple(found)


def _tensor(variable: Mapping[str, Any], columns: Sequence[str], numbers: Sequence[str]) -> ReadInput:
    """A model that takes an array of numbers has no names for them: the data set must leave no doubt."""
    width, kind = _width(variable), kind_of(variable["type"])
    if _rank(variable) > 2:
        raise InputsError(f"the model's variable {variable['name']} has the shape {variable['shape']}: send it as JSON")
    own = tuple(f"{variable['name']}_{place}" for place in range(width or 0))
    chosen: Sequence[str] = numbers if kind in ("number", "whole") else columns
    if own and set(own) <= set(columns):
        chosen = own
    elif width and len(columns) == width:
        chosen = columns
    if not chosen or (width and len(chosen) != width):
        text = f"the model takes {width or 'some'} numbers a record, the data set has {len(chosen)} columns of numbers"
        raise InputsError(f"{text} ({', '.join(chosen[:_SHOWN])}): leave out those that the model does not read")
    return ReadInput(variable["name"], kind, tuple(chosen), alone=False)


def _rank(variable: Mapping[str, Any]) -> int:
    """Axes, that of the records included; a plain value has none of its own."""
    return len(variable["shape"] or ())


def _width(variable: Mapping[str, Any]) -> int:
    """Numbers a record; 0 for any number of them."""
    shape: Sequence[int | None] = variable["shape"] or ()
    return 1 if len(shape) < 2 else max(0, int(shape[-1] or 0))
