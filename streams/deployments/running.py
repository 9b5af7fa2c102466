"""The services that this worker has, running as their rows say."""

import asyncio
from collections.abc import Mapping

from schemas.deployments import ServiceRecord
from streams.deployments.replicas import Replicas
from streams.rows.event_table import RecordTable
from streams.settings import Settings

__all__ = ["RunningServices"]


class RunningServices:
    """Makes replicas of rows, and lets go of those of rows that are gone, or are another worker's by now."""

    def __init__(self, rows: RecordTable[ServiceRecord], settings: Settings) -> None:
        self._rows = rows
        self._settings = settings
        self._running: dict[bytes, Replicas] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, key: bytes) -> Replicas | None:
        """The replicas of a service, which are started where there are none; None where there is no such row."""
        record, found = self._rows.get(key), self._running.get(key)
        if record is None:
            return None
        if found is not None and found.record.command_id != record.command_id:  # another service of the same name
            self._let_go(key)
            found = None
        if found is None:
            found = self._running[key] = Replicas(record, self._settings)
        elif found.record is not record:
            found.follow(record)
        return found

    def settle(self) -> None:
        """Follow all rows; to be called when one has changed, and from time to time."""
        keys = set(self._rows.keys())
        for key in keys:
            self.of(key)
        for key in self._running.keys() - keys:
            self._let_go(key)

    @property
    def all(self) -> Mapping[bytes, Replicas]:
        """What runs, by the key of its row."""
        return self._running

    async def close(self) -> None:
        """End all replicas."""
        for key in list(self._running):
            self._let_go(key)
        await asyncio.gather(*self._closing)

    def _let_go(self, key: bytes) -> None:
        task = asyncio.ensure_future(self._running.pop(key).close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
