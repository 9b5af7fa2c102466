"""Which columns of a data set a version forecasts: as its parameters say, else as the first rows look (T-075)."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from agents.versions.config import not_runnable
from connectors.datasets.manifests import Dataset
from connectors.timestamps.parsing import parse_timestamps
from schemas.forecasting import ConfigureJob
from schemas.values import ParameterValue

__all__ = ["COLUMN_LABELS", "chosen_columns", "listed"]

COLUMN_LABELS: Final = ("timestamp_indexs", "target_indexs", "groupby_indexs")
_TIMES: Final = ("timestamp", "ds", "date", "datetime", "time", "day", "month", "week", "year")
_TARGETS: Final = ("y", "target", "value", "values", "sales", "sold", "count", "quantity", "amount")


def chosen_columns(
    dataset: Dataset, parameters: Mapping[str, ParameterValue], *, command_id: str, job_id: int
) -> ConfigureJob:
    """The command that chooses them. RunFailedError where a label is no list of columns, or none can be found."""
    given = {label: _indexs(label, parameters[label]) for label in COLUMN_LABELS if label in parameters}
    texts = {name: str(parameters.get(name, "")) for name in ("freq", "time_zone", "timestamp_format")}
    taken = {index for indexs in given.values() for index in indexs}
    timestamp = given.get("timestamp_indexs") or (_timestamp(dataset, taken),)
    taken.update(timestamp)
    target = given.get("target_indexs") or (_target(dataset, taken),)
    taken.update(target)
    groups = given.get("groupby_indexs")
    if groups is None:
        groups = tuple(index for index in range(len(dataset.header)) if index not in taken and _is_text(dataset, index))
    return ConfigureJob(
        command_id,
        job_id,
        tuple(timestamp),
        tuple(target),
        tuple(groups),
        freq=texts["freq"],
        time_zone=texts["time_zone"],
        timestamp_format=texts["timestamp_format"],
    )


def listed(value: ParameterValue) -> list[str]:
    """A list in a parameter: parted by commas, or a JSON array."""
    text = str(value).strip()
    if text.startswith("["):
        try:
            return [str(one) for one in json.loads(text)]
        except (ValueError, TypeError):
            return [text]
    return [part.strip() for part in text.split(",") if part.strip()]


def _indexs(label: str, value: ParameterValue) -> tuple[int, ...]:
    try:
        return tuple(int(one) for one in listed(value))
    except ValueError:
        raise not_runnable(
            f"{label}: found {str(value)[:80]!r}, expected numbers of columns, such as 0 or 1,2"
        ) from None


def _timestamp(dataset: Dataset, taken: set[int]) -> int:
    """A column whose cells are times; of several that with such a name, else the first."""
    found = [index for index in range(len(dataset.header)) if index not in taken and _is_time(dataset, index)]
    if not found:
        raise _not_found("timestamp_indexs", "times", dataset)
    return min(found, key=lambda index: (_place(dataset.header[index], _TIMES), index))


def _target(dataset: Dataset, taken: set[int]) -> int:
    """A column of numbers; of several that with such a name, else the last."""
    found = [index for index in range(len(dataset.header)) if index not in taken and _is_number(dataset, index)]
    if not found:
        raise _not_found("target_indexs", "numbers", dataset)
    return min(found, key=lambda index: (_place(dataset.header[index], _TARGETS), -index))


def _not_found(label: str, what: str, dataset: Dataset) -> Exception:
    columns = ", ".join(f"{index} {label}" for index, label in enumerate(dataset.header[:30]))
    return not_runnable(f"{label}: no column of the data looks like {what}: give its number. There are: {columns}")


def _place(label: str, names: Sequence[str]) -> int:
    lower = label.strip().lower()
    return names.index(lower) if lower in names else len(names)


def _cells(dataset: Dataset, index: int) -> list[object]:
    return [cell for cell in dataset.heads.get(dataset.header[index], ()) if cell not in (None, "")]


def _is_number(dataset: Dataset, index: int) -> bool:
    cells = _cells(dataset, index)
    return bool(cells) and all(isinstance(cell, int | float) for cell in cells)


def _is_text(dataset: Dataset, index: int) -> bool:
    cells = _cells(dataset, index)
    return bool(cells) and all(isinstance(cell, str) for cell in cells) and not _is_time(dataset, index)


def _is_time(dataset: Dataset, index: int) -> bool:
    """Numbers are times only where the column's name says so."""
    cells = _cells(dataset, index)
    if not cells or (_is_number(dataset, index) and _place(dataset.header[index], _TIMES) == len(_TIMES)):
        return False
    try:
        parse_timestamps([str(cell) for cell in cells])
    except ValueError:
        return False
    return True
