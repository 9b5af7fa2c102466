"""What processes of models are asked and answer; light, because every such process loads it."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Inspection", "InspectionReply", "ModelCalls", "ScoringReply", "ServedModel"]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as a pool knows it: its name, where what is loaded of it lies, of which type it is and how large."""

    name: str
    model_key: str
    model_type: str
    size: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ModelCalls:
    """Calls of one model, answered together: each is the JSON of what was sent (``{"X": …}``, contract S-046)."""

    store_url: str = field(repr=False)  # it may hold a password
    model_key: str
    calls: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ScoringReply:
    """The answer to a call: the JSON of ``{"status": true, "task": …, "result": […]}``, or what is wrong with it.

    `field` is the variable that is wrong. `records` is how many were scored.
    """

    content: bytes = b""
    records: int = 0
    error: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """Look through a file of the object store, load it and let it answer once."""

    store_url: str = field(repr=False)
    path: str
    model_type: str
    task: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class InspectionReply:
    """What the file is (`ModelInfo.plain` of `models.scoring`) and what is loaded of it; else why it is refused."""

    info: dict[str, Any] = field(default_factory=dict)
    served: bytes = b""
    error: str | None = None
