"""Rows of a history as the client of Weights & Biases writes them, by file or by HTTP: one row, several points."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from connectors.metric_sources.source_points import SourcePoint

__all__ = ["SOURCE", "BadRowError", "points_of_row", "row_of"]

SOURCE: Final = "wandb"
"""The data_source of these points (decision 25)."""
_DEEPEST: Final = 20  # dictionaries inside one another; the client's users have two or three
_NOT_FINITE: Final = ("NaN", "Infinity", "-Infinity")
_LARGEST: Final = 2**53


class BadRowError(ValueError):
    """A row that no point can be made of; the words say why."""


def row_of(text: str | bytes) -> Mapping[str, Any]:
    """The row that a line of JSON stands for; BadRowError where it is none. It may have NaN and Infinity, bare."""
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            raise BadRowError("it is no JSON") from None
    if not isinstance(row, dict):
        raise BadRowError("it is no object")
    return row


def points_of_row(row: Mapping[str, Any], *, step: int | None = None) -> list[SourcePoint]:
    """A point for each number, in the row's order: `a.b` for the b of a dictionary a. `step` is its own where it lacks.

    What begins with _ is the client's. Pictures, histograms, tables, texts and lists are left out. BadRowError where
    the row does not say when it was written.
    """
    at, number = _number(row.get("_timestamp")), _number(row.get("_step", step))
    if at is None or not 0 <= at < _LARGEST / 1000:
        raise BadRowError("it has no _timestamp, in seconds")
    if number is None or abs(number) > _LARGEST:
        raise BadRowError("it has no _step, a whole number")
    timestamp, iteration = round(at * 1000), int(number)
    return [
        SourcePoint(name, value, timestamp, iteration)
        for key, content in row.items()
        if not key.startswith("_")
        for name, value in _numbers(key, content, _DEEPEST)
    ]


def _numbers(name: str, content: Any, deepest: int) -> Iterator[tuple[str, float | None]]:
    if isinstance(content, float | int) and not isinstance(content, bool):
        yield name, _finite(content)
    elif isinstance(content, dict):
        if "_type" in content or not deepest:  # a picture, a histogram, a table
            return
        for key, inner in content.items():
            yield from _numbers(f"{name}.{key}", inner, deepest - 1)
    elif content in _NOT_FINITE:
        yield name, None


def _finite(number: float) -> float | None:
    try:
        value = float(number)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def _number(value: Any) -> float | None:
    """A finite number, None for everything else."""
    return _finite(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
