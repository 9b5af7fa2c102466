"""Keeps the online store as the table of forecasts is, and reads from it what another worker's table holds.

Per partition that this worker owns:

- What changes in the table is noted, and written with the offset up to which the table has read the topic: in one
  transaction, and only where the store is where this worker last saw it.
- Where it is not (another owner before, flushed, restored from a backup), it may go on from an offset that leaves
  nothing out; else the partition is rebuilt: 1. the name of the rebuild takes the offset's place, so that nobody takes
  the store for complete, 2. what the table does not have is removed, 3. all rows are written, 4. the offset comes back.
  Each transaction of it finds its name there, or the rebuild ends: another worker has begun one.
- A row that cannot be read (a later release's) is there without a text: whoever wants that one asks its owner.
- While Redis is away, notes are kept; they are keys of rows, so they cannot outgrow the table.

Nothing waits for Redis: the table is the truth, and what is read here is believed only if the store has all that the
topic had when the question was asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import structlog

from connectors.kafka.publisher import partition_for
from connectors.kafka.topic_ends import EndUnknownError
from connectors.online_store import Mark, OnlineStore, StoreAwayError, new_rebuild
from schemas.coding.wire import UndecodableError
from streams.forecasting.forecast_table import ForecastTable

__all__ = ["OnlineForecasts"]

log = structlog.get_logger(__name__)

_TOGETHER: Final = 500  # rows of a transaction: a few ms of the server, a few of a thread here
_UNASKED_S: Final = 5.0  # that readers leave a store alone which did not answer: one of them waits, not each
_UNREADABLE: Final = b""  # in the place of a forecast as JSON
_LOOK_S: Final = 1.0  # how often the store is looked at while nothing changes, and tried again while it is away

End = Callable[[int], Awaitable[int]]
"""Where a partition of the topic ends now; raises EndUnknownError."""

Owned = Callable[[], tuple[int, Mapping[int, int | None]] | None]
"""As `streams.rows.ownership.owned_offsets` for the topic of forecasts."""


class _Place:
    """A partition: which rows the store lacks, and where the store and the table are in the topic."""

    __slots__ = ("dirty", "expected", "known", "read_from", "read_to", "written_to")

    def __init__(self, read_from: int | None) -> None:
        self.dirty: set[bytes] = set()
        self.known = False  # whether the store's offset has been looked at and found good
        self.expected: int | None = None  # what the store's offset was when it was last seen
        self.read_from = read_from  # where this worker began to read; before it, all is in the table
        self.read_to = read_from or 0
        self.written_to = 0

    def lags(self) -> bool:
        """Whether there is something to write. Not while the store is ahead: rows then are older than what is in it."""
        ahead = self.expected or 0
        return self.read_to > ahead or (bool(self.dirty) and self.read_to == ahead)


class OnlineForecasts:
    """The online store of one state worker."""

    def __init__(self, store: OnlineStore, table: ForecastTable, *, owned: Owned, end: End, partitions: int) -> None:
        self._store = store
        self._table = table
        self._owned = owned
        self._partitions = partitions
        self._end = end
        self._places: dict[int, _Place] = {}
        self._generation: int | None = None
        self._noted = asyncio.Event()
        self._away = False
        self._told_unreadable = False
        self._unasked_until = 0.0

    @property
    def behind(self) -> int:
        """How many rows the store lacks."""
        return sum(len(place.dirty) for place in self._places.values())

    def changed(self, generation: int, partition: int, keys: Iterable[bytes], *, first: int, last: int) -> None:
        """Note that the table has applied the records from offset `first` to `last`, which are about these keys."""
        self._enter(generation)
        place = self._places.get(partition)
        if place is None:
            place = self._places[partition] = _Place(first)
        place.dirty.update(keys)
        place.read_to = max(place.read_to, last + 1)
        self._noted.set()

    async def read(self, key: bytes) -> tuple[bool, bytes | None]:
        """Whether the store has all that the topic has now, and if so the forecast as JSON, None where there is none.

        For partitions of other workers. Never raises: an answer that cannot be had is no answer.
        """
        now = asyncio.get_running_loop().time
        if now() < self._unasked_until:
            return False, None
        partition = partition_for(key, self._partitions)
        try:
            end = await self._end(partition)  # before the store: what comes later need not be in
            body, offset = await self._store.read(partition, key)
        except (StoreAwayError, EndUnknownError):
            self._unasked_until = now() + _UNASKED_S
            return False, None
        return (True, body) if offset is not None and offset >= end and body != _UNREADABLE else (False, None)

    async def run(self) -> None:
        """Keep the store up, for ever; whatever goes wrong with it is tried again and hurts nothing else."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._noted.wait()
            try:
                await self.step()
            except (StoreAwayError, EndUnknownError) as error:
                if not self._away:
                    log.warning("online_store_away", error=str(error))
                self._away = True
                await asyncio.sleep(_LOOK_S)
            except Exception:  # the edge of the task: the table and the agents must not end because of the store
                log.exception("online_store_not_written")
                await asyncio.sleep(_LOOK_S)

    async def step(self) -> None:
        """Bring the store to where the table is, as far as this worker owns it."""
        self._noted.clear()
        current = self._owned()
        if current is None:
            return
        generation, committed = current
        self._enter(generation)
        for partition, offset in committed.items():
            self._places.setdefault(partition, _Place(offset))
        places = {partition: self._places[partition] for partition in committed}
        offsets = await self._store.offsets(list(places))
        if self._away:
            log.info("online_store_is_back")
            self._away = False
        for (partition, place), offset in zip(places.items(), offsets, strict=True):
            if place.known and offset != place.expected:
                place.known = False
            if not place.known and not await self._adopted(partition, place, offset):
                await self._rebuild(partition, place, offset)
            elif place.lags():
                await self._flush(partition, place)

    async def close(self) -> None:
        """Close the connections."""
        await self._store.close()

    def _enter(self, generation: int) -> None:
        """After a rebalance nothing is known: another worker may have owned a partition meanwhile."""
        if generation != self._generation:
            self._places.clear()
            self._generation = generation

    def _is_current(self, partition: int, place: _Place) -> bool:
        current = self._owned()
        return current is not None and partition in current[1] and self._places.get(partition) is place

    async def _adopted(self, partition: int, place: _Place, offset: int | None) -> bool:
        """Whether the store lacks nothing but what is noted; an offset beyond the topic's end proves nothing."""
        if offset is None or place.read_from is None or offset < max(place.read_from, place.written_to):
            return False
        if offset > await self._end(partition):
            return False
        place.expected, place.known = offset, True
        return True

    async def _flush(self, partition: int, place: _Place) -> None:
        assert place.expected is not None  # the store's offset is known
        with _taken(place) as keys:
            place.known = await self._written(partition, place, list(keys), place.read_to, expected=place.expected)

    async def _rebuild(self, partition: int, place: _Place, offset: int | None) -> None:
        if not self._is_current(partition, place):
            return
        log.info("online_store_is_rebuilt", partition=partition, offset=offset)
        to, name = place.read_to, new_rebuild()
        with _taken(place):
            begun = await self._store.write(partition, [], expected=offset, mark=name)  # if not: look again
            if begun and await self._swept(partition, place, name):
                keys = await asyncio.to_thread(self._table.keys, partition)
                place.known = await self._written(partition, place, keys, to, expected=name)

    async def _swept(self, partition: int, place: _Place, name: bytes) -> bool:
        """Remove what the table does not have. False where the partition or the rebuild is another worker's now."""
        async for keys in self._store.pages():
            if not self._is_current(partition, place):  # the table has nothing of it any more
                return False
            here = (key for key in keys if partition_for(key, self._partitions) == partition)
            gone = [(key, None) for key in here if key not in self._table]
            if gone and not await self._store.write(partition, gone, expected=name, mark=name):
                return False
        return True

    async def _written(self, partition: int, place: _Place, keys: Sequence[bytes], to: int, *, expected: Mark) -> bool:
        """Write rows in transactions; the last one moves the offset. False where the store was not as expected."""
        for start in range(0, max(len(keys), 1), _TOGETHER):
            part = keys[start : start + _TOGETHER]
            bodies = await asyncio.to_thread(self._bodies, part) if part else []
            if not self._is_current(partition, place):
                return False
            mark = to if start + _TOGETHER >= len(keys) else expected
            if not await self._store.write(partition, bodies, expected=expected, mark=mark):
                return False
        place.expected = to
        place.written_to = max(place.written_to, to)
        return True

    def _bodies(self, keys: Sequence[bytes]) -> list[tuple[bytes, bytes | None]]:
        """As the table gives them, but for rows that cannot be read: one of them must not keep back all others."""
        try:
            return self._table.bodies(keys)
        except UndecodableError as error:
            if len(keys) > 1:
                return [found for key in keys for found in self._bodies([key])]
            if not self._told_unreadable:
                log.warning("forecasts_missing_in_online_store", key=keys[0], error=str(error))
            self._told_unreadable = True
            return [(keys[0], _UNREADABLE)]


@contextmanager
def _taken(place: _Place) -> Iterator[set[bytes]]:
    """What is noted for a place; it is noted again where it was not written."""
    keys, place.dirty = place.dirty, set()
    try:
        yield keys
    except BaseException:
        place.known = False
        raise
    finally:
        if not place.known:
            place.dirty |= keys
