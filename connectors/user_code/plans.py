"""How a program is run in one mode: the commands of the processes around it, and their start."""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from connectors.user_code.bubblewrap import bubblewrap_arguments
from connectors.user_code.programs import UserProgram
from connectors.user_code.supervisor import Plan
from connectors.user_code.views import (
    LAUNCHER,
    device_files,
    environment_of,
    home_of,
    network_files,
    python_folders,
    system_files,
    temporary_of,
)

__all__ = ["Kind", "Mode", "spawn"]

_ROOT: Final = str(Path(__file__).parents[2])  # from where our packages are imported
_MAIN: Final = "import sys; sys.path.insert(0, sys.argv.pop(1)); from connectors.user_code.{0} import main; main()"
_LAUNCH: Final = (sys.executable, "-I", "-S", str(LAUNCHER))
_MIB: Final = 1 << 20
_COUNTS_BY_NAMESPACE: Final = (5, 14)  # the kernel that does so of processes, not by user alone
# Of processes sandlock shows the program's own alone.
_SHOWN: Final = ("/proc", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


class Kind(StrEnum):
    """What holds a program."""

    BWRAP = "bwrap"
    SANDLOCK = "sandlock"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True)
class Mode:
    """How programs are held here; `user` is whom they become, None where we are an ordinary user ourselves."""

    kind: Kind
    user: int | None = None
    bwrap: str = ""

    @property
    def words(self) -> str:
        """For whoever runs the service."""
        who = "" if self.user is None else f", as user {self.user}"
        return {
            Kind.BWRAP: f"bubblewrap ({self.bwrap}){who}: own processes, network and file system",
            Kind.SANDLOCK: f"sandlock (Landlock and seccomp){who}: sees its own folders, no network, no other process",
            Kind.UNSAFE: f"UNSAFE: limits alone{who}. Programs read what that user reads, reach the network, and may"
            " stop or read other processes of that user: only for programs that you would run yourself",
        }[self.kind]


def spawn(program: UserProgram, mode: Mode) -> tuple["subprocess.Popen[bytes]", int]:
    """The supervisor that runs it, and the descriptor where what the program prints is read; OSError if it cannot be.

    What the supervisor writes is the JSON of the arguments of `outcome_of`. When its input is closed, all ends.
    """
    # The second is the program's /tmp, which our Python may lie below: root without its rights has to come through.
    for folder, mode_bits in ((home_of(program), 0o700), (temporary_of(program), 0o711)):
        if folder.is_symlink():  # an earlier program's, to have another place given to this one
            folder.unlink()
        folder.mkdir(exist_ok=True)
        folder.chmod(mode_bits)
    log, theirs = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _MAIN.format("supervisor"), _ROOT],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(theirs,),
            cwd="/",
            env={"PATH": os.defpath},
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(_plan(program, mode, theirs))).encode() + b"\n")
    except BaseException:
        os.close(log)
        raise
    finally:
        os.close(theirs)
    return process, log


def _plan(program: UserProgram, mode: Mode, log: int) -> Plan:
    limits = program.limits
    writable = [str(path) for path in (program.work_folder, *program.write_folders)]
    own_namespaces = mode.kind is Kind.BWRAP
    counted_apart = own_namespaces and _kernel() >= _COUNTS_BY_NAMESPACE
    return Plan(
        command=_command(program, mode),
        launcher={
            "command": list(program.command),
            "folder": str(program.work_folder),
            "environment": dict(environment_of(program)),
            "limits": _kernel_limits(program),
            # sandlock's host becomes the user, before it holds the program.
            "user": None if mode.kind is Kind.SANDLOCK else mode.user,
            "own_count": counted_apart,
            "end_with_parent": not own_namespaces,
        },
        log=log,
        depth={Kind.BWRAP: 2, Kind.SANDLOCK: 1, Kind.UNSAFE: 0}[mode.kind],
        tells_signals=mode.kind is not Kind.UNSAFE,
        counted_with_others=not counted_apart,
        user=os.getuid() if mode.user is None else mode.user,
        folders=writable,
        owned=[] if mode.user is None else writable,
        readable=[] if mode.user is None else [str(path) for path in program.read_folders],
        cpu_s=limits.cpu_s,
        wall_s=limits.wall_s,
        memory_mib=limits.memory_mib,
        processes=limits.processes,
        total_file_mib=limits.total_file_mib,
        files=limits.files,
    )


def _kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])


def _kernel_limits(program: UserProgram) -> dict[str, int]:
    """Of each process; of those that the supervisor counts in sum, the kernel stops the quick ones at once."""
    limits = program.limits
    return {
        "RLIMIT_CPU": limits.cpu_s,
        # Not RLIMIT_AS: TensorFlow reserves 2.7 GiB of addresses, of which it uses a fifth.
        "RLIMIT_DATA": limits.memory_mib * _MIB,
        "RLIMIT_FSIZE": min(limits.file_mib, limits.total_file_mib) * _MIB,
        "RLIMIT_NPROC": limits.processes,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_CORE": 0,
    }


def _command(program: UserProgram, mode: Mode) -> list[str]:
    match mode.kind:
        case Kind.BWRAP:
            arguments = bubblewrap_arguments(program, as_root=mode.user is not None)
            return [mode.bwrap, *arguments, "--", *_LAUNCH]
        case Kind.SANDLOCK:
            return [sys.executable, "-I", "-c", _MAIN.format("sandlock_host"), _ROOT, json.dumps(_hold(program, mode))]
        case Kind.UNSAFE:
            return [*_LAUNCH]


def _hold(program: UserProgram, mode: Mode) -> dict[str, Any]:
    """The arguments of `sandlock_host.Hold`, which is not imported here: it loads sandlock's library."""
    network = program.limits.network
    readable = [
        *system_files(),
        *python_folders(),
        LAUNCHER,
        *map(Path, _SHOWN),
        *(network_files() if network else ()),
        *program.read_folders,
    ]
    return {
        "command": list(_LAUNCH),
        "readable": [str(path) for path in readable if path.exists()],
        "writable": [
            str(path) for path in (Path("/dev/null"), program.work_folder, *program.write_folders, *device_files())
        ],
        "folder": str(program.work_folder),
        "processes": program.limits.processes,
        "network": network,
        "user": mode.user,
    }
