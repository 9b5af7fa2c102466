"""Points of one workload as columns, their order, and what is the same point twice (M-049, M-054)."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ROW", "Points", "joined", "of_rows", "ordered", "packed", "parts_of", "unpacked", "without_repeats"]

ROW: Final = np.dtype([("series", "<u4"), ("at", "<i8"), ("iteration", "<i8"), ("value", "<f8"), ("offset", "<i8")])
"""A point as it is kept until it is merged into columns; `at` is its time, `offset` its place in the log."""

Longs = NDArray[np.int64]
_COLUMNS: Final = 4
_BYTES: Final = 8


class Points(NamedTuple):
    """Some points of a workload; `series` says of which metric and source each is. NaN: could not be computed."""

    series: NDArray[np.uint32]
    at: Longs
    iteration: Longs
    value: NDArray[np.float64]
    offset: Longs

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Points":
        """Those of them."""
        return Points(self.series[which], self.at[which], self.iteration[which], self.value[which], self.offset[which])

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.at)


def of_rows(data: bytes) -> Points:
    """Points from rows of `ROW`."""
    rows = np.frombuffer(data, ROW)
    return Points(*(np.ascontiguousarray(rows[name]) for name in ROW.names or ()))


def joined(parts: Sequence[Points]) -> Points:
    """All points of the parts, one part after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return of_rows(b"")
    return Points(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def ordered(points: Points) -> Points:
    """By time, then iteration, then arrival."""
    return points.take(np.lexsort((points.offset, points.iteration, points.at)))


def without_repeats(points: Points) -> Points:
    """The first that arrived of each series, time and iteration; ordered by these."""
    points = points.take(np.lexsort((points.offset, points.iteration, points.at, points.series)))
    if points.size < 2:
        return points
    new = np.ones(points.size, np.bool_)
    new[1:] = (
        (points.at[1:] != points.at[:-1])
        | (points.iteration[1:] != points.iteration[:-1])
        | (points.series[1:] != points.series[:-1])
    )
    return points if new.all() else points.take(new)


def packed(points: Points) -> bytes:
    """Points of one series, so that they compress well: differences, and bytes of equal weight side by side."""
    columns = np.empty((_COLUMNS, points.size), "<i8")
    for place, column in enumerate((points.at, points.iteration, points.offset)):
        columns[place, 0] = column[0]
        np.subtract(column[1:], column[:-1], out=columns[place, 1:])
    columns[3] = points.value.view("<i8")
    return np.ascontiguousarray(columns.view(np.uint8).reshape(_COLUMNS, -1, _BYTES).transpose(0, 2, 1)).tobytes()


def unpacked(series: int, data: bytes) -> Points:
    """What `packed` has made."""
    count = len(data) // (_COLUMNS * _BYTES)
    bytes_of = np.frombuffer(data, np.uint8).reshape(_COLUMNS, _BYTES, count).transpose(0, 2, 1)
    columns = np.ascontiguousarray(bytes_of).view("<i8").reshape(_COLUMNS, count)
    at, iteration, offset = (np.cumsum(column) for column in columns[:3])
    return Points(np.full(count, series, np.uint32), at, iteration, columns[3].view("<f8"), offset)


def parts_of(points: Points, most: int) -> Iterable[Points]:
    """Pieces of at most so many points, in their order, all but the last of that size."""
    return (points.take(slice(first, first + most)) for first in range(0, points.size, most))
