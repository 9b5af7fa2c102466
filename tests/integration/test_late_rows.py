"""Rows that a worker's producer appends after another worker has got their partition: they are undone."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from connectors.kafka.changelog_reader import ChangelogReader, Span
from connectors.kafka.publisher import Publisher
from streams.rows import log_guard
from streams.rows.log_guard import LogGuard
from streams.rows.owned_log import OwnedLog
from tests.integration.services import read_all

PARTITION = 0


class Table:
    """The rows of one owner, as an event table has them."""

    def __init__(self, topic: str, publisher: Publisher) -> None:
        self.log = OwnedLog(topic, publisher)
        self.rows: dict[bytes, bytes] = {}

    async def put(self, key: bytes, row: bytes | None) -> None:
        """Change a row, in memory and in the log."""
        if row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = row
        await self.log.send(PARTITION, [(key, row)], None)

    async def write_again(self, partition: int, keys: Any) -> None:
        """As the event table's."""
        await self.log.send(partition, [(key, self.rows.get(key)) for key in keys], None)


class Recovered:
    """What a recovery reads."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        end = len(read_all(bootstrap, topic))
        reader = ChangelogReader(bootstrap, {(topic, PARTITION): Span(0, end - 1)}, max_message_bytes=2**20)
        self.rows: dict[bytes, bytes] = {}
        while not reader.done:
            for changes in reader.read():
                self.rows |= changes.rows
        reader.close()
        self.rows = {key: row for key, row in self.rows.items() if row is not None}
        self.end, self.highest = end, reader.tenure(topic, PARTITION)
        self.stale = reader.stale.get((topic, PARTITION), set())


@pytest.fixture
async def publishers(cluster: Any) -> AsyncIterator[Any]:
    """Makes a producer for each owner."""
    made = []

    def publisher() -> Publisher:
        made.append(Publisher(cluster.bootstrap, client_id="owner"))
        return made[-1]

    yield publisher
    for one in made:
        await one.close()


@pytest.fixture
def topic(cluster: Any) -> str:
    """A changelog of its own."""
    name = f"late-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result()
    return name


@pytest.fixture
async def guard(cluster: Any, topic: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a guard for an owner."""
    monkeypatch.setattr(log_guard, "is_ready", lambda app: True)
    app = SimpleNamespace(
        conf=SimpleNamespace(consumer_max_fetch_size=2**20), flow_control=SimpleNamespace(is_active=lambda: True)
    )
    return lambda table: LogGuard(app, [table], cluster.bootstrap)


def _last(bootstrap: str, topic: str) -> Mapping[Any, Any]:
    """What compaction leaves, to somebody who knows nothing of tenures."""
    return {message.key(): message.value() for message in read_all(bootstrap, topic)}


async def test_late_rows_are_undone(cluster: Any, topic: str, publishers: Any, guard: Any) -> None:
    """Changed, deleted and unknown rows; in the log itself, and to a recovery that comes before that."""
    old, new = Table(topic, publishers()), Table(topic, publishers())
    old.log.begin(PARTITION, generation=4, highest=0, end=0)
    for key in (b"changed", b"deleted", b"kept"):
        await old.put(key, b"1")
    new.rows = dict(old.rows)
    new.log.begin(PARTITION, generation=5, highest=4, end=3)
    await new.put(b"changed", b"2")
    await new.put(b"deleted", None)
    for key in (b"changed", b"deleted", b"unknown"):
        await old.put(key, b"late")
    expected = {b"changed": b"2", b"kept": b"1"}

    before = await asyncio.to_thread(Recovered, cluster.bootstrap, topic)
    watch = guard(new)
    await watch.look()
    await watch.look()
    after = await asyncio.to_thread(Recovered, cluster.bootstrap, topic)

    assert before.rows == after.rows == expected
    assert before.stale == {b"changed", b"deleted", b"unknown"}
    assert after.stale == set()
    assert _last(cluster.bootstrap, topic) == {**expected, b"deleted": None, b"unknown": None}
    assert after.end == 11  # each once


async def test_an_owner_undoes_what_came_before_it_died(cluster: Any, topic: str, publishers: Any, guard: Any) -> None:
    """The next one finds it at its recovery."""
    old, dead, next_ = (Table(topic, publishers()) for _ in range(3))
    old.log.begin(PARTITION, generation=4, highest=0, end=0)
    dead.log.begin(PARTITION, generation=5, highest=0, end=0)
    await dead.put(b"job", b"2")
    await old.put(b"job", b"late")
    found = await asyncio.to_thread(Recovered, cluster.bootstrap, topic)
    next_.rows = found.rows
    next_.log.was_read(PARTITION, found.highest, found.stale)
    next_.log.begin(PARTITION, generation=6, highest=found.highest, end=found.end)

    await guard(next_).look()

    assert _last(cluster.bootstrap, topic) == {b"job": b"2"}


async def test_nothing_is_written_where_nobody_else_writes(
    cluster: Any, topic: str, publishers: Any, guard: Any
) -> None:
    """Own records are accounted for without being read."""
    table = Table(topic, publishers())
    table.log.begin(PARTITION, generation=4, highest=0, end=0)
    watch = guard(table)
    for number in range(50):
        await table.put(b"job", b"%d" % number)
        await watch.look()

    assert len(read_all(cluster.bootstrap, topic)) == 50


async def test_rows_of_an_earlier_release_are_taken(cluster: Any, topic: str, publishers: Any) -> None:
    """They have no tenure, before and after those that have one."""
    table, earlier = Table(topic, publishers()), Table(topic, publishers())
    await earlier.put(b"a", b"1")
    table.log.begin(PARTITION, generation=4, highest=0, end=1)
    await table.put(b"b", b"1")
    await earlier.put(b"a", b"2")

    found = await asyncio.to_thread(Recovered, cluster.bootstrap, topic)

    assert found.rows == {b"a": b"2", b"b": b"1"}
    assert found.highest == 4
