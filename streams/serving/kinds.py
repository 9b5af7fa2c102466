"""What a pool has to know of the models that it answers for."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

__all__ = ["ModelKind", "ServingLimits", "Words"]

_Model = TypeVar("_Model", contravariant=True)  # noqa: PLC0105 - as a type parameter is spelt in Python 3.12
_Call = TypeVar("_Call", contravariant=True)  # noqa: PLC0105 - likewise


@dataclass(frozen=True, slots=True)
class Words:
    """How errors speak of models of a kind: what is computed, and what who asks can do."""

    answer: str
    """What they give: a ``forecast``."""
    ask_for_less: str
    """How a call becomes quicker and smaller: ``ask for fewer samples``."""
    ask_for_less_at_once: str
    """How a call whose time was up becomes quicker: ``ask for fewer series at once``."""
    more_processes: str
    """The setting that says how many processes there are."""


@dataclass(frozen=True, slots=True)
class ServingLimits:
    """Bounds of a pool: its processes (None: one per core as far as memory suffices) and their bytes, its calls."""

    processes: int | None
    memory_bytes: int
    timeout_s: float
    most_waiting: int


class ModelKind(Protocol[_Model, _Call]):
    """Models that the same processes answer for.

    `entry` is ``module:function`` as of `ComputeProcess`: it gets a `message` and gives a list with the answer to each
    of its calls. It raises ObjectNotFoundError where the model has been removed, ModelUnreadableError where the store
    cannot be read; whatever else it raises fails its calls. `preload` are modules that it needs.
    """

    @property
    def entry(self) -> str:
        """What a process runs."""

    @property
    def preload(self) -> Sequence[str]:
        """What it needs for that."""

    @property
    def words(self) -> Words:
        """How errors speak of it."""

    def name(self, model: _Model) -> str:
        """What the model is called, for people."""

    def key(self, model: _Model) -> Hashable:
        """Models of one key are the same: their calls are answered together."""

    def weight_bytes(self, model: _Model) -> int:
        """Roughly how many bytes of memory a process needs to hold the model."""

    def size(self, call: _Call) -> int:
        """Roughly how many bytes a call has; large ones are computed alone and do not hold back small ones."""

    def message(self, model: _Model, calls: Sequence[_Call], times_left_s: Sequence[float]) -> object:
        """What the entry is asked, with the time that each call has left."""
