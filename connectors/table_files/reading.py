"""Files of other programs that hold a table by columns, read as the CSV text that they would be."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from connectors.table_files.forms import TableForm

__all__ = ["FIRST_BYTES", "PROGRAM", "UnreadableTableError", "form_of", "opened_as_csv"]

FIRST_BYTES: Final = 8  # of a file, by which its form is known
_BEGINS: Final[Mapping[bytes, TableForm]] = {
    b"PAR1": TableForm.PARQUET,
    b"ARROW1\0\0": TableForm.ARROW,
    b"\xff\xff\xff\xff": TableForm.ARROW,  # a stream
}
PROGRAM: Final = "connectors.table_files.as_csv"
_END_S: Final = 10.0  # in which a process that has written all, or may write no more, ends
_TOLD: Final = 1000  # characters of a reason


class UnreadableTableError(ValueError):
    """A file has no table that could be a CSV file; the text says why, and what to do."""


def form_of(first: bytes) -> TableForm | None:
    """The form of a file that begins so; None of any other, CSV too."""
    return next((form for begin, form in _BEGINS.items() if first.startswith(begin)), None)


@contextmanager
def opened_as_csv(path: Path, form: TableForm) -> Iterator["_Told"]:
    """The text: a header, then a line for each row, in UTF-8 as RFC 4180 says; `read` raises UnreadableTableError.

    Times with a zone are written as its wall clock with the offset, all others as they are. It is written by a process
    of its own, with limits of memory and time: such files are read in C++, and a small one may say that it is large.
    """
    command = [sys.executable, "-P", "-m", PROGRAM, str(path), form]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield _Told(process, form)
        finally:
            if process.poll() is None:
                process.kill()


class _Told:
    """What a process writes, as a file; at its end the process must have ended well."""

    def __init__(self, process: "subprocess.Popen[bytes]", form: TableForm) -> None:
        self._process = process
        self._form = form

    def read(self, size: int) -> bytes:
        """At most so many bytes, none at the end."""
        data = _pipe(self._process.stdout).read(size)
        if not data:
            self._end()
        return data

    def _end(self) -> None:
        said = _pipe(self._process.stderr).read().decode(errors="replace").strip()
        status = self._process.wait(_END_S)
        if status == 0:
            return
        reason = said.rpartition("\n")[2][:_TOLD] if status == 1 and said else "it is damaged, or takes too much time"
        raise UnreadableTableError(f"the {self._form} file cannot be read: {reason}; or upload the table as CSV")


def _pipe(found: IO[bytes] | None) -> IO[bytes]:
    if found is None:
        raise RuntimeError("the process was begun without this pipe")
    return found
