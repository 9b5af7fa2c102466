"""Removes the notes of Idempotency-Keys that are older than the installation remembers them."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from mode import Service

from connectors.objects.store import ObjectStore
from streams import idempotency

__all__ = ["NoteSweep"]

log = structlog.get_logger(__name__)

_EVERY_S = 60.0  # one folder of 256: all of them in four hours, and a listing of some thousand notes at a time
_AT_MOST = 10_000  # notes removed in a turn: a second of work on a disk


class NoteSweep(Service):
    """Part of the state's app. Each worker does it, beginning with another folder: it does no harm."""

    def __init__(self, store: ObjectStore, days: int, **service: Any) -> None:
        super().__init__(**service)
        self._store = store
        self._kept = timedelta(days=days)

    @Service.task
    async def _sweep(self) -> None:
        shard = secrets.randbelow(idempotency.SHARDS)
        while not self.should_stop:
            try:
                before = datetime.now(UTC) - self._kept
                removed = await asyncio.to_thread(idempotency.sweep, self._store, shard, before, at_most=_AT_MOST)
            except OSError as error:  # the store is away: there is no hurry
                log.warning("idempotency_notes_not_looked_at", error=repr(error))
            else:
                if removed:
                    log.info("idempotency_notes_removed", number=removed)
                if removed < _AT_MOST:
                    shard = (shard + 1) % idempotency.SHARDS
            await self.sleep(_EVERY_S)
