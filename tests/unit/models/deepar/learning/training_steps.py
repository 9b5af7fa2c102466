"""What the processes of a test's pool run: a list of things that happen, and at the end the process's id."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["happen"]

Report = Callable[[object], None]


def happen(steps: object, report: Report) -> dict[str, object]:
    """Let it all happen."""
    assert isinstance(steps, tuple)
    for name, *arguments in steps:
        _HAPPENS[name](report, *arguments)
    return {"pid": os.getpid(), "steps": steps, "nice": os.nice(0)}


def _note(_: Report, path: str) -> None:
    with Path(path).open("a") as notes:
        notes.write(f"{os.getpid()}\n")


def _stay(_: Report, seconds: float) -> None:
    time.sleep(seconds)


def _wait_for(_: Report, path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.005)


def _kill(_: Report) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_once(report: Report, path: str) -> None:
    if not Path(path).exists():
        Path(path).touch()
        _kill(report)


def _report(report: Report, contents: Sequence[object]) -> None:
    for content in contents:
        report(content)


def _fill(_: Report, size: int) -> None:
    bytearray(size)


def _wrong(_: Report) -> None:
    raise ZeroDivisionError("a bug")


_HAPPENS: dict[str, Callable[..., None]] = {
    "note": _note,
    "stay": _stay,
    "wait-for": _wait_for,
    "kill": _kill,
    "kill-once": _kill_once,
    "report": _report,
    "fill": _fill,
    "wrong": _wrong,
}
