"""Programs that are run as whoever runs the tests, and, where that is root, also as an ordinary user."""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.user_code.bubblewrap import bubblewraps
from connectors.user_code.folders import remove_remains

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
NOBODY = 65534
IS_ROOT = os.getuid() == 0
USERS = ["root", "user"] if IS_ROOT else ["user"]


def as_user(user: str) -> list[str]:
    """What stands before a command; an ordinary user may not come to where root's Python is, so it gets a view."""
    if user == "root" or not IS_ROOT:
        return ["env"]
    opened: list[str] = []
    for folder, places in _closed().items():
        opened += ["--perms", "0755", "--tmpfs", str(folder)]
        for place in sorted({folder / place.relative_to(folder).parts[0] for place in places}):
            opened += ["--ro-bind", str(place), str(place)]
    view = [bubblewraps()[0], "--dev-bind", "/", "/", *opened, "--cap-add", "ALL", "--"]
    return [*view, "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env"]


def _closed() -> dict[Path, list[Path]]:
    """Folders that others may not enter, each with what of Python, its packages and this repository lies in it."""
    found: dict[Path, list[Path]] = {}
    for place in {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT.resolve()}:
        closed = [folder for folder in reversed(place.parents) if not folder.stat().st_mode & 0o005]
        if closed:
            found.setdefault(closed[0], []).append(place)
    return found


def python(user: str, script: str, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts here."""
    command = [*as_user(user), f"PYTHONPATH={ROOT}", "TIDECAST_SECRET=hush", sys.executable, str(HERE / script)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=timeout, check=False, cwd="/")


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that others may write to; what programs leave in it may be deeper than Python's own removal goes."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        folder.chmod(0o777)
        yield folder
    finally:
        remove_remains(folder)


@functools.cache
def works(user: str, asked: str) -> str:
    """Why a mode cannot be had here; nothing where it can."""
    ended = python(user, "find.py", asked)
    return "" if ended.returncode == 0 else ended.stderr.strip().splitlines()[-1]


def need(user: str, asked: str) -> None:
    """Skip where the mode does not work; that one does is tested by itself."""
    if reason := works(user, asked):
        pytest.skip(reason[:300])


@functools.cache
def played(user: str, asked: str, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """What became of programs by name."""
    with open_folder() as folder:
        ended = python(user, "play.py", asked, str(folder), ",".join(names))
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture(autouse=True)
def play_again(request: pytest.FixtureRequest) -> None:
    """A test that is run once more judges programs that are run once more."""
    if getattr(request.node, "execution_count", 1) > 1:
        played.cache_clear()
