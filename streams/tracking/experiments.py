"""The rules of experiments: what runs of MLflow's clients belong to."""

from hashlib import blake2b
from typing import Final

from schemas.tracking import CreateExperiment, ExperimentRecord
from streams.access.names import shown
from streams.checks import ID_LIMIT, invalid_field
from streams.codes.tracking import TrackingCode
from streams.errors import ConflictError, NotFoundError, RejectedError
from streams.tracking.runs import check_texts

__all__ = ["DEFAULT", "begun", "check_new", "id_of", "key_of", "unknown_experiment"]

_LONGEST_NAME: Final = 500  # characters, as MLflow's own store has it
DEFAULT: Final = ExperimentRecord("0", "", "Default", 0)
"""What runs belong to that name no experiment; it is always there, in every project."""


def id_of(name: str) -> str:
    """The id of the experiment of this name, in digits: every worker knows it, and a repeat asks for the same one."""
    if name == DEFAULT.name:
        return DEFAULT.experiment_id
    digest = int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
    return str(1 + digest % ID_LIMIT)


def key_of(experiment_id: str) -> bytes:
    """The row's key."""
    return experiment_id.encode("utf-8", "replace")


def check_new(command: CreateExperiment) -> None:
    """RejectedError where no experiment can be so."""
    if not 1 <= len(command.name) <= _LONGEST_NAME or not command.name.isprintable():
        raise invalid_field("name", f"expected 1 to {_LONGEST_NAME} characters, without control characters")
    if shown(command.experiment_id) != id_of(command.name):
        raise invalid_field("experiment_id", f"expected the one that follows from the name, {id_of(command.name)}")
    check_texts("tags", command.tags)


def begun(command: CreateExperiment, known: ExperimentRecord | None, *, at: int) -> ExperimentRecord:
    """The row of a new experiment, that of a repeat included; RejectedError where there is another of the name."""
    if known is not None and known.command_id == command.command_id:
        return known
    if known is not None or shown(command.experiment_id) == DEFAULT.experiment_id:
        raise ConflictError(
            TrackingCode.EXPERIMENT_EXISTS,
            f"name: there is an experiment {command.name[:80]!r} already: use it, or choose another name",
        )
    return ExperimentRecord(command.experiment_id, command.command_id, command.name, at, dict(command.tags))


def unknown_experiment(name: str) -> RejectedError:
    """What to raise where there is none of this name or id."""
    return NotFoundError(
        TrackingCode.UNKNOWN_EXPERIMENT, f"there is no experiment {name[:80]!r}: create it, or name another one"
    )
