"""Under which name the file of a data set is read: ``/uploads/<name>`` (J-034), its own as long as that is its alone.

A note ``dataset-names/<name>/<data_id>`` says who has the name, and of what content. Two data sets share one where
their contents are the same; else the later gets a name with its id. Notes are written before others' are read, so of
two that come at the same time at least one sees the other.

A data set that must have its name alone takes it with a second note, ``dataset-names/=<name>``, which only one of
several creates.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

from connectors.objects.layout import DATASET_NAMES, UPLOADS
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = ["NameTakenError", "claim", "claim_alone", "claimants", "release"]


class NameTakenError(ValueError):
    """Another data set, or a file, is read under this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a data set or a file {name} already")


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


def claim_alone(store: ObjectStore, name: str, data_id: int, file: Path) -> str:
    """The name, under which this file of the data set alone is read from now on; NameTakenError where it is another's.

    A file that is PUT at ``/uploads/<name>`` has the name as well.
    """
    own = b"%d" % data_id
    if not store.create_bytes(_alone(name), own) and store.read_bytes(_alone(name)) != own:
        raise NameTakenError(name)
    _claimed(store, name, data_id, _digest(file))
    if claimants(store, name) != [data_id] or store.is_file(UPLOADS.key(name)):
        release(store, name, data_id)
        raise NameTakenError(name)
    return name


def claimants(store: ObjectStore, name: str) -> list[int]:
    """The data sets that have had the name, by ascending id; one may be gone, or have got another name."""
    return sorted(int(key.rpartition("/")[2]) for key in store.keys(DATASET_NAMES.key(name)))


def release(store: ObjectStore, name: str, data_id: int) -> None:
    """The data set has the name no more."""
    store.delete(DATASET_NAMES.key(name, data_id))
    with suppress(ObjectNotFoundError):
        if store.read_bytes(_alone(name)) == b"%d" % data_id:
            store.delete(_alone(name))


def _alone(name: str) -> str:
    return DATASET_NAMES.key(f"={name}")


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
