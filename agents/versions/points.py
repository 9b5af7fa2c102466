"""Sends metric points of a version: a few times a second, a bounded number at a time."""

from collections.abc import Callable, Iterable
from typing import Final

from agents.versions.telling import finite
from agents.versions.version import Version
from connectors.kafka.publisher import DeliveryError, Record
from schemas.workloads import MetricPoint
from streams.runtime import TrainerRuntime

__all__ = ["VersionPoints"]

_AT_ONCE: Final = 1000
_MOST_NAMES: Final = 200  # metrics whose last value is remembered: they have to fit into a row


class VersionPoints:
    """Takes points, and keeps the last value of each metric; `is_ours` tells whether the version is still ours."""

    def __init__(self, runtime: TrainerRuntime, version: Version, is_ours: Callable[[], bool]) -> None:
        self._runtime = runtime
        self._uid = version.kept_uid
        self._is_ours = is_ours
        self._waiting: list[Record] = []
        self._closed = False
        self.last: dict[str, float | None] = {}
        self.iteration = 0

    def add(self, points: Iterable[tuple[str, float | None, int, int]], source: str) -> None:
        """Name, value, step and time in epoch milliseconds of each."""
        if self._closed:
            return
        for name, value, iteration, at in points:
            point = MetricPoint(self._uid, name, finite(value), at, iteration, source)
            self._waiting.append(
                Record(self._runtime.topics.metrics, self._uid.encode(), self._runtime.codec.encode(point))
            )
            if name in self.last or len(self.last) < _MOST_NAMES:
                self.last[name] = point.value
            self.iteration = max(self.iteration, iteration)

    @property
    def waiting(self) -> int:
        """How many are not sent."""
        return len(self._waiting)

    async def send(self) -> None:
        """Send what waits; ends when the broker has it. DeliveryError."""
        while self._waiting and not self._closed and self._is_ours():
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            try:
                await self._runtime.publisher.send(batch)
            except DeliveryError:
                self._waiting = [*batch, *self._waiting]
                raise

    def close(self) -> None:
        """Send nothing more."""
        self._closed = True
        self._waiting.clear()
