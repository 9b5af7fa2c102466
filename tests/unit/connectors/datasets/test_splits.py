"""Splitting a file into series: numbering, order, missing values, steps, refusals, and the stored form."""

import csv
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.csv_files import columns as csv_columns
from connectors.csv_files.columns import BadColumnError
from connectors.csv_files.inspection import inspect_csv
from connectors.datasets.splits import Column, load_split, save_split
from connectors.datasets.splitter import check_columns, split_csv
from connectors.objects.store import ObjectStore
from models.calendars.search import find_frequency
from tests.unit.connectors.datasets.splits_samples import ARRANGE, NO_CHOICE, split

DAY = 86_400_000_000
SEED_VALUES = (
    "227 246 247 249 255 249 246 228 246 246 245 249 235 233 224 230 261 238 242 266 258 226 233 242 236 236 233 260"
    " 219 230 235 237 226 227 226 221 222 227"
)


def test_J139_J140_the_sample_history_comes_back(path: Path) -> None:
    """38 daily points dated M/D/YYYY, given backwards: ints, and texts as in the file, by time and not by text."""
    first = datetime(2020, 8, 1)  # noqa: DTZ001  a wall-clock date
    dates = [first + timedelta(days=day) for day in range(38)]
    texts = [f"{date.month}/{date.day}/{date.year}" for date in dates]
    rows = [f"a,{text},{value}\n" for text, value in zip(texts, SEED_VALUES.split(), strict=True)]
    made = split(path, "Region,ObjectTime,sum_PeakDailyCores\n" + "".join(reversed(rows)))
    values, when = made.history(0)

    assert values == [int(value) for value in SEED_VALUES.split()]
    assert all(type(value) is int for value in values)
    assert when == texts
    assert (made.target_label, made.timestamp_label) == ("sum_PeakDailyCores", "ObjectTime")
    series = made.series(0)
    assert (series.item_id, series.calendar, series.complete) == ("('a',)", "D", True)
    assert series.times[0] == 1_596_240_000_000_000


def test_J054_J055_series_are_numbered_by_first_appearance(path: Path) -> None:
    """One series per distinct tuple, in the order of the file; the seed's preview gives the seed's series 1 and 2."""
    text = "Region,VMSeries,ObjectTime,cores\n" + "".join(
        f"{group},2020-08-0{day} 00:00:00.0000000,{value}\n"
        for day, value, group in [
            (1, 152, "asiasoutheast,FS"),
            (1, 1377, "ussouth,A"),
            (1, 234, "ussouth,D"),
            (1, 11912, "europewest,B"),
            (1, 3866, "asiasoutheast,B"),
            (2, 153, "asiasoutheast,FS"),
        ]
    )
    made = split(path, text, groups=(0, 1), when=2, target=3)

    assert len(made) == 5
    assert made.groupby_val[:2] == ("('asiasoutheast', 'FS')", "('ussouth', 'A')")
    assert made.groupby_val[4] == "('asiasoutheast', 'B')"
    assert made.groupby_key == ("Region", "VMSeries")
    assert made.history(0) == ([152, 153], ["2020-08-01 00:00:00.0000000", "2020-08-02 00:00:00.0000000"])
    assert made.features == ()


def test_J064_group_columns_in_the_order_asked_for(path: Path) -> None:
    """The tuple and the keys follow the order of the request, not of the file."""
    made = split(path, "g,h,t,v\nx,y,2020-01-01,1\n", groups=(1, 0), when=2, target=3)

    assert (made.groupby_val, made.groupby_key) == (("('y', 'x')",), ("h", "g"))


def test_J064_no_group_column_is_one_series(path: Path) -> None:
    """Without group columns the whole file is the series "()"; the other columns are features (J-066)."""
    made = split(path, "g,t,v,w\nx,2020-01-02,2,5\ny,2020-01-01,1,6\n", groups=())

    assert (made.groupby_val, made.groupby_key) == (("()",), ())
    assert made.history(0) == ([1, 2], ["2020-01-01", "2020-01-02"])
    assert made.features == (Column(0, "g"), Column(3, "w"))


@pytest.mark.parametrize(
    ("cells", "written"),
    [
        (["a", "b"], ["('a',)", "('b',)"]),
        (["1", "22", "-3", "0"], ["(1,)", "(22,)", "(-3,)", "(0,)"]),
        (["1.5", "2"], ["(1.5,)", "(2,)"]),
        (["007", "7"], ["('007',)", "('7',)"]),
        (["1", "a"], ["('1',)", "('a',)"]),
        (["1", ""], ["('1',)", "('',)"]),
        (["1.50"], ["('1.50',)"]),
        (["1e5"], ["('1e5',)"]),
        (["-0"], ["('-0',)"]),
        (["+1"], ["('+1',)"]),
        (["nan", "inf"], ["('nan',)", "('inf',)"]),
        (["NaN", "NA"], ["('NaN',)", "('NA',)"]),
        (["True"], ["('True',)"]),
        (["٣"], ["('٣',)"]),
        (["12345678901234567890"], ["(12345678901234567890,)"]),
        (["O'Hare", 'say "hi"', "a\\b"], ['("O\'Hare",)', "('say \"hi\"',)", "('a\\\\b',)"]),
        (["a\r\nb", "c, d", " e "], ["('a\\r\\nb',)", "('c, d',)", "(' e ',)"]),
        (["=cmd|x", "@x", "<img onerror>"], ["('=cmd|x',)", "('@x',)", "('<img onerror>',)"]),
        (["é", "日本", "a\u2028b\x85"], ["('é',)", "('日本',)", "('a\\u2028b\\x85',)"]),
    ],
)
def test_J062_J064_group_values_are_written_as_python_tuples(path: Path, cells: list[str], written: list[str]) -> None:
    """Text in quotes, numbers without; numbers only where each cell of the column is written as Python writes it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [["g", "t", "v"], *([cell, "2020-01-01", 1] for cell in cells)]
        )
    made = split_csv(
        path,
        ["g", "t", "v"],
        timestamp_index=1,
        target_index=2,
        groupby_indexs=[0],
        max_series=9,
        calendars=NO_CHOICE,
    )

    assert list(made.groupby_val) == written
    store = ObjectStore(str(path.parent / "store"))
    save_split(store, "s", made)
    assert load_split(store, "s", ARRANGE).groupby_val == made.groupby_val


@pytest.mark.parametrize("cell", ["", "NaN", "nan", "NA", "null", "  "])
def test_missing_cells_are_missing_observations(path: Path, cell: str) -> None:
    """An empty cell or a word for it is NaN in the data and None in the history; absent days stay absent."""
    made = split(path, f"g,t,v\na,2020-01-01,1\na,2020-01-02,{cell}\na,2020-01-05,3\na,2020-01-06,4\n")

    assert made.history(0) == ([1, None, 3, 4], ["2020-01-01", "2020-01-02", "2020-01-05", "2020-01-06"])
    series = made.series(0)
    assert math.isnan(series.target[1])
    assert len(series.target) == 4
    assert (series.calendar, series.complete) == ("D", False)


def test_a_series_without_any_observation_is_kept(path: Path) -> None:
    """A series whose cells are all missing is a series like the others; it fails alone when it is trained."""
    made = split(path, "g,t,v\na,2020-01-01,\na,2020-01-02,NaN\nb,2020-01-01,5\n")

    assert made.history(0)[0] == [None, None]
    assert made.history(1)[0] == [5]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("5", 5),
        ("-0.25", -0.25),
        ("+5", 5),
        (".5", 0.5),
        ("5.", 5),
        ("1e3", 1000),
        (" 7 ", 7),
        ("0.1", 0.1),
        ("123456.78901234567", 123456.78901234567),
        ("5e-324", 5e-324),
        ("9007199254740993", 9007199254740992),
    ],
)
def test_numbers_are_read_exactly(path: Path, cell: str, value: float) -> None:
    """A decimal number becomes the double nearest to it, on the fast way and on the careful one."""
    fast = split(path, f"g,t,v\na,2020-01-01,{cell}\na,2020-01-02,7\n")
    careful = split(path, f"g,t,v\na,2020-01-01,{cell}\na,2020-01-02,   \n")

    assert fast.target.tolist() == [value, 7]
    assert careful.target.tolist()[0] == value


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("abc", "is not a number"),
        ('"1,23,4"', '"1,23,4" is not a number; .* no thousands separators'),
        ("inf", "is not a number"),
        ("-Infinity", "is not a number"),
        ("1e400", "is too large"),
        ("9" * 400, "is too large"),
        ("٣", "is not a number"),
        ("1_000", "is not a number"),
        ("0x1A", "is not a number"),
        ("True", "is not a number"),
        ("false", "is not a number"),
        ("1.2.3", "is not a number"),
        ("-nan", "is not a number"),
        ("5 %", "is not a number"),
        ("=1+1", "is not a number"),
        ("x" * 5000, "is not a number"),
    ],
)
@pytest.mark.parametrize("others", ["7", "1"])
def test_target_cells_that_are_no_numbers_are_refused(path: Path, cell: str, says: str, others: str) -> None:
    """The message names column, line (as an editor counts) and cell, also among cells that look like flags."""
    text = f'g,t,"the, value"\n\n"a\nb",2020-01-01,{others}\na,2020-01-02,{cell}\na,2020-01-03,{cell}\n'
    with pytest.raises(BadColumnError, match=says) as refused:
        split(path, text)

    assert refused.value.field == "target_indexs"
    assert 'column "the, value", line 5: ' in refused.value.message
    assert len(refused.value.message) < 300


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("", "empty"),
        ("not a day", "not a date"),
        ("8/1/20", "two-digit year"),
        ("2020-02-30", "does not exist"),
        ("1/2/2020", "one form throughout"),
    ],
)
def test_timestamps_that_cannot_be_read_are_refused(path: Path, cell: str, says: str) -> None:
    """The message names the column, the line of the first such row and the cell."""
    text = f"g,when,v\na,2020-01-02,1\nb,{cell},2\na,2020-01-01,1\na,{cell},4\n"
    with pytest.raises(BadColumnError, match=says) as refused:
        split(path, text)

    assert refused.value.field == "timestamp_indexs"
    assert f'column "when", line 3: "{cell}"' in refused.value.message


@pytest.mark.parametrize("groups", [(0,), (0, 3), (3, 0)])
def test_too_many_series_are_refused(path: Path, groups: Sequence[int]) -> None:
    """The limit itself is allowed, one more is not, whichever column brings it."""
    text = "g,t,v,h\n" + "".join(f"{index},2020-01-01,1,same\n" for index in range(11))
    with pytest.raises(BadColumnError, match="more than 10 series; group by fewer columns") as refused:
        split(path, text, groups=groups, limit=10)

    assert refused.value.field == "groupby_indexs"
    assert len(split(path, text, groups=groups, limit=11)) == 11


@pytest.mark.parametrize(
    ("timestamp", "target", "groups", "field", "says"),
    [
        (3, 1, [2], "timestamp_indexs", "no column 3; the file has columns 0 to 2"),
        (-1, 1, [2], "timestamp_indexs", "no column -1"),
        (0, 9, [2], "target_indexs", "no column 9"),
        (0, 0, [2], "target_indexs", "already in timestamp_indexs"),
        (0, 1, [2, 7], "groupby_indexs", "no column 7"),
        (0, 1, [1], "groupby_indexs", 'column 1 \\("b"\\) is already in target_indexs'),
        (0, 1, [2, 2], "groupby_indexs", "already in groupby_indexs"),
    ],
)
def test_J053_columns_exist_and_are_chosen_once(
    timestamp: int, target: int, groups: list[int], field: str, says: str
) -> None:
    """A choice that overlaps or points outside the file names the field at fault."""
    with pytest.raises(BadColumnError, match=says) as refused:
        check_columns(["a", "b", "c"], timestamp_index=timestamp, target_index=target, groupby_indexs=groups)

    assert refused.value.field == field


HOUR = 3_600_000


@pytest.mark.parametrize(
    ("hours", "calendar", "complete"),
    [
        ([0], "?D", True),
        ([0, 1], "h", True),
        ([0, 1, 2, 5, 6], "h", False),
        ([0, 2, 3, 5, 6], "h", False),
        ([0, 2, 3], "h", False),
        ([0, 3, 5, 8, 11], "~3h", False),
        ([0, 0, 0, 0, 2, 4, 6], "2h", False),
        ([0, 0], "?D", False),
    ],
)
def test_16_a_series_has_the_calendar_of_its_own_times(
    path: Path, hours: list[int], calendar: str, *, complete: bool
) -> None:
    """One point means a day, equal timestamps are no step, neighbours do not disturb, absent rows are told."""
    rows = "".join(f"s,1/1/2020 {hour:02d}:00,1\n" for hour in hours)
    made = split(path, "g,t,v\nbefore,1/1/1990,1\nbefore,1/9/1990,1\n" + rows + "z,1/1/2030,1\nz,1/8/2030,1\n")

    assert (made.series(1).calendar, made.series(1).complete) == (calendar, complete)
    assert (made.calendar(0), made.calendar(2)) == ("8D", "W-TUE")


def test_equal_timestamps_keep_the_order_of_the_file(path: Path) -> None:
    """Rows of one moment are not reordered, also when their texts differ; the series stays readable but irregular."""
    made = split(path, "g,t,v\na,1/2/2020,9\na,01/01/2020,2\na,1/1/2020,1\na,01/01/2020,3\n")

    assert made.history(0) == ([2, 1, 3, 9], ["01/01/2020", "1/1/2020", "01/01/2020", "1/2/2020"])
    assert made.series(0).complete is False

    many = "".join(f"a,1/{2 + row % 2}/2020,{row}\n" for row in range(1000))
    assert split(path, "g,t,v\n" + many).target.tolist() == [*range(0, 1000, 2), *range(1, 1000, 2)]


def test_offsets_are_compared_as_instants(path: Path) -> None:
    """09:00+08:00 comes before 02:00Z."""
    made = split(path, "g,t,v\na,2020-01-01T02:00:00Z,2\na,2020-01-01T09:00:00+08:00,1\n")

    assert made.history(0)[0] == [1, 2]


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (["1", "2.0", ""], [1, 2, None]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1e300", "2"], [1e300, 2.0]),
    ],
)
def test_J140_history_is_ints_when_the_column_is_whole(
    path: Path, cells: list[str], shown: list[int | float | None]
) -> None:
    """Whole columns are shown as ints, others as floats throughout."""
    made = split(path, "g,t,v\n" + "".join(f"a,2020-01-0{day},{cell}\n" for day, cell in enumerate(cells, start=1)))

    assert repr(made.history(0)[0]) == repr(shown)


def test_byte_order_mark_crlf_and_quoted_commas(path: Path) -> None:
    """What the inspection lets through is read the same way by the split."""
    text = '"g, h",t,v\r\n\r\n"a, b",2020-01-01,1\r\n"a ""x""\r\ny",2020-01-01,2\r\n  a,2020-01-01,3\r\n'
    made = split(path, b"\xef\xbb\xbf" + text.encode())

    assert made.groupby_key == ("g, h",)
    assert made.groupby_val == ("('a, b',)", "('a \"x\"\\r\\ny',)", "('  a',)")
    assert made.target.tolist() == [1, 2, 3]


def test_series_are_read_only_views(path: Path) -> None:
    """Nobody who holds a series can change the split or another's data."""
    made = split(path, "g,t,v\na,2020-01-01,1\nb,2020-01-01,1\n")
    series = made.series(1)

    assert np.shares_memory(series.target, made.target)
    with pytest.raises(ValueError, match="read-only"):
        series.target[0] = 9
    for index in (-1, 2):
        with pytest.raises(IndexError, match="there are 2"):
            made.series(index)


def reference(
    rows: list[tuple[str, str, int, float | None]],
) -> list[tuple[str, list[float | None], list[int]]]:
    """The same split by plain Python, one series at a time."""
    groups: dict[tuple[str, str], list[tuple[int, float | None]]] = {}
    for left, right, day, value in rows:
        groups.setdefault((left, right), []).append((day, value))
    found = []
    for group, unsorted in groups.items():
        points = sorted(unsorted, key=lambda point: point[0])
        found.append((repr(group), [value for _, value in points], [day for day, _ in points]))
    return found


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "B", "c'"]),
        st.sampled_from(["x", "y,", "x "]),
        st.integers(0, 8),
        st.none() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False),
    ),
    min_size=1,
    max_size=40,
)


@given(ROWS, st.sampled_from([1, 3, 500_000]))
def test_any_rows_split_as_plain_python_would(rows: list[tuple[str, str, int, float | None]], chunk: int) -> None:
    """Numbering, order, values and steps agree with a reference, however the file is read and after storing it."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_columns, "_ROWS", chunk)
        path = Path(folder) / "data.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["left", "when", "skipped", "right", "value"])
            for left, right, day, value in rows:
                writer.writerow([left, f"1/{day + 1}/2020", "?", right, "" if value is None else repr(value)])
        made = split_csv(
            path,
            inspect_csv(path).header,
            timestamp_index=1,
            target_index=4,
            groupby_indexs=[0, 3],
            max_series=9,
            calendars=NO_CHOICE,
        )
        store = ObjectStore(f"{folder}/store")
        save_split(store, "jobs/1/split.npz", made)
        loaded = load_split(store, "jobs/1/split.npz", ARRANGE)

    expected = reference(rows)
    for one in (made, loaded):
        found = []
        for index in range(len(one)):
            series = one.series(index)
            values, texts = one.history(index)
            days = [int(text.split("/")[1]) - 1 for text in texts]
            assert series.times.tolist() == [1_577_836_800_000_000 + day * DAY for day in days]
            assert [None if math.isnan(value) else value for value in series.target.tolist()] == values
            found.append((series.item_id, values, days))
            if len(set(days)) > 2:
                assert series.calendar == find_frequency(np.unique(series.times)).text
        assert found == expected
        assert one.features == (Column(2, "skipped"),)


def test_flights_with_absent_days_and_missing_delays(path: Path) -> None:
    """Origin and carrier as groups, delays missing where nothing flew, days that are absent: all as in the file."""
    text = (
        "Origin,Carrier,Date,Flights,MeanDepDelay\nEWR,AA,2013-01-01,10,35.2\nEWR,AS,2013-01-01,2,-4.0\n"
        "EWR,AA,2013-01-02,9,\nEWR,AA,2013-01-04,8,1.25\n"
    )
    made = split(path, text, groups=(0, 1), when=2, target=4)

    assert made.history(0) == ([35.2, None, 1.25], ["2013-01-01", "2013-01-02", "2013-01-04"])
    assert made.history(1) == ([-4.0], ["2013-01-01"])
    assert made.features == (Column(3, "Flights"),)
