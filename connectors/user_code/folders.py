"""Folders where programs write: how many files they hold, how much disk, and their removal.

Of the standard library alone, for the watching process.
"""

import os
import stat
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

__all__ = ["Sizes", "remove_remains", "sizes_of"]

_DEEPEST: Final = 64  # folders in folders; what looks at them here and elsewhere goes no deeper


@dataclass(frozen=True, slots=True)
class Sizes:
    """Files and folders, the disk that they take, and whether something was too deep to be looked at."""

    files: int = 0
    disk: int = 0
    too_deep: bool = False


def sizes_of(folders: Sequence[str], most_files: int) -> Sizes:
    """The sum over these; the count stops a little above `most_files`, so that the time for it is bounded."""
    files = disk = 0
    left = [(folder, 0) for folder in folders]
    while left and files <= most_files:
        folder, depth = left.pop()
        if depth > _DEEPEST:
            return Sizes(files, disk, too_deep=True)
        for entry in _entries(folder, most_files + 1):
            files += 1
            found = _looked_at(entry, folder)
            if found is not None:
                disk += found.st_blocks * 512
                if stat.S_ISDIR(found.st_mode):
                    left.append((entry.path, depth + 1))
            if files > most_files:
                break
    return Sizes(files, disk)


def remove_remains(folder: Path) -> None:
    """Remove a folder where programs wrote, once they have ended: however deep it is, and what they closed. Blocks.

    Python's own way goes as deep as Python's stack, and stops at a folder without rights.
    """
    place = str(folder)
    for command in (["rm", "-rf", "--", place], ["chmod", "-R", "u+rwX", "--", place], ["rm", "-rf", "--", place]):
        if not os.path.lexists(folder):
            return
        subprocess.run(command, capture_output=True, check=False, env={"PATH": os.defpath})


def _entries(folder: str, most: int) -> Sequence["os.DirEntry[str]"]:
    for _ in range(2):
        try:
            with os.scandir(folder) as entries:
                return list(islice(entries, most))
        except PermissionError:  # the program closed it, but it is of the same user
            with suppress(OSError):
                _open_up(folder)
        except OSError:  # it is gone, or its path is too long, which the depth tells
            break
    return ()


def _looked_at(entry: "os.DirEntry[str]", folder: str) -> os.stat_result | None:
    """None where it is gone. The program may close the folder between the list of its entries and this look."""
    for _ in range(2):
        try:
            return entry.stat(follow_symlinks=False)
        except PermissionError:
            with suppress(OSError):
                _open_up(folder)
        except OSError:
            break
    return None


def _open_up(folder: str) -> None:
    handle = os.open(folder, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        os.chmod(f"/proc/self/fd/{handle}", 0o700)  # noqa: PTH101 - by its handle: a link may stand there by now
    finally:
        os.close(handle)
