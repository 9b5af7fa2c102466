"""All points of some series in order, window after window: no more than a window is in memory.

A window is a span of time, or of places in the log. It is halved until it promises to be small enough; how many points
of a chunk lie in it is estimated from the chunk's own span.
"""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.point_store.columns import Points, joined, ordered
from connectors.point_store.keys import Entry
from connectors.point_store.reading import PointReader, StoredWorkload

__all__ = ["EVER", "Axis", "Selection", "windows"]

EVER: Final = (-(2**62), 2**62)
"""A span that has all times, or all places."""
_WINDOW: Final = 16_384  # points: 0.6 MB, and with what makes them 2 MB of JSON some 8 MB


class Axis(Enum):
    """What windows are spans of."""

    TIME = "at"
    ARRIVAL = "offset"


class Selection(NamedTuple):
    """Which points: of these series of a workload, within a span of the axis, both ends included."""

    workload: StoredWorkload
    series: Sequence[int]
    span: tuple[int, int] = EVER
    axis: Axis = Axis.TIME


class _Chunks(NamedTuple):
    """Chunks side by side."""

    entries: Sequence[Entry]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    counts: NDArray[np.int64]

    def within(self, low: int, high: int) -> "_Chunks":
        """Those that may have something there."""
        which = np.flatnonzero((self.high >= low) & (self.low <= high))
        entries = [self.entries[index] for index in which.tolist()]
        return _Chunks(entries, self.low[which], self.high[which], self.counts[which])

    def estimate(self, low: int, high: int) -> float:
        """About how many points they have there."""
        lengths = (self.high - self.low + 1).astype(float)
        inside = (np.minimum(self.high, high) - np.maximum(self.low, low) + 1).astype(float)
        return float((self.counts * np.minimum(inside / lengths, 1)).sum())

    def middle(self, low: int, high: int) -> int:
        """Where to halve: at the end of a chunk where that is possible, so that few are read twice."""
        ends = np.sort(self.high[self.high < high])
        return int(ends[len(ends) // 2]) if len(ends) and ends[len(ends) // 2] >= low else (low + high) // 2


def windows(reader: PointReader, wanted: Selection, *, backwards: bool = False) -> Iterator[Points]:
    """The selected points in order of the axis: by time, iteration and arrival, or by arrival.

    `backwards` gives the last window first; each is in the usual order itself.
    """
    number, series = wanted.workload.number, wanted.series
    in_time = wanted.axis is Axis.TIME
    pending = reader.pending(number, series, wanted.span if in_time else None)
    along = getattr(pending, wanted.axis.value)
    pending = pending.take((along >= wanted.span[0]) & (along <= wanted.span[1]))
    entries = _entries(reader, wanted)
    bounds = [(e.first[0], e.last[0]) if in_time else e.offsets for e in entries]
    chunks = _Chunks(
        entries,
        np.array([low for low, _ in bounds], np.int64),
        np.array([high for _, high in bounds], np.int64),
        np.array([entry.points for entry in entries], np.int64),
    ).within(*wanted.span)
    pending = ordered(pending) if in_time else pending.take(np.argsort(pending.offset, kind="stable"))
    along = getattr(pending, wanted.axis.value)
    if not pending.size and not chunks.entries:
        return
    low = min(int(chunks.low.min(initial=2**62)), int(along[0]) if len(along) else 2**62)
    high = max(int(chunks.high.max(initial=-(2**62))), int(along[-1]) if len(along) else -(2**62))
    todo = [(max(low, wanted.span[0]), min(high, wanted.span[1]), chunks)]
    while todo:
        low, high, chunks = todo.pop()
        waiting = pending.take(slice(int(np.searchsorted(along, low)), int(np.searchsorted(along, high, "right"))))
        if low < high and chunks.estimate(low, high) + waiting.size > _WINDOW:
            middle = chunks.middle(low, high)
            halves = [(low, middle, chunks.within(low, middle)), (middle + 1, high, chunks.within(middle + 1, high))]
            todo += halves if backwards else reversed(halves)
            continue
        parts = [_inside(reader.chunk(number, entry), wanted.axis, low, high) for entry in chunks.entries]
        found = [part for part in (*parts, waiting) if part.size]
        if found:
            yield _in_order(found, wanted.axis)


def _entries(reader: PointReader, wanted: Selection) -> list[Entry]:
    number = wanted.workload.number
    if wanted.axis is Axis.TIME and len(wanted.series) < len(wanted.workload.series):
        return [entry for each in wanted.series for entry in reader.entries(number, each, wanted.span)]
    chosen = set(wanted.series)
    return [entry for entry in reader.all_entries(number) if entry.series in chosen]


def _inside(points: Points, axis: Axis, low: int, high: int) -> Points:
    if axis is Axis.TIME:  # a chunk is in its order
        first, last = np.searchsorted(points.at, low), np.searchsorted(points.at, high, "right")
        return points.take(slice(int(first), int(last)))
    return points.take((points.offset >= low) & (points.offset <= high))


def _in_order(parts: list[Points], axis: Axis) -> Points:
    if axis is Axis.TIME:
        return parts[0] if len(parts) == 1 else ordered(joined(parts))
    points = joined(parts)
    return points.take(np.argsort(points.offset, kind="stable"))
