"""The process that holds a program by sandlock, which answers its system calls; a sandbox of Landlock and seccomp.

Run with one argument, the JSON of a `Hold`. It ends as shells do: with the program's code, or 128 and its signal.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from sandlock import ExitReason, Sandbox, SandlockError, StdioMode, landlock_abi_version, min_landlock_abi

from connectors.user_code.linux import become, end_with_parent

__all__ = ["Hold", "main"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What sandlock is told."""

    command: Sequence[str]
    readable: Sequence[str]
    writable: Sequence[str]
    folder: str
    processes: int
    network: bool
    user: int | None  # whom to become first


def main() -> None:
    """Hold the program until it ends."""
    end_with_parent(os.getppid())
    hold = Hold(**json.loads(sys.argv[1]))
    if hold.user is not None:
        become(hold.user)
    anywhere = ["*:*"] if hold.network else []
    sandbox = Sandbox(
        fs_readable=list(hold.readable),
        fs_writable=list(hold.writable),
        cwd=hold.folder,
        max_processes=hold.processes,
        net_allow=anywhere,
        net_allow_bind=["*"] if hold.network else [],
        no_coredump=False,
        clean_env=True,
    )
    if not os.access(hold.command[0], os.X_OK):
        sys.exit(f"{hold.command[0]} cannot be run by user {os.getuid()}")
    try:
        started = sandbox.popen(list(hold.command), StdioMode.INHERIT, StdioMode.INHERIT, StdioMode.INHERIT)
    except (RuntimeError, SandlockError) as error:
        sys.exit(f"{error} (Landlock here is of version {landlock_abi_version()}, {min_landlock_abi()} is needed)")
    ended = started.wait()
    if ended.reason == ExitReason.SIGNALED:
        os._exit(128 + ended.signal)
    os._exit(ended.exit_code if ended.reason == ExitReason.EXITED else 128 + signal.SIGKILL)
