"""Rows behind the last target of a series that tell other columns: what is known of the time to be forecast."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from connectors.csv_files.columns import read_columns
from connectors.csv_files.dialect import Dialect

__all__ = ["future_rows", "told_of"]

_DIGIT: Final = re.compile(r"\d")
_COLUMNS_AT_ONCE: Final = 10  # of texts in memory
_Integers = npt.NDArray[np.int64]


def future_rows(
    path: Path,
    header: Sequence[str],
    dialect: Dialect,
    *,
    target: npt.NDArray[np.float64],
    offsets: _Integers,
    order: npt.NDArray[np.intp] | None,
    unused: Sequence[int],
) -> _Integers:
    """How many of the last rows of each series are its future: those behind its last target, if any has a feature.

    ``target`` has series after series, which begin at ``offsets``; ``order`` has the place in the file of each of its
    rows, None where they lie as in the file. A row has a feature where a column of ``unused`` has a number in it. A
    series without any target has no future, as it has no history. The columns are only read where a series ends without
    a target.
    """
    behind = _behind_the_last_target(target, offsets)
    if not behind.any() or not unused:
        return np.zeros_like(behind)
    given = np.zeros(len(target), dtype=np.bool_)
    for first in range(0, len(unused), _COLUMNS_AT_ONCE):
        some = unused[first : first + _COLUMNS_AT_ONCE]
        for column in read_columns(path, header, dialect, texts=some, numbers={}).texts.values():
            has_number = np.array([_DIGIT.search(text) is not None for text in column.texts], dtype=np.bool_)
            given |= has_number[column.codes]
    if order is not None:
        given = given[order]
    counted = np.concatenate(([0], np.cumsum(given)))
    told: npt.NDArray[np.bool_] = counted[offsets[1:]] > counted[offsets[1:] - behind]
    return np.where(told, behind, 0)


def told_of(label: str, future: _Integers) -> str:
    """What a user should know of it."""
    several = int(np.count_nonzero(future))
    whose = "the series" if len(future) == 1 else f"{several:,} series"
    return (
        f'column "{label}": {int(future.sum()):,} rows after the last value of {whose} have other columns alone and '
        "are taken for the future of these: forecasts begin where the values end"
    )


def _behind_the_last_target(target: npt.NDArray[np.float64], offsets: _Integers) -> _Integers:
    ends = offsets[1:]
    if not np.isnan(target[ends - 1]).any():
        return np.zeros(len(ends), dtype=np.int64)
    rows = np.arange(len(target), dtype=np.int64)
    latest = np.maximum.accumulate(np.where(np.isnan(target), -1, rows))[ends - 1]  # maybe one of an earlier series
    return np.where(latest >= offsets[:-1], ends - 1 - latest, 0)
