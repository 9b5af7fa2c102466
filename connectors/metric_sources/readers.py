"""One reader for each form that metrics are written in, found out by name and beginning of a file or folder.

Readers are asked for what is new until there is nothing; a file that grows is asked again.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

import orjson

from connectors.metric_sources import log_lines, tensorboard, wandb_rows
from connectors.metric_sources.log_lines import LogMetrics
from connectors.metric_sources.point_files import TableRows, is_header, is_point
from connectors.metric_sources.source_points import Problems, SourcePoint
from connectors.metric_sources.tensorboard import EventFile, EventFolder, is_event_file
from connectors.metric_sources.text_lines import LineFile, LineTimes, encoding_of
from connectors.metric_sources.wandb_files import WandbFile

__all__ = ["FoundPoint", "NoSourceError", "Reader", "SourceForm", "form_of", "open_reader", "size_of"]

FoundPoint = tuple[SourcePoint, str]
"""A point and its data_source."""
_LOOKED_AT: Final = 64 * 1024  # bytes of a file by which its form is found out


class SourceForm(StrEnum):
    """What can be read."""

    TENSORBOARD = "tensorboard"
    WANDB = "wandb"
    CSV = "csv"
    JSONL = "jsonl"
    LOG = "log"


class NoSourceError(ValueError):
    """Nothing that metrics can be read from; the words say why."""


class Reader(Protocol):
    """A source of points that may grow."""

    def read_new(self) -> Iterator[list[FoundPoint]]:
        """What is new, in portions."""

    def last(self) -> list[FoundPoint]:
        """What is there and not whole, when nothing more will come."""

    @property
    def position(self) -> int:
        """How many bytes have been read."""

    @property
    def problems(self) -> Sequence[Problems]:
        """What was left out."""


def form_of(path: Path) -> SourceForm:
    """The form of a file or folder; NoSourceError where there is nothing to read."""
    if path.is_dir():
        if any(is_event_file(one) for one in path.rglob("*tfevents*")):
            return SourceForm.TENSORBOARD
        raise NoSourceError(f"{path} has no event files of TensorBoard: name another folder, or a file")
    if not path.is_file():
        raise NoSourceError(f"{path} is not there: correct the path")
    if is_event_file(path):
        return SourceForm.TENSORBOARD
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
    if path.suffix == ".wandb" or head.startswith(b":W&B"):
        return SourceForm.WANDB
    first = head.decode(encoding_of(head), "replace").removeprefix("\ufeff").partition("\n")[0].strip()
    if path.suffix.lower() in (".csv", ".tsv") or is_header(first):
        return SourceForm.CSV
    return SourceForm.JSONL if _is_row(first) else SourceForm.LOG


def _is_row(line: str) -> bool:
    """Whether a line of JSON is a point; other lines of JSON are a log's, and have its rules."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(row, dict) and is_point(list(row))


def open_reader(path: Path, form: SourceForm, *, patterns: Sequence[str] = (), begin: int | None = None) -> Reader:
    """The reader of a file or folder. `begin`: when a file was begun whose lines say no time, in milliseconds.

    BadPatternError names a pattern of logs that cannot be used.
    """
    if form is SourceForm.TENSORBOARD:
        return EventReader(path)
    if path.is_dir():
        raise NoSourceError(f"{path} is a folder: name a file of it")
    if form is SourceForm.WANDB:
        return WandbReader(path)
    times = LineTimes(round(path.stat().st_mtime * 1000) if begin is None else begin)
    return LineReader(path, times, patterns) if form is SourceForm.LOG else TableReader(path, times, form)


class EventReader:
    """An event file, or all of a folder."""

    def __init__(self, path: Path) -> None:
        self._folder = EventFolder(path) if path.is_dir() else None
        self._file = None if path.is_dir() else EventFile(path)

    @property
    def _files(self) -> Sequence[EventFile]:
        return self._folder.files if self._folder is not None else [self._file] if self._file is not None else []

    def read_new(self) -> Iterator[list[FoundPoint]]:
        """What is new, in portions."""
        if self._folder is not None:
            for points in self._folder.read_new():
                yield [(point, tensorboard.SOURCE) for point in points]
        elif self._file is not None:
            while points := self._file.read_new():
                yield [(point, tensorboard.SOURCE) for point in points]

    def last(self) -> list[FoundPoint]:
        """A record that is not whole is none."""
        return []

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return sum(file.position for file in self._files)

    @property
    def problems(self) -> Sequence[Problems]:
        """What was left out."""
        return [file.problems for file in self._files]


class WandbReader:
    """A `.wandb` file."""

    def __init__(self, path: Path) -> None:
        self.file = WandbFile(path)

    def read_new(self) -> Iterator[list[FoundPoint]]:
        """What is new, in portions."""
        while points := self.file.read_new():
            yield [(point, wandb_rows.SOURCE) for point in points]

    def last(self) -> list[FoundPoint]:
        """A record that is not whole is none."""
        return []

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return self.file.position

    @property
    def problems(self) -> Sequence[Problems]:
        """What was left out."""
        return [self.file.problems]


class _Lines(ABC):
    """A text file that is read by the line while it grows."""

    def __init__(self, path: Path, times: LineTimes) -> None:
        self._file = LineFile(path)
        self._times = times
        self._at_first: int | None = None  # where the file ended when all of it had been read for the first time

    def read_new(self) -> Iterator[list[FoundPoint]]:
        """What is new, in portions; lines that come later are dated by their arrival."""
        begun = self._file.begun_again
        while lines := self._file.read_new():
            if self._file.begun_again != begun:
                begun = self._file.begun_again
                self._times.begin_again()
                self._begin_again()
            yield [point for line in lines for point in self._of(line)]
        self._at_first = self.position if self._at_first is None else self._at_first
        self._times.live = True

    def last(self) -> list[FoundPoint]:
        """A last line without an end; one that was there from the beginning has not just arrived."""
        self._times.live = self.position != self._at_first
        return [point for line in self._file.last() for point in self._of(line)]

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return self._file.position

    @abstractmethod
    def _begin_again(self) -> None:
        """What comes is of another training."""

    @abstractmethod
    def _of(self, line: str) -> Iterable[FoundPoint]:
        """The points of a line."""


class LineReader(_Lines):
    """A log."""

    def __init__(self, path: Path, times: LineTimes, patterns: Sequence[str]) -> None:
        super().__init__(path, times)
        self._patterns = patterns
        self._metrics = LogMetrics(patterns)

    def _begin_again(self) -> None:
        self._metrics = LogMetrics(self._patterns)

    def _of(self, line: str) -> Iterator[FoundPoint]:
        at = self._times.of(line)
        for name, value, step in self._metrics.points_of(line):
            yield SourcePoint(name, value, at, step), log_lines.SOURCE

    @property
    def problems(self) -> Sequence[Problems]:
        """A log's other lines are no problem."""
        return []


class TableReader(_Lines):
    """CSV or JSON Lines of points, or of steps with their metrics."""

    def __init__(self, path: Path, times: LineTimes, form: SourceForm) -> None:
        super().__init__(path, times)
        self._rows = TableRows(path, csv=form is SourceForm.CSV)

    def _begin_again(self) -> None:
        self._rows.begin_again()

    def _of(self, line: str) -> list[FoundPoint]:
        return self._rows.points_of(line, lambda: self._times.of(""))

    @property
    def problems(self) -> Sequence[Problems]:
        """What was left out."""
        return self._rows.problems


def size_of(path: Path) -> int:
    """Bytes of a file, or of the event files of a folder."""
    files = [one for one in path.rglob("*tfevents*") if one.is_file()] if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)
