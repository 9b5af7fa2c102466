"""Objects that may be packed: one whose key ends in ``.gz`` is read as what is in it."""

import gzip
import zlib
from typing import IO, Final, cast

from connectors.objects.store import ObjectStore

__all__ = ["BAD_GZIP", "open_unpacked"]

BAD_GZIP: Final = (gzip.BadGzipFile, EOFError, zlib.error)
"""What reading raises where the file is no gzip file, or not a whole one."""


def open_unpacked(store: ObjectStore, key: str) -> IO[bytes]:
    """The object's bytes, unpacked if need be while they are read; ObjectNotFoundError if there is none."""
    file = store.open(key)
    return cast("IO[bytes]", gzip.open(file)) if key.endswith(".gz") else file
