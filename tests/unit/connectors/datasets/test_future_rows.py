"""Rows behind the last target of a series: its future, or missing values."""

from pathlib import Path

import numpy as np
import pytest

from connectors.datasets.splits import Split, load_split, save_split
from connectors.datasets.splitter import split_csv
from connectors.objects.store import ObjectStore
from streams.forecasting.calendars import JobCalendars

HEADER = ("t", "g", "y", "price", "words")


def split_of(folder: Path, *rows: str, header: tuple[str, ...] = HEADER) -> Split:
    """Of a file with these rows: time, group, target, and whatever else."""
    file = folder / "rows.csv"
    file.write_text("\n".join((",".join(header), *rows)) + "\n")
    return split_csv(
        file,
        header,
        timestamp_index=0,
        target_index=2,
        groupby_indexs=(1,),
        max_series=9,
        calendars=JobCalendars(),
    )


def test_rows_behind_the_last_target_are_the_future_of_their_series(tmp_path: Path) -> None:
    """Wherever they lie in the file; the history ends before them, and a gap within it stays."""
    split = split_of(
        tmp_path,
        "2024-01-05,a,,9,",
        "2024-01-01,a,1,5,",
        "2024-01-01,b,7,5,",
        "2024-01-02,a,,5,",
        "2024-01-03,a,3,5,",
        "2024-01-02,b,8,5,",
        "2024-01-04,a,,8,",
    )

    assert split.future.tolist() == [2, 0]
    np.testing.assert_array_equal(split.series(0).target, [1, np.nan, 3])
    assert split.history(0) == ([1, None, 3], ["2024-01-01", "2024-01-02", "2024-01-03"])
    assert (split.lengths.tolist(), split.ends.tolist()) == ([3, 2], [3, 7])
    assert split.calendar(0) == "D"
    prices = np.array([5.0, 5, 5, 8, 9, 5, 5])
    assert split.future_of(prices, 0).tolist() == [8, 9]
    assert split.future_of(prices, 1).tolist() == []
    assert split.rows_of(prices, 0).tolist() == [5, 5, 5]
    (warning,) = split.warnings
    assert warning.startswith(
        'column "y": 2 rows after the last value of 1 series have other columns alone and are taken'
    )


@pytest.mark.parametrize(
    "rows",
    [
        ("2024-01-03,a,,,", "2024-01-04,a,,,"),
        ("2024-01-03,a,,,closed", "2024-01-04,a,,NA,closed"),
        (),
    ],
    ids=["nothing", "words", "no-rows"],
)
def test_rows_without_a_number_are_missing_values(tmp_path: Path, rows: tuple[str, ...]) -> None:
    """As they always were: the forecast begins behind them."""
    split = split_of(tmp_path, "2024-01-01,a,1,5,x", "2024-01-02,a,2,5,x", *rows)

    assert split.future.tolist() == [0]
    assert len(split.series(0).target) == 2 + len(rows)
    assert not split.warnings


def test_a_series_without_any_target_has_no_future(tmp_path: Path) -> None:
    """Nor has it a history: it fails alone, as before. The one before it in the file does not lend it its own."""
    split = split_of(tmp_path, "2024-01-01,a,1,5,", "2024-01-01,b,,5,", "2024-01-02,b,,5,")

    assert split.future.tolist() == [0, 0]


def test_one_number_is_enough(tmp_path: Path) -> None:
    """What a row does not tell is missing then, and refused by who needs it."""
    split = split_of(tmp_path, "2024-01-01,a,1,5,", "2024-01-02,a,2,5,", "2024-01-03,a,,,", "2024-01-04,a,,6,")

    assert split.future.tolist() == [2]


def test_it_is_stored_with_the_split(tmp_path: Path) -> None:
    """A trainer of many series reads it from the store."""
    store = ObjectStore(f"file://{tmp_path / 'objects'}")
    split = split_of(tmp_path, "2024-01-01,a,1,5,", "2024-01-02,a,2,5,", "2024-01-03,a,,6,", "2024-01-01,b,1,1,")
    save_split(store, "splits/1.npz", split)
    back = load_split(store, "splits/1.npz", JobCalendars().arrange)

    assert back.future.tolist() == [1, 0]
    assert back.series(0).target.tolist() == [1, 2]
