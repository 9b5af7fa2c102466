"""Tables are brought back from their changelogs, in memory and on the disk, also where partitions move."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import faust
import pytest
from confluent_kafka.admin import AdminClient
from yarl import URL

from connectors.kafka.changelog_reader import ChangelogReader, Span
from connectors.kafka.publisher import Publisher, Record
from streams.rows import recovery as module
from streams.rows.event_table import EventTable
from streams.rows.recovery import QuickTableManager, is_ready
from tests.integration.workers import Cluster, app_running, until

PARTITIONS = 4
ROWS = 300

Write = Callable[[int, list[tuple[bytes, bytes | None]]], "asyncio.Future[None]"]


class Table(EventTable):
    """Rows as they are."""

    async def _recovered(self) -> None:
        """Rows are all there is."""

    @property
    def rows(self) -> dict[bytes, bytes]:
        """All of this worker's."""
        return {key: row for _, key, row in self._rows.items()}

    def write(self, partition: int, *rows: tuple[bytes, bytes | None]) -> "asyncio.Future[None]":
        """As the agent of the partition would."""
        return self._write(partition, rows)


class Reads:
    """How many records were read from changelogs."""

    def __init__(self) -> None:
        self.records = 0


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Counted since the test began; `reads.records = 0` begins anew."""
    counted = Reads()

    class Counting(ChangelogReader):
        def read(self) -> list[Any]:
            found = super().read()
            counted.records += sum(len(changes.rows) for changes in found)
            return found

    monkeypatch.setattr(module, "ChangelogReader", Counting)
    return counted


@pytest.fixture(params=["memory", "rocksdb"])
def store(request: pytest.FixtureRequest) -> str:
    """Either."""
    return str(request.param)


class World:
    """A changelog, and workers that share its partitions."""

    def __init__(self, cluster: Cluster, store: str, folder: Path) -> None:
        self.cluster = cluster
        self.source = cluster.topic("source", partitions=PARTITIONS)
        self.store = store
        self.folder = folder
        self.changelog = ""
        self.new_changelog()

    def new_changelog(self) -> None:
        """An empty one; of another name would be another table."""
        if self.changelog:
            admin = AdminClient({"bootstrap.servers": self.cluster.bootstrap})
            admin.delete_topics([self.changelog])[self.changelog].result()
            while self.changelog in admin.list_topics(timeout=10).topics:
                pass
        self.changelog = self.cluster.topic("table", partitions=PARTITIONS, cleanup_policy="compact")

    @asynccontextmanager
    async def worker(self, name: str = "one") -> AsyncIterator[Table]:
        """A worker with its table, ready."""
        publisher = self.cluster.publisher()
        app = self._app(name)
        table = Table(app, "table", self.changelog, partitions=PARTITIONS, publisher=publisher)
        async with app_running(app):
            await until(lambda: is_ready(app))
            yield table
        await publisher.close()

    def _app(self, name: str) -> faust.App:
        url = URL.build(scheme="rocksdb", path=str(self.folder / name)) if self.store == "rocksdb" else "memory://"
        app = self.cluster.app(store=url, TableManager=QuickTableManager, consumer_auto_offset_reset="earliest")

        @app.agent(app.topic(self.source, value_type=bytes, value_serializer="raw", partitions=PARTITIONS))
        async def read(events: Any) -> None:
            async for _ in events:
                pass

        return app


@pytest.fixture
def world(cluster: Cluster, store: str, tmp_path: Path) -> Iterator[World]:
    """For each test anew."""
    return World(cluster, store, tmp_path)


async def _fill(table: Table) -> dict[bytes, bytes]:
    """Rows in every partition, some written twice and some deleted; what is left."""
    for turn in (b"1", b"2"):
        await asyncio.gather(
            *(
                table.write(partition, *((b"%d-%d" % (partition, number), turn) for number in range(ROWS)))
                for partition in range(PARTITIONS)
            )
        )
    await asyncio.gather(
        *(table.write(partition, (b"%d-0" % partition, None)) for partition in range(PARTITIONS)),
    )
    return {b"%d-%d" % (home, number): b"2" for home in range(PARTITIONS) for number in range(1, ROWS)}


async def test_a_restart_brings_every_row_back(world: World, reads: Reads) -> None:
    """As written last, without the deleted ones; from the disk where they are there already."""
    async with world.worker() as table:
        expected = await _fill(table)
        assert table.rows == expected
    reads.records = 0
    async with world.worker() as table:
        assert table.rows == expected
        await table.write(1, (b"1-1", b"3"))
    async with world.worker() as table:
        assert table.rows == expected | {b"1-1": b"3"}

    written = PARTITIONS * (2 * ROWS + 1)
    assert reads.records == (0 if world.store == "rocksdb" else 2 * written + 1)


async def test_rows_that_are_lost_come_from_the_changelog(world: World, reads: Reads) -> None:
    """The folder is gone: everything is read again."""
    async with world.worker() as table:
        expected = await _fill(table)
    for path in sorted(world.folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    reads.records = 0
    async with world.worker() as table:
        assert table.rows == expected

    assert reads.records == PARTITIONS * (2 * ROWS + 1)


async def test_rows_of_a_log_that_is_no_more_are_given_up(world: World) -> None:
    """Its topic was made anew."""
    async with world.worker() as table:
        await _fill(table)
    world.new_changelog()
    async with world.worker() as table:
        assert table.rows == {}
        await table.write(2, (b"2-new", b"1"))
    async with world.worker() as table:
        assert table.rows == {b"2-new": b"1"}


async def test_partitions_that_move_take_their_rows_along(world: World) -> None:
    """To the second worker, and back with what it has changed when it ends; each shows its own partitions only."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(world.worker())
        expected = await _fill(one)
        async with world.worker("two") as two:
            await until(lambda: one.rows.keys().isdisjoint(two.rows) and one.rows | two.rows == expected)
            moved = sorted({int(key.split(b"-")[0]) for key in two.rows})
            assert 0 < len(moved) < PARTITIONS
            for partition in moved:
                await two.write(partition, (b"%d-1" % partition, None), (b"%d-2" % partition, b"two"))
        changed = expected | {b"%d-2" % partition: b"two" for partition in moved}
        changed = {key: row for key, row in changed.items() if key not in {b"%d-1" % home for home in moved}}
        await until(lambda: one.rows == changed)

        assert one.rows == changed


async def test_a_worker_that_was_away_reads_what_it_lacks(world: World, reads: Reads) -> None:
    """Another one has written meanwhile."""
    async with world.worker() as table:
        expected = await _fill(table)
    async with world.worker("two") as table:
        await table.write(3, (b"3-1", None), (b"3-2", b"two"), (b"3-new", b"two"))
    reads.records = 0
    async with world.worker() as table:
        changed = expected | {b"3-2": b"two", b"3-new": b"two"}
        del changed[b"3-1"]
        assert table.rows == changed

    assert reads.records == (3 if world.store == "rocksdb" else PARTITIONS * (2 * ROWS + 1) + 3)


async def _send(publisher: Publisher, topic: str, *rows: tuple[bytes, bytes | None]) -> None:
    await publisher.send([Record(topic, key, row, partition=0) for key, row in rows])


async def test_a_reader_reads_a_span(cluster: Cluster) -> None:
    """Both ends included, nothing after it, with the offset and the time of the last record."""
    topic, publisher = cluster.topic("log", partitions=2), cluster.publisher()
    await _send(publisher, topic, *((b"%d" % number, b"x") for number in range(20)))
    await _send(publisher, topic, (b"3", None))
    reader = ChangelogReader(
        cluster.bootstrap, {(topic, 0): Span(18, 20), (topic, 1): Span(0, -1)}, max_message_bytes=2**20
    )
    rows, last = [], None
    while not reader.done:
        for last in reader.read():
            rows += last.rows
    reader.close()
    await publisher.close()

    assert rows == [(b"18", b"x"), (b"19", b"x"), (b"3", None)]
    assert last is not None
    assert (last.topic, last.partition, last.offset) == (topic, 0, 20)
    assert cluster.read(topic)[20].timestamp()[1] == last.at_ms
