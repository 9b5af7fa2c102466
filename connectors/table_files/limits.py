"""The limits of processes that read files of other programs."""

import resource
from typing import Final

__all__ = ["MEMORY_BYTES", "limit_this_process"]

MEMORY_BYTES: Final = 2 << 30
_CPU_S: Final = 600


def limit_this_process() -> None:
    """No more memory and time than a file may take; what goes beyond fails, and leaves no core file."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
