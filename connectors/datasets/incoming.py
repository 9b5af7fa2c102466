"""Where the upload of a data set lies until its command has been applied."""

import re
import uuid
from typing import Final

from connectors.objects.layout import INCOMING

__all__ = ["incoming_key", "is_incoming"]

_INCOMING: Final = re.compile(INCOMING.key(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.csv"))


def incoming_key() -> str:
    """A key of its own for each upload, so that of two tries of a request neither removes the other's file."""
    return INCOMING.key(f"{uuid.uuid4()}.csv")


def is_incoming(key: str) -> bool:
    """Whether the file is only there for one command, whose agent removes it; other files belong to their producers.

    Such a key cannot be guessed, so only the command that it was made for names it.
    """
    return _INCOMING.fullmatch(key) is not None
