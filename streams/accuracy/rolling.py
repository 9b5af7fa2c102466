"""Histories that are forecast by themselves, in a process beside the worker: what it is asked, and what it answers."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.processes.compute_process import EndedError, RaisedError
from connectors.processes.process_set import ProcessSet
from schemas.values import ParameterValue
from streams.errors import Code, UnavailableError

__all__ = ["RolledHistory", "Rolling", "RollingCall", "RollingSeries"]

_ENTRY: Final = "agents.accuracy.process:roll"
_AROUND_S: Final = 20.0  # beside its budget: the last fit that it began
_MEMORY: Final = 2 << 30  # bytes

Floats = NDArray[np.float64]


class RollingSeries(NamedTuple):
    """A history on its calendar, and the model that is to forecast it, from ever more of its values.

    `season_length` is 0 where nobody knows one.
    """

    target: Floats
    model_name: str
    config: Mapping[str, ParameterValue]
    season_length: int
    freq: str


class RollingCall(NamedTuple):
    """Histories, the level of their intervals (below 1), how many last steps at most, and seconds for all together."""

    series: Sequence[RollingSeries]
    level: float
    most: int
    budget_s: float


class RolledHistory(NamedTuple):
    """What came of one: as `models.rolling.Rolled`, or why there is nothing."""

    first: int
    every: int
    mean: Floats
    low: Floats
    high: Floats
    own: bool
    note: str


class Rolling:
    """The process of a state worker. It is started when it is needed, and does one call after the other."""

    def __init__(self) -> None:
        self._processes = ProcessSet(
            _ENTRY, name="tidecast-rolling", threads=1, memory_limit=_MEMORY, niceness=10, most_idle=1
        )
        self._turn = asyncio.Lock()

    async def ask(self, call: RollingCall) -> Sequence[RolledHistory]:
        """The answers in order; UnavailableError where the process ends before it has them."""
        async with self._turn:
            return await self._processes.in_thread(self._asked, call)

    def _asked(self, call: RollingCall) -> Sequence[RolledHistory]:
        try:
            answers: Sequence[RolledHistory] = self._processes.call(call, call.budget_s + _AROUND_S)
        except (EndedError, RaisedError, TimeoutError) as error:
            raise _away(str(error) or "it took too long") from None
        return answers

    async def close(self) -> None:
        """End the process."""
        await self._processes.close()


def _away(reason: str) -> UnavailableError:
    text = f"the histories could not be forecast ({reason[:200]}): ask for fewer series at a time"
    return UnavailableError(Code.TIMEOUT, text)
