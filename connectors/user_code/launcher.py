"""Takes from itself what a user's program must not have, and becomes the program; run by its path, in the sandbox.

It reads what to do as JSON from its input: `command`, `folder`, `environment`, `limits` (name of a limit of the kernel
to number), `user` (whom to become, or null), `own_count` (whether processes are to be counted apart from all others of
that user), and `end_with_parent`.
Of the standard library alone, in one file: nothing
else of ours is to be seen from there.
"""

import ctypes
import errno
import json
import os
import resource
import signal
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

__all__ = ["main"]

_PDEATHSIG: Final = 1
_SET_DUMPABLE: Final = 4
_NO_NEW_PRIVILEGES: Final = 38
_NEW_USERS: Final = 0x10000000  # CLONE_NEWUSER
_NICENESS: Final = 10  # the worker's heartbeats go first where every core is busy
_NOT_STARTED: Final = 127  # as shells say it
_SECCOMP: Final = 22
_FILTER: Final = 2
# A machine's number of its architecture, of clone and unshare, and its column below.
_MACHINES: Final = {"x86_64": (0xC000003E, 56, 272, 0), "aarch64": (0xC00000B7, 220, 97, 1)}
_REFUSED: Final = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "open_by_handle_at": (304, 265),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "acct": (163, 89),
    "swapon": (167, 224),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "shmget": (29, 194),  # memory that belongs to no process, and so is nobody's
    "msgget": (68, 186),
}
# As on an older kernel, where libraries do without: their arguments lie in memory, which no filter sees.
_ABSENT: Final = {"clone3": 435, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}


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
    os.nice(_NICENESS)
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
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "it cannot be kept from gaining privileges")
    _refuse_calls(libc)
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


def _refuse_calls(libc: ctypes.CDLL) -> None:
    """Have the kernel refuse what no training needs and what breaks out of sandboxes; nothing on other machines."""
    machine = os.uname().machine
    if machine not in _MACHINES:
        return
    architecture, clone, unshare, column = _MACHINES[machine]
    refused = [numbers[column] for numbers in _REFUSED.values()]
    absent = [*_ABSENT.values()]
    allow, refuse, lack = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
    load, equal, above, bits, answer = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF_LD_W_ABS, JEQ_K, JGE_K, JSET_K, RET_K
    checks = [
        (load, 0, 0, 4),  # the architecture: the numbers of another are others
        (equal, 1, 0, architecture),
        (answer, 0, 0, lack),
        (load, 0, 0, 0),  # the call's number
        (above, 0, 1, 0x40000000),  # x32's
        (answer, 0, 0, lack),
    ]
    for numbers, verdict in ((refused, refuse), (absent, lack)):
        for number in numbers:
            checks += [(equal, 0, 1, number), (answer, 0, 0, verdict)]
    for number in (clone, unshare):  # with a new user namespace, in which it would be root
        checks += [(equal, 0, 4, number), (load, 0, 0, 16), (bits, 0, 1, _NEW_USERS), (answer, 0, 0, refuse)]
        checks += [(answer, 0, 0, allow)]
    code = b"".join(struct.pack("HBBI", *check) for check in [*checks, (answer, 0, 0, allow)])
    kept = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(code) // 8, ctypes.addressof(kept))
    if libc.prctl(_SECCOMP, _FILTER, ctypes.c_char_p(program), 0, 0) != 0 and ctypes.get_errno() != errno.EINVAL:
        raise OSError(ctypes.get_errno(), "its system calls cannot be filtered")


def _found(program: str, environment: dict[str, str]) -> str:
    if "/" in program:
        return program
    for folder in environment.get("PATH", os.defpath).split(":"):
        if os.access(f"{folder}/{program}", os.X_OK):
            return f"{folder}/{program}"
    raise FileNotFoundError(0, "no such program in PATH")


if __name__ == "__main__":
    main()
