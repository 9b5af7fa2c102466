"""What a user's program sees of this machine: system libraries, this Python, and the folders that it was given."""

import glob
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from connectors.user_code.programs import UserProgram

__all__ = [
    "LAUNCHER", "device_files", "environment_of", "home_of", "network_files", "python_folders", "system_files",
    "temporary_of",
]  # fmt: skip

LAUNCHER: Final = Path(__file__).with_name("launcher.py")
_LIBRARIES: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
_SETTINGS: Final = (
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime", "/etc/timezone",
    "/etc/fonts",
    "/sys/devices/system/cpu", "/sys/devices/system/node",
)  # fmt: skip
_NETWORK: Final = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
    "/etc/ssl", "/etc/pki", "/etc/ca-certificates",
)  # fmt: skip
_GPU: Final = ("/dev/nvidia*", "/dev/kfd", "/dev/dri")


def system_files() -> list[Path]:
    """Libraries and programs of the system, and what tells where they are; also links."""
    return [path for path in map(Path, (*_LIBRARIES, *_SETTINGS)) if path.exists()]


def network_files() -> list[Path]:
    """What tells how names are found, and whom to trust."""
    return [path for path in map(Path, _NETWORK) if path.exists()]


def device_files() -> list[Path]:
    """Devices that compute, where there are any."""
    return [Path(name) for pattern in _GPU for name in glob.glob(pattern)]  # noqa: PTH207 - absolute patterns


def python_folders() -> list[Path]:
    """Where this Python and its packages are, also by their names without links."""
    named = [Path(name) for name in (sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix)]
    found = dict.fromkeys([*named, *(path.resolve() for path in named)])
    return [path for path in found if not path.is_relative_to("/usr")]


def home_of(program: UserProgram) -> Path:
    """Its own home, in its work folder."""
    return program.work_folder / ".home"


def temporary_of(program: UserProgram) -> Path:
    """Its own place for temporary files, likewise."""
    return program.work_folder / ".tmp"


def environment_of(program: UserProgram) -> Mapping[str, str]:
    """All that is in its environment: nothing of ours."""
    return {
        "PATH": os.pathsep.join((f"{sys.prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": str(home_of(program)),
        "TMPDIR": str(temporary_of(program)),
        "USER": "user",
        "LOGNAME": "user",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        **program.environment,
    }
