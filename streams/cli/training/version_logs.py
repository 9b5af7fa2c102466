"""The log of a version, all of it or until the version has ended."""

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TextIO

from streams.cli.console.failure import CommandError
from streams.cli.console.terminal import one_line
from streams.cli.training.tables import ENDED, status_words

if TYPE_CHECKING:
    from streams.cli.service.session import Session

__all__ = ["check_completed", "follow", "print_from"]

_LOOK_S: Final = 0.5
_BEFORE_LOG: Final = (1, 7)  # new, waiting


def follow(session: "Session", path: str, log_file: str, to: TextIO | None = None) -> Mapping[str, Any]:
    """Print a log until its version has ended; the version then. What was printed last is read after the end."""
    offset = 0
    while True:
        version: Mapping[str, Any] = session.client.get(path)
        if version["status"] not in _BEFORE_LOG:
            offset = print_from(session, path, log_file, offset, to)
        if version["status"] in ENDED:
            return version
        session.watch()
        time.sleep(_LOOK_S)


def check_completed(version: Mapping[str, Any]) -> None:
    """CommandError, with the reason, where a version that has ended did not come to its end."""
    if (words := status_words(version["status"])) != "completed":
        message = version.get("message") or "its log says why"
        raise CommandError(f"{version['job_name']} {version['version_name']} {words}: {one_line(message)}")


def print_from(session: "Session", path: str, log_file: str, offset: int = 0, to: TextIO | None = None) -> int:
    """Print what follows, by default to standard output; where it ends."""
    to = sys.stdout if to is None else to
    while True:
        part = session.client.get(f"{path}/aom-log", {"log_file": log_file, "offset": offset})
        for line in part["content"].splitlines():
            print(one_line(line), file=to)  # not for a console, which wraps lines
        to.flush()
        if part["next_offset"] == offset:
            return offset
        offset = part["next_offset"]
