"""Files on a disk that come into being whole: written beside their place, then renamed or linked; and folders that go.

A folder may be removed while somebody writes into it: a job is deleted while a trainer keeps a model of it. Neither
fails. The file was there, and has gone with its folder; or it comes after that, and is there.
"""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

__all__ = ["UNFINISHED", "create", "finished", "put_in_place", "remove", "written"]

UNFINISHED: Final = ".unfinished-"
"""Begins the names of files that are being written."""

_TRIES: Final = 100  # somebody would have to come between in each of them
_REPLACED: Final = None  # the number of rmtree's error where a folder is not the one that it has looked at before
_OTHERS_DOING: Final = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EISDIR, errno.ENOTDIR, _REPLACED)


@contextmanager
def finished(target: Path) -> Iterator[tuple[Path, Path]]:
    """A path beside the target to write to, gone after the block; and the target, whose folder is there."""
    _make_folder(target.parent)
    unfinished = target.parent / f"{UNFINISHED}{uuid.uuid4().hex}"
    try:
        yield unfinished, target
    finally:
        unfinished.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    for turn in range(1, _TRIES + 1):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileNotFoundError, FileExistsError):  # it, or one above it, has just been removed; or a file is there
            if turn == _TRIES:
                raise
        else:
            return


@contextmanager
def written(target: Path) -> Iterator[IO[bytes]]:
    """A file to write to, which gets the target's name when the block ends normally and vanishes when it raises.

    Where its folder is removed before the file is there, both are made again; once it is, it goes with the folder.
    """
    opened, unfinished = _begun(target.parent)
    try:
        with opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())  # see `_sync`
        with suppress(FileNotFoundError):
            unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _begun(folder: Path) -> tuple[IO[bytes], Path]:
    for turn in range(1, _TRIES + 1):
        _make_folder(folder)
        unfinished = folder / f"{UNFINISHED}{uuid.uuid4().hex}"
        try:
            return unfinished.open("xb"), unfinished
        except FileNotFoundError:  # the folder has just been removed
            if turn == _TRIES:
                raise
    raise AssertionError("the last turn returns or raises")


def put_in_place(unfinished: Path, target: Path) -> None:
    """Give what has been written its name. Nothing where its folder has been removed, and the file with it."""
    with suppress(FileNotFoundError):
        _sync(unfinished)
        unfinished.replace(target)


def create(target: Path, data: bytes) -> bool:
    """Make the object unless one is there; whether it was made. Of several writers one does it."""
    with finished(target) as (unfinished, _):
        try:
            unfinished.write_bytes(data)
            _sync(unfinished)
        except FileNotFoundError:  # made, and gone with its folder
            return True
        try:
            target.hardlink_to(unfinished)  # whole or not at all, and never over what is there
        except FileExistsError:
            return False
        except FileNotFoundError:
            return True
        except OSError:  # a file system without hard links, such as FAT
            return _create_unlinked(target, data)
    return True


def _create_unlinked(target: Path, data: bytes) -> bool:
    """Still one of several writers; a crash in the middle may leave a part of the object, though."""
    try:
        with target.open("xb") as opened:
            opened.write(data)
    except FileExistsError:
        return False
    except FileNotFoundError:
        return True
    return True


def _sync(unfinished: Path) -> None:
    """Without this a power cut soon after the rename can leave an empty object under the final name."""
    with unfinished.open("rb+") as written:
        os.fsync(written.fileno())


def remove(target: Path) -> None:
    """Remove a file, or a folder with all below it; also what others put there, rename or remove meanwhile."""
    for turn in range(1, _TRIES + 1):
        try:
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
        except OSError as error:
            if error.errno not in _OTHERS_DOING or turn == _TRIES:
                raise
        else:
            return
