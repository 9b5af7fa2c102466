"""Models as values: what a command may ask for, and what a model's row is made of (contract S-008, S-030 … S-044)."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from connectors.objects import layout
from connectors.objects.layout import Who
from connectors.objects.scoring_models import Stored, is_incoming, places
from schemas.scoring import AddModel, DeleteModel, ModelInput, ModelOutput, ModelRecord
from streams.access.names import project_of, shown
from streams.codes.scoring import ScoringCode
from streams.errors import Code, ConflictError, InvalidError, NotFoundError, RejectedError

__all__ = [
    "KINDS",
    "OPERATIONS",
    "TASKS",
    "check_command",
    "check_kept",
    "check_name",
    "check_type",
    "file_of",
    "in_use",
    "key_of",
    "kind_of",
    "record_of",
    "restored",
    "stored",
    "taken",
    "unknown",
]

KINDS: Final = ("pmml", "onnx")
OPERATIONS: Final = ("delete",)
"""What can be done with a model (S-033)."""
TASKS: Final = ("classification", "regression", "clustering", "dimension_reduction")
_SUFFIXES: Final[Mapping[str, str]] = {"pmml": "pmml", "xml": "pmml", "onnx": "onnx"}
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST: Final = {"descript": 4096, "file_name": 255}
_ANY: Final = -1  # a length in a row's shapes that the file leaves open


def key_of(name: str) -> bytes:
    """The key of a model's row and of its commands."""
    return name.encode("utf-8", "surrogatepass")


def check_name(field: str, name: str) -> None:
    """RejectedError unless it can be the name of a model, a service, a job or a run (S-008)."""
    if not _NAME.fullmatch(name):
        text = f"{field}: found {name[:80]!r}, expected 1 to 64 characters of A-Z a-z 0-9 _ . -"
        raise InvalidError(Code.INVALID_NAME, text)


def check_kept(field: str, kept: str) -> None:
    """The same of a name as it is kept, in whichever project."""
    check_name(field, shown(kept))


def check_command(command: AddModel | DeleteModel) -> None:
    """RejectedError where the command can never be followed, whoever sends it."""
    check_kept("name", command.name)
    if isinstance(command, DeleteModel):
        return
    for field, most in _LONGEST.items():
        if len(getattr(command, field)) > most:
            raise InvalidError(Code.INVALID_REQUEST, f"{field}: expected at most {most} characters")
    if command.task and command.task not in TASKS:
        text = f"task: found {command.task[:40]!r}, expected one of {', '.join(TASKS)}, or nothing"
        raise InvalidError(Code.INVALID_REQUEST, text)
    if not (layout.may_read(Who.PRODUCER, command.path) or is_incoming(command.path)):
        folders = ", ".join(f"{folder}/" for folder in layout.readable(Who.PRODUCER))
        text = f"path: found {command.path[:200]!r}, expected one of a file in {folders} of the object store"
        raise InvalidError(Code.UNKNOWN_PATH, text)
    kind_of(command)


def file_of(command: AddModel) -> str:
    """The key of the command's file: what producers of a project put into the store lies where its other files do."""
    return command.path if is_incoming(command.path) else layout.in_project(project_of(command.name), command.path)


def kind_of(command: AddModel) -> str:
    """The model's type: as named, else by the suffix of its file, which must fit (S-031); RejectedError."""
    name = command.file_name or ("" if is_incoming(command.path) else command.path)
    suffix = name.rpartition("/")[2].rpartition(".")
    said = suffix[2].lower() if suffix[1] else ""
    by_suffix = _SUFFIXES.get(said)
    named = command.model_type.lower()
    if named and named not in KINDS:
        raise InvalidError(ScoringCode.WRONG_TYPE, f"type: found {command.model_type[:40]!r}, expected pmml or onnx")
    if said and by_suffix is None:
        text = f"file: its name ends in .{said[:20]}, expected .pmml, .xml or .onnx"
        raise InvalidError(ScoringCode.WRONG_TYPE, text)
    if named and by_suffix not in (None, named):
        raise InvalidError(ScoringCode.WRONG_TYPE, f"type: is {named}, but the file's name ends in .{said}")
    kind = named or by_suffix
    if not kind:
        raise InvalidError(
            ScoringCode.WRONG_TYPE, "type: is missing, and the file's name has no suffix: send pmml or onnx"
        )
    return kind


def check_type(record: ModelRecord, kind: str) -> None:
    """RejectedError where somebody takes the model for one of another type (S-049)."""
    if kind.lower() != record.model_type:
        text = f"type: found {kind[:40]!r}, but the model {shown(record.name)} is of type {record.model_type}"
        raise InvalidError(ScoringCode.WRONG_TYPE, text)


def record_of(
    command: AddModel, info: Mapping[str, Any], *, size: int, at: int, digest: str, offset: int
) -> ModelRecord:
    """The row of a new model; `info` is what `models.scoring` has found out of its file."""
    kind = kind_of(command)
    file_key, model_key = places(command.name, command.command_id, kind)
    return ModelRecord(
        name=command.name,
        command_id=command.command_id,
        model_type=kind,
        descript=command.descript,
        file_name=command.file_name,
        file_key=file_key,
        model_key=model_key,
        size=size,
        created=at,
        task=info["task"],
        algorithm=info["algorithm"],
        engine=info["engine"],
        inputs=tuple(ModelInput(**_variable(it)) for it in info["inputs"]),
        targets=tuple(ModelOutput(**_variable(it)) for it in info["targets"]),
        digest=digest,
        offset=offset,
    )


def _variable(fields: Mapping[str, Any]) -> dict[str, Any]:
    shape = fields["shape"]
    kept = None if shape is None else [_ANY if size is None else size for size in shape]
    return _tuples({**fields, "shape": kept})


def _tuples(fields: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has arrays where rows have tuples."""
    shape = fields["shape"]
    return {**fields, "values": tuple(fields["values"]), "shape": None if shape is None else tuple(shape)}


def stored(record: ModelRecord) -> Stored:
    """The row as the model's manifest has it, which no log is known to."""
    fields = asdict(record)
    del fields["offset"]
    return fields


def restored(fields: Stored) -> ModelRecord:
    """The row of a manifest."""
    inputs = tuple(ModelInput(**_tuples(it)) for it in fields["inputs"])
    targets = tuple(ModelOutput(**_tuples(it)) for it in fields["targets"])
    return ModelRecord(**{**fields, "inputs": inputs, "targets": targets})


def unknown(name: str) -> RejectedError:
    """The refusal of what is asked about a model that is not there."""
    return NotFoundError(
        ScoringCode.UNKNOWN_MODEL, f"modelName: there is no model {shown(name)[:80]!r}; GET /model-info lists them"
    )


def taken(name: str) -> RejectedError:
    """The refusal of a second model of a name."""
    text = f"name: there is a model {shown(name)} already: delete it first, or use another name"
    return ConflictError(ScoringCode.MODEL_EXISTS, text)


def in_use(name: str, services: list[str]) -> RejectedError:
    """The refusal to remove a model that services use."""
    users = ", ".join(map(shown, services[:5])) + (" …" if len(services) > 5 else "")
    text = f"modelName: {shown(name)} is used by {users}: delete these first, or send force true"
    return ConflictError(ScoringCode.MODEL_IN_USE, text)
