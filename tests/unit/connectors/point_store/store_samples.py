"""A store that is filled as a worker fills it, and a simple model of what it must hold."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from connectors.point_store.columns import ROW
from connectors.point_store.store import PointStore

Shown = list[tuple[str, str, int, int, float]]
"""Metric, source, time, iteration, value."""


class Told(NamedTuple):
    """A point as the log has it; its offset is its place there."""

    uid: str
    metric: str
    source: str
    at: int
    iteration: int
    value: float


def group_of(uid: str) -> str:
    """The letters that it begins with."""
    return uid.partition("-")[0]


class Filled:
    """A store, and the points that were told to it."""

    def __init__(self, folder: Path, *, most_series: int = 100) -> None:
        self.folder = folder
        self.most_series = most_series
        self.store = PointStore(folder, most_series=most_series, group_of=group_of)
        self.kept: dict[tuple[str, str, str, int, int], tuple[int, float]] = {}
        self.series: dict[str, list[tuple[str, str]]] = {}
        self.offset = 0

    def write(self, batch: Iterable[Told], *, first: int | None = None) -> None:
        """Tell a batch, from an offset on: by default where the last one ended."""
        batch = list(batch)
        offset = self.offset if first is None else first
        rows = np.zeros(len(batch), ROW)
        owners = np.zeros(len(batch), np.int64)
        workloads = []
        for index, point in enumerate(batch):
            workload = self.store.workload(point.uid, 0, 1000 + offset)
            if workload not in workloads:
                workloads.append(workload)
            owners[index] = workloads.index(workload)
            series = self.store.series_of(workload, point.metric, point.source)
            rows[index] = series, point.at, point.iteration, point.value, offset + index
            key = (point.uid, point.metric, point.source, point.at, point.iteration)
            self.kept.setdefault(key, (offset + index, point.value))
            known = self.series.setdefault(point.uid, [])
            if (point.metric, point.source) not in known:
                known.append((point.metric, point.source))
        self.offset = max(self.offset, offset + len(batch))
        self.store.write(rows, owners, workloads, {0: self.offset})

    def reopen(self) -> None:
        """As after a kill: what was in memory only is gone."""
        self.store.close()
        self.store = PointStore(self.folder, most_series=self.most_series, group_of=group_of)

    def expected(
        self, uid: str, series: Iterable[tuple[str, str]] | None = None
    ) -> list[tuple[str, str, int, int, float]]:
        """The points of a workload as M-049 orders them."""
        wanted = self.series.get(uid, []) if series is None else list(series)
        found = [
            (at, iteration, offset, metric, source, value)
            for (of, metric, source, at, iteration), (offset, value) in self.kept.items()
            if of == uid and (metric, source) in wanted
        ]
        return [(metric, source, at, iteration, value) for at, iteration, _, metric, source, value in sorted(found)]
