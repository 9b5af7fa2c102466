"""Makes clean lines of the bytes that a program prints, in constant memory whatever it prints."""

import re
from typing import Final

__all__ = ["LINE_BYTES", "LogLines"]

LINE_BYTES: Final = 16 * 1024  # a line is cut here; nobody reads further, and a program may print no line end for hours
_CUT: Final = " … (line cut)"
_KEPT: Final = LINE_BYTES - len(_CUT.encode())
_ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]?"  # colours, moves of the cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links: text up to its end
    r"|\x1b[ -/]*[0-~]?"  # the others
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class LogLines:
    """What is fed, as lines: the text after the last return (progress bars), no colours, invalid UTF-8 replaced.

    The same bytes give the same lines however they are cut into blocks. When the lines have `most_bytes`, one more says
    that the log is cut there, and what follows is dropped.
    """

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes
        self._most = most_bytes
        self._line = bytearray()
        self._returned = False  # the cursor is at the line's start: what comes next replaces it, a line end keeps it
        self._long = False  # the line has lost its end
        self._closed = False

    @property
    def cut(self) -> bool:
        """Whether the log is cut; what is fed is dropped."""
        return self._closed

    def feed(self, block: bytes) -> list[str]:
        """The lines that this block completes."""
        lines: list[str] = []
        if self._closed:
            return lines
        *complete, rest = block.split(b"\n")
        for part in complete:
            self._add(part)
            self._end_line(lines)
            if self._closed:
                return lines
        self._add(rest)
        return lines

    def end(self) -> list[str]:
        """The last line, where the program did not end it."""
        lines: list[str] = []
        if self._line and not self._closed:
            self._end_line(lines)
        return lines

    def _add(self, part: bytes) -> None:
        text = part.rstrip(b"\r")
        if text:
            start = text.rfind(b"\r") + 1
            if self._returned or start:
                self._line.clear()
                self._long = self._returned = False
            room = LINE_BYTES - len(self._line)
            self._line += text[start : start + room]
            self._long = self._long or len(text) - start > room
        if len(text) < len(part):
            self._returned = True

    def _end_line(self, lines: list[str]) -> None:
        line = _clean(self._line, long=self._long)
        self._line.clear()
        self._long = self._returned = False
        self._left -= len(line.encode()) + 1
        if self._left < 0:
            self._closed = True
            line = f"log cut: it has {self._most} bytes, the most that are kept"
        lines.append(line)


def _clean(raw: bytearray, *, long: bool) -> str:
    kept = raw[:_KEPT] if long else raw
    text = kept.decode("utf-8", "replace")
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    text = _CONTROLS.sub("", text)
    if len(text) * 3 > LINE_BYTES:  # what is replaced takes three bytes, and may have been one
        whole = text.encode()
        if len(whole) > (_KEPT if long else LINE_BYTES):
            text, long = whole[:_KEPT].decode("utf-8", "ignore"), True
    return text + _CUT if long else text
