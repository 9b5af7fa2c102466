"""Files on a disk that come into being whole: written beside their place, then renamed or linked."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["UNFINISHED", "create_unlinked", "finished", "sync"]

UNFINISHED: Final = ".unfinished-"
"""Begins the names of files that are being written."""


@contextmanager
def finished(target: Path) -> Iterator[tuple[Path, Path]]:
    """A path beside the target to write to, gone after the block; and the target, whose folder is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.parent / f"{UNFINISHED}{uuid.uuid4().hex}"
    try:
        yield unfinished, target
    finally:
        unfinished.unlink(missing_ok=True)


def sync(unfinished: Path) -> None:
    """Without this a power cut soon after the rename can leave an empty object under the final name."""
    with unfinished.open("rb+") as written:
        os.fsync(written.fileno())


def create_unlinked(target: Path, data: bytes) -> bool:
    """Still one of several writers; a crash in the middle may leave a part of the object, though."""
    try:
        with target.open("xb") as opened:
            opened.write(data)
    except FileExistsError:
        return False
    return True
