"""Rows that came after the upload, and what becomes of the file with them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest

from connectors.csv_files.inspection import opened_csv
from connectors.datasets import added_rows, manifests
from connectors.datasets.added_rows import AddedRow, RowLayout, added, append, layout_of, set_layout, version
from connectors.datasets.grown_tables import grown, grown_table, plain_dialect
from connectors.datasets.manifests import Dataset
from connectors.objects.store import ObjectStore

FILE = "shop,day,sold,price\na,2020-01-01,1,2.5\nb,2020-01-01,7,2.5\na,2020-01-02,2,2.5\n"
LAYOUT = RowLayout("day", ("shop",))
DAY = 86_400_000_000
FIRST = 18_262 * DAY  # 2020-01-01


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """An object store on the disk."""
    return ObjectStore(str(tmp_path / "objects"))


def dataset(store: ObjectStore, folder: Path, content: str = FILE) -> Dataset:
    """Data set 5, whose rows are known by shop and day."""
    file = folder / "data.csv"
    file.write_text(content)
    with opened_csv(file) as table:
        made = manifests.register(
            store, table, data_id=5, name="d", file_name="data.csv", related_user=1, time_created=datetime.now(UTC)
        )
    set_layout(store, 5, LAYOUT)
    return made


def row(offset: int, shop: str, day: int, **cells: float | str | None) -> AddedRow:
    """What an observation at an offset of the log says of a day, counted from 1."""
    return AddedRow(offset, offset, (shop,), FIRST + (day - 1) * DAY, f"2020-01-{day:02}", cells)


def table(store: ObjectStore, of: Dataset) -> list[str]:
    """The lines of the data set as it is now."""
    with grown_table(store, of) as path:
        return [] if path is None else path.read_text("utf-8").splitlines()


ROWS = (
    row(0, "a", 3, sold=3.0, price=2.5),
    row(1, "c", 1, sold=9.0),
    row(2, "a", 2, sold=20.0),
    row(3, "a", 3, sold=30.0),
    row(4, "a", 3, price=None),
)
GROWN = [
    "shop,day,sold,price",
    "a,2020-01-01,1,2.5",
    "b,2020-01-01,7,2.5",
    "a,2020-01-02,20,2.5",
    "a,2020-01-03,30,",
    "c,2020-01-01,9,",
]


def test_without_added_rows_the_file_is_all_there_is(store: ObjectStore, tmp_path: Path) -> None:
    """Nothing is copied."""
    own = dataset(store, tmp_path)

    assert (table(store, own), version(store, 5), grown(store, own)) == ([], (), own)


def test_rows_are_corrected_in_their_place_and_new_ones_follow(store: ObjectStore, tmp_path: Path) -> None:
    """The last write wins, column by column; a new series comes behind those that there are."""
    own = dataset(store, tmp_path)
    append(store, 5, ROWS)

    assert table(store, own) == GROWN
    assert grown(store, own).rows == 5
    assert grown(store, own).heads["sold"] == (1, 7, 20, 30, 9)


@pytest.mark.parametrize("order", list(permutations([ROWS[:2], ROWS[2:4], ROWS[4:]])), ids=str)
def test_it_does_not_matter_in_which_order_or_how_often_rows_are_written(
    store: ObjectStore, tmp_path: Path, order: Sequence[Sequence[AddedRow]]
) -> None:
    """After a crash some are written again, cut into other files: the log's order decides."""
    own = dataset(store, tmp_path)
    for part in (*order, ROWS[1:4], order[0]):
        append(store, 5, part)

    assert table(store, own) == GROWN


def test_rows_that_have_a_line_each_are_read(store: ObjectStore) -> None:
    """As files of before 0.2.0 have them: they are rows beside newer ones."""
    append(store, 5, [row(3, "b", 2, sold=8.0)])
    lines = (b'[1,1,["a"],%d,"2020-01-03",{"sold":5.0}]' % (FIRST + 2 * DAY), b'[2,2,["a"],%d,"2020-01-02",{}]' % DAY)
    store.put_bytes(f"datasets/5/=rows/{1:020d}-{2:020d}-{7:016x}.jsonl", b"\n".join(lines))

    assert [(one.last, one.groups, one.cells) for one in added(store, 5)] == [
        (1, ("a",), {"sold": 5.0}),
        (2, ("a",), {}),
        (3, ("b",), {"sold": 8.0}),
    ]


def test_many_small_files_are_put_together(store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And rows that are written again afterwards still change nothing."""
    monkeypatch.setattr(added_rows, "_MOST_FILES", 3)
    own = dataset(store, tmp_path)
    for each in ROWS:
        append(store, 5, [each])

    assert len(version(store, 5)) <= 3
    append(store, 5, ROWS[:1])
    assert table(store, own) == GROWN


def test_a_corrected_cell_does_not_come_back_when_files_are_put_together(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The correction is in a larger file that stays, between the cell's first file and one that has another cell."""
    monkeypatch.setattr(added_rows, "_MOST_FILES", 1)
    dataset(store, tmp_path)
    far = 1 << 15
    append(store, 5, [row(0, "a", 3, sold=1.0)])
    append(store, 5, [row(1, "a", 3, sold=2.0), row(far, "b", 9, sold=5.0)])
    append(store, 5, [row(far + 1, "a", 3, price=7.0)])

    assert len(version(store, 5)) == 2
    assert [(it.last, it.cells) for it in added(store, 5)] == [
        (far + 1, {"sold": 2.0, "price": 7.0}),
        (far, {"sold": 5.0}),
    ]


def test_what_is_removed_while_it_is_read_is_looked_for_again(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small files are put together by another worker."""
    dataset(store, tmp_path)
    append(store, 5, ROWS)
    [there] = version(store, 5)
    gone = there.replace(there[-22:-6], "0" * 16)
    seen = iter([(gone,), (there,)])
    monkeypatch.setattr(added_rows, "version", lambda *_: next(seen))

    assert len(added(store, 5)) == 3


def test_a_deleted_data_set_takes_its_rows_along(store: ObjectStore, tmp_path: Path) -> None:
    """All lies in its folder."""
    dataset(store, tmp_path)
    append(store, 5, ROWS)
    manifests.delete(store, 5)

    assert (version(store, 5), layout_of(store, 5)) == ((), None)


def test_by_which_columns_rows_are_known_stays_once_there_are_rows(store: ObjectStore, tmp_path: Path) -> None:
    """Until then the last choice counts."""
    dataset(store, tmp_path)
    other = RowLayout("day")
    assert set_layout(store, 5, other) == other
    set_layout(store, 5, LAYOUT)
    append(store, 5, ROWS)

    assert set_layout(store, 5, other) == layout_of(store, 5) == LAYOUT


def test_new_rows_are_written_as_the_file_is(store: ObjectStore, tmp_path: Path) -> None:
    """With a comma for decimals where it has one; separators in texts are kept."""
    own = dataset(store, tmp_path, 'shop;day;sold\n"a;b";2020-01-01;1,5\n"a;b";2020-01-02;2,25\n')
    append(store, 5, [row(0, "a;b", 2, sold=0.5), row(1, "c,d", 1, sold=1e30)])

    assert table(store, own) == [
        "shop,day,sold",
        'a;b,2020-01-01,"1,5"',
        'a;b,2020-01-02,"0,5"',
        '"c,d",2020-01-01,1e+30',
    ]
    assert plain_dialect(own).decimal == ","


def test_times_are_compared_and_not_their_texts(store: ObjectStore, tmp_path: Path) -> None:
    """A day and its midnight are one."""
    own = dataset(store, tmp_path)
    append(store, 5, [row(0, "a", 1, sold=5.0)._replace(timestamp="2020-01-01 00:00:00")])

    assert table(store, own)[1] == "a,2020-01-01,5,2.5"
