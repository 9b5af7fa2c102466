"""Finds out, by really trying, what can hold a user's program on this machine."""

import json
import os
import select
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from connectors.user_code.bubblewrap import bubblewraps
from connectors.user_code.plans import Kind, Mode, spawn
from connectors.user_code.programs import Limits, Outcome, UserProgram, outcome_of

__all__ = ["Kind", "Mode", "NoModeError", "found_mode"]

_ASKED: Final = {
    "process": (Kind.BWRAP, Kind.SANDLOCK),
    "bwrap": (Kind.BWRAP,),
    "sandlock": (Kind.SANDLOCK,),
    "process-unsafe": (Kind.UNSAFE,),
}
_PYTHON: Final = (sys.executable, "-I", "-S", "-c")
_TRIED_WITHIN_S: Final = 20.0
# Prints "held" when it is nobody's root, and neither reads what it was not given nor reaches this machine's network.
_TRIAL: Final = """
import os, socket, sys
if os.getuid() == 0: sys.exit("it runs as root")
open("written", "w").close()
if sys.argv[3] == "unsafe": sys.exit(print("held"))
try: open(sys.argv[1]).read()
except OSError: pass
else: sys.exit("it reads files that it was not given")
try: socket.create_connection(("127.0.0.1", int(sys.argv[2])), 2)
except OSError: pass
else: sys.exit("it reaches the network")
print("held")
"""
_REMEDY: Final = (
    "Allow user namespaces to bubblewrap (on Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; in Docker:"
    " --security-opt seccomp=unconfined --security-opt apparmor=unconfined, or a profile that allows clone and mount),"
    " or run a kernel of 6.12 or newer with Landlock for sandlock. As root, Python and its packages must be readable"
    " for the user that programs become. Else leave user code off"
)


class NoModeError(RuntimeError):
    """Nothing of what was asked for works here; says what was tried and what can be done."""


def found_mode(asked: str, *, user: int = 65534) -> Mode:
    """The best that works here of what is asked: ``process``, ``bwrap``, ``sandlock`` or ``process-unsafe``.

    Started as root, programs become `user`. NoModeError, with the remedy, where nothing works. Blocks for a moment.
    """
    if asked not in _ASKED:
        raise NoModeError(f"user code cannot be held by {asked!r}: one of {', '.join(_ASKED)}")
    if sys.platform != "linux":
        raise NoModeError("user code is run on Linux alone: leave it off here, or run the trainer in a container")
    if os.getuid() == 0 and user == 0:
        raise NoModeError("user code is never run as root: name another user to become, such as 65534")
    tried = []
    for kind in _ASKED[asked]:
        for mode in _ways(kind, user if os.getuid() == 0 else None):
            reason = _tried(mode)
            if reason is None:
                return mode
            tried.append(f"{mode.bwrap or kind}: {reason}")
    raise NoModeError(f"nothing can hold user code here. Tried: {'; '.join(tried) or 'no bubblewrap found'}. {_REMEDY}")


def _ways(kind: Kind, user: int | None) -> Iterator[Mode]:
    if kind is Kind.BWRAP:
        yield from (Mode(kind, user, bwrap) for bwrap in bubblewraps())
    else:
        yield Mode(kind, user)


def _tried(mode: Mode) -> str | None:
    """Why it does not hold; None where it does."""
    try:
        outcome, printed = _trial(mode)
    except OSError as error:  # no place for temporary files, or the like
        return str(error)
    if outcome.succeeded and printed.splitlines()[-1:] == ["held"]:  # a sandbox may have words of its own before it
        return None
    return " ".join(printed.split())[-300:] or outcome.words


def _trial(mode: Mode) -> tuple[Outcome, str]:
    with (
        tempfile.TemporaryDirectory(prefix="tidecast-trial-") as folder,
        socket.create_server(("127.0.0.1", 0)) as door,
    ):
        place = Path(folder)
        place.chmod(0o755)
        work, secret = place / "work", place / "secret"
        work.mkdir()
        secret.write_text("not to be read", "ascii")
        secret.chmod(0o644)
        trial = UserProgram(
            command=(*_PYTHON, _TRIAL, str(secret), str(door.getsockname()[1]), mode.kind),
            work_folder=work,
            limits=Limits(cpu_s=10, wall_s=_TRIED_WITHIN_S, memory_mib=512, processes=64, files=100),
        )
        return _run(trial, mode)


def _run(program: UserProgram, mode: Mode) -> tuple[Outcome, str]:
    """Run it to its end, in this thread."""
    process, log = spawn(program, mode)
    printed = b""
    patience = time.monotonic() + program.limits.wall_s + 5
    with process:
        assert process.stdout is not None
        os.set_blocking(log, False)
        told = b""
        while time.monotonic() < patience and not told.endswith(b"\n"):
            select.select([process.stdout.fileno(), log], [], [], 1.0)
            printed += _read(log)
            if select.select([process.stdout.fileno()], [], [], 0)[0]:
                block = os.read(process.stdout.fileno(), 65536)
                if not block:
                    break
                told += block
        printed += _read(log)
        os.close(log)
    outcome = outcome_of(**json.loads(told)) if told else outcome_of(None, None, words="it did not answer")
    return outcome, printed.decode(errors="replace")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""
