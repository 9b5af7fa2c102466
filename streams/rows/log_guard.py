"""Undoes what a former owner's producer has appended to the logs of this worker's rows: `streams.rows.owned_log`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from mode import Service

from connectors.kafka.changelog_reader import READING_ERRORS, ChangelogReader, Span
from connectors.kafka.topic_ends import TopicEnds
from streams.rows.event_table import EventTable
from streams.rows.owned_log import Holding
from streams.rows.recovery import is_ready

__all__ = ["LogGuard"]

log = structlog.get_logger(__name__)

_EVERY_S: Final = 1.0  # one small request; for so long the log may be wrong for those who look at it, and at no tenures


class LogGuard(Service):
    """Part of the state's app."""

    def __init__(self, app: Any, tables: Sequence[EventTable], bootstrap: str, **service: Any) -> None:
        super().__init__(**service)
        self._app = app
        self._tables = {table.log.topic: table for table in tables}
        self._bootstrap = bootstrap
        self._ends = TopicEnds(bootstrap)

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(_EVERY_S)
            if is_ready(self._app):
                try:
                    await self.look()
                except READING_ERRORS as error:
                    log.info("logs_of_rows_not_looked_at", error=str(error))

    async def look(self) -> None:
        """Find out who has written, and mend what is a former owner's."""
        await self._ask_ends()
        for topic, table in self._tables.items():
            for partition, holding in table.log.held.items():
                if holding.suspects:
                    await self._read(topic, partition, holding)
                if holding.stale and self._may_mend(holding):
                    keys, holding.stale = holding.stale, set()
                    log.warning("rows_of_a_former_owner_undone", topic=topic, partition=partition, rows=len(keys))
                    await table.write_again(partition, keys)

    async def _ask_ends(self) -> None:
        """Only where nothing of our own is under way, before and after: it would look like somebody else's."""
        quiet: dict[tuple[str, int], tuple[Holding, int]] = {}
        for topic, table in self._tables.items():
            for partition, holding in table.log.held.items():
                if not holding.open:
                    quiet[topic, partition] = holding, holding.sent
        ends: Mapping[tuple[str, int], int] = await self._ends.ends(quiet)
        for place, end in ends.items():
            holding, sent = quiet[place]
            if holding.sent == sent:
                holding.ends_at(end)

    async def _read(self, topic: str, partition: int, holding: Holding) -> None:
        suspects, holding.suspects = holding.suspects, []
        try:
            for span in suspects:
                holding.stale |= await asyncio.to_thread(self._foreign, topic, partition, span)
        except BaseException:
            holding.suspects += suspects
            raise

    def _foreign(self, topic: str, partition: int, span: Span) -> set[bytes]:
        """The keys in the span whose last record there is of another tenure."""
        limit = self._app.conf.consumer_max_fetch_size
        reader = ChangelogReader(self._bootstrap, {(topic, partition): span}, max_message_bytes=limit)
        try:
            while not reader.done:
                reader.read()
        finally:
            reader.close()
        return reader.stale.get((topic, partition), set())

    def _may_mend(self, holding: Holding) -> bool:
        return holding.held and is_ready(self._app) and bool(self._app.flow_control.is_active())
