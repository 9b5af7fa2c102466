"""Answers as columns, for many records: ``label``, ``probability_<class>``, ``prediction``, ``cluster``.

What a model of its own accord gives as arrays stays arrays.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "anomalies",
    "classification",
    "clusters",
    "columns_of",
    "components",
    "joined",
    "others",
    "predictions",
]

_SINGULAR: Final = {"probabilities": "probability", "affinities": "affinity"}
Array = npt.NDArray[Any]
Columns = dict[str, Any]


def columns_of(results: Sequence[Mapping[str, Any]]) -> Columns:
    """Of answers one by one: a name is a column, and each value below it one of its own."""
    flat = [_flat(result) for result in results]
    names = dict.fromkeys(name for one in flat for name in one)
    return {name: [one.get(name) for one in flat] for name in names}


def classification(labels: Array, scores: Array | None, classes: Sequence[Any], *, probable: bool = True) -> Columns:
    """A label, and the probability of each class, or its score; see `tasks.classification`, as for all of these."""
    made: Columns = {"label": labels}
    if scores is None:
        return made
    word = "probability" if probable else "score"
    names = [str(one) for one in classes] if scores.shape[1] == len(classes) else range(scores.shape[1])
    return made | {f"{word}_{name}": scores[:, place] for place, name in enumerate(names)}


def predictions(values: Array, confidences: Array | None = None) -> Columns:
    """A number, or several; what the model says of its confidence."""
    made = {"prediction": values} if values.ndim == 1 else _several("prediction", values)
    return made if confidences is None else made | {"confidence": confidences}


def clusters(labels: Array, scores: Array | None, word: str, names: Sequence[str]) -> Columns:
    """The cluster, and what the model says of each."""
    made: Columns = {"cluster": labels}
    if scores is not None:
        one = _SINGULAR.get(word, word.removesuffix("s"))
        made |= {f"{one}_{name}": scores[:, place] for place, name in enumerate(names)}
    return made


def components(values: Array) -> Columns:
    """The components."""
    return _several("component", values)


def anomalies(labels: Array, scores: Array) -> Columns:
    """What the model calls the record, and how unusual it is."""
    return {"label": labels, "score": scores.ravel()}


def others(outputs: Mapping[str, Array]) -> Columns:
    """The model's own outputs."""
    made: Columns = {}
    for name, values in outputs.items():
        made |= {name: values} if values.ndim == 1 else _several(name, values)
    return made


def _several(name: str, values: Array) -> Columns:
    flat = values.reshape(len(values), -1)
    return {f"{name}_{place}": flat[:, place] for place in range(flat.shape[1])}


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
