"""Under which name the file of a data set is read: ``/uploads/<name>`` (J-034), its own as long as that is its alone.

A note ``dataset-names/<name>/<data_id>`` says who has the name, and of what content. Two data sets share one where
their contents are the same; else the later gets a name with its id. Notes are written before others' are read, so of
two that come at the same time at least one sees the other.

A data set that must have its name alone takes it with a second note, ``dataset-names/=<name>``, which only one of
several creates. Names are those of a project: its notes lie where its other files do.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

from connectors.objects.layout import DATASET_NAMES, UPLOADS, in_project
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = ["NameTakenError", "claim", "claim_alone", "claimants", "release"]


class NameTakenError(ValueError):
    """Another data set, or a file, is read under this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a data set or a file {name} already")


def claim(store: ObjectStore, name: str, data_id: int, file: Path, project: str = "") -> str:
    """The name under which this file of the data set is read from now on: `name`, or with the id in it."""
    digest = _digest(file)
    if _claimed(store, project, name, data_id, digest) and not _is_file(store, project, name):
        return name
    release(store, name, data_id, project)
    stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
    unique = f"{stem}-{data_id}{dot}{suffix}"
    _claimed(store, project, unique, data_id, digest)
    return unique


def claim_alone(store: ObjectStore, name: str, data_id: int, file: Path, project: str = "") -> str:
    """The name, under which this file of the data set alone is read from now on; NameTakenError where it is another's.

    A file that is PUT at ``/uploads/<name>`` has the name as well.
    """
    own = b"%d" % data_id
    if not store.create_bytes(_alone(project, name), own) and store.read_bytes(_alone(project, name)) != own:
        raise NameTakenError(name)
    _claimed(store, project, name, data_id, _digest(file))
    if claimants(store, name, project) != [data_id] or _is_file(store, project, name):
        release(store, name, data_id, project)
        raise NameTakenError(name)
    return name


def claimants(store: ObjectStore, name: str, project: str = "") -> list[int]:
    """The data sets that have had the name, by ascending id; one may be gone, or have got another name."""
    return sorted(int(key.rpartition("/")[2]) for key in store.keys(in_project(project, DATASET_NAMES.key(name))))


def release(store: ObjectStore, name: str, data_id: int, project: str = "") -> None:
    """The data set has the name no more."""
    store.delete(_note(project, name, data_id))
    with suppress(ObjectNotFoundError):
        if store.read_bytes(_alone(project, name)) == b"%d" % data_id:
            store.delete(_alone(project, name))


def _alone(project: str, name: str) -> str:
    return in_project(project, DATASET_NAMES.key(f"={name}"))


def _note(project: str, name: str, data_id: int) -> str:
    return in_project(project, DATASET_NAMES.key(name, data_id))


def _is_file(store: ObjectStore, project: str, name: str) -> bool:
    return store.is_file(in_project(project, UPLOADS.key(name)))


def _claimed(store: ObjectStore, project: str, name: str, data_id: int, digest: bytes) -> bool:
    """Note the claim; whether all others are to the same content."""
    store.put_bytes(_note(project, name, data_id), digest)
    others = claimants(store, name, project)
    return all(_content(store, _note(project, name, other)) in (digest, None) for other in others)


def _content(store: ObjectStore, note: str) -> bytes | None:
    try:
        return store.read_bytes(note)
    except ObjectNotFoundError:  # released meanwhile
        return None


def _digest(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "blake2b").digest()
