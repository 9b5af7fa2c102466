"""Rows on a disk: what was written together is there together, and what cannot be read is not needed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.row_database import DatabaseInUseError, Place, RowDatabase

WRITER = """
import sys
from pathlib import Path
from connectors.row_database import Place, RowDatabase
database, number = RowDatabase(Path(sys.argv[1])), 0
while True:
    rows = [(b"row-%d" % at, b"%d" % number) for at in range(50)]
    database.write(0, rows, Place(number, number))
    number += 1
    if number == 50:
        print("writing", flush=True)
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[RowDatabase]:
    """An empty one."""
    made = RowDatabase(tmp_path)
    yield made
    made.close()


def test_rows_have_their_partition(database: RowDatabase) -> None:
    """Ascending by key over all partitions; a key that is not there is None."""
    database.write(3, [(b"b", b"2"), (b"c", b"")], None)
    database.write(1, [(b"a", b"1")], None)

    assert database.get(b"b") == (3, b"2")
    assert database.get(b"c") == (3, b"")
    assert database.get(b"d") is None
    assert list(database.items()) == [(1, b"a", b"1"), (3, b"b", b"2"), (3, b"c", b"")]
    assert list(database.keys()) == [b"a", b"b", b"c"]


def test_a_deleted_row_is_gone(database: RowDatabase) -> None:
    """In the order of one call too."""
    database.write(0, [(b"a", b"1"), (b"b", b"1")], None)
    database.write(0, [(b"a", None), (b"b", None), (b"b", b"2")], None)

    assert list(database.items()) == [(0, b"b", b"2")]


def test_a_place_is_kept_until_another_is_written(database: RowDatabase) -> None:
    """One for each partition; it is no row."""
    database.write(0, [], Place(7, 1000))
    database.write(0, [(b"a", b"1")], None)

    assert (database.place(0), database.place(1)) == (Place(7, 1000), None)
    assert list(database.keys()) == [b"a"]


def test_everything_is_there_again(tmp_path: Path) -> None:
    """Closed and opened."""
    before = RowDatabase(tmp_path)
    before.write(2, [(b"a", b"1")], Place(5, 9))
    before.close()

    after = RowDatabase(tmp_path)
    assert (after.get(b"a"), after.place(2)) == ((2, b"1"), Place(5, 9))
    after.close()


def test_a_forgotten_partition_has_neither_rows_nor_place(database: RowDatabase) -> None:
    """Others keep theirs."""
    for partition in (1, 2):
        database.write(partition, [(b"%d-%d" % (partition, at), b"x") for at in range(20_001)], Place(9, 9))
    database.forget(1)

    assert {partition for partition, _, _ in database.items()} == {2}
    assert (database.place(1), database.place(2)) == (None, Place(9, 9))


def test_a_killed_writer_leaves_rows_as_far_as_its_place_says(tmp_path: Path) -> None:
    """kill -9 in the middle: all rows of one write, and the place of the same write."""
    with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        os.kill(writer.pid, signal.SIGKILL)

    after = RowDatabase(tmp_path)
    place = after.place(0)
    assert place is not None
    assert place.offset >= 49
    assert {row for _, _, row in after.items()} == {b"%d" % place.offset}
    after.close()


def test_two_workers_cannot_have_it(tmp_path: Path, database: RowDatabase) -> None:
    """Nothing is thrown away then; the text says what to do."""
    database.write(0, [(b"a", b"1")], None)
    with pytest.raises(DatabaseInUseError, match="TIDECAST_WORKER_ID"):
        RowDatabase(tmp_path)

    assert database.get(b"a") == (0, b"1")


@pytest.mark.parametrize("damage", ["CURRENT", "MANIFEST"])
def test_what_cannot_be_opened_is_emptied(tmp_path: Path, damage: str) -> None:
    """The changelog has it all."""
    before = RowDatabase(tmp_path)
    before.write(0, [(b"a", b"1")], Place(5, 9))
    before.close()
    for path in (tmp_path / "rows").glob(f"{damage}*"):
        path.write_bytes(b"nonsense")

    after = RowDatabase(tmp_path)
    assert (list(after.items()), after.place(0)) == ([], None)
    after.close()


def test_what_a_worker_could_not_read_is_emptied_by_the_next(tmp_path: Path) -> None:
    """Once: what that one writes stays."""
    before = RowDatabase(tmp_path)
    before.write(0, [(b"a", b"1")], Place(5, 9))
    before.spoil()
    before.close()

    next_one = RowDatabase(tmp_path)
    assert (list(next_one.items()), next_one.place(0)) == ([], None)
    next_one.write(0, [(b"b", b"1")], Place(5, 9))
    next_one.close()
    after = RowDatabase(tmp_path)
    assert list(after.keys()) == [b"b"]
    after.close()
