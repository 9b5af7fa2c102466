"""Rows that come to series which are there: each in its place by time, a correction in place of what it corrects."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from connectors.datasets.splits import Split

__all__ = ["MergedRows", "RowColumns", "merged", "pieces", "ranges"]

_AT_ONCE: Final = 2_000_000  # rows that are copied at once: what that takes besides is bounded

_Integers = npt.NDArray[np.int64]


class RowColumns(NamedTuple):
    """Added rows: series, time, target and whether it was said at all, and the number of the timestamp's text."""

    place: _Integers
    time: _Integers
    value: npt.NDArray[np.float64]
    given: npt.NDArray[np.bool_]
    code: npt.NDArray[np.int32]


class MergedRows(NamedTuple):
    """Rows of series that changed, one behind the other."""

    value: npt.NDArray[np.float64]
    time: _Integers
    code: npt.NDArray[np.int32]
    offsets: _Integers


def merged(old: Split, new: RowColumns, local: _Integers, count: int) -> tuple[MergedRows, npt.NDArray[np.bool_]]:
    """The rows of `old` with the new ones in their places, of those series that they change; and which these are.

    There are `count` series, the first of which `old` has; `local` says which of them each of the new rows is of.
    """
    lengths = np.zeros(count, np.int64)
    lengths[: len(old)] = np.diff(old.offsets)
    old_local = np.repeat(np.arange(count), lengths)
    moments = np.unique(np.concatenate((old.times, new.time)))
    old_key = old_local * len(moments) + np.searchsorted(moments, old.times)
    new_key = local * len(moments) + np.searchsorted(moments, new.time)
    begin, end = np.searchsorted(old_key, new_key, "left"), np.searchsorted(old_key, new_key, "right")
    target, touched = old.target.copy(), np.zeros(count, np.bool_)
    said = np.flatnonzero((end > begin) & new.given)
    rows = ranges(begin[said], end[said] - begin[said])  # a time may be there twice
    values = np.repeat(new.value[said], end[said] - begin[said])
    other = ~((target[rows] == values) | (np.isnan(target[rows]) & np.isnan(values)))
    touched[old_local[rows[other]]] = True
    target[rows] = values
    added = np.flatnonzero(end == begin)
    touched[local[added]] = True
    keys = np.concatenate((old_key, new_key[added]))
    of = np.concatenate((old_local, local[added]))
    kept = np.flatnonzero(touched[of])
    order = kept[np.argsort(keys[kept], kind="stable")]
    rows_of = np.bincount(of[kept], minlength=count)[touched]
    return (
        MergedRows(
            np.concatenate((target, new.value[added]))[order],
            np.concatenate((old.times, new.time[added]))[order],
            np.concatenate((old.text_codes, new.code[added]))[order],
            np.concatenate(([0], np.cumsum(rows_of))).astype(np.int64),
        ),
        touched,
    )


def ranges(begins: _Integers, lengths: _Integers) -> _Integers:
    """The numbers from each begin on, one range behind the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(begins - (ends - lengths), lengths) + np.arange(total)


def pieces(places: _Integers, lengths: _Integers) -> Iterator[_Integers]:
    """The places in pieces with so many rows each that what they take besides is bounded."""
    cuts = np.cumsum(lengths[places]) // _AT_ONCE
    yield from np.split(places, np.flatnonzero(np.diff(cuts)) + 1)
