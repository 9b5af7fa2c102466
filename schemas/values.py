"""What events of several systems are made of."""

from dataclasses import dataclass

__all__ = ["HyperParam", "ParameterValue"]

ParameterValue = int | float | str


@dataclass(frozen=True, slots=True)
class HyperParam:
    """One hyper-parameter: fixed (`val`), a range (`low`, `high`) or options (`choice`), contract J-080 … J-082."""

    name: str
    type: str
    val: ParameterValue | None = None
    low: int | float | None = None
    high: int | float | None = None
    choice: tuple[ParameterValue, ...] | None = None
