"""The log of a table's rows, as the owner of its partitions writes it, and how the owner notices that it is not alone.

Rows that a worker has handed to its producer may reach the broker after it has lost their partition: over a connection
that was silent for a while, they come after those of the new owner, and a recovery would take them for the newest. A
broker can refuse them only in transactions. So they are undone:

- Every record carries its owner's tenure; a recovery does not apply one of a lower tenure that comes after one of a
  higher (`connectors.kafka.changelog_reader`).
- The broker tells each owner the offsets of its records. Where they do not follow one another, or the log goes on after
  the last of them, somebody else has written. What lies there is read (`streams.rows.log_guard`), and the owner writes
  its row of each foreign record's key again, long before compaction may begin with it (`min.compaction.lag.ms`).
"""

import asyncio
import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from connectors.kafka.changelog_reader import TENURE, Span, Tenure
from connectors.kafka.publisher import Headers, Publisher, Record
from streams.rows.row_stores import Row, Stored

__all__ = ["Holding", "OwnedLog"]

_OWNER: Final = secrets.token_bytes(8)  # of this process


class Holding:
    """One partition while this worker has it: what is accounted for, and what is to be looked at or mended."""

    def __init__(self, tenure: Tenure, end: int, stale: Iterable[bytes] = ()) -> None:
        self.tenure = tenure
        self.headers: Headers = ((TENURE, bytes(tenure)),)
        self.stale = set(stale)  # keys whose last record is a former owner's
        self.suspects: list[Span] = []
        self.sent = 0  # calls
        self.open = 0  # calls that have not ended
        self.held = True
        self._next = end

    def delivered(self, first: int, last: int, count: int) -> None:
        """Account for so many records of one call, in the order of the calls; -1 for an offset that nobody knows."""
        if first < 0:
            return
        self._suspect(first)
        if last - first >= count:
            self.suspects.append(Span(first, last, own=self.tenure))
        self._next = max(self._next, last + 1)

    def ends_at(self, end: int) -> None:
        """Account for the log's end; to be called only where nothing of our own is under way."""
        self._suspect(end)
        self._next = max(self._next, end)

    def _suspect(self, up_to: int) -> None:
        if up_to > self._next:
            self.suspects.append(Span(self._next, up_to - 1, own=self.tenure))


class OwnedLog:
    """The changelog of one table."""

    def __init__(self, topic: str, publisher: Publisher) -> None:
        self.topic = topic
        self._publisher = publisher
        self._holdings: dict[int, Holding] = {}
        self._read: dict[int, int] = {}  # partition → the highest tenure in what has been read of it
        self._stale: dict[int, set[bytes]] = {}  # partition → keys whose last record, as far as read, is not applied

    def read_anew(self, partition: int) -> None:
        """Nothing of the partition is in the rows any more."""
        self._read.pop(partition, None)
        self._stale.pop(partition, None)

    def was_read(self, partition: int, tenure: int, stale: Iterable[bytes] = ()) -> None:
        """More of the partition is in the rows, up to where this is the highest tenure; some of it was not applied."""
        self._read[partition] = tenure
        self._stale.setdefault(partition, set()).update(stale)

    def highest_read(self, partition: int) -> int:
        """The highest tenure in what this process has read or written of the partition."""
        return self._read.get(partition, 0)

    def begin(self, partition: int, *, generation: int, highest: int, end: int) -> None:
        """Hold a partition whose log has been read up to `end`, where `highest` was the highest tenure.

        The group's generation makes the number greater than that of an owner of whom nothing was to be seen yet.
        """
        number = max(generation, highest + 1, self.number(partition) + 1)
        self._holdings[partition] = Holding(Tenure(number, _OWNER), end, self._stale.pop(partition, ()))
        self._read[partition] = number

    def keep_only(self, partitions: Collection[int]) -> None:
        """Hold no other partitions any more. What is still written to one is of the tenure that it had."""
        for partition, holding in self._holdings.items():
            holding.held = partition in partitions

    def number(self, partition: int) -> int:
        """The number of the latest tenure here; 0 where there was none."""
        holding = self._holdings.get(partition)
        return 0 if holding is None else holding.tenure.number

    @property
    def held(self) -> Mapping[int, Holding]:
        """The partitions that this worker has."""
        return {partition: holding for partition, holding in self._holdings.items() if holding.held}

    def send(self, partition: int, rows: Collection[Row], stored: Stored | None) -> "asyncio.Future[None]":
        """Append rows; the future ends when the broker has them."""
        holding, topic = self._holdings.get(partition), self.topic
        if holding is None:  # before any recovery
            records = [Record(topic, key, row, partition=partition) for key, row in rows]
            return self._publisher.send_nowait(records, stored)
        headers = holding.headers
        holding.sent += 1
        holding.open += 1

        def delivered(first: int, last: int) -> None:
            holding.delivered(first, last, len(rows))
            if stored is not None:
                stored(first, last)

        def ended(_: object) -> None:
            holding.open -= 1

        records = [Record(topic, key, row, headers, partition) for key, row in rows]
        sending = self._publisher.send_nowait(records, delivered)
        sending.add_done_callback(ended)
        return sending
