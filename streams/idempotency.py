"""What each Idempotency-Key stands for: a note in the object store, which all state workers share.

A note is created exclusively before the command that it speaks of is sent, so tries of one write at several workers
find one id; and it stays when a worker is killed between the two, so the next try goes on with that id.
"""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors.objects.layout import IDEMPOTENCY
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = ["SHARDS", "Note", "claim", "confirm", "find", "free", "name_of", "sweep"]

SHARDS: Final = 256
"""Folders that the notes lie in, by the first two digits of their names: as much as one look at old ones covers."""

_NAME: Final = 36  # characters of a command id that stand for the key, as a UUID; what follows stands for the content
_WITH_KEY: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9a-f]{16}")
_CREATED: Final = "created"
_TRIES: Final = 5  # a note goes between two looks only where a request under its key has just been refused
_PAUSE_S: Final = 0.02  # in which another worker writes the rest of its note, where the file system has no links


@dataclass(frozen=True, slots=True)
class Note:
    """The id that a key's request was given, its command, and whether something is known to have been created."""

    minted: int
    command_id: str
    created: bool = False

    @property
    def name(self) -> str:
        """Of the note: it stands for the key."""
        return self.command_id[:_NAME]

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return " ".join((str(self.minted), self.command_id, *([_CREATED] if self.created else []))).encode()


def name_of(command_id: str) -> str | None:
    """The name of the note that belongs to a command; None where it was sent without a key."""
    return command_id[:_NAME] if _WITH_KEY.fullmatch(command_id) else None


def find(store: ObjectStore, name: str) -> Note | None:
    """The note of this name."""
    for key in (_key(name), IDEMPOTENCY.key(name)):  # the latter: where releases before 2026-11-29 put them
        try:
            return _note(store.read_bytes(key))
        except ObjectNotFoundError:
            continue
    return None


def claim(store: ObjectStore, new: Note) -> Note:
    """The note that stands under its name from now on: this one, or the one that is there already."""
    for _ in range(_TRIES):
        if (known := find(store, new.name)) is not None:
            return known
        if store.create_bytes(_key(new.name), new.to_bytes()):
            return new
        time.sleep(_PAUSE_S)
    store.put_bytes(_key(new.name), new.to_bytes())  # what lies there is no note
    return new


def confirm(store: ObjectStore, note: Note) -> None:
    """Let the note say that what it stands for was created."""
    store.put_bytes(_key(note.name), Note(note.minted, note.command_id, created=True).to_bytes())


def free(store: ObjectStore, command_id: str) -> None:
    """Let the key that a command was sent with, if it was, name a new write: what it created is no more."""
    name = name_of(command_id)
    if name is not None:
        for key in (IDEMPOTENCY.key(name), _key(name)):
            store.delete(key)


def sweep(store: ObjectStore, shard: int, before: datetime, *, at_most: int) -> int:
    """Remove notes of one of the SHARDS that were written before; how many."""
    removed = store.remove_older(IDEMPOTENCY.key(f"{shard:02x}"), before, at_most=at_most)
    if shard == 0:
        removed += store.remove_older(IDEMPOTENCY.name, before, at_most=at_most)  # of releases before 2026-11-29
    return removed


def _key(name: str) -> str:
    return IDEMPOTENCY.key(name[:2], name)


def _note(data: bytes) -> Note | None:
    """None for what is none: half of one, after a power cut on a file system without links."""
    match data.decode("utf-8", "replace").split():
        case [minted, command_id, *created] if minted.isdecimal() and minted.isascii() and name_of(command_id):
            return Note(int(minted), command_id, created == [_CREATED])
    return None
