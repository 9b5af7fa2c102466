"""What is known of a model: its task, its variables, and in which form answers come (contract S-020, S-041 … S-047)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

__all__ = ["BadModelError", "Frame", "ModelInfo", "Outputs", "ScoringModel", "Task", "Variable", "length_of"]

Array = npt.NDArray[Any]
Frame = Mapping[str, Array]
"""What a model is asked: an array per input variable; the first axis of each is the record."""
Outputs = Mapping[str, Array]
"""What it gives, likewise, by the names of its outputs."""


class BadModelError(ValueError):
    """The file is no model that can be used; the text says why, and may be shown as it is."""


class Task(StrEnum):
    """What a model is for; the words of contract S-046, and two more for files that do neither of the four."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    CLUSTERING = "clustering"
    DIMENSION_REDUCTION = "dimension_reduction"
    ANOMALY_DETECTION = "anomaly_detection"
    OTHER = "other"
    """Association rules and the like: an answer has the file's own outputs by name."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An input or an output. `type` is the file's own word: ``double``, ``tensor(float)``.

    `shape` has None where any length will do, and is itself None for single values. `values` are those that a
    categorical variable may have.
    """

    name: str
    type: str
    measure: str | None = None
    values: tuple[str, ...] = ()
    shape: tuple[int | None, ...] | None = None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """From what `ModelInfo.plain` has made of one."""
        shape = fields["shape"]
        return cls(
            fields["name"],
            fields["type"],
            fields["measure"],
            tuple(fields["values"]),
            None if shape is None else tuple(shape),
        )


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as people see it: `algorithm` is the file's word, `engine` the name and version of what computes."""

    kind: str
    task: Task
    algorithm: str
    engine: str
    inputs: tuple[Variable, ...]
    targets: tuple[Variable, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """From what `plain` gave."""
        inputs, targets = (tuple(map(Variable.of, fields[name])) for name in ("inputs", "targets"))
        return cls(fields["kind"], Task(fields["task"]), fields["algorithm"], fields["engine"], inputs, targets)


class ScoringModel(Protocol):
    """A model that is loaded, whatever its file is. It belongs to one thread at a time.

    A caller reads what was sent with `frame` (records and the like, as JSON has them) or makes the arrays itself and
    has them checked by `checked`; frames of one model can be put together along their first axes where `batches` is
    true.
    """

    @property
    def info(self) -> ModelInfo:
        """What it is."""

    @property
    def batches(self) -> bool:
        """Whether records are independent of one another, so that frames can be put together and taken apart."""

    def frame(self, content: Any) -> Frame:
        """What was sent, as arrays; RejectedInputError naming the variable where that cannot be."""

    def checked(self, frame: Frame) -> Frame:
        """Arrays of somebody else, of the types that the model takes; RejectedInputError where they cannot be."""

    def run(self, frame: Frame) -> Outputs:
        """What the model computes; RejectedInputError where it cannot compute with that."""

    def results(self, outputs: Outputs) -> Sequence[Mapping[str, Any]]:
        """The outputs in the words of contract S-047: one for each record, in their order."""


def length_of(frame: Frame) -> int:
    """How many records there are."""
    return max((len(column) if np.ndim(column) else 1 for column in frame.values()), default=0)
