"""The lines of a text file, also while it grows, and when they were written.

A line is given when its end is there; a carriage return ends one too, for a progress bar may have written hours of a
training before the first line feed. Its time is what it says itself, else one millisecond after the other from a time
that is given: whoever reads the same file again gets the same points.
"""

import codecs
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Final

__all__ = ["LineFile", "LineTimes", "encoding_of", "milliseconds_of"]

_CHUNK: Final = 4 * 1024 * 1024  # bytes read at a time
_LONGEST: Final = 1024 * 1024  # bytes of a line; of a longer one the beginning counts
_COMPARED: Final = 256  # bytes: a line or two, with a time or a number that another training does not have there
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_END: Final = re.compile(rb"\r\n?|\n")
_STAMP: Final = re.compile(r"[\[(]?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)\s?(Z|[+-]\d\d:?\d\d)?(?=\W|$)")


def encoding_of(beginning: bytes) -> str:
    """What a text file with this beginning is written in: UTF-16 where it says so, as PowerShell's `>` writes it."""
    return "utf-16" if beginning.startswith(_UTF_16) else "utf-8"


class LineFile:
    """Lines of UTF-8, or of UTF-16 with a byte order mark; what is neither becomes a replacement character."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0
        """Up to which byte it has been read."""
        self.begun_again = 0
        """How often the file was found to be another one: overwritten by another training, or rotated."""
        self._before = b""  # the bytes before the position, by which that is found out
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
        self._is_utf_16 = False
        self._rest = b""  # in UTF-8, whatever the file is in
        self._dropping = False  # the rest of a line that is too long

    def read_new(self) -> list[str]:
        """The lines that have got their end since the last time, some megabytes of them; none: nothing is new.

        A file that is away may come again. One that was begun again is read from its beginning.
        """
        while True:
            try:
                data = self._new_bytes()
            except FileNotFoundError:
                return []
            text = self._in_utf_8(data)
            self.position += len(data)
            self._before = (self._before + data[-_COMPARED:])[-_COMPARED:]
            lines = self._lines(text)
            if lines or not data:
                return [line[:_LONGEST].decode("utf-8", "replace") for line in lines]

    def _new_bytes(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.position - len(self._before))
            if file.read(len(self._before)) != self._before:
                self.position, self._before = 0, b""
                self._rest, self._dropping = b"", False
                self.begun_again += 1
                file.seek(0)
            data = file.read(_CHUNK)
            half = self.position == 0 and data in (b"\xff", b"\xfe")  # of a byte order mark: no UTF-8 begins so
            return b"" if half else data

    def _in_utf_8(self, data: bytes) -> bytes:
        if self.position == 0:
            self._is_utf_16 = encoding_of(data) == "utf-16"
            self._decoder.reset()
        return self._decoder.decode(data).encode() if self._is_utf_16 else data

    def _lines(self, data: bytes) -> list[bytes]:
        whole = self._rest + data
        half = b"\r" if whole.endswith(b"\r") else b""  # of an end, if a line feed comes behind it
        *lines, rest = _END.split(whole.removesuffix(half))
        if self._dropping and lines:
            self._dropping = False
            lines = lines[1:]
        if len(rest) > _LONGEST:
            if not self._dropping:
                lines.append(rest[:_LONGEST])
            self._dropping, rest = True, b""
        self._rest = (b"" if self._dropping else rest) + half
        return lines

    def last(self) -> list[str]:
        """The line that has no end and will get none."""
        rest, self._rest = self._rest, b""
        return [rest.removesuffix(b"\r").decode("utf-8", "replace")] if rest else []


def milliseconds_of(text: str) -> int | None:
    """The time that a text begins with, on this machine's clock where it names no zone; None where there is none."""
    found = _STAMP.match(text.lstrip())
    if found is None:
        return None
    try:
        when = datetime.fromisoformat(found[1].replace(",", ".") + (found[2] or ""))
        return round(when.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


class LineTimes:
    """The times of the lines of one file, in their order."""

    def __init__(self, begin: int) -> None:
        """`begin` in epoch milliseconds: of a file's first line that says no time."""
        self._begin = begin
        self._lines = 0
        self._said: int | None = None
        self.live = False
        """Whether lines arrive as they are written."""

    def begin_again(self) -> None:
        """What the lines have said until now is not of the next ones."""
        self._said = None

    def of(self, line: str) -> int:
        """When the next line was written."""
        said = milliseconds_of(line)
        self._lines += 1
        if said is not None:
            self._said = said
        elif self._said is None:
            return round(time.time() * 1000) if self.live else self._begin + self._lines - 1
        return self._said
