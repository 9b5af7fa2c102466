"""Fewer points for a chart that looks the same: MinMaxLTTB per series, only where it is asked for."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxLTTBDownsampler

from connectors.point_store.columns import Points, joined, ordered
from connectors.point_store.reading import PointReader
from connectors.point_store.windows import Selection, windows

__all__ = ["thinned"]

_AHEAD: Final = 200_000  # points that the choice is made of at most; longer series are thinned block by block
_DOWNSAMPLER: Any = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]
_GAPS: Final = 10  # of so many points at most one is one that could not be computed


def thinned(reader: PointReader, selection: Selection, most: int) -> Iterator[Points]:
    """At most so many points of each series, extremes and ends among them, all in one order."""
    each = [_series(reader, selection._replace(series=[series]), most) for series in selection.series]
    found = [points for points in each if points.size]
    if found:
        yield ordered(joined(found))


def _series(reader: PointReader, selection: Selection, most: int) -> Points:
    parts: list[Points] = []
    waiting = 0
    for block in windows(reader, selection):
        parts.append(block)
        waiting += block.size
        if waiting > max(_AHEAD, 4 * most):
            parts = [_chosen(joined(parts), max(_AHEAD // 2, 2 * most))]
            waiting = parts[0].size
    return _chosen(joined(parts), most)


def _chosen(points: Points, most: int) -> Points:
    """Of what could not be computed (NaN) a few, evenly; of the rest those that make the curve."""
    if points.size <= most:
        return points
    gaps = np.flatnonzero(np.isnan(points.value))
    gaps = gaps[_evenly(len(gaps), min(len(gaps), max(1, most // _GAPS)))]
    finite = np.flatnonzero(~np.isnan(points.value))
    room = most - len(gaps)
    if len(finite) > room:
        finite = finite[_curve(points.at[finite], points.value[finite], room)]
    return points.take(np.sort(np.concatenate((gaps, finite))))


def _curve(at: NDArray[np.int64], value: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    if most < 3:  # the downsampler wants the two ends and one between them
        return _evenly(len(value), most)
    found = _DOWNSAMPLER.downsample(np.ascontiguousarray(at), np.ascontiguousarray(value), n_out=most)
    return np.unique(found.astype(np.int64))


def _evenly(count: int, most: int) -> NDArray[np.int64]:
    """The last one is among them: it is the newest."""
    if not count or not most:
        return np.zeros(0, np.int64)
    return np.linspace(count - 1, 0, min(count, most)).astype(np.int64)[::-1]
