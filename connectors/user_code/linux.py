"""What the processes around a user's program ask of Linux that Python has no words for.

Of the standard library alone.
"""

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["become", "end_first_when_memory_ends", "end_with_parent", "hide_from_others", "take_in_orphans"]

_PDEATHSIG: Final = 1
_SET_DUMPABLE: Final = 4
_CHILD_SUBREAPER: Final = 36


def take_in_orphans() -> None:
    """What the processes below this one leave behind becomes its own child."""
    _prctl(_CHILD_SUBREAPER, 1)


def hide_from_others() -> None:
    """No process of the same user may look into this one's memory, or stop it as a debugger does."""
    _prctl(_SET_DUMPABLE, 0)


def end_with_parent(parent: int) -> None:
    """Die when the parent does, which is this process; to be called by a child of a process with one thread."""
    _prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def end_first_when_memory_ends() -> None:
    """Let the kernel end this process, and all that it starts, before others where the machine has no memory left."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800", "ascii")


def become(user: int) -> None:
    """Be this user, in no group but the one of its number."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
