"""A changelog in memory, for the tests of tables."""

import asyncio
from collections.abc import Iterable

from connectors.kafka.publisher import Record
from streams.rows.event_table import EventTable

__all__ = ["ChangelogPublisher", "put_back"]


class ChangelogPublisher:
    """Keeps what is sent; delivers when told to."""

    max_message_bytes = 1024 * 1024

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.futures: list[asyncio.Future[None]] = []

    def send_nowait(self, records: Iterable[Record], stored: object = None) -> "asyncio.Future[None]":
        """Keep them; the future is for the test to end."""
        self.records += records
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.futures.append(future)
        return future


def put_back(table: EventTable, record: Record) -> None:
    """What recovery does with one record of the table's changelog."""
    table._rows.write(record.partition or 0, [(record.key or b"", record.value)])
