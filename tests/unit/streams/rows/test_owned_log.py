"""What the owner of a log's partition accounts for, and what it finds that is not its own."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from connectors.kafka.changelog_reader import TENURE, Span
from connectors.kafka.publisher import Record
from streams.rows.owned_log import OwnedLog

LOG = "t-changelog"


class Broker:
    """Appends when told to, at offsets of the test's choice."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._calls: list[tuple[Any, asyncio.Future[None]]] = []

    def send_nowait(self, records: Iterable[Record], stored: Any) -> "asyncio.Future[None]":
        """As the publisher's."""
        self.records += records
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._calls.append((stored, future))
        return future

    async def deliver(self, first: int, last: int) -> None:
        """Tell the oldest call where its records are."""
        stored, future = self._calls.pop(0)
        stored(first, last)
        future.set_result(None)
        await asyncio.sleep(0)


@pytest.fixture
def broker() -> Broker:
    """A broker that has nothing yet."""
    return Broker()


@pytest.fixture
def log(broker: Any) -> OwnedLog:
    """A log whose partition 2 ends at 10 and is this worker's."""
    log = OwnedLog(LOG, broker)
    log.begin(2, generation=5, highest=3, end=10)
    return log


def suspects(log: OwnedLog) -> list[tuple[int, int]]:
    """First and last offset of what is to be looked at."""
    return [(span.first, span.last) for span in log.held[2].suspects]


async def test_records_carry_the_tenure(log: OwnedLog, broker: Broker) -> None:
    """Deletions too; whoever reads the log can tell owners apart."""
    log.send(2, [(b"a", b"1"), (b"b", None)], None)

    assert [dict(record.headers)[TENURE] for record in broker.records] == [bytes(log.held[2].tenure)] * 2


@pytest.mark.parametrize(("generation", "highest", "number"), [(5, 3, 5), (5, 5, 6), (1, 57, 58), (0, 0, 1)])
def test_a_tenure_is_above_all_before_it(broker: Any, generation: int, highest: int, number: int) -> None:
    """Also where the group began anew, or the same member came back; by the generation if nothing is to be seen."""
    log = OwnedLog(LOG, broker)
    log.begin(0, generation=generation, highest=highest, end=0)

    assert log.number(0) == number


def test_the_next_tenure_of_the_same_process_is_another(log: OwnedLog) -> None:
    """Its own rows that wait since before are a former owner's, too."""
    log.begin(2, generation=5, highest=3, end=10)

    assert log.number(2) == 6


async def test_own_records_one_after_another_are_no_suspects(log: OwnedLog, broker: Broker) -> None:
    """Nothing is read again of what we wrote."""
    log.send(2, [(b"a", b"1"), (b"b", b"1")], None)
    log.send(2, [(b"a", b"2")], None)
    await broker.deliver(10, 11)
    await broker.deliver(12, 12)
    log.held[2].ends_at(13)

    assert suspects(log) == []
    assert log.held[2].open == 0


@pytest.mark.parametrize(
    ("delivered", "end", "found"),
    [
        ((11, 12), 13, [(10, 10)]),  # before ours
        ((10, 12), 13, [(10, 12)]),  # between ours
        ((10, 11), 14, [(12, 13)]),  # after ours
        ((-1, -1), 12, [(10, 11)]),  # where ours are is not known
    ],
)
async def test_what_is_not_accounted_for_is_looked_at(
    log: OwnedLog, broker: Broker, delivered: tuple[int, int], end: int, found: list[tuple[int, int]]
) -> None:
    """Wherever it came, and at most once."""
    log.send(2, [(b"a", b"1"), (b"b", b"1")], None)
    await broker.deliver(*delivered)
    log.held[2].ends_at(end)
    log.held[2].ends_at(end)

    assert suspects(log) == found
    assert log.held[2].suspects[0] == Span(*found[0], own=log.held[2].tenure)


async def test_a_lost_partition_is_not_looked_at(log: OwnedLog, broker: Broker) -> None:
    """What is written to it late has the tenure that it had, for its new owner to see."""
    number = log.number(2)
    log.keep_only({0, 1})
    log.send(2, [(b"a", b"late")], None)

    assert log.held == {}
    assert dict(broker.records[0].headers)[TENURE][:8] == number.to_bytes(8, "big")
