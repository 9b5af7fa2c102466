"""Under which name the file of a data set is read: ``/uploads/<name>`` (J-034), its own as long as that is its alone.

A note ``dataset-names/<name>/<data_id>`` says who has the name, and of what content. Two data sets share one where
their contents are the same; else the later gets a name with its id. Notes are written before others' are read, so of
two that come at the same time at least one sees the other.
"""

import hashlib
from pathlib import Path

from connectors.objects.layout import DATASET_NAMES, UPLOADS
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = ["claim", "claimants", "release"]


def claim(store: ObjectStore, name: str, data_id: int, file: Path) -> str:
    """The name under which this file of the data set is read from now on: `name`, or with the id in it."""
    digest = _digest(file)
    if _claimed(store, name, data_id, digest) and not store.is_file(UPLOADS.key(name)):
        return name
    release(store, name, data_id)
    stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
    unique = f"{stem}-{data_id}{dot}{suffix}"
    _claimed(store, unique, data_id, digest)
    return unique


def claimants(store: ObjectStore, name: str) -> list[int]:
    """The data sets that have had the name, by ascending id; one may be gone, or have got another name."""
    return sorted(int(key.rpartition("/")[2]) for key in store.keys(DATASET_NAMES.key(name)))


def release(store: ObjectStore, name: str, data_id: int) -> None:
    """The data set has the name no more."""
    store.delete(DATASET_NAMES.key(name, data_id))


def _claimed(store: ObjectStore, name: str, data_id: int, digest: bytes) -> bool:
    """Note the claim; whether all others are to the same content."""
    store.put_bytes(DATASET_NAMES.key(name, data_id), digest)
    return all(_content(store, name, other) in (digest, None) for other in claimants(store, name))


def _content(store: ObjectStore, name: str, data_id: int) -> bytes | None:
    try:
        return store.read_bytes(DATASET_NAMES.key(name, data_id))
    except ObjectNotFoundError:  # released meanwhile
        return None


def _digest(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "blake2b").digest()
