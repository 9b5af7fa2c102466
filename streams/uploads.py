"""Where an upload lies in the object store until its command has been applied."""

import uuid
from typing import Final

__all__ = ["incoming_key", "is_incoming"]

_FOLDER: Final = "incoming/"


def incoming_key() -> str:
    """A key of its own for each upload, so that of two tries of a request neither removes the other's file."""
    return f"{_FOLDER}{uuid.uuid4()}.csv"


def is_incoming(key: str) -> bool:
    """Whether the file is only there for one command, whose agent removes it; other files belong to their producers."""
    return key.startswith(_FOLDER)
