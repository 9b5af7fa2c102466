"""Metrics that a program writes into files while it runs: TensorBoard's event files, and lines of JSON."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from agents.versions.telling import now
from connectors.metric_sources.tensorboard import EventFile, is_event_file

__all__ = ["EventFiles", "MetricsFile"]

Point = tuple[str, float | None, int, int]

_LONGEST_LINE: Final = 4096
_LONGEST_NAME: Final = 256
_DEEPEST: Final = 64  # folders in folders: a program may make more than Python's stack is deep
_AT_ONCE: Final = 1 << 20  # bytes
_LARGEST: Final = 2**53 - 1


class EventFiles:
    """The event files below folders that a program writes to. Links are not followed."""

    def __init__(self, *roots: Path) -> None:
        self._roots = roots
        self._files: dict[tuple[Path, str], EventFile] = {}

    def read_new(self) -> Iterator[list[Point]]:
        """Points that have become whole, in lists of some thousands. Blocks."""
        for root in self._roots:
            for folder, folders, names in os.walk(root):
                if len(Path(folder).relative_to(root).parts) >= _DEEPEST:
                    folders.clear()
                for path in (Path(folder, name) for name in names if "tfevents" in name):
                    place = root, path.relative_to(root).as_posix()
                    if place not in self._files and _is_there(*place) and is_event_file(path):
                        run = path.parent.relative_to(root).as_posix()
                        self._files[place] = EventFile(path, "" if run == "." else run)
        for place, file in self._files.items():
            while _is_there(*place) and (found := file.read_new()):
                yield [(one.metric_name, one.value, one.iteration, one.timestamp) for one in found]


class MetricsFile:
    """A file of lines such as ``{"name": "loss", "value": 0.5, "step": 3}``; with `timestamp` in epoch milliseconds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def read_new(self) -> list[Point]:
        """The points of lines that have become whole; what is none is left out. Blocks."""
        try:
            number = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return []
        with os.fdopen(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                return []
            file.seek(self._read)
            block = file.read(_AT_ONCE)
        end = block.rfind(b"\n") + 1
        if end == 0 and len(block) == _AT_ONCE:  # no line is so long
            end = len(block)
        self._read += end
        return [point for line in block[:end].split(b"\n") for point in _points_of(line)]


def _is_there(root: Path, name: str) -> bool:
    """Whether it is a file that no link leads away from, neither its own name nor a folder's above it."""
    path = root / name
    return path.is_file() and os.path.realpath(path) == os.path.join(os.path.realpath(root), name)  # noqa: PTH118 - texts


def _points_of(line: bytes) -> Iterator[Point]:
    """One of a name and a value; else one of each number in the object."""
    if not line.strip() or len(line) > _LONGEST_LINE:
        return
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return
    if not isinstance(fields, dict):
        return
    step = _whole(fields.pop("step", fields.pop("iteration", fields.pop("epoch", 0))))
    at = _whole(fields.pop("timestamp", 0)) or now()
    name = fields.pop("name", fields.pop("metric_name", None))
    values = fields if name is None else {name: fields.get("value")}
    for label, value in values.items():
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(label, str) and 0 < len(label) <= _LONGEST_NAME and (numeric or value is None):
            yield label, None if value is None else float(value), step, at


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and abs(value) <= _LARGEST else 0
