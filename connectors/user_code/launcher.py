"""Takes from itself what a user's program must not have, and becomes the program; run by its path, in the sandbox.

It reads what to do as JSON from its input: `command`, `folder`, `environment`, `limits` (name of a limit of the kernel
to number), `user` (whom to become, or null), `own_count` (whether processes are to be counted apart from all others of
that user), and `end_with_parent`.
Of the standard library alone, in one file: nothing
else of ours is to be seen from there.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

__all__ = ["main"]

_PDEATHSIG: Final = 1
_SET_DUMPABLE: Final = 4
_NO_NEW_PRIVILEGES: Final = 38
_NEW_USERS: Final = 0x10000000  # CLONE_NEWUSER
_NOT_STARTED: Final = 127  # as shells say it


def main() -> None:
    """Become the program; what prevents it goes to the program's log."""
    plan = json.loads(sys.stdin.buffer.read())
    try:
        _prepare(plan)
        os.execve(_found(plan["command"][0], plan["environment"]), plan["command"], plan["environment"])  # noqa: S606
    except OSError as error:
        reason = f"{plan['command'][0]} cannot be started: {error.strerror}: {error.filename or ''}"
        os.write(2, reason.encode() + b"\n")
        os._exit(_NOT_STARTED)


def _prepare(plan: dict[str, Any]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    with suppress(PermissionError):  # it leads a session already
        os.setsid()
    os.umask(0o077)
    user = plan["user"]
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        if plan["own_count"]:
            _count_apart(libc, user)
    if 0 in (os.getuid(), os.geteuid()):
        raise PermissionError(0, "a program of a user is never run as root")
    for name, most in plan["limits"].items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # A second more of CPU time: the first signal says why, the last cannot be ignored.
        resource.setrlimit(
            kind, (least, least + 1 if name == "RLIMIT_CPU" and hard == resource.RLIM_INFINITY else least)
        )
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if plan["end_with_parent"]:  # it has no namespace of its own, which would end with its first process
        libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.chdir(plan["folder"])


def _count_apart(libc: ctypes.CDLL, user: int) -> None:
    """Have a user namespace, in which the kernel counts processes anew; without one they share the user's count."""
    libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)  # else what is below belongs to root
    if libc.unshare(_NEW_USERS) == 0:
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"{user} {user} 1", "ascii")


def _found(program: str, environment: dict[str, str]) -> str:
    if "/" in program:
        return program
    for folder in environment.get("PATH", os.defpath).split(":"):
        if os.access(f"{folder}/{program}", os.X_OK):
            return f"{folder}/{program}"
    raise FileNotFoundError(0, "no such program in PATH")


if __name__ == "__main__":
    main()
