"""Series as columns: sums down a column, and the last observed points of every series.

Inside this room arrays are time-major, one series per column, because numpy then adds whole rows at once: for five
points per series this is 14 times as fast as summing along the last axis. The price is one trap, which
`column_sums` closes: numpy sums a single column pairwise but many columns one row after the other, so the last bits
of a series' result would depend on how many other series happened to be in its batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FloatArray", "Rows", "Window", "column_means", "column_sums", "last_observed"]

FloatArray = NDArray[np.float64]

Rows = slice | NDArray[np.intp]
"""Selects rows of a history: everything (a slice) or an array of row numbers."""


def column_sums(values: FloatArray) -> FloatArray:
    """Sum each column of `values` [k, N] from first to last; the result [N] has the same bits for any N."""
    values = np.ascontiguousarray(values)
    alone = values.shape[1] == 1 and values.shape[0] > 1
    sums: FloatArray = np.add.accumulate(values, axis=0)[-1] if alone else np.add.reduce(values, axis=0)
    return sums + 0.0  # numpy starts some sums at 0.0 and some at the first value: make every -0.0 a 0.0


def column_means(values: FloatArray) -> FloatArray:
    """Average each column of `values` [k, N]; all NaN when there is nothing to average (k = 0)."""
    points = values.shape[0]
    if points == 0:
        return np.full(values.shape[1], np.nan)
    means: FloatArray = column_sums(values) / points
    return means


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The last observed points of some rows of a history.

    `values` is [m, R], oldest first. `positions` is [m, R], or [m, 1] where all rows agree: the place of each value on
    the time axis, counted in steps from the first step after the history, so the newest cell is at -1.
    """

    rows: Rows
    values: FloatArray
    positions: FloatArray


def last_observed(history: FloatArray, latest_n: int) -> Iterator[Window]:
    """Yield the last `latest_n` observed values, or all there are, of every row of `history` [N, L].

    NaN marks both the padding before a short series and a missing observation. A missing cell keeps its place in time:
    it is skipped, not closed up. Rows with equally many values share a window; a row without any is in none.
    """
    steps = history.shape[1]
    width = min(latest_n, steps)
    tail = history[:, steps - width :]
    gaps = np.isnan(tail).any(axis=1)
    if not gaps.any():
        yield _gapless(slice(None), tail)
        return
    whole = np.flatnonzero(~gaps)
    if whole.size:
        yield _gapless(whole, tail[whole])
    yield from _with_gaps(history, np.flatnonzero(gaps), latest_n)


def _gapless(rows: Rows, tail: FloatArray) -> Window:
    positions = np.arange(-tail.shape[1], 0, dtype=np.float64)[:, np.newaxis]
    return Window(rows=rows, values=np.ascontiguousarray(tail.T), positions=positions)


def _with_gaps(history: FloatArray, rows: NDArray[np.intp], latest_n: int) -> Iterator[Window]:
    part = history[rows]
    observed = ~np.isnan(part)
    counted_from_end = np.cumsum(observed[:, ::-1], axis=1)[:, ::-1]
    wanted = observed & (counted_from_end <= latest_n)
    points = wanted.sum(axis=1)
    positions = np.broadcast_to(np.arange(-part.shape[1], 0, dtype=np.float64), part.shape)
    for m in np.unique(points[points > 0]).tolist():
        same = np.flatnonzero(points == m)
        chosen = wanted[same]
        yield Window(
            rows=rows[same],
            values=np.ascontiguousarray(part[same][chosen].reshape(-1, m).T),
            positions=np.ascontiguousarray(positions[same][chosen].reshape(-1, m).T),
        )
