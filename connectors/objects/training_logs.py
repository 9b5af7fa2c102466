"""Logs of versions of training jobs: ``training/logs/<project>/<version>/<worker>/<first byte>``, in parts.

An object cannot be appended to, so the last part is written anew until it is full. Whoever reads a log while it is
written sees whole lines or the beginning of one, never a hole.
"""

from bisect import bisect_right
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from connectors.objects.layout import TRAINING
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = [
    "PART_BYTES",
    "LogTail",
    "LogWriter",
    "copy_log",
    "delete_logs",
    "log_size",
    "read_log",
    "read_tail",
    "workers_with_log",
]

PART_BYTES: Final = 64 * 1024
"""Of a part, and so the most that is written again for one more line."""
_MOST_TAIL: Final = 1024 * 1024  # bytes: the last lines of a log are an answer's text, however long they are


class LogWriter:
    """Appends to the log of one worker, behind what is there. One at a time; all calls block."""

    def __init__(self, store: ObjectStore, project_id: str, version_id: int, worker: int) -> None:
        self._store = store
        self._folder = _folder(project_id, version_id, worker)
        starts = _starts(store, self._folder)
        self._start = starts[-1] if starts else 0
        self._last = store.read_bytes(self._key(self._start)) if starts else b""

    @property
    def size(self) -> int:
        """How many bytes the log has."""
        return self._start + len(self._last)

    def append(self, data: bytes) -> None:
        """Add bytes; readers see them when this returns."""
        while data:
            room = PART_BYTES - len(self._last)
            if room <= 0:
                self._start, self._last, room = self.size, b"", PART_BYTES
            taken, data = data[:room], data[room:]
            self._store.put_bytes(self._key(self._start), self._last + taken)
            self._last += taken

    def _key(self, start: int) -> str:
        return f"{self._folder}/{start:012d}"


@dataclass(frozen=True, slots=True)
class LogTail:
    """The last lines of a log, without the last one's end, and how many bytes the log has."""

    lines: tuple[str, ...]
    size: int


def read_log(store: ObjectStore, project_id: str, version_id: int, worker: int, start: int = 0) -> tuple[bytes, int]:
    """Bytes from `start` on, one part's at most, and where they begin: behind the end there are none.

    `start` moves on by what was read; nothing read means that there is no more for now.
    """
    folder = _folder(project_id, version_id, worker)
    starts = _starts(store, folder)
    place = bisect_right(starts, max(0, start)) - 1
    if place < 0:
        return b"", 0
    try:
        part = store.read_bytes(f"{folder}/{starts[place]:012d}")
    except ObjectNotFoundError:  # deleted meanwhile
        return b"", 0
    begin = min(max(0, start) - starts[place], len(part))
    if begin == len(part) and place + 1 < len(starts):
        return read_log(store, project_id, version_id, worker, starts[place + 1])
    return part[begin:], starts[place] + begin


def read_tail(store: ObjectStore, project_id: str, version_id: int, worker: int, lines: int) -> LogTail:
    """The last lines, at most 1 MiB of them; none where there is no log."""
    folder = _folder(project_id, version_id, worker)
    text, size = b"", 0
    for start in reversed(_starts(store, folder)):
        try:
            part = store.read_bytes(f"{folder}/{start:012d}")
        except ObjectNotFoundError:  # deleted meanwhile
            break
        size = size or start + len(part)
        text = part + text
        if text.count(b"\n") > lines or len(text) > _MOST_TAIL:
            break
    shown = text[-_MOST_TAIL:].decode("utf-8", "replace").removesuffix("\n").split("\n") if text else []
    return LogTail(tuple(shown[len(shown) - lines :] if 0 < lines < len(shown) else shown if lines else ()), size)


def copy_log(store: ObjectStore, project_id: str, version_id: int, worker: int, key: str) -> None:
    """Write the log of one worker as one object under the key. Blocks."""
    folder = _folder(project_id, version_id, worker)
    with store.streaming(key) as file:
        for start in _starts(store, folder):
            file.write(store.read_bytes(f"{folder}/{start:012d}"))


def log_size(store: ObjectStore, project_id: str, version_id: int, worker: int) -> int | None:
    """How many bytes a worker's log has; None where there is none."""
    folder = _folder(project_id, version_id, worker)
    starts = _starts(store, folder)
    return starts[-1] + store.size(f"{folder}/{starts[-1]:012d}") if starts else None


def workers_with_log(store: ObjectStore, project_id: str, version_id: int) -> int:
    """How many workers of a version have a log."""
    folder = _folder(project_id, version_id)
    return len({key.removeprefix(f"{folder}/").partition("/")[0] for key in store.keys(folder)})


def delete_logs(store: ObjectStore, project_id: str, version_id: int) -> None:
    """Remove all logs of a version."""
    store.delete(_folder(project_id, version_id))


def _starts(store: ObjectStore, folder: str) -> list[int]:
    return [int(name) for key in store.keys(folder) if (name := key.rpartition("/")[2]).isdecimal()]


def _folder(project_id: str, version_id: int, worker: int | None = None) -> str:
    """A project's id may begin with a dot, which no key does."""
    project = blake2b(project_id.encode(), digest_size=8).hexdigest()
    return TRAINING.key("logs", project, version_id, *(() if worker is None else (worker,)))
