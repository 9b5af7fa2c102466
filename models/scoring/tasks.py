"""Answers in the words of contract S-047, one for each record, made of whole arrays."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["anomalies", "classification", "clusters", "components", "others", "plain", "predictions"]

Array = npt.NDArray[Any]
Answer = dict[str, Any]
_FINITE: Final = "fc"  # kinds of numpy's types that may hold what JSON does not know


def plain(values: Array) -> list[Any]:
    """Numbers and texts as JSON has them; null for what is not finite."""
    if values.dtype.kind in _FINITE:
        if np.isfinite(values).all():
            return _listed(values)
        finite, values = np.isfinite(values), values.astype(object)
        values[~finite] = None
    elif values.dtype.kind == "O" and values.ndim:
        return [_plain_one(value) for value in values]
    return _listed(values)


def _listed(values: Array) -> list[Any]:
    listed: list[Any] = values.tolist()
    return listed


def _plain_one(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return plain(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _plain_one(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_one(one) for one in value]
    return value


def classification(
    labels: Array, scores: Array | None, classes: Sequence[Any], *, probable: bool = True
) -> list[Answer]:
    """A label, and the probability of each class; of models that have none, `scores` in their place, or nothing."""
    listed = plain(labels)
    if scores is None:
        return [{"label": label, "probabilities": None} for label in listed]
    names = [str(one) for one in classes]
    if not probable and scores.shape[1] != len(names):  # of a support vector machine: one for each pair of classes
        return [
            {"label": label, "probabilities": None, "scores": row}
            for label, row in zip(listed, plain(scores), strict=True)
        ]
    rows = [_by_class(names, row) for row in plain(scores)]
    if probable:
        return [{"label": label, "probabilities": row} for label, row in zip(listed, rows, strict=True)]
    return [{"label": label, "probabilities": None, "scores": row} for label, row in zip(listed, rows, strict=True)]


def _by_class(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any] | None:
    """Nothing where the model says nothing of any class, whatever it says of the records beside this one."""
    return None if all(one is None for one in row) else dict(zip(names, row, strict=True))


def predictions(values: Array, confidences: Array | None = None) -> list[Answer]:
    """A number, or several where the model has several targets; what it says of its confidence, or null (S-021)."""
    listed = plain(values)
    if confidences is None:
        return [{"prediction": value, "confidence": None} for value in listed]
    return [{"prediction": value, "confidence": one} for value, one in zip(listed, plain(confidences), strict=True)]


def clusters(labels: Array, scores: Array | None, word: str, names: Sequence[str]) -> list[Answer]:
    """The cluster, and under the `word` (distances, affinities) what the model says of each."""
    listed = plain(labels)
    if scores is None:
        return [{"cluster": label} for label in listed]
    return [
        {"cluster": label, word: dict(zip(names, row, strict=True))}
        for label, row in zip(listed, plain(scores), strict=True)
    ]


def components(values: Array) -> list[Answer]:
    """The values of the components."""
    return [{"components": row} for row in plain(values)]


def anomalies(labels: Array, scores: Array) -> list[Answer]:
    """What the model calls the record, and how unusual it is."""
    return [{"label": label, "score": score} for label, score in zip(plain(labels), plain(scores.ravel()), strict=True)]


def others(outputs: Mapping[str, Array]) -> list[Answer]:
    """The model's own outputs, by name."""
    columns = [plain(column) for column in outputs.values()]
    return [dict(zip(outputs, row, strict=True)) for row in zip(*columns, strict=True)]
