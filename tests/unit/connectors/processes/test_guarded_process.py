"""Children that end with their owner, and leftovers of owners that could not see to it."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.processes.guarded_process import GuardedProcess, end_leftover

SOON = timedelta(seconds=10)
WILLING = "echo up; while :; do sleep 1; done"
STUBBORN = f"trap '' TERM; {WILLING}"


def _ends(process: int, within: timedelta = SOON) -> bool:
    """Whether a process, ours or not, ends in time."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within.total_seconds())[0])
    finally:
        os.close(handle)


def _guards_of(process: int) -> list[Path]:
    """The guards that would still end a process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        if arguments[-3:-1] == [b"guard", str(process).encode()]:
            found.append(folder)
    return found


@pytest.fixture
def child(tmp_path: Path) -> Iterator[GuardedProcess]:
    process = GuardedProcess(["/bin/sleep", "600"], cwd=tmp_path, env={}, output=tmp_path / "out")
    yield process
    process.kill()


def test_it_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    """After a kill -9 of the owner, which can do nothing about it, the child ends within seconds."""
    program = (
        "import os, signal; from pathlib import Path; from connectors.processes.guarded_process import GuardedProcess\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "child = GuardedProcess(['/bin/sleep', '600'], cwd=folder, env={}, output=folder / 'out')\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    owner = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert owner.returncode == -signal.SIGKILL
    assert _ends(int(owner.stdout))


def test_it_does_not_share_the_terminal_of_its_owner(child: GuardedProcess) -> None:
    """A Ctrl-C goes to the session of the owner; the child has one of its own."""
    assert os.getsid(child.pid) == child.pid != os.getsid(0)


def test_stopping_it_leaves_no_guard(child: GuardedProcess) -> None:
    """Once the child is gone nothing is left that could end a later process with the same id."""
    while not _guards_of(child.pid):  # its command line shows a moment after its start
        time.sleep(0.01)

    status = child.stop(SOON)

    assert status == -signal.SIGTERM
    assert child.poll() == -signal.SIGTERM
    assert _guards_of(child.pid) == []


def test_its_own_end_dismisses_the_guard_when_seen(child: GuardedProcess) -> None:
    """A child that ended by itself, and was seen to, has no guard any more."""
    os.kill(child.pid, signal.SIGKILL)
    assert _ends(child.pid)

    assert child.poll() == -signal.SIGKILL
    assert _guards_of(child.pid) == []


def test_one_that_does_not_end_is_forced(tmp_path: Path) -> None:
    """A child that ignores the request is killed when the time is up."""
    process = GuardedProcess(["/bin/sh", "-c", STUBBORN], cwd=tmp_path, env={}, output=tmp_path / "out")
    while not (tmp_path / "out").read_bytes():  # until it ignores the signal
        pass

    assert process.stop(timedelta(seconds=0.2)) == -signal.SIGKILL


def test_it_gets_only_the_given_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the owner's environment, where secrets may be, reaches the child."""
    monkeypatch.setenv("SECRET", "x")
    process = GuardedProcess(["/usr/bin/env"], cwd=tmp_path, env={"GIVEN": "1"}, output=tmp_path / "out")
    assert _ends(process.pid)

    assert process.poll() == 0
    assert (tmp_path / "out").read_text() == "GIVEN=1\n"


@pytest.mark.parametrize("script", [WILLING, STUBBORN], ids=["willing", "stubborn"])
def test_a_leftover_is_ended(script: str) -> None:
    """A process with the argument is ended, by force if need be, and gone when that is reported."""
    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"up\n"

        ended = end_leftover(process.pid, script, timedelta(seconds=0.5))

        assert ended
        assert _ends(process.pid, timedelta())


def test_a_stranger_with_the_same_id_is_left_alone(child: GuardedProcess) -> None:
    """A process without the argument is not ours, and lives on."""
    assert not end_leftover(child.pid, "-Dtidecast.home=/somewhere", SOON)
    assert child.poll() is None


def test_a_leftover_that_is_gone_is_no_error(child: GuardedProcess) -> None:
    """An id that no process has any more is nothing to end."""
    child.kill()

    assert not end_leftover(child.pid, "600", SOON)
