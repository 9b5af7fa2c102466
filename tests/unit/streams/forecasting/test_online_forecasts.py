"""The online store follows the table: what it lacks is written, what it cannot be trusted in is rebuilt."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.kafka.publisher import partition_for
from connectors.kafka.topic_ends import EndUnknownError
from connectors.online_store import Mark, StoreAwayError
from schemas.coding.wire import UndecodableError
from streams.forecasting import online_forecasts
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
        self,
        partition: int,
        forecasts: Sequence[tuple[bytes, bytes | None]],
        *,
        expected: Mark | None,
        mark: Mark,
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

    @property
    def equal(self) -> bool:
        """Whether the store is the table, and says so."""
        return bool(self.store.values == self.table.rows and self.store.marks == {1: self.end})


@pytest.fixture
async def world() -> World:
    """A worker that has read nothing yet, and an empty store."""
    return World()


@pytest.fixture
async def settled(world: World) -> World:
    """A worker whose store has three forecasts of four records; the fourth record came again in between."""
    await world.online.step()
    for offset, (key, row) in enumerate([(A, b"a0"), (B, b"b0"), (A, b"a1"), (C, b"c0")]):
        world.apply(offset, key, row)
    await world.online.step()
    world.store.written.clear()
    return world


class TestFollowing:
    """Without faults."""

    async def test_changes_are_written_with_their_offset(self, settled: World) -> None:
        """Each key once, as it is now."""
        assert settled.equal
        assert settled.store.values[A] == b"a1"

    async def test_only_what_changed_is_written(self, settled: World) -> None:
        """And nothing where nothing did."""
        await settled.online.step()
        assert settled.store.written == []
        settled.apply(4, B, b"b1")
        await settled.online.step()

        assert settled.store.written == [B]
        assert settled.equal

    async def test_what_is_removed_is_removed(self, settled: World) -> None:
        """With the offset of the empty record."""
        settled.apply(4, B, None)
        await settled.online.step()

        assert B not in settled.store.values
        assert settled.equal

    async def test_many_changes_are_several_transactions(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only the last one says that all are in."""
        monkeypatch.setattr(online_forecasts, "_TOGETHER", 4)
        await world.online.step()
        for offset, key in enumerate(HERE):
            world.apply(offset, key, b"row")
        world.store.fail_after = 2
        with pytest.raises(StoreAwayError):
            await world.online.step()
        assert (len(world.store.values), world.store.marks) == (8, {1: 0})
        world.store.fail_after = None
        await world.online.step()

        assert world.equal

    async def test_what_changes_while_it_is_written_comes_next(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The offset that is written is the one of before."""
        settled.apply(4, B, b"b1")
        write = settled.store.write

        async def write_meanwhile(*args: Any, **kwargs: Any) -> bool:
            monkeypatch.setattr(settled.store, "write", write)
            settled.apply(5, A, b"a2")
            return bool(await write(*args, **kwargs))

        monkeypatch.setattr(settled.store, "write", write_meanwhile)
        await settled.online.step()
        assert settled.store.marks == {1: 5}
        await settled.online.step()

        assert settled.equal

    async def test_behind_is_what_the_store_lacks(self, settled: World) -> None:
        """For /metrics."""
        settled.apply(4, B, b"b1")

        assert settled.online.behind == 1


class TestRestart:
    """A worker that starts, or gets a partition from another one."""

    async def test_it_resumes_where_the_store_is(self, settled: World) -> None:
        """All that is committed is in: nothing is written again."""
        settled.committed = {1: 4}
        settled.restart()
        await settled.online.step()
        assert settled.store.written == []
        settled.apply(4, B, b"b1")
        await settled.online.step()

        assert settled.store.written == [B]
        assert settled.equal

    async def test_a_store_that_lacks_something_is_rebuilt(self, settled: World) -> None:
        """It was away when the process before ended."""
        settled.table.rows[B] = b"b1"
        settled.end, settled.committed = 5, {1: 5}
        settled.restart()
        await settled.online.step()

        assert set(settled.store.written) == {A, B, C}
        assert settled.equal

    async def test_a_replay_does_not_set_the_store_back(self, settled: World) -> None:
        """The process before wrote more than it could commit: the rows are older until they are read again."""
        settled.committed = {1: 0}
        settled.table.rows = {}
        settled.restart()
        settled.apply(0, A, b"a0")
        settled.apply(1, B, b"b0")
        for _ in range(2):
            await settled.online.step()
        assert settled.store.values == {A: b"a1", B: b"b0", C: b"c0"}
        settled.apply(2, A, b"a1")
        settled.apply(3, C, b"c0")
        settled.apply(4, C, b"c1")
        await settled.online.step()

        assert settled.equal

    async def test_a_store_beyond_the_topics_end_is_rebuilt(self, settled: World) -> None:
        """It was filled from another topic, as after a restart with an empty disk: nothing of that is left."""
        settled.table.rows, settled.end, settled.committed = {B: b"new"}, 2, {1: 2}
        settled.restart()
        await settled.online.step()

        assert settled.equal

    async def test_another_generation_looks_again(self, settled: World) -> None:
        """While another worker owned the partition, it may have written: what is there is as good as our own."""
        settled.store.values[B], settled.store.marks[1] = b"b7", 7
        settled.table.rows[B], settled.end = b"b7", 7
        settled.generation, settled.committed = 2, {1: 7}
        await settled.online.step()

        assert settled.store.written == []
        assert settled.equal

    async def test_nothing_is_written_during_a_rebalance(self, settled: World) -> None:
        """Nor of a partition that has gone."""
        settled.apply(4, B, b"b1")
        settled.committed = None
        await settled.online.step()
        settled.generation, settled.committed = 2, {}
        await settled.online.step()

        assert settled.store.written == []

    async def test_a_worker_that_loses_the_partition_stops_in_the_middle(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The rows of the next owner are newer."""
        settled.apply(4, B, b"b1")
        bodies = settled.table.bodies

        def revoked(keys: Sequence[bytes]) -> Any:
            settled.committed = None
            return bodies(keys)

        monkeypatch.setattr(settled.table, "bodies", revoked)
        await settled.online.step()

        assert settled.store.written == []


class TestFaults:
    """Redis does what it likes."""

    async def test_what_changes_while_it_is_away_is_written_when_it_is_back(self, settled: World) -> None:
        """And only that, as it has kept what it had."""
        settled.store.away = True
        settled.apply(4, B, b"b1")
        with pytest.raises(StoreAwayError):
            await settled.online.step()
        settled.apply(5, C, None)
        settled.store.away = False
        await settled.online.step()

        assert sorted(settled.store.written) == sorted([B, C])
        assert settled.equal

    @pytest.mark.parametrize("changes", [False, True])
    async def test_a_flushed_store_is_rebuilt(self, settled: World, *, changes: bool) -> None:
        """Found out at the next look, whether or not something is to be written."""
        settled.store.values.clear()
        settled.store.marks.clear()
        if changes:
            settled.apply(4, B, b"b1")
        await settled.online.step()

        assert settled.equal

    async def test_a_store_set_back_is_rebuilt(self, settled: World) -> None:
        """Restored from a backup: it lacks what was written since."""
        settled.apply(4, B, b"b1")
        await settled.online.step()
        settled.store.values, settled.store.marks = {A: b"a0", B: b"b0"}, {1: 2}
        await settled.online.step()

        assert settled.equal

    async def test_a_store_set_back_to_where_the_worker_began_is_rebuilt_too(self, settled: World) -> None:
        """Good enough at the start, but this worker has written since."""
        settled.committed = {1: 4}
        settled.restart()
        await settled.online.step()
        before = dict(settled.store.values)
        settled.apply(4, B, b"b1")
        await settled.online.step()
        settled.store.values, settled.store.marks = before, {1: 4}
        for _ in range(2):
            await settled.online.step()

        assert settled.equal

    async def test_what_could_not_be_written_is_written_later(self, settled: World) -> None:
        """By a worker that resumed: nothing else would bring it."""
        settled.committed = {1: 4}
        settled.restart()
        await settled.online.step()
        settled.apply(4, B, b"b1")
        settled.store.fail_after = 0
        with pytest.raises(StoreAwayError):
            await settled.online.step()
        settled.store.fail_after = None
        for _ in range(2):
            await settled.online.step()

        assert settled.equal

    async def test_a_rebuild_removes_what_the_table_does_not_have(self, settled: World) -> None:
        """Of its own partition only: others have their owners."""
        other = next(key for key in KEYS if partition_for(key, PARTITIONS) != 1)
        settled.store.values |= {HERE[3]: b"deleted long ago", other: b"theirs"}
        settled.store.marks.clear()
        await settled.online.step()

        assert settled.store.values == settled.table.rows | {other: b"theirs"}

    async def test_a_rebuild_that_is_cut_short_says_nothing(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No offset until all is in: nobody takes half a store for a whole one."""
        monkeypatch.setattr(online_forecasts, "_TOGETHER", 1)
        settled.store.marks[1] = 2
        settled.store.fail_after = 3
        with pytest.raises(StoreAwayError):
            await settled.online.step()
        assert await settled.store.offsets([1]) == [None]
        settled.store.fail_after = None
        await settled.online.step()

        assert settled.equal

    async def test_a_rebuild_by_a_worker_that_has_lost_the_partition_removes_nothing(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its table is empty by then; what is in the store is the next owner's."""
        settled.store.marks.clear()
        pages = settled.store.pages

        async def revoked() -> AsyncIterator[list[bytes]]:
            async for page in pages():
                settled.committed, settled.table.rows = None, {}
                yield page

        monkeypatch.setattr(settled.store, "pages", revoked)
        before = dict(settled.store.values)
        await settled.online.step()

        assert settled.store.values == before
        assert await settled.store.offsets([1]) == [None]

    @pytest.mark.parametrize("mark", [b"rebuild-of-another", 4, None])
    async def test_a_rebuild_that_is_overtaken_gives_up(
        self, settled: World, monkeypatch: pytest.MonkeyPatch, mark: Mark | None
    ) -> None:
        """By a worker that is at it, or done, or by hand; this one does not know yet that it owns nothing any more."""
        settled.store.values = {HERE[3]: b"of the next owner"}
        settled.store.marks.clear()
        pages = settled.store.pages

        async def overtaken() -> AsyncIterator[list[bytes]]:
            settled.store.marks = {} if mark is None else {1: mark}
            async for page in pages():
                yield page

        monkeypatch.setattr(settled.store, "pages", overtaken)
        await settled.online.step()

        assert settled.store.values == {HERE[3]: b"of the next owner"}
        assert settled.store.marks == ({} if mark is None else {1: mark})

    async def test_a_rebuild_that_was_left_is_begun_anew(self, settled: World) -> None:
        """Its worker was killed: nobody else has its name."""
        settled.store.values.clear()
        settled.store.marks[1] = b"rebuild-of-another"
        await settled.online.step()

        assert settled.equal

    @pytest.mark.parametrize("rebuilt", [False, True])
    async def test_a_row_that_cannot_be_read_keeps_nothing_back(self, settled: World, *, rebuilt: bool) -> None:
        """It is a later release's: whoever wants it asks its owner, for others the store is complete."""
        settled.table.unreadable = {B}
        if rebuilt:
            settled.store.marks.clear()
        settled.apply(4, B, b"later")
        settled.apply(5, A, b"a2")
        await settled.online.step()

        assert settled.online.behind == 0
        assert await settled.online.read(B) == (False, None)
        assert await settled.online.read(A) == (True, b"a2")
        assert await settled.online.read(HERE[9]) == (True, None)

    async def test_a_row_that_can_be_read_again_is_written(self, settled: World) -> None:
        """The next forecast of the series."""
        settled.table.unreadable = {B}
        settled.apply(4, B, b"later")
        await settled.online.step()
        settled.table.unreadable.clear()
        settled.apply(5, B, b"b2")
        await settled.online.step()

        assert settled.equal

    async def test_a_lost_answer_costs_nothing(self, settled: World) -> None:
        """The transaction was done, we do not know it."""
        settled.apply(4, B, b"b1")
        settled.store.lost_replies = 1
        with pytest.raises(StoreAwayError):
            await settled.online.step()
        await settled.online.step()

        assert settled.equal

    async def test_another_writer_in_between_is_found_out(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A worker that does not know yet that it owns nothing any more."""
        settled.apply(4, B, b"b1")
        write = settled.store.write

        async def overtaken(*args: Any, **kwargs: Any) -> bool:
            monkeypatch.setattr(settled.store, "write", write)
            settled.store.values[B], settled.store.marks[1] = b"b0", 3
            return bool(await write(*args, **kwargs))

        monkeypatch.setattr(settled.store, "write", overtaken)
        await settled.online.step()
        await settled.online.step()

        assert settled.equal

    async def test_the_task_survives_everything(self, settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """Away, then a fault of our own, then all is well."""
        monkeypatch.setattr(online_forecasts, "_LOOK_S", 0.001)
        settled.store.away = True
        settled.apply(4, B, b"b1")
        task = asyncio.ensure_future(settled.online.run())
        await asyncio.sleep(0.02)
        settled.store.away, settled.store.marks = False, "broken"
        await asyncio.sleep(0.02)
        settled.store.marks = {}
        async with asyncio.timeout(5):
            while not settled.equal:
                await asyncio.sleep(0.001)
        task.cancel()


class TestReading:
    """For what another worker owns."""

    async def test_a_complete_store_is_believed(self, settled: World) -> None:
        """A forecast, or that there is none."""
        assert await settled.online.read(A) == (True, b"a1")
        assert await settled.online.read(HERE[9]) == (True, None)

    async def test_a_store_that_lacks_a_record_is_not(self, settled: World) -> None:
        """Whichever series the record is about."""
        settled.end += 1

        assert await settled.online.read(A) == (False, None)

    async def test_a_store_that_does_not_say_is_not(self, settled: World) -> None:
        """It is being rebuilt."""
        settled.store.marks.clear()

        assert await settled.online.read(A) == (False, None)

    async def test_a_store_that_is_away_is_no_answer(self, settled: World) -> None:
        """And no error."""
        settled.store.away = True

        assert await settled.online.read(A) == (False, None)

    async def test_a_store_that_is_away_is_left_alone_for_a_while(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that hangs makes one reader wait, not every one."""
        settled.store.away = True
        await settled.online.read(A)
        settled.store.away = False
        assert await settled.online.read(A) == (False, None)
        monkeypatch.setattr(settled.online, "_unasked_until", 0.0)

        assert await settled.online.read(A) == (True, b"a1")

    async def test_where_nobody_knows_the_end_there_is_no_answer(
        self, settled: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No broker, no proof."""

        async def unknown(partition: int) -> int:
            raise EndUnknownError(str(partition))

        monkeypatch.setattr(settled.online, "_end", unknown)

        assert await settled.online.read(A) == (False, None)

    async def test_the_end_is_asked_for_before_the_store(self, settled: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """A record that comes between the two questions must not make an old answer look complete."""
        asked: list[str] = []
        read = settled.store.read

        async def end(partition: int) -> int:
            asked.append("end")
            return settled.end

        async def noted(*args: Any) -> Any:
            asked.append("store")
            return await read(*args)

        monkeypatch.setattr(settled.online, "_end", end)
        monkeypatch.setattr(settled.store, "read", noted)
        await settled.online.read(A)

        assert asked == ["end", "store"]
