"""Users' models in the object store: ``scoring-models/m-<name>/<version>/``, and above it ``model.json``.

A version holds what was uploaded (``original.onnx``) and what is loaded of it (``served``). The manifest is written
last and removed first, so that any worker and any process finds a model exactly when it is whole; what it says is the
row of the table `models`, in which the owner keeps it as well.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from connectors.objects.layout import INCOMING, SCORING_MODELS, in_project
from connectors.objects.store import ObjectNotFoundError, ObjectStore

__all__ = [
    "Stored",
    "UnknownModelError",
    "delete",
    "incoming_key",
    "is_incoming",
    "last_tested",
    "manifest",
    "note_tested",
    "offer",
    "places",
    "publish",
    "withdraw",
]

_INCOMING: Final = re.compile(INCOMING.key(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.model"))
_MANIFEST: Final = "model.json"
_TESTED: Final = SCORING_MODELS.key("tested.json")
Stored = Mapping[str, Any]
"""The fields of a model's row."""


class UnknownModelError(LookupError):
    """No model has this name."""


def incoming_key() -> str:
    """Where an upload lies until its command is applied: a key of its own for each, which nobody can guess."""
    return INCOMING.key(f"{uuid.uuid4()}.model")


def is_incoming(key: str) -> bool:
    """Whether the file is only there for one command, whose agent removes it."""
    return _INCOMING.fullmatch(key) is not None


def places(name: str, command_id: str, kind: str) -> tuple[str, str]:
    """The keys of what was uploaded and of what is loaded; the same for a command that comes again."""
    version = hashlib.blake2b(command_id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return SCORING_MODELS.key(f"m-{name}", version, f"original.{kind}"), SCORING_MODELS.key(
        f"m-{name}", version, "served"
    )


def publish(store: ObjectStore, stored: Stored, original: Path, served: bytes) -> None:
    """Keep a model: 1. its files, 2. its manifest, 3. files of earlier versions go. Done again it comes to the same."""
    store.put_file(stored["file_key"], original)
    store.put_bytes(stored["model_key"], served)
    offer(store, stored)
    key = _manifest_key(stored["name"])
    for other in store.keys(key.rpartition("/")[0]):
        if other not in (key, stored["file_key"], stored["model_key"]):
            store.delete(other)


def offer(store: ObjectStore, stored: Stored) -> None:
    """Let whoever asks for the model's manifest find it."""
    key = _manifest_key(stored["name"])
    store.put_bytes(key, json.dumps(stored, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def withdraw(store: ObjectStore, name: str) -> None:
    """Let nobody find the model's manifest any more; its files stay, so that it can be offered again."""
    store.delete(_manifest_key(name))


def manifest(store: ObjectStore, name: str) -> Stored:
    """The fields of the model's row; UnknownModelError if there is none of this name."""
    try:
        found: Stored = json.loads(store.read_bytes(_manifest_key(name)))
    except (ObjectNotFoundError, ValueError) as error:  # the latter: a name that can be no key, or no JSON
        raise UnknownModelError(name) from error
    return found


def delete(store: ObjectStore, name: str) -> None:
    """Remove the model; nothing there is no error."""
    withdraw(store, name)
    store.delete(SCORING_MODELS.key(f"m-{name}"))


def note_tested(store: ObjectStore, name: str, at: int, project: str = "") -> None:
    """A model has been tried out, at this time in milliseconds; a project's last one is remembered, for all workers."""
    store.put_bytes(in_project(project, _TESTED), json.dumps({"name": name, "at": at}).encode("utf-8", "surrogatepass"))


def last_tested(store: ObjectStore, project: str = "") -> tuple[str, int]:
    """The model of the project that was tried out last, which may be gone by now, and when; no name where none was."""
    try:
        found = json.loads(store.read_bytes(in_project(project, _TESTED)))
    except (ObjectNotFoundError, ValueError):
        return "", 0
    return found["name"], found["at"]


def _manifest_key(name: str) -> str:
    return SCORING_MODELS.key(f"m-{name}", _MANIFEST)
