"""What a broker said last, for the one who must find out why it did not start."""

import os
import re
from pathlib import Path
from typing import Final

__all__ = ["last_words", "size_of"]

_LINES: Final = 8  # enough for an error and its causes; the rest is in the file
# An error of the log, the exception that belongs to it (it begins a line, the stack below it is indented), its causes.
_TELLING: Final = re.compile(r" (ERROR|FATAL) |^(Caused by: )?[\w.]+(Exception|Error)\b")
_TIME: Final = re.compile(r"^\[[^]]*\] ")
_LONGEST: Final = 400  # Kafka prints whole records into some lines


def size_of(log: Path) -> int:
    """The size in bytes, 0 where there is no such file yet."""
    return log.stat().st_size if log.exists() else 0


def last_words(log: Path, console: Path, *, start: int) -> str:
    """The telling lines of `log` behind the byte `start`, else the end of `console`, and where to read the rest."""
    telling = [_TIME.sub("", line) for line in _lines(log, start) if _TELLING.search(line)]
    chosen = list(dict.fromkeys(telling or _lines(console, 0)))[-_LINES:]  # Kafka says the same several times
    said = " | ".join(line[:_LONGEST] for line in chosen) or "nothing"
    return f"Its last words: {said} (logs are in {log.parent})"


def _lines(path: Path, start: int) -> list[str]:
    try:
        with path.open("rb") as file:
            # A file smaller than before was begun anew meanwhile.
            file.seek(start if start <= os.fstat(file.fileno()).st_size else 0)
            return file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
