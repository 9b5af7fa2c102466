"""What tests of online forecasts are made of."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.kafka.publisher import partition_for
from connectors.online_store import Mark, StoreAwayError
from schemas.coding.wire import UndecodableError
from streams.forecasting.online_forecasts import OnlineForecasts

PARTITIONS = 4
KEYS = [b"%d" % number for number in range(100)]
HERE = [key for key in KEYS if partition_for(key, PARTITIONS) == 1]
A, B, C = HERE[:3]


class Store:
    """Redis in memory: transactions that compare, a switch, and a count of what is written."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.marks: dict[int, Mark] = {}
        self.away = False
        self.lost_replies = 0
        self.fail_after: int | None = None
        self.written: list[bytes] = []

    def _check(self) -> None:
        if self.away:
            raise StoreAwayError("away")

    def _offset(self, partition: int) -> int | None:
        mark = self.marks.get(partition)
        return mark if isinstance(mark, int) else None

    async def offsets(self, partitions: Sequence[int]) -> list[int | None]:
        self._check()
        return [self._offset(partition) for partition in partitions]

    async def read(self, partition: int, key: bytes) -> tuple[bytes | None, int | None]:
        self._check()
        return self.values.get(key), self._offset(partition)

    async def write(
        self, partition: int, forecasts: Sequence[tuple[bytes, bytes | None]], *, expected: Mark | None, mark: Mark
    ) -> bool:
        self._check()
        if self.fail_after is not None:
            self.fail_after -= 1
            if self.fail_after < 0:
                raise StoreAwayError("in the middle")
        if (self.marks.get(partition) if isinstance(expected, bytes) else self._offset(partition)) != expected:
            return False
        for key, value in forecasts:
            self.written.append(key)
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value
        self.marks[partition] = mark
        if self.lost_replies:
            self.lost_replies -= 1
            raise StoreAwayError("the answer is lost")
        return True

    async def pages(self) -> AsyncIterator[list[bytes]]:
        for key in list(self.values):
            self._check()
            await asyncio.sleep(0)
            yield [key]


class Table:
    """Rows by key; a body is the row."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.unreadable: set[bytes] = set()

    def bodies(self, keys: Sequence[bytes]) -> list[tuple[bytes, bytes | None]]:
        if not self.unreadable.isdisjoint(keys):
            raise UndecodableError("schema 99")
        return [(key, self.rows.get(key)) for key in keys]

    def keys(self, partition: int) -> list[bytes]:
        return [key for key in self.rows if partition_for(key, PARTITIONS) == partition]

    def __contains__(self, key: bytes) -> bool:
        return key in self.rows


@dataclass
class World:
    """One worker that owns partition 1, with everything around it."""

    store: Any = field(default_factory=Store)
    table: Any = field(default_factory=Table)
    generation: int = 1
    committed: dict[int, int | None] | None = field(default_factory=lambda: {1: None})
    end: int = 0
    online: OnlineForecasts = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.online = OnlineForecasts(self.store, self.table, owned=self._owned, end=self._end, partitions=PARTITIONS)

    def _owned(self) -> tuple[int, Mapping[int, int | None]] | None:
        return None if self.committed is None else (self.generation, self.committed)

    async def _end(self, partition: int) -> int:
        assert partition == 1
        return self.end

    def apply(self, offset: int, key: bytes, row: bytes | None) -> None:
        """The agent applies a record of the topic."""
        self.end = max(self.end, offset + 1)
        if row is None:
            self.table.rows.pop(key, None)
        else:
            self.table.rows[key] = row
        self.online.changed(self.generation, 1, [key], first=offset, last=offset)

    async def resume(self) -> None:
        """Another worker's turn, where all three records are committed."""
        self.committed = {1: 4}
        self.restart()
        await self.online.step()

    async def write_one(self) -> None:
        """The next row of B, which comes after three records, is applied and written, alone."""
        assert self.store.written == []
        self.apply(4, B, b"b1")
        await self.online.step()
        assert self.store.written == [B]
        assert self.equal

    @property
    def equal(self) -> bool:
        """Whether the store is the table, and says so."""
        return bool(self.store.values == self.table.rows and self.store.marks == {1: self.end})
