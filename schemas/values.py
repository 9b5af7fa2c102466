"""What events of several systems are made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

__all__ = ["FutureFeature", "HyperParam", "ParameterValue", "record"]

_ANY = TypeVar("_ANY")

ParameterValue = int | float | str


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(*, eq: bool = True, kw_only: bool = False) -> Callable[[type[_ANY]], type[_ANY]]:
    """Make a dataclass with slots whose objects are never changed: the type checker sees to it.

    At run time nothing does. `frozen=True` makes it four times as long to build an object, and events are built by
    the ten thousand; equal ones have the same hash all the same.
    """
    return dataclass(slots=True, eq=eq, unsafe_hash=eq, kw_only=kw_only)


@record()
class HyperParam:
    """One hyper-parameter: fixed (`val`), a range (`low`, `high`) or options (`choice`), contract J-080 … J-082."""

    name: str
    type: str
    val: ParameterValue | None = None
    low: int | float | None = None
    high: int | float | None = None
    choice: tuple[ParameterValue, ...] | None = None


@record()
class FutureFeature:
    """What a feature will be at each step of a forecast; `column` is its label, or its index as text."""

    column: str
    values: tuple[float, ...]
