"""Lets another user have or read files, by root; of the standard library alone, for the watching process.

Another program of that user may be changing the very folders: everything is reached by handles, no link is followed.
"""

import os
import stat
from collections.abc import Iterator

__all__ = ["give", "let_read"]

_PLAINLY = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # the last lest a pipe be waited for
_DEEPEST = 64  # as `folders` lets programs make them


def give(place: str, user: int) -> None:
    """Make a folder or a file, and all that is in it, the user's."""
    for handle in _handles(place):
        if os.fstat(handle).st_uid != user:
            os.fchown(handle, user, user)


def let_read(place: str, user: int) -> None:
    """Let the group of the user's number read a folder or a file, and all that is in it."""
    for handle in _handles(place):
        about = os.fstat(handle)
        bits = 0o050 if stat.S_ISDIR(about.st_mode) else 0o040
        if about.st_gid != user:
            os.fchown(handle, -1, user)
        if about.st_mode & bits != bits:
            os.fchmod(handle, stat.S_IMODE(about.st_mode) | bits)


def _handles(place: str) -> Iterator[int]:
    """Of it, and of the folders and plain files in it."""
    top = os.open(place, _PLAINLY)
    try:
        yield top
        if stat.S_ISDIR(os.fstat(top).st_mode):
            for path, folders, files, folder in os.fwalk(".", dir_fd=top, follow_symlinks=False):
                if path.count("/") >= _DEEPEST:
                    folders.clear()
                yield folder
                for name in files:
                    yield from _plain_file(name, folder)
    finally:
        os.close(top)


def _plain_file(name: str, folder: int) -> Iterator[int]:
    try:
        handle = os.open(name, _PLAINLY, dir_fd=folder)
    except OSError:  # it is a link, or gone
        return
    try:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            yield handle
    finally:
        os.close(handle)
