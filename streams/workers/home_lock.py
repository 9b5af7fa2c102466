"""One service on a home at a time: a lock that its process holds, and that goes with it however it ends."""

import fcntl
import time
from pathlib import Path
from typing import IO, Final

__all__ = ["is_held", "take"]

_FILE: Final = "lock"
_LOOKED_AT_S: Final = 0.5  # who looks whether it is held has it itself for a moment
_AGAIN_S: Final = 0.05


def take(home: Path) -> IO[str] | None:
    """The lock, held until it is closed; None where another process has it. OSError where the home cannot be used."""
    lock = (home / _FILE).open("w", encoding="utf-8")
    until = time.monotonic() + _LOOKED_AT_S
    while not _locked(lock, fcntl.LOCK_EX):
        if time.monotonic() > until:
            lock.close()
            return None
        time.sleep(_AGAIN_S)
    return lock


def is_held(home: Path) -> bool:
    """Whether a process has the lock: it runs a service there, starts or stops it."""
    try:
        with (home / _FILE).open(encoding="utf-8") as lock:
            return not _locked(lock, fcntl.LOCK_SH)
    except OSError:
        return False  # nobody has used this home


def _locked(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
