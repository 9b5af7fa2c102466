"""Tables of records: rows in memory, the changelog that brings them back, records decoded once."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import faust
import pytest
from yarl import URL

from connectors.kafka.publisher import DeliveryError, Record
from schemas.coding.codec import Codec
from schemas.training_rows import TrainingJobRecord
from streams.rows.event_table import RecordTable
from tests.unit.streams.rows.changelog import ChangelogPublisher, put_back

CODEC = Codec()
JOB = TrainingJobRecord("p1", 11, "flights", 11, "V0001", "c-1", 123, 7, "/uploads/flights.jsonl", {"epochs": 5})
KEY = b"p1/11"


class Table(RecordTable[TrainingJobRecord]):
    """A table of training jobs of one process; it can be started anew from its changelog."""

    def __init__(self, log: Iterable[Record] = ()) -> None:
        app = faust.App(
            f"t{uuid.uuid4().hex}", broker=[URL("kafka://127.0.0.1:1")], store="memory://", datadir="/nowhere"
        )
        self.publisher: Any = ChangelogPublisher()
        super().__init__(app, "training_jobs", "t-changelog", partitions=4, publisher=self.publisher, codec=CODEC)
        for record in log:
            put_back(self, record)


@pytest.fixture
async def table() -> Table:
    """An empty table."""
    return Table()


async def test_a_record_can_be_read_at_once(table: Table) -> None:
    """Before the changelog has it, and without being decoded."""
    writing = table.put(2, KEY, JOB)

    assert table.get(KEY) is JOB
    assert not writing.done()


async def test_who_follows_the_rows_is_told_which_have_changed(table: Table) -> None:
    """Once each; all may have where they were read anew, and nothing is kept before somebody asks."""
    table.put(2, b"before", JOB)
    assert table.take_changed() is None
    table.put(2, KEY, JOB)
    table.put(2, KEY, JOB)
    table.delete(2, b"before")

    assert table.take_changed() == {KEY, b"before"}
    assert table.take_changed() == set()
    await table._recovered()
    assert table.take_changed() is None


async def test_a_write_ends_when_the_changelog_has_it(table: Table) -> None:
    """The record is in the partition of the event that caused it, under the key that was given."""
    writing = table.put(2, KEY, JOB)
    table.publisher.futures[0].set_result(None)
    await writing

    assert table.publisher.records == [Record("t-changelog", KEY, CODEC.encode(JOB), partition=2)]


async def test_a_failed_delivery_is_not_swallowed(table: Table) -> None:
    """The caller must let the process end."""
    writing = table.put(2, KEY, JOB)
    table.publisher.futures[0].set_exception(DeliveryError("t-changelog", "gone"))

    with pytest.raises(DeliveryError):
        await writing


async def test_a_restart_brings_the_records_back(table: Table) -> None:
    """Equal in every field, the latest version of each."""
    table.put(2, KEY, JOB)
    table.put(2, KEY, replace(JOB, status=8, epoch=3))
    table.put(1, b"p2/12", replace(JOB, job_id=12))

    again = Table(table.publisher.records)
    assert (again.get(KEY), again.get(b"p2/12")) == (replace(JOB, status=8, epoch=3), replace(JOB, job_id=12))
    assert again.keys() == [KEY, b"p2/12"]


async def test_a_row_is_decoded_once(table: Table) -> None:
    """A list of many jobs is asked for often."""
    again = Table([Record("t-changelog", KEY, CODEC.encode(JOB), partition=2)])

    assert again.get(KEY) == JOB
    assert again.get(KEY) is again.get(KEY)


async def test_a_deleted_record_is_gone(table: Table) -> None:
    """Also after a restart; deleting what is not there is no error."""
    table.put(2, KEY, JOB)
    table.delete(2, KEY)
    table.delete(2, KEY)

    assert (table.get(KEY), table.keys(), len(table)) == (None, [], 0)
    assert table.publisher.records[1:] == [Record("t-changelog", KEY, None, partition=2)] * 2
    assert Table(table.publisher.records).keys() == []


async def test_a_record_can_come_back_under_the_key_of_a_deleted_one(table: Table) -> None:
    """A name may be used again."""
    table.put(2, KEY, JOB)
    table.delete(2, KEY)
    table.put(2, KEY, replace(JOB, epoch=9))

    assert table.get(KEY) == replace(JOB, epoch=9)
    assert Table(table.publisher.records).get(KEY) == replace(JOB, epoch=9)


async def test_keys_ascend_as_bytes(table: Table) -> None:
    """The same order on every worker."""
    for key in (b"p2/1", b"p1/9", b"p1/10"):
        table.put(0, key, JOB)

    assert table.keys() == [b"p1/10", b"p1/9", b"p2/1"]


async def test_an_unknown_key_is_none(table: Table) -> None:
    """It may also be another worker's."""
    table.put(2, KEY, JOB)

    assert table.get(b"p1/12") is None


async def test_a_group_has_what_begins_so(table: Table) -> None:
    """Whatever is written or deleted after the first look is in it, or is not, for each of a key's slashes."""
    table.put(0, b"p1/1/7", JOB)
    table.put(0, b"p1/2/8", replace(JOB, epoch=2))
    table.put(0, b"p10/1/9", replace(JOB, epoch=3))

    def epochs(prefix: bytes) -> list[int]:
        return sorted(one.epoch for one in table.group(prefix))

    assert (epochs(b"p1/"), epochs(b"p1/1/"), epochs(b"p2/")) == ([0, 2], [0], [])
    assert epochs(b"") == [0, 2, 3]
    table.put(0, b"p1/1/7", replace(JOB, epoch=4))
    table.put(0, b"p1/1/10", replace(JOB, epoch=5))
    table.put(0, b"p2/1/11", replace(JOB, epoch=6))
    assert (epochs(b"p1/"), epochs(b"p1/1/"), epochs(b"p2/")) == ([2, 4, 5], [4, 5], [6])
    table.delete(0, b"p1/1/7")
    assert (epochs(b"p1/"), epochs(b"p1/1/"), epochs(b"p1/2/")) == ([2, 5], [5], [2])
    assert epochs(b"") == [2, 3, 5, 6]


async def test_a_group_is_not_sought_a_second_time(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of jobs are asked for often, and rows may be on a disk."""
    table.put(0, b"p1/1", JOB)
    found = list(table.group(b"p1/"))
    monkeypatch.setattr(table, "_rows", None)

    assert list(table.group(b"p1/")) == found == [JOB]


async def test_asking_for_what_is_not_there_keeps_nothing(table: Table) -> None:
    """Whoever asks for projects of any name does not fill the memory."""
    for number in range(5):
        table.group(b"p%d/" % number)

    assert table._groups == {}


async def test_rows_that_recovery_changed_are_read_anew(table: Table) -> None:
    """What was decoded before may be another owner's past."""
    table.put(2, KEY, JOB)
    table.group(b"p1/")
    table._rows.write(2, [(KEY, CODEC.encode(replace(JOB, epoch=9)))])
    await table._recovered()

    assert table.get(KEY) == replace(JOB, epoch=9)
    assert list(table.group(b"p1/")) == [replace(JOB, epoch=9)]
