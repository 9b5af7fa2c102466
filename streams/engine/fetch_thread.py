"""The thread that asks the broker for records. Uses internals of faust-streaming 0.15.3 and aiokafka 0.14.0."""

import asyncio
from collections.abc import Mapping
from typing import Any

from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.engine.fetched import install_safe_fetching

__all__ = ["SafeConsumerThread", "ask_briefly_beside_records"]

_FETCH_BYTES = 4 * 1024**2  # of a partition at a time
_BESIDE_MS = 100  # how long the broker may wait where records of other partitions are left out of the question


class SafeConsumerThread(driver.AIOKafkaConsumerThread):
    """No fetch outlives the assignment, or the seek, that it was made before."""

    _fetch: "asyncio.Future[Any] | None" = None
    _given_up = False

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # what a producer has taken back is no command
        # Of each partition a batch at least, however large; more than this would only be held compressed.
        most = min(consumer._max_partition_fetch_bytes, _FETCH_BYTES)
        consumer._max_partition_fetch_bytes = most
        return consumer

    async def on_start(self) -> None:
        """Start so that what is fetched is taken apart safely, and idle partitions hold up no others."""
        install_safe_fetching()
        await super().on_start()
        if not self.app.client_only:
            ask_briefly_beside_records(self.consumer, self._ensure_consumer()._fetcher)

    async def _fetch_records(self, consumer: Any, *args: Any, **kwargs: Any) -> Any:
        if consumer._subscription.reassignment_in_progress:
            return {}
        self._given_up = False
        self._fetch = asyncio.ensure_future(super()._fetch_records(consumer, *args, **kwargs))
        try:
            return await self._fetch
        except asyncio.CancelledError:
            if self._given_up:
                return {}  # nothing is lost: aiokafka takes records off its buffer only when it returns them
            raise

    def _give_up_fetch(self) -> None:
        if self._fetch is not None:
            self._given_up = True
            self._fetch.cancel()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Give up what is being fetched, for it may be of a partition that goes."""
        self._give_up_fetch()
        await super().on_partitions_revoked(revoked)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to what is committed in every partition; those positions."""
        positions: Mapping[TP, int] = await self.call_thread(self._seek_to_committed)
        return positions

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        self._give_up_fetch()
        consumer = self._ensure_consumer()
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        # aiokafka 0.14.0 leaves the position alone where nothing, or 0, is committed: what was fetched and dropped
        # before the seek would never be read. Changelogs are never committed; the recovery positions them.
        is_acked = self.app.topics.acks_enabled_for
        uncommitted = [tp for tp, offset in committed.items() if not offset and is_acked(tp.topic)]
        if uncommitted and self.app.conf.consumer_auto_offset_reset == "earliest":
            await consumer.seek_to_beginning(*uncommitted)
        return committed


def ask_briefly_beside_records(consumer: Any, fetcher: Any) -> None:
    """Let no partition wait because another is idle.

    aiokafka 0.14.0 has one request open at a time, which leaves out partitions whose records have not been taken yet.
    Where all that comes next is in those, Faust's request would keep them waiting for 1.5 s. Partitions that nobody
    reads here, such as changelogs, do not count: their records are never taken.
    """
    actions, alone_ms = fetcher._get_actions_per_node, fetcher._fetch_max_wait_ms

    def actions_per_node(assignment: Any) -> Any:
        read = consumer._active_partitions or ()
        waiting = any(partition in read for partition in fetcher._records)
        fetcher._fetch_max_wait_ms = _BESIDE_MS if waiting else alone_ms
        return actions(assignment)

    fetcher._get_actions_per_node = actions_per_node
