"""TensorBoard's event files, also while they grow: every scalar of TensorFlow 1 and 2, Keras, PyTorch and JAX."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from connectors.metric_sources.scalar_columns import Column, LayoutCache, columns_of
from connectors.metric_sources.source_points import Problems, SourcePoint
from connectors.metric_sources.tfrecords import RecordFile

__all__ = ["SOURCE", "EventFile", "EventFolder", "is_event_file"]

SOURCE: Final = "tensorflow"
"""The data_source of these points (decision 25)."""
_MARK: Final = "tfevents"  # in the name of every event file
_SCALARS: Final = b"scalars"
_point: Final = partial(tuple.__new__, SourcePoint)  # twice as quick as its class, which takes the fields one by one


def is_event_file(path: Path) -> bool:
    """Whether TensorBoard would read it."""
    return _MARK in path.name and path.is_file()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Some ten thousand tuples would let garbage be looked for many times, a fifth of the time; there is none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class EventFile:
    """One event file. Checksums are looked at; what is wrong is left out and told in `problems`."""

    def __init__(self, path: Path, run: str = "") -> None:
        self._records = RecordFile(path)
        self._cache = LayoutCache()
        self._prefix = f"{run}/" if run else ""
        self._plugins: dict[str, bytes] = {}  # of tags: their first event says it, the others need not

    @property
    def problems(self) -> Problems:
        """What was left out."""
        return self._records.problems

    @property
    def position(self) -> int:
        """Up to which byte it has been read."""
        return self._records.position

    @property
    def path(self) -> Path:
        """The file."""
        return self._records.path

    def read_new(self) -> list[SourcePoint]:
        """The next points, in the file's order, at most some ten thousand; none where nothing new is whole."""
        while True:
            records = self._records.read_new()
            if not len(records.starts):
                return []
            columns, unreadable = columns_of(records, self._cache)
            for _ in unreadable:
                self.problems.add(f"{self.path}, before byte {self.position}: an event is unreadable; it is left out")
            points = self._points(columns)
            if points:
                return points

    def _points(self, columns: list[Column]) -> list[SourcePoint]:
        """The columns as points, in the order of their events."""
        for place in (column.place for column in columns):
            if place.plugin is not None and place.tag:
                self._plugins.setdefault(place.tag, place.plugin)
        wanted = [column for column in columns if self._is_scalar(column)]
        if not wanted:
            return []
        numbers = np.concatenate([column.records for column in wanted])
        order = np.argsort(numbers, kind="stable")
        walls = np.concatenate([column.wall_times for column in wanted])[order] * 1000.0
        values = np.concatenate([column.values for column in wanted])[order]
        steps = np.concatenate([column.steps for column in wanted])[order]
        tags = [f"{self._prefix}{column.place.tag}" for column in wanted]
        which = np.repeat(np.arange(len(wanted)), [len(column.records) for column in wanted])[order]
        dated = np.isfinite(walls) & (np.abs(walls) < 2**53)
        if not dated.all():
            for _ in range(int((~dated).sum())):
                self.problems.add(f"{self.path}, before byte {self.position}: a point has no time; it is left out")
            walls, values, steps, which = walls[dated], values[dated], steps[dated], which[dated]
        shown: list[Any] = values.tolist()
        for index in np.flatnonzero(~np.isfinite(values)).tolist():
            shown[index] = None
        names = np.array(tags, object)[which].tolist()
        return list(
            map(_point, zip(names, shown, np.rint(walls).astype(np.int64).tolist(), steps.tolist(), strict=True))
        )

    def _is_scalar(self, column: Column) -> bool:
        place = column.place
        if not place.tag:
            return False
        return place.plain or self._plugins.get(place.tag, _SCALARS) == _SCALARS


class EventFolder:
    """All event files below a folder, new ones too. Metrics of a run in a folder of its own begin with its name."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[Path, EventFile] = {}

    @property
    def files(self) -> tuple[EventFile, ...]:
        """Those met so far."""
        return tuple(self._files.values())

    def read_new(self) -> Iterator[list[SourcePoint]]:
        """The next points of each file that has some."""
        for path in sorted(self._root.rglob(f"*{_MARK}*")):
            if path not in self._files and is_event_file(path):
                run = path.parent.relative_to(self._root).as_posix()
                self._files[path] = EventFile(path, "" if run == "." else run)
        for file in self._files.values():
            while points := file.read_new():
                yield points
