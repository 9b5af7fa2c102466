"""What the processes of a test's pool run: a call's body says what happens to it, and a reply's body what happened."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from connectors.objects.store import ObjectNotFoundError
from streams.inference.calls import InferenceCall, InferenceReply, ModelCalls, ModelUnreadableError

__all__ = ["call", "serve", "told"]


def call(what: str = "", *arguments: object, size: int = 0) -> InferenceCall:
    """A call to which `what` happens, of at least `size` bytes."""
    return InferenceCall(" ".join([what, *map(str, arguments)]).ljust(size).encode(), "json")


def told(reply: InferenceReply) -> dict[str, int | str]:
    """What the process told of a call: its own id, how many were answered together and which model it was."""
    found: dict[str, int | str] = json.loads(reply.content)
    return found


def serve(asked: ModelCalls, report: Callable[[object], None]) -> list[InferenceReply]:
    """Let happen what the calls say, then answer all."""
    for one in asked.calls:
        words = bytes(one.content).decode().split()
        if words:
            _HAPPENS[words[0]](*words[1:])
    about = {
        "pid": os.getpid(),
        "together": len(asked.calls),
        "model": asked.model_key,
        "left": min(asked.times_left_s),
    }
    return [InferenceReply(200, json.dumps(about).encode()) for _ in asked.calls]


def _kill(*_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_once(marker: str) -> None:
    if not Path(marker).exists():
        Path(marker).touch()
        _kill()


def _note(path: str) -> None:
    with Path(path).open("a") as notes:
        notes.write(f"{os.getpid()}\n")


def _stay(path: str, seconds: str) -> None:
    """Note that it has begun, and that it came to its end."""
    _note(path)
    time.sleep(float(seconds))
    _note(path)


def _missing(*_: str) -> None:
    raise ObjectNotFoundError("endpoints/demo/1/model.npz")


def _unreadable(*_: str) -> None:
    raise ModelUnreadableError("the object store cannot be read: ConnectionError")


def _wrong(*_: str) -> None:
    raise ZeroDivisionError("a bug")


_HAPPENS: dict[str, Callable[..., None]] = {
    "sleep": lambda seconds: time.sleep(float(seconds)),
    "kill": _kill,
    "kill-once": _kill_once,
    "note": _note,
    "stay": _stay,
    "missing": _missing,
    "unreadable": _unreadable,
    "wrong": _wrong,
}
