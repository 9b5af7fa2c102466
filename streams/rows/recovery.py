"""Table recovery in batches, and when tables may be read. Subclasses internals of faust-streaming 0.15.3.

Stock recovery takes each changelog record through Faust's consumer and a turn of the event loop, applies a record of a
partition that is not its own to some other table, replays what a worker wrote itself at every rebalance, and may let
rows of a lost partition come back with it although their new owner deleted them. `FastRecovery` reads changelogs with a
reader of its own, thousands of records at a time, straight into the tables' `RowStore`s, and only what they lack.

All tables of the app must have a `RowStore` (`streams.rows.event_table`), and no standbys.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import structlog
from faust.app.router import Router
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP, AppT
from faust.types.tables import CollectionT
from mode import Service

from connectors.kafka.changelog_reader import ChangelogReader, Span
from streams.rows.row_stores import RowStore

__all__ = ["FastRecovery", "QuickTableManager", "RawKeyRouter", "install_fast_recovery", "is_ready"]

log = structlog.get_logger(__name__)


class FastRecovery(Recovery):
    """Reads nothing again that this worker has kept since it read it, in memory or on its disk."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._completed_generation: int | None = None
        self._completed_tps: frozenset[TP] = frozenset()

    @Service.task
    async def _slurp_changelogs(self) -> None:
        """Drop what Faust's consumer fetches of changelogs: it would set rows back."""
        while not self.should_stop:
            await self.tables.changelog_queue.get()

    async def _wait(self, coro: Any, **_: Any) -> None:
        """As Faust's, without its time limit: `_build_offsets` reads, and what asks the broker has a limit itself."""
        await super()._wait(coro)

    async def _build_offsets(self, consumer: Any, tps: set[TP], destination: "Counter[TP]", title: str) -> None:
        """Find out where to begin, and read from there; Faust then finds nothing left to be read."""
        highwaters = self.active_highwaters
        for tp in tps:
            offset = destination.get(tp)
            if offset is not None and not self._store(tp).is_trusted(tp.partition, offset, highwaters[tp]):
                log.info("table_rows_given_up", topic=tp.topic, partition=tp.partition)
                del destination[tp]
        fresh = {tp for tp in tps if destination.get(tp) is None}
        for tp in fresh:
            cast("dict[TP, int | None]", destination).setdefault(tp, None)  # as Faust marks it
        await super()._build_offsets(consumer, tps, destination, title)
        for tp in fresh:
            self._store(tp).forget(tp.partition)
            self._store(tp).owned_log.read_anew(tp.partition)
        if title != "active":
            return
        # No other worker can have written between two generations that follow each other; what was read and written
        # here is complete. Reading it again would show batches that are still open rows from the past.
        adjacent = self._completed_generation == self._generation_id - 1
        kept = (tps & self._completed_tps) - fresh if adjacent else set()
        tenures = {tp: 0 if tp in fresh else self._store(tp).tenure(tp.partition) for tp in tps - kept}
        await self._read([tp for tp in tps - kept if destination[tp] < highwaters[tp]], destination, tenures)
        self._keep_only(tps)
        for tp, highest in tenures.items():
            store = self._store(tp)
            store.recovered(tp.partition, highwaters[tp])
            store.owned_log.begin(
                tp.partition, generation=self._generation_id, highest=highest, end=max(highwaters[tp], -1) + 1
            )
        for tp in tps:
            destination[tp] = highwaters[tp]

    async def _read(self, tps: Iterable[TP], reached: "Counter[TP]", tenures: dict[TP, int]) -> None:
        """Read into the stores what lies between where they are and the end; they may be read up to there later.

        `tenures` says the highest of each before what is read, and afterwards with it.
        """
        highwaters = self.active_highwaters
        spans = {(tp.topic, tp.partition): Span(reached[tp] + 1, highwaters[tp], tenures[tp]) for tp in tps}
        if not spans:
            return
        conf, loop, began = self.app.conf, asyncio.get_running_loop(), asyncio.get_running_loop().time()
        bootstrap = ",".join(f"{url.host}:{url.port}" for url in conf.broker)
        records = 0
        thread = ThreadPoolExecutor(1, thread_name_prefix="changelogs")  # waits beside the event loop
        try:
            reader = ChangelogReader(bootstrap, spans, max_message_bytes=conf.consumer_max_fetch_size)
            try:
                while not reader.done:
                    for changes in await loop.run_in_executor(thread, reader.read):
                        tp = TP(changes.topic, changes.partition)
                        self._store(tp).recover(changes)
                        reached[tp], tenures[tp] = changes.offset, changes.tenure
                        records += len(changes.rows)
                        self._store(tp).owned_log.was_read(tp.partition, changes.tenure)
            finally:
                for (topic, partition), keys in reader.stale.items():
                    log_of = self._store(TP(topic, partition)).owned_log
                    log_of.was_read(partition, log_of.highest_read(partition), keys)
                thread.submit(reader.close)  # after what it still reads, where a rebalance ends this early
        finally:
            thread.shutdown(wait=False)
        log.info("tables_read", records=records, partitions=len(spans), seconds=round(loop.time() - began, 2))

    def _keep_only(self, tps: Iterable[TP]) -> None:
        """Tell the tables which partitions this worker has."""
        for table in self.tables.values():
            of_table: RowStore = table.data
            of_table.owned_log.keep_only({tp.partition for tp in tps if tp.topic in table.changelog_topic.topics})

    def _store(self, tp: TP) -> RowStore:
        store: RowStore = self.tp_to_table[tp].data
        return store

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Let the agents go on, and remember which partitions are complete."""
        await super().on_recovery_completed(generation_id)
        if self.app.consumer_generation_id == generation_id:
            self._completed_generation = generation_id
            self._completed_tps = frozenset(self.active_tps)


class QuickTableManager(TableManager):
    """Faust's, without the second that it sleeps at every start: all tables are made before the app starts."""

    async def on_start(self) -> None:
        """Subscribe to the changelogs, and begin."""
        await self._update_channels()
        await self.recovery.start()


class RawKeyRouter(Router):
    """Finds the worker of a key as the topics place it: by the key's own bytes."""

    @classmethod
    def _get_serialized_key(cls, table: CollectionT, key: Any) -> bytes:
        del table  # stock would encode the key as the table does: JSON puts quotes around it
        return key if isinstance(key, bytes) else str(key).encode()


def install_fast_recovery(app: AppT) -> None:
    """Let the app recover its tables with `FastRecovery`. To be called before the app starts."""
    app.tables._recovery = FastRecovery(app, app.tables, beacon=app.tables.beacon)


def is_ready(app: AppT) -> bool:
    """Whether the app's tables may be read: recovered, and no rebalance under way."""
    recovery = app.tables._recovery  # the property would create one
    return recovery is not None and recovery.completed.is_set() and not (app.rebalancing or app.in_recovery)
