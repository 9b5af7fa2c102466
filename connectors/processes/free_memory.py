"""How much memory is left, for this machine and for the container that this process may live in."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["free_memory"]

_GROUPS: Final = Path("/sys/fs/cgroup")  # version 2; within a container this is the container's own
_MEMORY: Final = Path("/proc/meminfo")


def free_memory() -> int | None:
    """Bytes that can be used without taking from others; None where the system does not tell."""
    left = []
    with suppress(OSError):
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", _MEMORY.read_text("ascii"), re.MULTILINE)
        left += [int(found[1]) * 1024] if found else []
    with suppress(OSError, ValueError):  # no such file, or the limit is "max"
        most = int((_GROUPS / "memory.max").read_text("ascii"))
        left.append(most - int((_GROUPS / "memory.current").read_text("ascii")))
    return min(left, default=None)
