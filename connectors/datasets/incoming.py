"""Which objects of the store users may name, and where an upload lies until its command has been applied.

All the rest is the service's own: endpoints, splits, checkpoints, notes. A request that could name those would have
them read out in error texts, or written over.
"""

import re
import uuid
from typing import Final

__all__ = ["OWN", "PRODUCERS", "USERS", "incoming_key", "is_in", "is_incoming"]

USERS: Final = ("uploads", "outputs")
"""Folders of files that HTTP clients write and read, and so may name in a request."""
PRODUCERS: Final = (*USERS, "producer")
"""Those that an AddDataset may name: producers that reach the store put their files into the last one."""
OWN: Final = (
    "checkpoints", "dataset-names", "datasets", "endpoints", "idempotency", "incoming", "installation", "models",
    "splits", "tries",
)  # fmt: skip
"""The service's own: refused at once even where whether a file is there is looked at later (contract T-071)."""
_INCOMING: Final = re.compile(r"incoming/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.csv")


def is_in(folders: tuple[str, ...], key: str) -> bool:
    """Whether the key is one of these folders, or below one."""
    return key.partition("/")[0] in folders


def incoming_key() -> str:
    """A key of its own for each upload, so that of two tries of a request neither removes the other's file."""
    return f"incoming/{uuid.uuid4()}.csv"


def is_incoming(key: str) -> bool:
    """Whether the file is only there for one command, whose agent removes it; other files belong to their producers.

    Such a key cannot be guessed, so only the command that it was made for names it.
    """
    return _INCOMING.fullmatch(key) is not None
