"""The processes below one, as the kernel tells of them; of the standard library alone, for the watching process."""

import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

__all__ = ["Process", "children_of", "hidden_files", "private_memory", "tasks_of_user", "tree_below"]

_PROC: Final = Path("/proc")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `cpu_s` is its own time and that of its ended children."""

    pid: int
    parent: int
    tasks: int
    rss: int
    cpu_s: float


def tree_below(root: int) -> list[Process]:
    """All processes below `root`, parents before their children."""
    by_parent: dict[int, list[Process]] = {}
    for name in os.listdir(_PROC):  # noqa: PTH208 - names, by the hundred
        if name.isdigit() and (process := _process(name)) is not None:
            by_parent.setdefault(process.parent, []).append(process)
    found, parents = [], [root]
    while parents:
        level = by_parent.pop(parents.pop(), [])
        found += level
        parents += [process.pid for process in level]
    return found


def children_of(pid: int) -> list[int]:
    """The children of a process that has one thread."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except FileNotFoundError:  # the kernel was built without
        return [process.pid for process in tree_below(pid) if process.parent == pid]


def private_memory(process: Process) -> int:
    """Its memory with its share of what it has in common with others; costs much more than `Process.rss`."""
    with suppress(OSError):
        found = re.search(rb"^Pss:\s+(\d+) kB", Path(f"/proc/{process.pid}/smaps_rollup").read_bytes(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    return process.rss


def hidden_files(process: Process, most: int) -> dict[tuple[int, int], int]:
    """The disk or memory of files that it holds open and that have no name: by device and number.

    The kernel's files in memory are of a device that no folder is on.
    """
    found: dict[tuple[int, int], int] = {}
    with suppress(OSError), os.scandir(f"/proc/{process.pid}/fd") as handles:
        for handle in islice(handles, most):
            with suppress(OSError):
                about = handle.stat()
                if about.st_nlink == 0 and stat.S_ISREG(about.st_mode):
                    found[about.st_dev, about.st_ino] = about.st_blocks * 512
    return found


def tasks_of_user(user: int) -> int:
    """How many processes and threads a user has on this machine."""
    tasks = 0
    for name in os.listdir(_PROC):  # noqa: PTH208 - names, by the hundred
        with suppress(OSError):
            if name.isdigit() and (_PROC / name).stat().st_uid == user and (process := _process(name)) is not None:
                tasks += process.tasks
    return tasks


def _process(name: str) -> Process | None:
    try:
        text = Path(f"/proc/{name}/stat").read_bytes()
    except OSError:  # it has ended
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # before it is the program's name, which may have anything in it
    cpu_s = sum(int(field) for field in fields[11:15]) / _TICKS
    return Process(int(name), int(fields[1]), int(fields[17]), int(fields[21]) * _PAGE, cpu_s)
