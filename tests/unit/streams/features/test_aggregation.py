"""Longer steps made of finer ones, against numbers worked out by hand."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from connectors.datasets.splits import Split
from connectors.datasets.splitter import split_csv
from models.errors import RejectedInputError
from streams.features.aggregation import aggregated, check_aggregation
from streams.forecasting.calendars import JobCalendars


def split_of(folder: Path, *rows: str, zone: str = "", groupby: tuple[int, ...] = ()) -> Split:
    """Of rows with a time, a value, and what else there is."""
    file = folder / "rows.csv"
    header = ("t", "y", "g", "price")[: rows[0].count(",") + 1]
    file.write_text("\n".join((",".join(header), *rows)) + "\n")
    return split_csv(
        file,
        header,
        timestamp_index=0,
        target_index=1,
        groupby_indexs=groupby,
        max_series=9,
        calendars=JobCalendars(None, zone),
    )


def made(split: Split, freq: str, how: str, zone: str = "", **more: bool) -> Split:
    """The split of longer steps."""
    rule = check_aggregation(freq, how)
    return aggregated(split, rule, how, JobCalendars(rule, zone).arrange, **more)


def shown(split: Split, place: int = 0) -> dict[str, float | None]:
    """The history of a series."""
    values, texts = split.history(place)
    return dict(zip((text.removesuffix(" 00:00:00") for text in texts), values, strict=True))


def hours(first: str, count: int, step: int = 1) -> list[str]:
    """Rows of an hour each, whose values count from 0."""
    begin = datetime.fromisoformat(first)
    return [f"{begin + timedelta(hours=n * step)},{n}" for n in range(count)]


@pytest.mark.parametrize(
    ("how", "days"),
    [("sum", [276, 852]), ("mean", [11.5, 35.5]), ("max", [23, 47]), ("min", [0, 24]), ("last", [23, 47])],
)
def test_hours_become_days(tmp_path: Path, how: str, days: list[float]) -> None:
    """Each way of doing it; whole numbers stay whole unless they are averaged."""
    got = made(split_of(tmp_path, *hours("2024-01-01 00:00", 48)), "D", how)

    assert shown(got) == dict(zip(["2024-01-01", "2024-01-02"], days, strict=True))
    assert got.calendar(0) == "D"
    assert got.target_is_integer is (how != "mean")
    assert not got.warnings


def test_steps_that_the_rows_fill_in_part_are_left_out_at_both_ends(tmp_path: Path) -> None:
    """From noon to noon: one whole day is between them, and a warning counts the others."""
    got = made(split_of(tmp_path, *hours("2024-01-01 12:00", 49)), "D", "sum")

    assert shown(got) == {"2024-01-02": sum(range(12, 36))}
    assert got.warnings[-1] == "aggregate: 2 steps at the ends of series are left out: rows fill a part of them"


def test_business_days_fill_a_week(tmp_path: Path) -> None:
    """No row is to come on the weekend; weeks are named by their end."""
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(21)]
    rows = [f"{day:%Y-%m-%d},{day.weekday() + 1}" for day in days if day.weekday() < 5]
    got = made(split_of(tmp_path, *rows), "W-SUN", "sum")

    assert shown(got) == {"2024-01-07": 15, "2024-01-14": 15, "2024-01-21": 15}
    assert got.calendar(0) == "W-SUN"


@pytest.mark.parametrize(
    ("freq", "labels"),
    [
        ("MS", ["2023-11-01", "2023-12-01", "2024-01-01", "2024-02-01"]),
        ("ME", ["2023-11-30", "2023-12-31", "2024-01-31", "2024-02-29"]),
        ("QE-OCT", ["2024-01-31"]),
        ("QS-FEB", ["2023-11-01"]),
        ("2MS", ["2023-11-01", "2024-01-01"]),
        ("61D", ["2023-11-01", "2024-01-01"]),
    ],
)
def test_months_and_quarters_are_named_as_pandas_does(tmp_path: Path, freq: str, labels: list[str]) -> None:
    """By their beginning or their end; the rows are days from November to February, and one of March."""
    days = [date(2023, 11, 1) + timedelta(days=n) for n in range(122)]
    got = made(split_of(tmp_path, *(f"{day:%Y-%m-%d},1" for day in days)), freq, "sum")

    assert list(shown(got)) == labels
    assert got.lengths.tolist() == [len(labels)]


def test_missing_values_count_for_nothing(tmp_path: Path) -> None:
    """A step without any is missing, one without a row too: both keep their places on the calendar."""
    rows = [
        f"2024-01-{day:02d} {hour:02d}:00,{'' if day == 2 or hour == 6 else 1}"
        for day in (1, 2, 4, 5)
        for hour in range(0, 24, 6)
    ]
    split = split_of(tmp_path, *rows)
    sums, last = made(split, "D", "sum"), made(split, "D", "last")

    assert shown(sums) == {"2024-01-01": 3, "2024-01-02": None, "2024-01-04": 3, "2024-01-05": 3}
    assert shown(last)["2024-01-02"] is None
    assert not sums.series(0).complete


def test_rows_of_sales_become_what_was_sold_a_day(tmp_path: Path) -> None:
    """Several rows of a time are no matter then."""
    rows = [f"2024-01-0{day},{n}" for day in range(1, 6) for n in range(day)]
    got = made(split_of(tmp_path, *rows), "D", "sum")

    assert list(shown(got).values()) == [0, 1, 3, 6, 10]


def test_each_series_has_its_own_ends_and_one_that_fills_nothing_fails_alone(tmp_path: Path) -> None:
    """It keeps a step without a value, so that it says that nothing was observed."""
    rows = [f"{row},a" for row in hours("2024-01-01 00:00", 48)] + [f"{row},b" for row in hours("2024-01-03 05:00", 5)]
    got = made(split_of(tmp_path, *rows, groupby=(2,)), "D", "mean")

    assert got.groupby_val == ("('a',)", "('b',)")
    assert shown(got, 0) == {"2024-01-01": 11.5, "2024-01-02": 35.5}
    assert shown(got, 1) == {"2024-01-03": None}


def test_days_are_those_of_the_clock(tmp_path: Path) -> None:
    """The day on which summer time ends has 25 hours; the calendar counts days on that clock."""
    begin = datetime.fromisoformat("2024-10-25T22:00+00:00")
    rows = [f"{(begin + timedelta(hours=n)).isoformat()},1" for n in range(73)]
    got = made(split_of(tmp_path, *rows, zone="Europe/Berlin"), "D", "sum", "Europe/Berlin")

    assert shown(got) == {"2024-10-26": 24, "2024-10-27": 25, "2024-10-28": 24}
    assert got.calendar(0) == "D Europe/Berlin"


def test_the_future_becomes_longer_steps_too(tmp_path: Path) -> None:
    """The day that the values end in is the first to be forecast, and its features are the mean of all of its rows."""
    rows = [f"{row},x,{day}" for day in range(4) for row in hours(f"2024-01-0{day + 1} 00:00", 24)]
    known = [
        row if number < 60 else ",".join((row.split(",")[0], "", *row.split(",")[2:]))
        for number, row in enumerate(rows)
    ]
    split = split_of(tmp_path, *known)
    assert split.future.tolist() == [36]
    got = made(split, "D", "sum")
    prices = made(
        split_csv(
            tmp_path / "rows.csv", ("t", "y", "g", "price"), timestamp_index=0, target_index=3, groupby_indexs=(),
            max_series=9, calendars=JobCalendars(),
        ),
        "D", "mean", is_feature=True,
    )  # fmt: skip

    assert shown(got) == {"2024-01-01": 276, "2024-01-02": 276}
    assert got.future.tolist() == [2]
    np.testing.assert_array_equal(prices.target, [0, 1, 2, 3])
    assert got.future_of(prices.target, 0).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("freq", "how", "words"),
    [
        ("D", "median", "how is 'median', expected one of sum, mean, max, min, last"),
        ("B", "sum", "freq is 'B', which divides no time: send h or D, W-SUN"),
        ("MS-15", "sum", "divides no time"),
        ("nonsense", "sum", '"nonsense" is no frequency'),
    ],
)
def test_what_makes_no_sense_is_refused(freq: str, how: str, words: str) -> None:
    """With what is possible."""
    with pytest.raises(RejectedInputError) as refused:
        check_aggregation(freq, how)

    assert refused.value.field == "aggregate"
    assert words in refused.value.message


def test_steps_that_are_too_short_or_too_long_are_refused(tmp_path: Path) -> None:
    """Months do not become days, and two days fill no month."""
    months = split_of(tmp_path, *(f"2024-{month:02d}-01,1" for month in range(1, 9)))
    with pytest.raises(RejectedInputError, match=r"freq is D, and the steps of the series \(MS\) are longer"):
        made(months, "D", "sum")
    with pytest.raises(RejectedInputError, match="the rows fill no step of it: choose a shorter one"):
        made(split_of(tmp_path, *hours("2024-01-03 00:00", 48)), "MS", "sum")
