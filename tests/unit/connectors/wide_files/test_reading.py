"""Files with a column for each series, as the tables with a row for each value that they become."""

from pathlib import Path
from typing import Any

import pytest

from connectors.csv_files.dialect import BadDatasetError, DialectSettings
from connectors.csv_files.inspection import OpenCsv
from connectors.wide_files.reading import opened_table
from connectors.wide_files.stacking import stack_of
from tests.workbooks import workbook

WIDE = "day,a,b\n2024-01-01,1,2.5\n2024-01-02,3,4\n"


def read(
    tmp_path: Path, content: str | bytes, columns: tuple[int, ...] = (), **settings: Any
) -> tuple[list[str], OpenCsv]:
    """The lines of the text, and what is known of it."""
    path = tmp_path / "file"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    max_bytes = settings.pop("max_bytes", 10**9)
    with opened_table(path, DialectSettings(series_columns=columns, **settings), max_bytes=max_bytes) as table:
        return table.text.read_text("utf-8").splitlines(), table


def test_each_value_is_a_row_with_the_name_of_its_column(tmp_path: Path) -> None:
    """Row by row of the file, so that series are numbered in the order of their columns."""
    lines, table = read(tmp_path, WIDE)

    assert lines == [
        "day,series,value", "2024-01-01,a,1", "2024-01-01,b,2.5", "2024-01-02,a,3", "2024-01-02,b,4",
    ]  # fmt: skip
    assert table.facts.header == ("day", "series", "value")
    assert (table.facts.rows, table.facts.bytes) == (4, len(WIDE))
    assert table.facts.heads["value"] == (1, 2.5, 3, 4)
    assert table.facts.series_labels == ("a", "b")
    assert (table.facts.dialect.series_columns, table.facts.dialect.given) == ((1, 2), ("series_columns",))


def test_other_columns_stay(tmp_path: Path) -> None:
    """Groups and features stand in each row; names that are taken get a number."""
    lines, table = read(tmp_path, 'series,"a, ""x""",day,b,value\nn,1,2024-01-01,2,"p,q"\n', (3, 1))

    assert lines == [
        "series,day,value,series_2,value_2", 'n,2024-01-01,"p,q","a, ""x""",1', 'n,2024-01-01,"p,q",b,2',
    ]  # fmt: skip
    assert table.facts.dialect.series_columns == (1, 3)


def test_a_series_is_as_long_as_its_values(tmp_path: Path) -> None:
    """What is missing before the first and behind the last is not there; what is missing between them is missing."""
    lines, _ = read(tmp_path, "day,a,b,c\n1.1.2024,,1,1\n2.1.2024,2,,\n3.1.2024,3,,3\n4.1.2024,4,,n/a\n5.1.2024,5,,\n")

    assert [line.split(",") for line in lines[1:]] == [
        ["1.1.2024", "b", "1"],
        ["1.1.2024", "c", "1"],
        ["2.1.2024", "a", "2"],
        ["2.1.2024", "c", ""],
        ["3.1.2024", "a", "3"],
        ["3.1.2024", "c", "3"],
        ["4.1.2024", "a", "4"],
        ["5.1.2024", "a", "5"],
    ]


def test_rows_without_any_value_at_the_end_are_every_series_future(tmp_path: Path) -> None:
    """What other columns will be is known there, and forecasts begin behind the values of each series."""
    lines, _ = read(tmp_path, "day,price,a,b\n1,1,1,1\n2,2,2,\n3,3,,\n4,4,,\n", (2, 3))

    assert lines[1:] == ["1,1,a,1", "1,1,b,1", "2,2,a,2", "2,2,b,", "3,3,a,", "3,3,b,", "4,4,a,", "4,4,b,"]


def test_numbers_are_read_as_people_wrote_them(tmp_path: Path) -> None:
    """Of each column by itself; the table has them with the file's decimal sign, and nothing around them."""
    text = "Umsätze\nTag;a;b;c\n31.01.24;1.234,5;5 %;-\n01.02.24;2.000,25;6 %;7\n"
    lines, table = read(tmp_path, text.encode("cp1252"))

    assert lines[1:] == [
        '31.01.24,a,"1234,5"', "31.01.24,b,5", '01.02.24,a,"2000,25"', "01.02.24,b,6", "01.02.24,c,7",
    ]  # fmt: skip
    dialect = table.facts.dialect
    assert (dialect.encoding, dialect.decimal, dialect.delimiter, dialect.skipped_lines) == (
        "windows-1252",
        ",",
        ",",
        0,
    )
    assert table.facts.heads["value"] == (1234.5, 5, 2000.25, 6, 7)
    assert any('column "c": 1 cells that say "-"' in text for text in table.facts.warnings)


def test_a_workbook_can_be_wide(tmp_path: Path) -> None:
    """Whatever the file is packed in."""
    lines, table = read(tmp_path, workbook({"S": [["day", "a", "b"], ["2024-01-01", 1.0, 2.0]]}), sheet="S")

    assert lines[1:] == ["2024-01-01,a,1", "2024-01-01,b,2"]
    assert (table.facts.dialect.compression, table.facts.dialect.sheet) == ("xlsx", "S")


@pytest.mark.slow
def test_a_wide_file_may_have_many_columns(tmp_path: Path) -> None:
    """More than a table whose header stands in each answer."""
    names = [f"s{number}" for number in range(5000)]
    lines, table = read(tmp_path, f"day,{','.join(names)}\n2024-01-01,{','.join('1' for _ in names)}\n")

    assert len(lines) == 5001
    assert table.facts.series_labels == tuple(names)
    with pytest.raises(BadDatasetError, match="20,002 columns; at most 20,000 are allowed"):
        read(tmp_path, f"day,{','.join(f's{number}' for number in range(20_001))}\n")


@pytest.mark.parametrize(
    ("text", "columns", "says"),
    [
        (WIDE, (1, 3), r"^series_columns: there is no column 3; the file has columns 0 to 2"),
        (WIDE, (1, 1), r"^series_columns: name each column once"),
        (WIDE, (-1,), r"^series_columns: name each column once, by its number from 0"),
        (WIDE, (0, 1, 2), r"^series_columns: has every column of the file; leave the one with the times out"),
        ("day\n1\n2\n", (), r"^series_columns: the file has no column beside the first"),
        ("day,a,b\n1,1,2\n2,x,3\n", (), r'^series_columns: column "a", line 3: "x" is not a number; .*; or leave the'),
        ("day,a,b\n1,,\n2,,\n", (), r"^series_columns: none of these columns has a value"),
    ],
)
def test_columns_that_do_not_fit_are_told(tmp_path: Path, text: str, columns: tuple[int, ...], says: str) -> None:
    """With the field, the line of the file, and the remedy."""
    with pytest.raises(BadDatasetError, match=says) as refused:
        read(tmp_path, text, columns)

    assert refused.value.code == "bad_dialect"


def test_a_column_without_values_is_told(tmp_path: Path) -> None:
    """It would be a series of nothing."""
    _, table = read(tmp_path, "day,a,b,c\n1,1,,\n2,2,,\n")

    assert table.facts.warnings == ('2 columns have no value, and become no series: "b", "c"',)


def test_the_table_is_no_larger_than_an_upload_may_be(tmp_path: Path) -> None:
    """A long name stands in each row."""
    text = f"{'d' * 50},a,b\n{'x' * 50},1,2\n"
    with pytest.raises(
        BadDatasetError, match=r"more than 120 bytes with a row for each value: .*MAX_UPLOAD_BYTES"
    ) as no:
        read(tmp_path, text, max_bytes=120)

    assert no.value.code == "too_large"


def test_without_the_setting_a_file_is_as_it_is(tmp_path: Path) -> None:
    """The file itself is its text."""
    path = tmp_path / "file"
    path.write_text(WIDE)
    with opened_table(path, DialectSettings()) as table:
        assert (table.text, table.facts.header, table.facts.series_labels) == (path, ("day", "a", "b"), ())


def test_the_header_is_known_before(tmp_path: Path) -> None:
    """Who chooses columns need not read the file for it."""
    stack = stack_of(("day", "a", "value", "b"), (3, 1))

    assert (stack.header, stack.kept, stack.series) == (("day", "value", "series", "value_2"), (0, 2), (1, 3))
    assert (stack.name_label, stack.value_label) == ("series", "value_2")
    assert read(tmp_path, "day,a,value,b\n1,2,x,3\n", (1, 3))[1].facts.header == stack.header
