"""Where rows are: the same to their readers in memory and on the disk, which is never ahead of the changelog."""

import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.types import TP
from yarl import URL

from connectors.kafka.changelog_reader import Changes
from connectors.row_database import RowDatabase
from streams.rows.disk_rows import DiskRows
from streams.rows.event_table import row_store
from streams.rows.owned_log import OwnedLog
from streams.rows.row_stores import MemoryRows, RowStore

LOG = "t-changelog"
HOUR_MS = 3_600_000


def _app(store: URL) -> faust.App:
    return faust.App(f"t{uuid.uuid4().hex}", broker=[URL("kafka://127.0.0.1:1")], store=store, datadir="/nowhere")


def _table() -> Any:
    return SimpleNamespace(name="results", changelog_topic=SimpleNamespace(topics=[LOG]))


async def _assign(store: RowStore, *partitions: int) -> None:
    tps = {TP(LOG, partition) for partition in partitions}
    await store.on_rebalance(tps, set(), tps)
    await store.on_recovery_completed(tps, set())


def _read(store: RowStore, partition: int, offset: int, *rows: tuple[bytes, bytes | None], at_ms: int = 0) -> None:
    store.recover(Changes(LOG, partition, offset, at_ms, rows))


class Disk:
    """A disk that a worker can be started on again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: list[DiskRows] = []

    async def start(self, *partitions: int) -> DiskRows:
        """A worker with these partitions; the one before is gone, without having stopped in order."""
        self.kill()
        store = row_store(_app(URL.build(scheme="rocksdb", path=str(self.folder))), _table())
        assert isinstance(store, DiskRows)
        nobody: Any = None
        store.owned_log = OwnedLog(LOG, nobody)
        self.running.append(store)
        await _assign(store, *partitions)
        return store

    def kill(self) -> None:
        """As a crash, but for the lock, which only the end of the process gives back."""
        for store in self.running:
            store._database.close()
        self.running.clear()

    def offset(self, partition: int) -> int | None:
        """How far the rows on the disk say they are."""
        return self.running[0].persisted_offset(TP(LOG, partition))


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    """An empty one, with a name that a URL would write otherwise."""
    made = Disk(tmp_path / "a b%20c")
    yield made
    made.kill()


@pytest.fixture(params=["memory", "disk"])
async def store(request: pytest.FixtureRequest, disk: Disk) -> RowStore:
    """Either, with the partitions 1 and 2."""
    if request.param == "disk":
        return await disk.start(1, 2)
    made = row_store(_app(URL("memory://")), _table())
    assert isinstance(made, MemoryRows)
    await _assign(made, 1, 2)
    return made


class TestBoth:
    """What tables and recovery see."""

    async def test_a_row_can_be_read_at_once(self, store: RowStore) -> None:
        """Before the changelog has it; and a deleted one is gone at once."""
        store.write(1, [(b"a", b"1"), (b"b", b"1")])
        store.write(1, [(b"a", b"2"), (b"b", None)])

        assert (store.get(b"a"), store.get(b"b"), b"a" in store, b"b" in store) == (b"2", None, True, False)
        assert (list(store), list(store.items())) == ([b"a"], [(1, b"a", b"2")])

    async def test_rows_of_a_changelog(self, store: RowStore) -> None:
        """Later ones over earlier ones; those of one partition by themselves."""
        _read(store, 1, 2, (b"a", b"1"), (b"b", b"1"), (b"a", b"2"))
        _read(store, 2, 0, (b"c", b"3"))
        _read(store, 1, 3, (b"b", None))

        assert sorted(store.items()) == [(1, b"a", b"2"), (2, b"c", b"3")]
        assert (store.keys(1), store.keys(2), store.keys(3)) == ([b"a"], [b"c"], [])

    async def test_keys_that_begin_alike(self, store: RowStore) -> None:
        """Acknowledged or not; of jobs whose number begins another one's too."""
        _read(store, 1, 2, (b"1:1", b"x"), (b"11:1", b"x"), (b"1:2", b"x"), (b"2:1", b"x"))
        store.write(1, [(b"1:3", b"x"), (b"1:1", None), (b"11:2", b"x")])

        assert store.beginning_with(b"1:") == [b"1:2", b"1:3"]
        assert store.beginning_with(b"3:") == []
        assert store.beginning_with(b"") == [b"11:1", b"11:2", b"1:2", b"1:3", b"2:1"]

    async def test_keys_that_went_and_came_again(self, store: RowStore) -> None:
        """Looked at in between or not, many or few: each is there once, in its order."""
        for count in (3, 3000):
            keys = [b"7:%04d" % number for number in range(count)]
            store.write(1, [(key, b"x") for key in reversed(keys)])
            assert store.beginning_with(b"7:") == keys
            store.write(1, [(key, None) for key in keys])
            assert store.beginning_with(b"7:") == []
            store.write(1, [(key, b"x") for key in keys[1:]])
            store.write(1, [(keys[1], None), (keys[1], b"y"), (keys[0], b"y")])
            assert store.beginning_with(b"7:") == keys
            store.write(1, [(key, None) for key in keys])

    async def test_a_partition_can_be_forgotten(self, store: RowStore) -> None:
        """Others stay."""
        _read(store, 1, 2, (b"a", b"1"), (b"b", b"1"))
        _read(store, 2, 0, (b"c", b"3"))
        store.forget(1)

        assert list(store.items()) == [(2, b"c", b"3")]

    async def test_rows_of_a_lost_partition_are_not_shown(self, store: RowStore) -> None:
        """Written or read; another worker may have changed them."""
        _read(store, 1, 2, (b"a", b"1"))
        store.write(1, [(b"b", b"1")])
        _read(store, 2, 0, (b"c", b"3"))
        await _assign(store, 2)

        assert (store.get(b"a"), store.get(b"b"), b"a" in store) == (None, None, False)
        assert (list(store), store.keys(1)) == ([b"c"], [])

    async def test_late_rows_do_not_hide_the_new_owners(self, store: RowStore) -> None:
        """A batch was open when the partition went: who wrote it reads it; when the partition is back, nobody does."""
        _read(store, 1, 1, (b"a", b"old"), (b"b", b"old"))
        await _assign(store, 2)
        acknowledged = store.write(1, [(b"a", b"late"), (b"b", None), (b"c", b"late")])
        store.write(1, [(b"d", b"late")])
        if acknowledged is not None:
            acknowledged(2, 4)
        assert (store.get(b"a"), store.get(b"b"), store.get(b"c"), store.get(b"d")) == (b"late", None, b"late", b"late")

        tps = {TP(LOG, 1), TP(LOG, 2)}
        await store.on_rebalance(tps, set(), tps)
        if store.persisted_offset(TP(LOG, 1)) is None:
            store.forget(1)  # as a recovery does
        _read(store, 1, 8, (b"a", b"new"), (b"b", b"new"), (b"c", None))
        store.recovered(1, 8)
        await store.on_recovery_completed(tps, set())
        assert sorted(store.items()) == [(1, b"a", b"new"), (1, b"b", b"new")]

    async def test_rows_written_while_others_are_recovered_are_given_up(self, store: RowStore) -> None:
        """Where their partition has gone."""
        await store.on_rebalance({TP(LOG, 2)}, {TP(LOG, 1)}, set())
        store.write(1, [(b"a", b"late")])
        assert store.get(b"a") == b"late"
        await store.on_recovery_completed({TP(LOG, 2)}, set())

        assert (store.get(b"a"), list(store)) == (None, [])

    async def test_a_forgotten_partition_has_no_unacknowledged_rows(self, store: RowStore) -> None:
        """It is read anew, and they are not what is read."""
        store.write(1, [(b"a", b"1"), (b"b", None)])
        store.write(2, [(b"c", b"1")])
        store.forget(1)

        assert list(store.items()) == [(2, b"c", b"1")]


async def _stored(write: Callable[[int, int], None] | None, first: int, last: int) -> None:
    assert write is not None
    write(first, last)


class TestDisk:
    """What outlives the process."""

    async def test_acknowledged_rows_are_there_again(self, disk: Disk) -> None:
        """With the offset of the last: nothing of them is read from the changelog."""
        store = await disk.start(1)
        await _stored(store.write(1, [(b"a", b"1"), (b"b", b"1")]), 0, 1)
        await _stored(store.write(1, [(b"b", None)]), 2, 2)

        again = await disk.start(1)
        assert (list(again.items()), disk.offset(1)) == ([(1, b"a", b"1")], 2)

    async def test_unacknowledged_rows_are_not(self, disk: Disk) -> None:
        """The changelog may not have them, and whoever takes over knows nothing of them."""
        store = await disk.start(1)
        await _stored(store.write(1, [(b"a", b"1")]), 0, 0)
        store.write(1, [(b"a", b"2"), (b"b", b"2")])

        again = await disk.start(1)
        assert (list(again.items()), disk.offset(1)) == ([(1, b"a", b"1")], 0)

    async def test_an_acknowledged_row_does_not_hide_a_newer_one(self, disk: Disk) -> None:
        """Readers see the newest write, whatever of it is acknowledged."""
        store = await disk.start(1)
        writes = [store.write(1, [(b"a", value)]) for value in (b"1", None, b"1")]
        seen = [store.get(b"a")]
        for number, write in enumerate(writes):
            await _stored(write, number, number)
            seen.append(store.get(b"a"))

        assert seen == [b"1"] * 4

    async def test_the_offset_passes_nothing_that_is_not_in_the_rows(self, disk: Disk) -> None:
        """A record in between, of whomever: it is read at the next start, with what follows."""
        store = await disk.start(1)
        await _stored(store.write(1, [(b"a", b"1")]), 0, 0)
        await _stored(store.write(1, [(b"a", b"3")]), 2, 2)
        await _stored(store.write(1, [(b"b", b"3")]), 3, 3)

        assert (store.get(b"a"), store.get(b"b"), disk.offset(1)) == (b"3", b"3", 0)

    async def test_an_unknown_offset_is_not_taken_for_one(self, disk: Disk) -> None:
        """librdkafka does not know it where the broker had the record from an earlier try."""
        store = await disk.start(1)
        await _stored(store.write(1, [(b"a", b"1"), (b"b", b"1")]), -1, 1)

        assert (store.get(b"a"), disk.offset(1)) == (b"1", None)

    async def test_an_acknowledgement_of_an_earlier_assignment_changes_nothing(self, disk: Disk) -> None:
        """The partition went and came back: its changelog has been read since, and its input comes again."""
        store = await disk.start(1)
        early, late = store.write(1, [(b"a", b"old")]), store.write(1, [(b"a", b"old")])
        await _assign(store, 2)
        await _assign(store, 1)
        _read(store, 1, 5, (b"a", b"new"))
        store.recovered(1, 5)
        await _stored(early, 3, 3)
        await _stored(late, 6, 6)
        await _stored(store.write(1, [(b"b", b"new")]), 7, 7)

        assert (store.get(b"a"), store.get(b"b"), disk.offset(1)) == (b"new", b"new", 5)

    async def test_an_acknowledgement_during_a_recovery_comes_after_it(self, disk: Disk) -> None:
        """What is read is older than what was just written, unless it is that."""
        store = await disk.start(1)
        read, unread = store.write(1, [(b"a", b"2")]), store.write(1, [(b"b", b"2")])
        _read(store, 1, 3, (b"a", b"1"), (b"b", b"1"))
        await _stored(read, 4, 4)
        await _stored(unread, 6, 6)
        during = store.get(b"b")
        _read(store, 1, 5, (b"a", b"2"), (b"a", b"3"))
        store.recovered(1, 5)

        assert (during, store.get(b"a"), store.get(b"b"), disk.offset(1)) == (b"2", b"3", b"2", 6)

    async def test_what_was_read_is_not_read_again(self, disk: Disk) -> None:
        """Up to the end of the log, where the last offsets hold no record too."""
        store = await disk.start(1)
        _read(store, 1, 7, (b"a", b"1"), at_ms=5)
        assert disk.offset(1) == 7
        store.recovered(1, 9)

        await disk.start(1)
        assert disk.offset(1) == 9

    async def test_a_partition_that_comes_back_is_where_it_was(self, disk: Disk) -> None:
        """The rest is read from the changelog."""
        store = await disk.start(1, 2)
        _read(store, 1, 7, (b"a", b"1"))
        await _assign(store, 2)
        await _assign(store, 1, 2)

        assert (store.get(b"a"), disk.offset(1)) == (b"1", 7)

    @pytest.mark.parametrize(
        ("offset", "last", "hours", "trusted"),
        [
            (7, 7, 100, True),  # nothing has been written since
            (7, 8, 1, True),
            (7, 8, 13, False),  # a deletion may have gone from the log
            (7, 6, 0, False),  # another log
        ],
    )
    async def test_rows_that_may_have_missed_a_deletion_are_not_trusted(
        self, disk: Disk, offset: int, last: int, hours: int, trusted: bool
    ) -> None:
        """Nor are those of a log that is no more."""
        store = await disk.start(1)
        _read(store, 1, offset, (b"a", b"1"), at_ms=int(time.time() * 1000) - hours * HOUR_MS)

        assert store.is_trusted(1, offset, last) is trusted

    async def test_a_row_that_cannot_be_read_ends_the_worker(self, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
        """And its next start begins with no rows."""
        store = await disk.start(1)
        await _stored(store.write(1, [(b"a", b"1")]), 0, 0)
        crashed: list[BaseException] = []

        async def crash(reason: BaseException) -> None:
            crashed.append(reason)

        monkeypatch.setattr(store.app, "crash", crash)
        monkeypatch.setattr(RowDatabase, "get", lambda *_: _raise())
        with pytest.raises(OSError, match="checksum"):
            store.get(b"a")
        await store.sleep(0)
        await store.sleep(0)
        monkeypatch.undo()

        assert [str(error) for error in crashed] == ["block checksum mismatch"]
        again = await disk.start(1)
        assert (list(again.items()), disk.offset(1)) == ([], None)


def _raise() -> None:
    raise OSError("block checksum mismatch")
