"""Runs a child process that outlives neither this process nor, at the next start, a crash of both."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

__all__ = ["GuardedProcess", "end_leftover"]

# A pipe tells of this process's death however it dies, kill -9 included: the kernel closes it. Linux's parent-death
# signal would not do: it comes when the *thread* that started the child ends. A word in the pipe dismisses the guard.
_GUARD: Final = """
read -r dismissed && exit 0
kill -TERM "$1" 2>/dev/null
seconds=0
while kill -0 "$1" 2>/dev/null; do
  seconds=$((seconds + 1))
  [ "$seconds" -gt 20 ] && kill -KILL "$1"
  sleep 1
done
"""
_POLL_S: Final = 0.05  # how often a process that is not our child is looked at while it ends
_KILLED_WITHIN_S: Final = 10.0  # the kernel needs a moment to take down a large process


class GuardedProcess:
    """A running command in a session of its own, so that a Ctrl-C in the terminal reaches only its owner.

    Ends with the process that created it: by `stop` or `kill`, or by a guard when that process dies without either.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: Path) -> None:
        """Start `command` with exactly the environment `env`; the file `output` is emptied and gets what it prints."""
        with output.open("wb") as printed:
            self._child = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self.pid)],
            cwd="/",
            env={"PATH": os.defpath},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id, also after its end."""
        return self._child.pid

    def poll(self) -> int | None:
        """The exit status (negative: the signal), or None while it runs."""
        status = self._child.poll()
        if status is not None:
            self._dismiss_guard()
        return status

    def stop(self, timeout: timedelta) -> int:
        """Ask it to end, force it when the time is up; the exit status."""
        self._child.terminate()
        try:
            self._child.wait(timeout.total_seconds())
        except subprocess.TimeoutExpired:
            return self.kill()
        self._dismiss_guard()
        return self._child.returncode

    def kill(self) -> int:
        """End it and its own children at once (SIGKILL); the exit status."""
        if self._child.poll() is None:
            with suppress(ProcessLookupError, PermissionError):  # it ended just now
                os.killpg(self.pid, signal.SIGKILL)
        self._child.wait(_KILLED_WITHIN_S)
        self._dismiss_guard()
        return self._child.returncode

    def _dismiss_guard(self) -> None:
        """Let the guard go as soon as the child is gone: the child's id may soon be another process's."""
        if self._guard.poll() is None:
            self._guard.communicate(b"dismissed\n")


def end_leftover(pid: int, argument: str, timeout: timedelta) -> bool:
    """End process `pid` if it was started with exactly this command-line argument, and wait until it is gone.

    False where it was not running or is another program that has the id by now, which is left alone. SIGTERM first,
    SIGKILL when the time is up; TimeoutError where even that does not end it.
    """
    with _handle_of(pid) as handle:
        return argument in _arguments(pid) and _ended(pid, argument, handle, timeout)


def _ended(pid: int, argument: str, handle: int | None, timeout: timedelta) -> bool:
    for sign, seconds in ((signal.SIGTERM, timeout.total_seconds()), (signal.SIGKILL, _KILLED_WITHIN_S)):
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return True
        if handle is not None:
            # Its arguments vanish before its files and ports are closed; the handle tells when all is done.
            if select.select([handle], [], [], seconds)[0]:
                return True
            continue
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if argument not in _arguments(pid):
                return True
            time.sleep(_POLL_S)
    raise TimeoutError(f"process {pid} does not end")


@contextmanager
def _handle_of(pid: int) -> Iterator[int | None]:
    """A descriptor that can be read once the process has ended; None where there is no such thing (macOS)."""
    handle = None
    with suppress(AttributeError, OSError):
        handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        if handle is not None:
            os.close(handle)


def _arguments(pid: int) -> Sequence[str]:
    """The command line of a process; empty where it has ended, also while nobody has collected its exit status."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        pass
    if Path("/proc/self").exists():
        return []
    # macOS has no /proc; ps joins the arguments with blanks, so an argument with blanks is not recognised there.
    listed = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.split()
