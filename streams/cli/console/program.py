"""The program as it has to be typed here: advice like "next: `.venv/bin/tidecast up`" is to be copied as it stands."""

import os
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["command_line", "program"]

_NAME = "tidecast"


def command_line(arguments: str) -> str:
    """A command of ours in backticks, called the way this process was."""
    return f"`{program()} {arguments}`"


def program() -> str:
    """The bare name where the shell finds it under that, else its path, the shorter one in the current folder."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return shlex.join([sys.orig_argv[0], "-m", "streams.cli"])
    if called.name != _NAME:  # called by another program
        return _NAME
    found = shutil.which(_NAME)
    with suppress(OSError):
        if found is not None and Path(found).samefile(called):
            return _NAME
    with suppress(OSError, ValueError):  # ValueError: it is not in the current folder
        called = called.absolute().relative_to(Path.cwd())
    path = str(called)
    return shlex.quote(path if os.sep in path else f".{os.sep}{path}")
