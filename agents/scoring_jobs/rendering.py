"""Rows with their results as bytes: numbers by orjson, whole arrays at a time, texts once for each that there is."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

__all__ = ["ERROR", "UNKNOWN", "csv_cell", "csv_line", "results_as_csv", "results_as_json"]

ERROR: Final = "error"
"""The last column: what is wrong with a row, empty where nothing is."""
UNKNOWN: Final = b"\x1f"
"""Stands in a part for the cells of results where no row has any, so that it is not known how many there are."""

_NUMBERS: Final = "iuf"
_SPECIAL: Final = (b",", b'"', b"\n", b"\r", b"\x1f")
Columns = Mapping[str, Any]


def results_as_csv(columns: Columns, names: Sequence[str], count: int) -> list[bytes]:
    """The cells of each row's results, with the commas between them; a column that is missing is empty."""
    groups: list[list[bytes]] = []
    numbers: list[npt.NDArray[Any]] = []
    for name in names:
        column = columns.get(name)
        values = None if column is None else np.asarray(column)
        if values is not None and values.dtype.kind in _NUMBERS and values.ndim == 1:
            if numbers and numbers[0].dtype != values.dtype:
                groups.append(_numbers(numbers))
                numbers = []
            numbers.append(values)
            continue
        if numbers:
            groups.append(_numbers(numbers))
            numbers = []
        groups.append([b""] * count if column is None else _texts(column))
    if numbers:
        groups.append(_numbers(numbers))
    if len(groups) == 1:
        return groups[0]
    return list(map(b",".join, zip(*groups, strict=True))) if groups else [b""] * count


def _numbers(columns: Sequence[npt.NDArray[Any]]) -> list[bytes]:
    """The cells of columns of one type, which orjson writes in their shortest form."""
    if len(columns[0]) == 0:
        return []
    table = np.ascontiguousarray(np.stack(columns, axis=1))
    text = orjson.dumps(table, option=orjson.OPT_SERIALIZE_NUMPY)
    if table.dtype.kind == "f" and not np.isfinite(table).all():
        text = text.replace(b"null", b"")
    return text[2:-2].split(b"],[")


def _texts(column: Iterable[Any]) -> list[bytes]:
    written: dict[Any, bytes] = {}
    found = []
    for value in column.tolist() if isinstance(column, np.ndarray) else column:
        try:
            cell = written.get(key := (type(value), value))  # True is 1, and 1 is 1.0
        except TypeError:  # an array, or an object
            found.append(csv_cell(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)))
            continue
        if cell is None:
            cell = written[key] = csv_cell(_plain(value))
        found.append(cell)
    return found


def _plain(value: Any) -> bytes:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return b""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode("utf-8", "replace")


def csv_cell(text: bytes) -> bytes:
    """A cell, in quotation marks where it needs them."""
    if any(sign in text for sign in _SPECIAL):
        return b'"' + text.replace(b'"', b'""').replace(UNKNOWN, b" ") + b'"'
    return text


def csv_line(cells: Sequence[str]) -> bytes:
    """A record without its line end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue().encode("utf-8", "replace")


def results_as_json(columns: Columns, names: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
    """Each row's results as an object, without what it has not."""
    told: list[list[Any]] = [_listed(columns[name]) if name in columns else [None] * count for name in names]
    for row in zip(*told, strict=True):
        yield {name: value for name, value in zip(names, row, strict=True) if value is not None}
    if not told:
        yield from ({} for _ in range(count))


def _listed(column: Any) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)
