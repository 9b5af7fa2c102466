"""A program of a user: what it is, what it may have, and how it ended."""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

__all__ = ["Limit", "Limits", "Outcome", "UserProgram", "outcome_of"]


class Limit(StrEnum):
    """Which limit ended a program."""

    CPU = "cpu"
    WALL = "wall"
    MEMORY = "memory"
    PROCESSES = "processes"
    FILE = "file"
    FILES = "files"
    TOTAL_FILE = "total_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that a program may have, all its processes together where nothing else is said."""

    cpu_s: int = 3600  # seconds of one core
    wall_s: float = 3600.0
    memory_mib: int = 2048
    processes: int = 256  # threads count as well
    file_mib: int = 1024  # one file
    total_file_mib: int = 4096  # what the files of its folders grow by
    files: int = 10_000  # how many more files and folders there are than before
    open_files: int = 1024  # of one process
    network: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserProgram:
    """A command, the folders that it sees, and exactly the environment that it gets.

    It starts in `work_folder`, where it may write. `read_folders` and `write_folders` keep their paths; folders, or
    single files. Beside these it sees the Python that runs this code, with its packages, and the system's libraries.
    """

    command: Sequence[str]
    work_folder: Path
    read_folders: Sequence[Path] = ()
    write_folders: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a program ended: by itself (`exit_code`), by a signal, by a limit, or because it was stopped."""

    words: str
    exit_code: int | None = None
    signal: int | None = None
    limit: Limit | None = None
    stopped: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether it ended by itself, and says that all is well."""
        return self.exit_code == 0 and self.limit is None and not self.stopped


_OF_THE_KERNEL: Final = {
    signal.SIGXCPU: (Limit.CPU, "it used more CPU time than it may"),
    signal.SIGXFSZ: (Limit.FILE, "it wrote a file larger than it may"),
}


def outcome_of(
    exit_code: int | None, by_signal: int | None, *, limit: str | None = None, stopped: bool = False, words: str = ""
) -> Outcome:
    """The outcome with words for people; a signal that a limit of the kernel sends is told as that limit."""
    if limit is None and not stopped and by_signal in _OF_THE_KERNEL:
        limit, words = _OF_THE_KERNEL[signal.Signals(by_signal)]
    if limit is not None:
        return Outcome(words=f"ended: {words}", limit=Limit(limit))
    if stopped:
        return Outcome(words="stopped", exit_code=exit_code, signal=by_signal, stopped=True)
    if by_signal is not None:
        return Outcome(words=words or f"ended by signal {_name(by_signal)}", signal=by_signal)
    return Outcome(words=words or f"ended with code {exit_code}", exit_code=exit_code)


def _name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)
