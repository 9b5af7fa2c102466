"""Files of other programs that hold a table by columns or in a sheet, read as the CSV text that they would be."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from connectors.table_files.forms import TableForm
from connectors.table_files.limits import MEMORY_BYTES
from connectors.table_files.workbooks import XLSX

__all__ = ["FIRST_BYTES", "PROGRAM", "READ", "WORKBOOK_PROGRAM", "UnreadableTableError", "form_of", "opened_as_csv"]

FIRST_BYTES: Final = 8  # of a file, by which its form is known
_BEGINS: Final[Mapping[bytes, TableForm]] = {
    b"PAR1": TableForm.PARQUET,
    b"ARROW1\0\0": TableForm.ARROW,
    b"\xff\xff\xff\xff": TableForm.ARROW,  # a stream
}
PROGRAM: Final = "connectors.table_files.as_csv"
WORKBOOK_PROGRAM: Final = "connectors.table_files.workbook_as_csv"
READ: Final = (TableForm.PARQUET.value, TableForm.ARROW.value, XLSX)
"""The forms that are read; CSV is read as it is."""
_END_S: Final = 10.0  # in which a process that has written all, or may write no more, ends
_TOLD: Final = 1000  # characters of a reason
_NO_MEMORY: Final = "memory allocation of"


class UnreadableTableError(ValueError):
    """A file has no table that could be a CSV file; the text says why, and what to do."""


def form_of(first: bytes) -> TableForm | None:
    """The form of a file that begins so; None of any other, CSV too."""
    return next((form for begin, form in _BEGINS.items() if first.startswith(begin)), None)


@contextmanager
def opened_as_csv(path: Path, form: str, sheet: str | None = None) -> Iterator["_Told"]:
    """The text: a header, then a line for each row, in UTF-8 as RFC 4180 says; `read` raises UnreadableTableError.

    `form` is one of READ. Of a workbook it is the text of a `sheet`, else of the first with a table; once all is read,
    the answer's `sheet` and `notes` tell which, and what is odd about it.

    Times with a zone are written as its wall clock with the offset, all others as they are. It is written by a process
    of its own, with limits of memory and time: such files are read in C++ or Rust, and a small one may say that it is
    large.
    """
    program, what = (WORKBOOK_PROGRAM, sheet or "") if form == XLSX else (PROGRAM, form)
    command = [sys.executable, "-P", "-m", program, str(path), what]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield _Told(process, form)
        finally:
            if process.poll() is None:
                process.kill()


class _Told:
    """What a process writes, as a file; at its end the process must have ended well."""

    def __init__(self, process: "subprocess.Popen[bytes]", form: str) -> None:
        self.sheet: str | None = None
        self.notes: tuple[str, ...] = ()
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
            if said:
                told = json.loads(said.rpartition("\n")[2])
                self.sheet, self.notes = told["sheet"], tuple(told["told"])
            return
        reason = said.rpartition("\n")[2][:_TOLD] if status == 1 and said else "it is damaged, or takes too much time"
        if _NO_MEMORY in said:  # of a program in Rust, which ends then
            reason = f"it needs more than {MEMORY_BYTES >> 20} MiB at once: keep the table alone in the workbook"
        if reason.startswith("sheet: "):
            raise UnreadableTableError(reason)
        raise UnreadableTableError(f"the {self._form} file cannot be read: {reason}; or upload the table as CSV")


def _pipe(found: IO[bytes] | None) -> IO[bytes]:
    if found is None:
        raise RuntimeError("the process was begun without this pipe")
    return found
