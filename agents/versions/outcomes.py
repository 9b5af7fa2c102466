"""How runs of versions ended, in the object store.

A command may be read again after a crash, or by another trainer while the first one has not yet noticed that the
version is not its own any more. What is kept here makes all of them come to one end: a version that was deleted or
stopped never gets a result, and one that has ended is not run again.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Final

from agents.versions.version import Version
from connectors.objects.layout import CHECKPOINTS
from connectors.objects.store import ObjectNotFoundError, ObjectStore
from schemas.training import TrainingStatus

__all__ = ["Outcome", "VersionOutcomes", "checkpoint_key", "outcome_of"]

_ATTEMPTS: Final = "attempts"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last status of a version; None: it was deleted. `command_id` is that of the command that it was run by.

    That and the name are empty where no run was begun, or an earlier release kept it.
    """

    status: TrainingStatus | None
    command_id: str
    version_name: str = ""


def outcome_of(version: Version, status: TrainingStatus | None) -> Outcome:
    """What is kept of a version that was run."""
    return Outcome(status, version.command_id, version.version_name)


def checkpoint_key(project_id: str, version_id: int) -> str:
    """Where the checkpoint of a version lies."""
    return f"{_folder(project_id, version_id)}/checkpoint"


class VersionOutcomes:
    """The ends of versions. All calls block."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self, project_id: str, job_id: int, version_id: int) -> Outcome | None:
        """How a version ended; None where it has not."""
        kept = self._read(_outcome_key(project_id, version_id))
        return kept if kept is not None else self._read(_job_key(project_id, job_id))

    def write(self, project_id: str, version_id: int, outcome: Outcome) -> None:
        """Keep an end. 1. the outcome, 2. without the checkpoint nothing is left of the run."""
        self._write(_outcome_key(project_id, version_id), outcome)
        self.forget_checkpoint(project_id, version_id)

    def has_begun(self, project_id: str, version_id: int) -> bool:
        """Whether a run has begun that has not ended."""
        return self._store.is_file(checkpoint_key(project_id, version_id)) or self._store.is_file(
            _attempts_key(project_id, version_id)
        )

    def forget_checkpoint(self, project_id: str, version_id: int) -> None:
        """Remove what only a run needs that goes on."""
        self._store.delete(checkpoint_key(project_id, version_id))
        self._store.delete(_attempts_key(project_id, version_id))

    def forget_job(self, project_id: str, job_id: int) -> None:
        """A job is no more, with all its versions, those too that this trainer has not heard of yet."""
        self._write(_job_key(project_id, job_id), Outcome(None, ""))

    def attempts(self, project_id: str, version_id: int) -> int:
        """How many runs have been begun whose end nobody has seen."""
        try:
            return int(self._store.read_bytes(_attempts_key(project_id, version_id)))
        except (ObjectNotFoundError, ValueError):
            return 0

    def note_attempts(self, project_id: str, version_id: int, number: int) -> None:
        """Keep that number."""
        self._store.put_bytes(_attempts_key(project_id, version_id), b"%d" % number)

    def note(self, project_id: str, version_id: int, name: str) -> dict[str, Any] | None:
        """What a run has kept under this name; None where it has nothing. It stays when the run ends."""
        try:
            kept: dict[str, Any] = json.loads(self._store.read_bytes(f"{_folder(project_id, version_id)}/{name}"))
        except ObjectNotFoundError:
            return None
        return kept

    def write_note(self, project_id: str, version_id: int, name: str, kept: dict[str, Any]) -> None:
        """Keep it for whoever runs the version again."""
        self._store.put_bytes(f"{_folder(project_id, version_id)}/{name}", json.dumps(kept).encode())

    def _read(self, key: str) -> Outcome | None:
        try:
            kept = json.loads(self._store.read_bytes(key))
        except ObjectNotFoundError:
            return None
        status = None if kept["status"] is None else TrainingStatus(**kept["status"])
        return Outcome(status, kept["command_id"], kept.get("version_name", ""))

    def _write(self, key: str, outcome: Outcome) -> None:
        self._store.put_bytes(key, json.dumps(asdict(outcome)).encode())


def _folder(project_id: str, number: int) -> str:
    """Producers choose ids, so two projects may have the same; a project's id may have any characters."""
    return CHECKPOINTS.key(f"{number}-{blake2b(project_id.encode(), digest_size=8).hexdigest()}")


def _outcome_key(project_id: str, version_id: int) -> str:
    return f"{_folder(project_id, version_id)}/outcome.json"


def _job_key(project_id: str, job_id: int) -> str:
    return f"{_folder(project_id, job_id)}/job.json"


def _attempts_key(project_id: str, version_id: int) -> str:
    return f"{_folder(project_id, version_id)}/{_ATTEMPTS}"
