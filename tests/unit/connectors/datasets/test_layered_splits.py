"""A split that grows by rows is the split of the whole table, whatever the rows and however they come."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.csv_files.inspection import opened_csv
from connectors.datasets import manifests
from connectors.datasets.added_rows import AddedRow, RowLayout, added, append, set_layout, since
from connectors.datasets.grown_tables import grown_table, plain_dialect
from connectors.datasets.layered_splits import LayeredSplit, layered
from connectors.datasets.splits import Split
from connectors.datasets.splitter import split_csv
from connectors.objects.store import ObjectStore
from tests.unit.connectors.datasets.splits_samples import ARRANGE, NO_CHOICE

DAY = 86_400_000_000
FIRST = 18_262 * DAY  # 2020-01-01
LAYOUT = RowLayout("day", ("item", "shop"))
FILE = "shop,item,day,sold,price\n" + "".join(
    f"{shop},{item},2020-01-{day:02},{day}.5,2\n"
    for day in (1, 2, 4, 5)
    for shop, item in ((1, "x"), (2, "y"), (3, "x"))
)
NAMES = ("item", "shop")


class Table:
    """A data set that takes rows, and its split by shop and item."""

    def __init__(self, folder: Path, content: str = FILE, layout: RowLayout = LAYOUT) -> None:
        self.store = ObjectStore(str(folder / "objects"))
        self.file = folder / "data.csv"
        self.file.write_text(content)
        with opened_csv(self.file) as table:
            self.dataset = manifests.register(
                self.store,
                table,
                data_id=5,
                name="d",
                file_name="d.csv",
                related_user=1,
                time_created=datetime.now(UTC),
            )
        set_layout(self.store, 5, layout)
        self.layout = layout

    def split(self) -> Split:
        """As it is split anew, with all rows that were added."""
        with grown_table(self.store, self.dataset) as grown:
            return split_csv(
                grown or self.file,
                self.dataset.header,
                timestamp_index=2,
                target_index=3,
                groupby_indexs=(0, 1),
                max_series=100,
                calendars=NO_CHOICE,
                dialect=plain_dialect(self.dataset) if grown else self.dataset.dialect,
            )

    def layers(self) -> LayeredSplit:
        """The split of the file, ready to grow."""
        found = layered(self.split(), self.layout)
        assert found is not None
        return found


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Of three series of four days."""
    return Table(tmp_path)


def row(offset: int, shop: str, item: str, day: int, **cells: float | str | None) -> AddedRow:
    """What was observed on a day of January."""
    return AddedRow(offset, offset, (item, shop), FIRST + (day - 1) * DAY, f"2020-01-{day:02}", cells)


def with_rows(layers: LayeredSplit, rows: Sequence[AddedRow]) -> tuple[LayeredSplit, list[int]]:
    """The split with rows, and the places of the series that they have changed."""
    made = layers.with_rows(rows, ARRANGE, max_series=100)
    assert made is not None
    grown, part = made
    assert part.places is not None
    assert len(part.split) == len(part.places)
    for inside, place in enumerate(part.places.tolist()):
        np.testing.assert_array_equal(part.split.series(inside).target, grown.whole().series(place).target)
    return grown, part.places.tolist()


def shown(split: Split) -> list[object]:
    """All that readers see of the series."""
    return [
        (
            split.groupby_val[at],
            *split.history(at),
            split.series(at).times.tolist(),
            split.calendar(at),
            bool(split.is_complete[at]),
        )
        for at in range(len(split))
    ]


ROWS = st.lists(
    st.tuples(
        st.sampled_from([("1", "x"), ("2", "y"), ("3", "x"), ("4", "x"), ("5", "z'")]),
        st.integers(1, 9),
        st.sampled_from([{"sold": 1.0}, {"sold": 2.5}, {"sold": None}, {"price": 3.0}, {"sold": 4.5, "price": 1.0}]),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=30)  # each splits the whole table several times
@given(rows=ROWS, cuts=st.lists(st.integers(0, 29), max_size=4))
def test_it_is_the_split_of_the_whole_table(
    rows: list[tuple[tuple[str, str], int, dict[str, float]]], cuts: list[int]
) -> None:
    """New rows, corrections and new series, in as many refreshes as they may come; and only what changed is told."""
    with tempfile.TemporaryDirectory() as folder:
        table = Table(Path(folder))
        layers, seen = table.layers(), -1
        made = [row(offset, *names, day, **cells) for offset, (names, day, cells) in enumerate(rows)]
        bounds = sorted({0, len(made), *(cut for cut in cuts if cut < len(made))})
        for begin, end in pairwise(bounds):
            before = table.split()
            append(table.store, 5, made[begin:end])
            made_of = layers.with_rows(since(table.store, 5, seen), ARRANGE, max_series=100)
            now = table.split()
            if made_of is None:  # a series ends without a target: these rows may be of the future
                assert any(np.isnan(now.target[now.offsets[1:] - 1]))
                anew = layered(now, table.layout)
                if anew is None:
                    return
                layers, seen = anew, end - 1
                continue
            layers, changed = with_rows(layers, since(table.store, 5, seen))
            seen = end - 1
            assert shown(layers.whole()) == shown(now)
            differ = [
                at
                for at in range(len(now))
                if at >= len(before)
                or not np.array_equal(now.series(at).target, before.series(at).target, equal_nan=True)
                or now.series(at).times.tolist() != before.series(at).times.tolist()
            ]
            assert changed == differ


def test_rows_that_are_there_change_nothing(table: Table) -> None:
    """Whoever reads them again, after a crash, trains nothing again."""
    rows = [row(0, "1", "x", 6, sold=1.0), row(1, "9", "x", 1, sold=2.0)]
    once, _ = with_rows(table.layers(), rows)
    again, changed = with_rows(once, rows)

    assert changed == []
    assert again is once


def test_layers_stay_few(table: Table) -> None:
    """However many refreshes there are; who has an earlier state keeps it."""
    layers = first = table.layers()
    for number in range(200):
        layers, changed = with_rows(
            layers, [row(number, str(1 + number % 3), "yxx"[number % 3 - 2], 6, sold=float(number))]
        )
        assert len(changed) == 1
    assert len(layers.layers) <= 5
    assert sum(len(layer.target) for layer in layers.layers) < 100
    assert shown(first.whole()) == shown(table.split())


@pytest.mark.parametrize(
    "bad",
    [
        row(0, "north", "x", 1, sold=1.0),  # a word in a column of numbers: the others are written otherwise then
        row(0, "1", "x", 6, sold="many"),
        AddedRow(0, 0, ("x", "1"), FIRST, "2020-01-01T00:00:00Z", {"sold": 1.0}),
        AddedRow(0, 0, ("x", "1"), FIRST, "2020-01-07", {"sold": 1.0}),
    ],
    ids=["group", "value", "offset", "instant"],
)
def test_what_takes_a_split_anew(table: Table, bad: AddedRow) -> None:
    """It is said, and nothing else is done."""
    layers = table.layers()

    assert layers.with_rows([bad], ARRANGE, max_series=100) is None
    assert shown(layers.whole()) == shown(table.split())


def test_too_many_series(table: Table) -> None:
    """The split says so in words."""
    assert table.layers().with_rows([row(0, "4", "x", 1, sold=1.0)], ARRANGE, max_series=3) is None


def _zoned(lines: Sequence[str]) -> list[str]:
    """The lines of the file with times of a zone."""
    cells = [line.split(",") for line in lines[1:]]
    return [lines[0], *(f"{a},{b},{day}T00:00:00+01:00,{c},{d}" for a, b, day, c, d in cells)]


def test_a_split_that_cannot_grow(tmp_path: Path) -> None:
    """Rows that are known by other columns, or times with offsets."""
    split = Table(tmp_path).split()
    (tmp_path / "zoned").mkdir()
    zoned = Table(tmp_path / "zoned", "".join(f"{line}\n" for line in _zoned(FILE.splitlines())))

    assert layered(split, None) is None
    assert layered(split, RowLayout("day", ("shop",))) is None
    assert layered(split, RowLayout("price", NAMES)) is None
    assert layered(zoned.split(), LAYOUT) is None


def test_since_reads_what_came_behind(table: Table) -> None:
    """Also where an earlier row was corrected later."""
    append(table.store, 5, [row(0, "1", "x", 6, sold=1.0, price=2.0), row(1, "2", "y", 6, sold=1.0)])
    append(table.store, 5, [row(2, "1", "x", 6, sold=3.0)])

    assert [(one.groups, one.last) for one in since(table.store, 5, 0)] == [(("x", "1"), 2), (("y", "2"), 1)]
    assert [one.last for one in since(table.store, 5, 1)] == [2]
    assert since(table.store, 5, 2) == []
    assert len(added(table.store, 5)) == 2
