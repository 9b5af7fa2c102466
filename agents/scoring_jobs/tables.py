"""The rows of a piece, as a model reads them and as they are written again: of a table, or of JSON lines."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import orjson

from agents.scoring_jobs.calls import Source
from agents.scoring_jobs.rendering import csv_line
from connectors.csv_files.dialect import RFC4180
from connectors.csv_files.number_format import PLAIN
from connectors.csv_files.piece_numbers import numbers_of
from connectors.csv_files.pieces import Cells, cells_of, records_of
from models.json_words import without_mark
from streams.scoring_jobs.inputs import Kind, ReadInput

__all__ = ["Errors", "Rows", "frame_of", "rows_of"]

_SHOWN: Final = 60  # characters of a cell that a message repeats
_TRUTHS: Final = {"true": True, "false": False, "1": True, "0": False}
_WORDS: Final = {"number": "a number", "whole": "a whole number", "truth": "true or false", "text": "a text"}

Errors = dict[int, str]
"""What is wrong with rows, by their places in the piece."""
Array = npt.NDArray[Any]

_PLAIN: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?", re.ASCII)  # a number as a text has it


class Rows(Protocol):
    """The rows of a piece."""

    def __len__(self) -> int: ...

    def numbers(self, columns: Sequence[str], errors: Errors) -> list[Array]:
        """These columns as numbers, NaN where a cell is empty; cells that are none are noted."""

    def values(self, column: str, kind: Kind, errors: Errors) -> list[Any]:
        """A column as texts or truth values, None where a cell is empty."""

    def lines(self) -> Sequence[bytes]:
        """Each row as it begins in a table."""

    def objects(self) -> Sequence[Mapping[str, Any]]:
        """Each row by the names of its columns."""


def rows_of(source: Source, data: bytes) -> Rows:
    """The rows of a piece of the source."""
    return _TableRows(source, data) if source.kind == "csv" else _JsonRows(source, data)


def frame_of(inputs: Sequence[ReadInput], rows: Rows, errors: Errors, *, missing: bool) -> dict[str, Array]:
    """What the model is asked: an array for each of its variables, with something harmless in rows that are wrong.

    `missing` is whether the model itself knows what to do with a text or a whole number that is not there.
    """
    frame: dict[str, Array] = {}
    for one in inputs:
        if one.kind in ("text", "truth"):
            frame[one.name] = _stacked([_values(one, rows, column, errors, missing) for column in one.columns], one)
            continue
        columns = rows.numbers(one.columns, errors)
        if one.kind == "whole":
            columns = [_whole(name, it, errors, missing) for name, it in zip(one.columns, columns, strict=True)]
        frame[one.name] = _stacked(columns, one)
    return frame


def _stacked(columns: Sequence[Array], one: ReadInput) -> Array:
    return columns[0] if one.alone or columns[0].ndim > 1 else np.stack(columns, axis=1)


def _values(one: ReadInput, rows: Rows, column: str, errors: Errors, missing: bool) -> Array:  # noqa: FBT001
    found = rows.values(column, one.kind, errors)
    if not missing:
        for place, value in enumerate(found):
            if value is None:
                found[place] = "" if one.kind == "text" else False
                if one.kind == "truth":
                    errors.setdefault(place, f"{column}: is empty, expected true or false")
    if one.kind == "truth" and not missing:
        return np.array(found, dtype=bool)
    made = np.empty(len(found), dtype=object)
    made[:] = found
    return made


def _whole(column: str, values: Array, errors: Errors, missing: bool) -> Array:  # noqa: FBT001
    if values.dtype.kind in "iu":
        return values
    empty = np.isnan(values)
    with np.errstate(invalid="ignore"):
        broken = ~empty & (values != np.round(values))
    if not missing:
        broken |= empty
    for place in np.flatnonzero(broken).tolist():
        found = "is empty" if empty[place] else f"found {values[place]:g}"
        errors.setdefault(place, f"{column}: {found}, expected a whole number")
    if missing and (empty & ~broken).any():
        made = np.empty(len(values), dtype=object)
        made[:] = [
            None if nothing else int(value)
            for value, nothing in zip(values.tolist(), (empty | broken).tolist(), strict=True)
        ]
        return made
    return np.where(broken, 0, values).astype(np.int64)


def _wrong(column: str, found: Any, kind: Kind) -> str:
    return f"{column}: found {str(found)[:_SHOWN]!r}, expected {_WORDS[kind]}"


class _TableRows:
    def __init__(self, source: Source, data: bytes) -> None:
        self._source = source
        self._records = records_of(data, source.dialect.quote)
        self._place = {name: index for index, name in reversed(list(enumerate(source.header)))}
        self._cells: Cells | None = None

    def __len__(self) -> int:
        return len(self._records)

    def numbers(self, columns: Sequence[str], errors: Errors) -> list[Array]:
        places = [self._place[name] for name in columns]
        width = len(self._source.header) + len(self._source.dialect.ignored_columns)
        formats = [self._source.formats.get(name, PLAIN) for name in columns]
        found = numbers_of(self._records, self._source.dialect, places, formats, width)
        for name, place, column in zip(columns, places, found, strict=True):
            for row in np.flatnonzero(column.wrong).tolist():
                errors.setdefault(row, _wrong(name, self._all()[row][place], "number"))
                column.values[row] = np.nan
        return [column.values for column in found]

    def values(self, column: str, kind: Kind, errors: Errors) -> list[Any]:
        place = self._place[column]
        texts = [row[place] if place < len(row) else "" for row in self._all()]
        if kind == "text":
            return [text or None for text in texts]
        return [_truth(column, row, text, errors) for row, text in enumerate(texts)]

    def lines(self) -> Sequence[bytes]:
        dialect = self._source.dialect
        if (dialect.delimiter, dialect.quote) == (RFC4180.delimiter, RFC4180.quote) and not dialect.ignored_columns:
            return self._records
        width = len(self._source.header)
        return [csv_line(row[:width]) for row in self._all()]

    def objects(self) -> Sequence[Mapping[str, Any]]:
        return [dict(zip(self._source.header, row, strict=False)) for row in self._all()]

    def _all(self) -> Cells:
        if self._cells is None:
            self._cells = cells_of(self._records, self._source.dialect)
        return self._cells


class _JsonRows:
    def __init__(self, source: Source, data: bytes) -> None:
        self._source = source
        self._broken: Errors = {}
        self._objects: list[Mapping[str, Any]] = []
        for line in data.split(b"\n"):
            if line.strip():
                self._objects.append(self._read(line))

    def _read(self, line: bytes) -> Mapping[str, Any]:
        try:
            found = orjson.loads(without_mark(line))
        except orjson.JSONDecodeError:
            found = None
        if isinstance(found, dict):
            return found
        self._broken[len(self._objects)] = f"found {line[:_SHOWN].decode('utf-8', 'replace')!r}, expected a JSON object"
        return {}

    def __len__(self) -> int:
        return len(self._objects)

    def numbers(self, columns: Sequence[str], errors: Errors) -> list[Array]:
        errors |= self._broken
        return [self._numbers(name, errors) for name in columns]

    def _numbers(self, name: str, errors: Errors) -> Array:
        found = [row.get(name) for row in self._objects]
        if any(isinstance(value, list) for value in found):
            return self._arrays(name, found, errors)
        values = np.full(len(found), np.nan)
        for place, value in enumerate(found):
            if isinstance(value, int | float) and not isinstance(value, bool):
                values[place] = value
            elif isinstance(value, str) and _PLAIN.fullmatch(value.strip()) and math.isfinite(float(value)):
                values[place] = float(value)
            elif value is not None and not (isinstance(value, str) and not value.strip()):
                errors.setdefault(place, _wrong(name, value, "number"))
        return values

    def _arrays(self, name: str, found: Sequence[Any], errors: Errors) -> Array:
        """Of a tensor: all rows have arrays of one shape, but for those that are wrong."""
        arrays: list[Array | None] = []
        for value in found:
            try:
                arrays.append(np.array(value, dtype=np.float64))
            except (TypeError, ValueError):
                arrays.append(None)
        shape = next((one.shape for one in arrays if one is not None and one.ndim), (1,))
        for place, one in enumerate(arrays):
            if one is None or one.shape != shape:
                errors.setdefault(place, _wrong(name, found[place], "number"))
        return np.stack([np.zeros(shape) if one is None or one.shape != shape else one for one in arrays])

    def values(self, column: str, kind: Kind, errors: Errors) -> list[Any]:
        errors |= self._broken
        found: list[Any] = []
        for place, row in enumerate(self._objects):
            value = row.get(column)
            if kind == "truth" and not isinstance(value, bool):
                value = _truth(column, place, "" if value is None else str(value), errors)
            elif kind == "text" and value is not None and not isinstance(value, str):
                value = str(value)
            found.append(value)
        return found

    def lines(self) -> Sequence[bytes]:
        return [csv_line([_cell(row.get(name)) for name in self._source.header]) for row in self._objects]

    def objects(self) -> Sequence[Mapping[str, Any]]:
        return self._objects


def _truth(column: str, row: int, text: str, errors: Errors) -> bool | None:
    if not text.strip():
        return None
    found = _TRUTHS.get(text.strip().lower())
    if found is None:
        errors.setdefault(row, _wrong(column, text, "truth"))
    return found


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
