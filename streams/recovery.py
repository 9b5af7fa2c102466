"""Table recovery in batches, and when tables may be read. Subclasses internals of faust-streaming 0.15.3.

Stock recovery handles one changelog record per turn of the event loop, applies a record of a partition that is not its
own to some other table, drops a key that is deleted and then set to an empty value within one batch, replays what a
worker wrote itself at every rebalance, and may let rows of a lost partition come back with it although their new owner
deleted them. `FastRecovery` does not.

Tables hold bytes under bytes (`key_type=bytes, value_type=bytes`) in the memory store; a tombstone (None) deletes.
Whoever writes a row must note its partition as the store itself does: `store._key_partition[key] = partition`.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from faust.app.router import Router
from faust.stores.memory import Store as MemoryStore
from faust.tables.recovery import Recovery
from faust.types import TP, AppT, EventT
from faust.types.tables import CollectionT
from mode import Service

__all__ = ["FastRecovery", "RawKeyRouter", "apply_changelog", "install_fast_recovery", "is_ready"]

_BATCH = 5000  # records applied per turn: a few ms of the event loop
_CHECK_S = 1.0  # how often the end of a recovery is looked for while no record arrives


class FastRecovery(Recovery):
    """Applies all records at hand at once, and reads nothing again that this worker has kept since it read it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._completed_generation: int | None = None
        self._completed_tps: frozenset[TP] = frozenset()

    @Service.task
    async def _slurp_changelogs(self) -> None:
        queue = self.tables.changelog_queue
        while not self.should_stop:
            events: list[EventT] = []
            with suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_S):
                    events.append(await queue.get())
            while len(events) < _BATCH and not queue.empty():
                events.append(queue.get_nowait())
            await self._apply(events)
            self._end_if_complete()
            await asyncio.sleep(0)

    async def _apply(self, events: Sequence[EventT]) -> None:
        by_table: dict[CollectionT, list[EventT]] = {}
        for event in events:
            message = event.message
            if message.generation_id != self.app.consumer_generation_id:
                continue
            offsets = self._offsets_to_advance(message.tp)
            if offsets is None:
                continue
            seen = offsets.get(message.tp)
            if seen is None or message.offset > seen:
                offsets[message.tp] = message.offset
                by_table.setdefault(self.tp_to_table[message.tp], []).append(event)
        for table, batch in by_table.items():
            for event in batch:
                await table.on_changelog_event(event)
            apply_changelog(table, batch)

    def _offsets_to_advance(self, tp: TP) -> "Counter[TP] | None":
        if tp in self.standby_tps:
            return self.standby_offsets
        # After the recovery the rows are ahead of the log's end that was aimed at: a straggler would set them back.
        if tp in self.active_tps and (self.in_recovery or self.tp_to_table[tp].is_global):
            return self.active_offsets
        return None

    def _end_if_complete(self) -> None:
        if self.in_recovery and not self.need_recovery():
            self._set_recovery_ended()
            self.signal_recovery_end.set()
        if not self.tables.standbys_ready and not self.standby_remaining_total():
            self.tables.on_standbys_ready()

    def _set_recovery_started(self) -> None:
        super()._set_recovery_started()
        self.signal_recovery_end.clear()  # stock clears it at every record, which may hide it from who waits for it

    async def _build_offsets(self, consumer: Any, tps: set[TP], destination: "Counter[TP]", title: str) -> None:
        fresh = {tp for tp in tps if destination.get(tp) is None}
        await super()._build_offsets(consumer, tps, destination, title)
        for tp in fresh:
            _forget_rows(self.tp_to_table[tp], tp.partition)
        # No other worker can have written between two generations that follow each other; what was read and written
        # here is complete. Reading it again would show batches that are still open rows from the past.
        if title == "active" and self._completed_generation == self._generation_id - 1:
            for tp in (tps & self._completed_tps) - fresh:
                destination[tp] = self.active_highwaters[tp]

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Let the agents go on, and remember which partitions are complete."""
        await super().on_recovery_completed(generation_id)
        if self.app.consumer_generation_id == generation_id:
            self._completed_generation = generation_id
            self._completed_tps = frozenset(self.active_tps)


class RawKeyRouter(Router):  # type: ignore[misc]
    """Finds the worker of a key as the topics place it: by the key's own bytes."""

    @classmethod
    def _get_serialized_key(cls, table: CollectionT, key: Any) -> bytes:
        del table  # stock would encode the key as the table does: JSON puts quotes around it
        return key if isinstance(key, bytes) else str(key).encode()


def install_fast_recovery(app: AppT) -> None:
    """Let the app recover its tables with `FastRecovery`. To be called before the app starts."""
    app.tables._recovery = FastRecovery(app, app.tables, beacon=app.tables.beacon)  # noqa: SLF001


def is_ready(app: AppT) -> bool:
    """Whether the app's tables may be read: recovered, and no rebalance under way."""
    recovery = app.tables._recovery  # noqa: SLF001 - the property would create one
    return recovery is not None and recovery.completed.is_set() and not (app.rebalancing or app.in_recovery)


def apply_changelog(table: CollectionT, events: Sequence[EventT]) -> None:
    """Apply changelog records to a table in their order; a tombstone deletes."""
    store = table.data
    if not isinstance(store, MemoryStore) or (table.key_serializer, table.value_serializer) != ("raw", "raw"):
        table.apply_changelog_batch(events)
        return
    rows, partitions = store.data, store._key_partition  # noqa: SLF001
    for event in events:
        message = event.message
        if message.value is None:
            rows.pop(message.key, None)
            partitions.pop(message.key, None)
        else:
            rows[message.key] = message.value
            partitions[message.key] = message.partition


def _forget_rows(table: CollectionT, partition: int) -> None:
    store = table.data
    if isinstance(store, MemoryStore):
        for key in [key for key, of in store._key_partition.items() if of == partition]:  # noqa: SLF001
            store.data.pop(key, None)
            store._key_partition.pop(key, None)  # noqa: SLF001
