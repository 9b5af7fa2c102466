"""Answers as columns, for many records: ``label``, ``probability_<class>``, ``prediction``, ``cluster``.

What a model of its own accord gives as arrays stays arrays.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from models.scoring.info import Outputs, ScoringModel

__all__ = ["columns_of", "joined"]

_SINGULAR: Final = {"probabilities": "probability", "affinities": "affinity"}
Columns = dict[str, Any]


def columns_of(model: ScoringModel, outputs: Outputs) -> Columns:
    """The outputs of records, a column for each value of an answer; all columns have one value a record."""
    own = getattr(model, "columns", None)
    if own is not None:
        made: Columns = own(outputs)
        return made
    return _columns(model.results(outputs))


def _columns(results: Sequence[Mapping[str, Any]]) -> Columns:
    """Of answers one by one: a name is a column, and each value below it one of its own."""
    flat = [_flat(result) for result in results]
    names = dict.fromkeys(name for one in flat for name in one)
    return {name: [one.get(name) for one in flat] for name in names}


def _flat(result: Mapping[str, Any]) -> Columns:
    columns: Columns = {}
    for name, found in result.items():
        one = _SINGULAR.get(name, name.removesuffix("s"))
        if isinstance(found, Mapping):
            columns |= {f"{one}_{key}": value for key, value in found.items()}
        elif isinstance(found, list):
            columns |= {f"{one}_{place}": value for place, value in enumerate(found)}
        elif found is not None:
            columns[name] = found
    return columns


def joined(parts: Sequence[Mapping[str, Any]]) -> Columns:
    """Columns of several batches, one after another; what a batch has not is empty there."""
    if len(parts) == 1:
        return dict(parts[0])
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: _joined([_column(part, name) for part in parts]) for name in names}


def _column(part: Mapping[str, Any], name: str) -> Any:
    if name in part:
        return part[name]
    return [None] * max(len(column) for column in part.values())


def _joined(columns: Sequence[Any]) -> Any:
    if all(isinstance(column, np.ndarray) for column in columns):
        return np.concatenate(columns)
    return [value for column in columns for value in (column.tolist() if isinstance(column, np.ndarray) else column)]
