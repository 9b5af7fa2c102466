"""Choices of columns that are probably not meant: groups that differ in blanks, and rows of one time."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.csv_files.inspection import opened_csv
from connectors.datasets.splits import Split
from connectors.datasets.splitter import split_csv
from streams.forecasting.calendars import checked_calendars

HEADER = "day,shop,item,price,sold"


def split(path: Path, rows: Sequence[str], groups: Sequence[int] = ()) -> Split:
    """The series of these rows."""
    path.write_text("\n".join([HEADER, *rows, ""]), "utf-8")
    with opened_csv(path) as table:
        return split_csv(
            table.text, table.facts.header, timestamp_index=0, target_index=4, groupby_indexs=groups, max_series=99,
            calendars=checked_calendars("", ""), dialect=table.facts.dialect,
        )  # fmt: skip


def rows(shops: str, items: str, days: int = 6) -> list[str]:
    """A row for each day, shop and item, with a price of its own."""
    cells = [(day, shop, item) for day in range(1, days + 1) for shop in shops for item in items]
    return [f"2020-01-{day:02},{shop},{item},{n}.5,{n}" for n, (day, shop, item) in enumerate(cells, 100)]


def test_A25_groups_that_differ_in_blanks_alone(tmp_path: Path) -> None:
    """Both are shown in quotation marks, with the remedy; other groups are not spoken of."""
    lines = [*rows("A", "x"), *(row.replace(",A,", ", A,") for row in rows("A", "x"))]
    (warning,) = split(tmp_path / "data.csv", lines, [1, 2]).warnings

    assert warning.startswith('column "shop": "A" and " A" differ in blanks alone')
    assert split(tmp_path / "data.csv", rows("AB", "xy"), [1, 2]).warnings == ()


@pytest.mark.parametrize("form", ["2020-01-01 00:00:00.{:09}", "15778368{:011}"])
def test_17_times_that_differ_in_nanoseconds_are_told(tmp_path: Path, form: str) -> None:
    """They are one time to the microsecond, so to keep one row per time is no help."""
    (warning,) = split(
        tmp_path / "data.csv", [f"{form.format(n)},A,x,1,{n}" for n in range(0, 900, 100)], [1, 2]
    ).warnings

    assert "9 rows have a time that their series has already" in warning
    assert "told apart to the microsecond" in warning


@pytest.mark.parametrize("other", ["e\u0301", "\u200e\u00e9"])
def test_A25_groups_that_look_alike_in_other_characters(tmp_path: Path, other: str) -> None:
    """An accent that is a character of its own, and marks that nobody sees."""
    lines = [*rows("\u00e9", "x"), *(row.replace(",\u00e9,", f",{other},") for row in rows("\u00e9", "x"))]
    (warning,) = split(tmp_path / "data.csv", lines, [1, 2]).warnings

    assert "look alike, in other characters, and are series of their own; write them alike" in warning


@pytest.mark.parametrize(
    ("shops", "items", "groups", "named"),
    [
        ("AB", "x", [], '"shop" (1)'),
        ("A", "xy", [], '"item" (2)'),
        ("AB", "xy", [], '"shop" (1) and "item" (2)'),
        ("AB", "xy", [1], '"item" (2)'),
    ],
)
def test_B47_the_columns_that_tell_series_apart_are_named(
    tmp_path: Path, shops: str, items: str, groups: list[int], named: str
) -> None:
    """The fewest that do; a column of measurements, which differ in every row, is none of them."""
    (warning,) = split(tmp_path / "data.csv", rows(shops, items), groups).warnings

    assert f"here {named}: groupby_indexs, or --group-by" in warning
    assert 'such as "2020-01-01"' in warning
    assert "price" not in warning


def test_B47_where_no_column_tells_rows_apart_one_must_go(tmp_path: Path) -> None:
    """The remedy is another one then; the order of the file does not matter."""
    lines = rows("A", "x")
    (warning,) = split(tmp_path / "data.csv", [*lines, lines[2], *reversed(lines)], [1]).warnings

    assert "7 of 13 rows" in warning
    assert warning.endswith("keep one row per time, or have rows put together (aggregate, or --aggregate D=mean)")
    assert "groupby_indexs" not in warning


@pytest.mark.parametrize(("hour", "is_told"), [("02:00", True), ("1:30", True), ("00:00", False), ("12:00", False)])
def test_17_an_hour_that_comes_twice_at_night_names_the_time_zone(tmp_path: Path, hour: str, *, is_told: bool) -> None:
    """Clocks are set back then, and the file has no offsets."""
    times = ["2021-10-30 10:00", f"2021-10-31 {hour}", f"2021-10-31 {hour}", "2021-10-31 15:00"]
    lines = [f"{time},A,x,1,{place}" for place, time in enumerate(times)]
    (warning,) = split(tmp_path / "data.csv", lines, [1, 2]).warnings

    assert ("where the clock was set back, name its time_zone" in warning) is is_told


@pytest.mark.parametrize("form", ["{:02}:00", "{}.00.00", "{}:00:00 PM"])
def test_B47_times_of_day_in_a_column_of_their_own_are_no_series(tmp_path: Path, form: str) -> None:
    """Loggers write day and time apart; a series of each hour would be no remedy."""
    lines = [f"2020-01-{day:02},{form.format(hour)},x,1,{hour}" for day in range(1, 9) for hour in range(1, 13)]
    (warning,) = split(tmp_path / "data.csv", lines).warnings

    assert warning.endswith('"shop" (1) has the times of day: put both into one column of the file')
