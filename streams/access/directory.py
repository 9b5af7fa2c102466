"""Who there is: projects, users, keys and void tokens, in memory, as the rows of the table `access` tell."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

from schemas.access import AccessRecord
from schemas.coding.codec import Codec
from schemas.coding.wire import UndecodableError

__all__ = ["KEY", "Directory", "read_rows", "row_key"]

KEY: Final = b"access"
"""The key of all commands: they are applied in one order, and one worker has all rows."""


def row_key(kind: str, name: str) -> bytes:
    """The key of a row."""
    return f"{kind}/{name}".encode("utf-8", "surrogatepass")


class Directory:
    """The rows that this process has heard of. Every state worker follows them all."""

    def __init__(self) -> None:
        self._rows: dict[bytes, AccessRecord] = {}
        self._changed = asyncio.Event()

    def get(self, kind: str, name: str) -> AccessRecord | None:
        """The row."""
        return self._rows.get(row_key(kind, name))

    def all(self, kind: str) -> list[AccessRecord]:
        """The rows of a kind, by name."""
        return sorted((it for it in self._rows.values() if it.kind == kind), key=lambda it: it.name)

    def told(self, key: bytes, record: AccessRecord | None) -> None:
        """Take note of a row; None: it is gone."""
        if record is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = record
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def told_all(self, rows: Iterable[tuple[bytes, AccessRecord | None]]) -> None:
        """Take note of rows in their order."""
        for key, record in rows:
            self.told(key, record)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true of the rows."""
        while not true():
            await self._changed.wait()


def read_rows(
    codec: Codec, records: Sequence[tuple[bytes | None, bytes | None]]
) -> list[tuple[bytes, AccessRecord | None]]:
    """The rows among records of the table's log; what is not ours to understand is left out."""
    found: list[tuple[bytes, AccessRecord | None]] = []
    for key, value in records:
        if key is None:
            continue
        if value is None:
            found.append((key, None))
            continue
        with suppress(UndecodableError):
            record = codec.decode(value)
            if isinstance(record, AccessRecord):
                found.append((key, record))
    return found
