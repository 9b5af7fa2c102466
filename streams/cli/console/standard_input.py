"""A file that comes on the standard input: `-` in the place of its name."""

# ruff: noqa: PLC0415  # what only this needs is loaded by it, so that `tidecast --help` stays quick

import sys
from pathlib import Path
from typing import Final

__all__ = ["given_file"]

_STANDARD_INPUT: Final = Path("-")
_NAME: Final = "stdin.csv"


def given_file(file: Path) -> Path:
    """The file; for `-` a copy of all that comes on the standard input, which goes with the process."""
    if file != _STANDARD_INPUT:
        return file
    import atexit
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="tidecast-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with (folder / _NAME).open("wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return folder / _NAME
