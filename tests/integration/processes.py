"""Which processes a worker has started."""

from pathlib import Path

__all__ = ["computing"]


def computing(worker: int) -> list[int]:
    """The processes that compute for a worker: the children of its fork server."""
    parents: dict[int, int] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it has just ended
                continue
    return [pid for pid, parent in parents.items() if parents.get(parent) == worker]
