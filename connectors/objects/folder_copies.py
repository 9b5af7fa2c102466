"""Folders of this machine and what is below a key of the object store: copied there and back."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from connectors.objects.keys import BadKeyError, check_key
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = ["FolderCopy", "fetch_folder"]

_BLOCK: Final = 1 << 20
_PLAINLY: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # the last lest a pipe be waited for
_DEEPEST: Final = 64  # folders in folders: walking goes as deep as Python's stack, and a program may make more
_MOST_NAMES: Final = 20  # names that cannot be keys which are told


def fetch_folder(store: ObjectStore, key: str, folder: Path, *, most_bytes: int) -> None:
    """Copy all objects below the key into a folder, under the rest of their names.

    ObjectNotFoundError where there are none, ValueError, in words, where they are more than so many bytes.
    """
    keys, copied = store.keys(key), 0
    if not keys:
        raise ObjectNotFoundError(key)
    for one in keys:
        copied += store.size(one)
        if copied > most_bytes:
            raise ValueError(f"/{key} has more than {most_bytes} bytes")
        target = folder / (one.removeprefix(f"{key}/") if one != key else one.rpartition("/")[2])
        target.parent.mkdir(parents=True, exist_ok=True)
        with store.open(one) as source, target.open("wb") as opened:
            shutil.copyfileobj(source, opened, _BLOCK)


class FolderCopy:
    """Keeps below a key what a program writes into a folder: plain files alone, no links, wherever they lead."""

    def __init__(self, store: ObjectStore, folder: Path, key: str) -> None:
        self._store = store
        self._folder = folder
        self._key = key
        self._known: dict[str, tuple[int, int, int]] = {}
        self.bad_names: list[str] = []
        """Of files that no object can have, and so are not kept: the first of them."""

    def update(self) -> int:
        """Copy what is new or has changed since the last time; how many files."""
        copied = 0
        for name, opened in self._files():
            with opened:
                about = os.fstat(opened.fileno())
                seen = about.st_mtime_ns, about.st_size, about.st_ino
                if self._known.get(name) == seen:
                    continue
                key = f"{self._key}/{name}"
                try:
                    check_key(key)
                except BadKeyError:
                    if name not in self.bad_names and len(self.bad_names) < _MOST_NAMES:
                        self.bad_names.append(name)
                    continue
                with self._store.streaming(key) as copy:
                    shutil.copyfileobj(opened, copy, _BLOCK)
                self._known[name] = seen
                copied += 1
        return copied

    def _files(self) -> Iterator[tuple[str, IO[bytes]]]:
        """Opened by their folder's handle: another thing may take a name's place at any moment."""
        for place, folders, names, handle in os.fwalk(self._folder, follow_symlinks=False):
            if len(Path(place).relative_to(self._folder).parts) >= _DEEPEST:
                folders.clear()
            for name in sorted(names):
                with suppress(OSError):
                    number = os.open(name, _PLAINLY, dir_fd=handle)
                    opened = os.fdopen(number, "rb")
                    if stat.S_ISREG(os.fstat(number).st_mode):
                        yield os.path.relpath(f"{place}/{name}", self._folder), opened
                    else:
                        opened.close()
