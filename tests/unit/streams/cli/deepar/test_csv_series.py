"""CSV files as series for DeepAR: steps, gaps, codes, features; and what is refused."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.deepar.config import DeepARConfig
from models.deepar.serving.instances import read_training_data
from streams.cli.console.failure import CommandError
from streams.cli.deepar.csv_series import Columns, read_csv
from tests.workbooks import workbook

SALES = Columns("day", "sold", ("shop",))


def _file(folder: Path, *rows: str, header: str = "shop,day,sold") -> Path:
    path = folder / "sales.csv"
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return path


def test_D073_each_group_is_a_series_with_a_code_as_its_category(tmp_path: Path) -> None:
    """In order of first appearance; codes follow the order of the values; rows need not be sorted."""
    path = _file(tmp_path, "south,2020-01-02,4", "north,2020-01-01,1", "south,2020-01-01,3", "north,2020-01-02,2")
    series, columns, *_ = read_csv(path, SALES)

    assert [one.name for one in series] == [("south",), ("north",)]
    assert [one.fields for one in series] == [
        {"start": "2020-01-01 00:00:00", "target": [3.0, 4.0], "item_id": "south", "cat": [1]},
        {"start": "2020-01-01 00:00:00", "target": [1.0, 2.0], "item_id": "north", "cat": [0]},
    ]
    assert columns == Columns("day", "sold", ("shop",), (), "D", (("north", "south"),))


def test_missing_rows_and_cells_are_missing_values(tmp_path: Path) -> None:
    """Each keeps its place in time; they can be trained on."""
    path = _file(tmp_path, "a,2020-01-01,1", "a,2020-01-02,", "a,2020-01-05,5")
    series, *_ = read_csv(path, Columns("day", "sold", ("shop",), (), "D"))
    config = DeepARConfig(time_freq="D", prediction_length=1, context_length=1)
    (trained,), _ = read_training_data([json.dumps(series[0].fields).encode()], config)

    assert series[0].fields["target"] == [1.0, None, None, None, 5.0]
    assert len(trained.target) == 5


def test_a_workbook_is_read_as_its_table(tmp_path: Path) -> None:
    """Of the first sheet, or of the one that is named."""
    path = tmp_path / "sales.xlsx"
    days = [date(2020, 1, day) for day in (1, 2, 3)]
    path.write_bytes(workbook({"Sales": [["day", "sold"], *([day, 1.5] for day in days)], "Notes": [["a"]]}))
    (series,), _, _, warnings = read_csv(path, Columns("day", "sold"))

    assert series.fields == {"start": "2020-01-01 00:00:00", "target": [1.5, 1.5, 1.5]}
    assert warnings == ("the sheet Sales is read; the workbook also has Notes: name another by --sheet",)

    path.write_bytes(workbook({"Notes": [["a"], ["b"]], "Sales": [["day", "sold"], *([day, 2] for day in days)]}))
    (series,), *_ = read_csv(path, Columns("day", "sold"), sheet="Sales")
    assert series.fields["target"] == [2.0, 2.0, 2.0]
    with pytest.raises(CommandError, match=r"^--sheet: .*Nots"):
        read_csv(path, Columns("day", "sold"), sheet="Nots")


WIDE = ("2020-01-01,1,10,x,5", "2020-01-02,2,20,x,6", "2020-01-03,,30,x,7")


@pytest.mark.parametrize("series", [(), ("north", "south")])
def test_each_column_of_a_wide_file_is_a_series_whose_name_is_a_category(tmp_path: Path, series: tuple[str]) -> None:
    """Beside groups and features; and so is each of several targets."""
    path = _file(tmp_path, *WIDE, header="day,north,south,kind,price")
    found, columns, *_ = read_csv(path, Columns("day", "value", ("kind",), ("price",), series=series))

    assert [one.name for one in found] == [("x", "north"), ("x", "south")]
    assert [one.fields["target"] for one in found] == [[1.0, 2.0], [10.0, 20.0, 30.0]]
    assert [one.fields["cat"] for one in found] == [[0, 0], [0, 1]]
    assert [one.fields["dynamic_feat"] for one in found] == [[[5.0, 6.0]], [[5.0, 6.0, 7.0]]]
    assert columns == Columns("day", "value", ("kind",), ("price",), "D", (("x",), ("north", "south")), series)
    assert columns.labels == ("kind", "series")
    assert Columns.from_dict(json.loads(json.dumps(columns.as_dict()))) == columns


def test_a_wide_file_is_forecast_with_the_columns_of_the_training(tmp_path: Path) -> None:
    """A column more is named, one less is a series less."""
    trained = read_csv(_file(tmp_path, *WIDE, header="day,north,south,kind,price"), Columns(
        "day", "value", ("kind",), ("price",), series=()
    )).columns  # fmt: skip
    (series,), *_ = read_csv(_file(tmp_path, "2020-01-05,7,x,1", header="day,south,kind,price"), trained)

    assert (series.name, series.fields["cat"]) == (("x", "south"), [0, 1])
    with pytest.raises(CommandError, match=r'^series "west": the model was not trained on it'):
        read_csv(_file(tmp_path, "2020-01-05,7,x,1", header="day,west,kind,price"), trained)


def test_a_text_in_a_wide_file_is_told_in_the_words_of_the_options(tmp_path: Path) -> None:
    """With the line, and what to do."""
    path = _file(tmp_path, *WIDE, header="day,north,south,kind,price")
    with pytest.raises(CommandError, match=r'column "kind".*or name the columns that are: --target'):
        read_csv(path, Columns("day", "value", series=()))


@pytest.mark.parametrize(
    ("times", "freq"),
    [
        (["2020-01-31", "2020-02-29", "2020-03-31"], "ME"),
        (["2020-01-05", "2020-01-12", "2020-01-26"], "W-SUN"),
        (["2020-03-01", "2020-06-01", "2020-09-01"], "QS-MAR"),
        (["2018-07-01", "2019-07-01", "2021-07-01"], "YS-JUL"),
        ([f"2020-01-{day:02}" for day in (2, 3, 6, 7, 8, 9, 10, 13)], "B"),
        (["2020-01-01 00:00", "2020-01-01 01:00", "2020-01-01 03:00", "2020-01-01 04:00"], "H"),
        (["2020-01-01 00:15", "2020-01-01 00:30"], "15min"),
        (["2020-01-06", "2020-01-13"], "W"),
        (["2018-01-01", "2019-01-01"], "Y"),
        (["2020-01-01"], "D"),
    ],
)
def test_the_step_is_the_most_usual_distance_of_rows(tmp_path: Path, times: list[str], freq: str) -> None:
    """Unless it is given."""
    path = _file(tmp_path, *(f"a,{time},1" for time in times))
    _, columns, *_ = read_csv(path, SALES)

    assert columns.freq == freq


def test_without_groups_the_file_is_one_series(tmp_path: Path) -> None:
    """Named as its column, without categories."""
    path = _file(tmp_path, "a,2020-01-01,1", "a,2020-01-02,2")
    (series,), columns, *_ = read_csv(path, Columns("day", "sold"))

    assert series.name == ("sold",)
    assert series.fields == {"start": "2020-01-01 00:00:00", "target": [1.0, 2.0]}
    assert columns.values == ()


def test_a_file_to_forecast_has_the_codes_of_the_training(tmp_path: Path) -> None:
    """Also where it has fewer values, or comes in another order."""
    path = _file(tmp_path, "south,2020-01-01,1", "south,2020-01-02,2")
    series, *_ = read_csv(path, Columns("day", "sold", ("shop",), (), "D", (("north", "south"),)))

    assert series[0].fields["cat"] == [1]


FEATURES = Columns("day", "sold", ("shop",), ("price",))
PRICED = ("a,2020-01-01,1,9", "a,2020-01-02,2,", "a,2020-01-03,3,8", "a,2020-01-04,,7", "a,2020-01-05,,6")


def test_D024_features_of_a_training_are_as_long_as_the_target(tmp_path: Path) -> None:
    """A gap has the value before it."""
    path = _file(tmp_path, *PRICED, header="shop,day,sold,price")
    (series,), *_ = read_csv(path, FEATURES)

    assert series.fields["target"] == [1.0, 2.0, 3.0, None, None]
    assert series.fields["dynamic_feat"] == [[9.0, 9.0, 8.0, 7.0, 6.0]]


def test_D024_features_of_a_forecast_reach_to_its_end(tmp_path: Path) -> None:
    """The last rows have no target: they are what is to be forecast."""
    path = _file(tmp_path, *PRICED, header="shop,day,sold,price")
    (series,), *_ = read_csv(path, FEATURES, future=2)

    assert series.fields["target"] == [1.0, 2.0, 3.0]
    assert len(series.fields["dynamic_feat"][0]) == 5


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        (["a,2020-01-01,1", "a,2020-01-01,2"], {}, r"a has more than one row for 2020-01-01 00:00:00 .*--group-by"),
        (["a,2020-01-01,1", "a,2020-01-02,2"], {"freq": "W"}, "more than one row for 2020-01-02 00:00:00 .*--freq"),
        (["a,2020-01-01,x"], {}, '^--target: column "sold", line 2: "x" is not a number'),
        (["a,01.02.20,1"], {}, '^--timestamp: column "day", line 2: "01.02.20" has a two-digit year'),
        (["a,2020-01-01,1"], {"target": "Sold"}, "^--target Sold: the file has no such column, did you mean sold"),
        (["a,2020-01-01,1"], {"group_by": ("day",)}, "^--group-by day: the column is --timestamp already"),
        (["a,2020-01-01,1"], {"freq": "fortnight"}, "^--freq: "),
        (["a,2020-01-01,1"], {"values": (("b",),)}, '^shop "a": the model was not trained on it'),
        (
            ["a,2020-01-01 00:00,1", "a,2020-01-01 10:00,1"],
            {"freq": "7H"},
            "10:00:00 is no whole number of steps of 7H",
        ),
        (["a,0001-01-01,1", "a,2020-01-01,1"], {"freq": "min"}, "more than 20,000,000 steps of min"),
        ([], {}, "the file has a header but no rows"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, rows: list[str], columns: dict[str, Any], words: str) -> None:
    """In the words of the command line, with the remedy."""
    given = {"timestamp": "day", "target": "sold", "group_by": ("shop",), **columns}
    with pytest.raises(CommandError, match=words):
        read_csv(_file(tmp_path, *rows), Columns(**given))


@pytest.mark.parametrize("future", [2, 9])
def test_D024_a_file_without_future_rows_is_refused(tmp_path: Path, future: int) -> None:
    """With what it has to end in."""
    path = _file(tmp_path, *PRICED[:-1], header="shop,day,sold,price")
    with pytest.raises(CommandError, match=f"must end in {future} rows with their values"):
        read_csv(path, FEATURES, future=future)


def test_a_feature_without_any_value_is_refused(tmp_path: Path) -> None:
    """There is nothing to fill the gaps with."""
    path = _file(tmp_path, "a,2020-01-01,1,", header="shop,day,sold,price")
    with pytest.raises(CommandError, match=r"^--feature price: a has no value of it"):
        read_csv(path, FEATURES)


def test_D18_what_can_be_read_in_two_ways_is_told(tmp_path: Path) -> None:
    """As `tidecast forecast` does; the remedy is the file, which has no options here."""
    path = tmp_path / "sales.csv"
    rows = "".join(f"0{month}/01/2020,$1,{shop}\n" for month in range(1, 8) for shop in ("a", "a "))
    path.write_text(f"day,sold,shop\n{rows}\nSource: us\n")

    warnings = read_csv(path, Columns("day", "sold", ("shop",))).warnings

    assert warnings[0].startswith('line 17 lies below the table, and is left out: "Source: us"')
    assert warnings[1].endswith('"01/01/2020" are read month first; if that is wrong, correct the file')
    assert warnings[2] == 'column "sold": "$" before each number is left out'
    assert "differ in blanks alone" in warnings[3]
