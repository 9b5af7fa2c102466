"""What lies around a table: notes and units that are none of its rows, and what only looks like them (decision 18)."""

import re
from pathlib import Path

import pytest

from connectors.csv_files.dialect import BadDatasetError, DialectSettings
from connectors.csv_files.inspection import opened_csv
from connectors.datasets.splits import Split
from connectors.datasets.splitter import split_csv
from streams.forecasting.calendars import JobCalendars

ROWS = "".join(f"2020-01-{day:02},{day}.5\n" for day in range(1, 10))


def read(tmp_path: Path, text: str) -> tuple[tuple[str, ...], tuple[str, ...], Split]:
    """The labels, the warnings of the upload, and the one series of columns 0 and 1."""
    path = tmp_path / "upload"
    path.write_text(text, newline="")
    with opened_csv(path, DialectSettings()) as table:
        made = split_csv(
            table.text, table.facts.header, timestamp_index=0, target_index=1, groupby_indexs=(), max_series=10,
            calendars=JobCalendars(), dialect=table.facts.dialect,
        )  # fmt: skip
        return table.facts.header, table.facts.warnings, made


@pytest.mark.parametrize(
    "units", [",EUR", "yyyy-mm-dd,kWh", "(UTC),(MW)", "-,°C", "date,float", "----,-----", "------+------"]
)
def test_D18_a_row_of_units_is_left_out_and_told(tmp_path: Path, units: str) -> None:
    """The series has the rows below it."""
    header, warnings, made = read(tmp_path, f"Date,Value\n{units}\n{ROWS}")

    assert header == ("Date", "Value")
    assert made.target.tolist() == [day + 0.5 for day in range(1, 10)]
    assert warnings == (f'line 2 is taken for the units of the columns, and left out: "{units}"',)


@pytest.mark.parametrize(
    ("below", "told"),
    [
        ("Source: World Bank\n", 'line 11 lies below the table, and is left out: "Source: World Bank"'),
        ("\nNotes\n* provisional\n", 'line 13 lies below the table, and is left out: "* provisional"'),
        ("\nSource: a\n* b, c, d\n", 'lines 12 to 13 lie below the table, and are left out: "Source: a"'),
        ('"Source: World Bank, 2020"\r\n', 'line 11 lies below the table, and is left out: "Source: World Bank, 2020"'),
        ("Source: World Bank, 2020\n", 'line 11 lies below the table, and is left out: "Source: World Bank, 2020"'),
        ("(9 rows affected)\n", 'line 11 lies below the table, and is left out: "(9 rows affected)"'),
        ("Total,1234\n", 'line 11 lies below the table, and is left out: "Total, 1234"'),
        ("Summe,1234\nMittelwert,5\n", 'lines 11 to 12 lie below the table, and are left out: "Summe, 1234"'),
        ("END", 'line 11 lies below the table, and is left out: "END"'),
        ("\x1a", None),
        (",\n,\n", None),
    ],
)
def test_D18_what_lies_below_a_table_is_left_out_and_told(tmp_path: Path, below: str, told: str | None) -> None:
    """Notes, totals, and empty lines of a spreadsheet, which nobody needs to hear of."""
    if "Notes" in below:  # a word alone can be a damaged row
        with pytest.raises(BadDatasetError, match="line 12: the row has 1 cells"):
            read(tmp_path, f"Date,Value\n{ROWS}{below}")
        return
    _, warnings, made = read(tmp_path, f"Date,Value\n{ROWS}{below}")

    assert made.target.tolist() == [day + 0.5 for day in range(1, 10)]
    assert warnings == ((told,) if told else ())


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ("2020-01-10\n", "line 11: the row has 1 cells"),
        ("2020-01-10,4,5\n", "line 11: the row has 3 cells"),
        ("soon,4\n", 'line 11: "soon" is not a date'),
        (",1234\n", 'line 11: "" is an empty timestamp'),
        ("2020-01-10,Total\n", '"Total" is not a number'),
        ("Date,Value\n2020-01-10,5\n", "line 11: the line has the names of the columns again"),
    ],
)
def test_a_damaged_row_at_the_end_is_refused(tmp_path: Path, end: str, says: str) -> None:
    """With its line: nobody would miss it."""
    with pytest.raises(ValueError, match=says):
        read(tmp_path, f"Date,Value\n{ROWS}{end}")


@pytest.mark.parametrize(
    "above", ["Sales,2020\n", "Source,World Bank\nUpdated,2020-02-01\n", "Report,Q1 figures\n", "Total,1234\n\n"]
)
def test_D18_lines_above_that_are_as_wide_as_the_table_are_found(tmp_path: Path, above: str) -> None:
    """The header is the row that names a column of dates."""
    header, warnings, made = read(tmp_path, f"{above}Date,Value\n{ROWS}")

    assert header == ("Date", "Value")
    assert made.target.tolist() == [day + 0.5 for day in range(1, 10)]
    assert warnings == ()


def test_lines_of_messages_are_those_of_the_file_when_units_are_left_out(tmp_path: Path) -> None:
    """The line of units is counted."""
    with pytest.raises(ValueError, match=r'line 12: "2020-01-32" names a day'):
        read(tmp_path, f"Date,Value\n,EUR\n{ROWS}2020-01-32,5\nTotal,6\n")


def test_texts_in_a_table_without_dates_are_rows(tmp_path: Path) -> None:
    """Nothing is left out of a table that has none."""
    path = tmp_path / "upload"
    path.write_text("name,value\nof,EUR\n" + "a,1\n" * 9 + "Total,9\n,\n")
    with opened_csv(path, DialectSettings()) as table:
        assert (table.facts.rows, table.facts.warnings, table.text) == (12, (), path)


def test_D18_all_of_it_at_once(tmp_path: Path) -> None:
    """A title, units, days first, decimal commas with a sign behind, a total and a note."""
    days = "".join(f"{day:02}.01.2020;1.{day:03},50 €\n" for day in range(1, 25))
    text = f"Umsätze\nDatum;Umsatz (EUR, netto)\n;EUR\n{days}Summe;9.999,00 €\n\nQuelle: uns\n"
    header, warnings, made = read(tmp_path, text)

    assert header == ("Datum", "Umsatz (EUR, netto)")
    assert made.target.tolist() == [1000.5 + day for day in range(1, 25)]
    assert warnings == (
        'line 3 is taken for the units of the columns, and left out: ";EUR"',
        'lines 28 to 30 lie below the table, and are left out: "Summe, 9.999,00 €"',
    )


def test_a_long_text_is_copied_without_what_is_around_it(tmp_path: Path) -> None:
    """Longer than what is looked at, at both ends."""
    rows = "".join(f"2020-01-01 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},{n}\n" for n in range(20_000))
    _, warnings, made = read(tmp_path, f"Date,Value\n,EUR\n{rows}\nSource: us\nTotal,5\n")

    assert made.target.tolist() == list(range(20_000))
    assert warnings[1] == 'lines 20004 to 20005 lie below the table, and are left out: "Source: us"'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Date Value\n2020-01-01 5\n", "here perhaps space"),
        ('"Date,Value"\n"2020-01-01,5"\n', "quotation marks around whole lines"),
        ("Value\n5\n", "name what separates the columns: delimiter"),
    ],
)
def test_a_file_of_one_column_is_told(tmp_path: Path, text: str, says: str) -> None:
    """It can be kept, but not used; the likely reason is named."""
    path = tmp_path / "upload"
    path.write_text(text)
    with opened_csv(path, DialectSettings()) as table:
        assert says in table.facts.warnings[0]


def test_a_sep_line_that_is_wrong_does_not_count(tmp_path: Path) -> None:
    """Some programs write it whatever they separate by."""
    header, _, made = read(tmp_path, f"sep=;\nDate,Value\n{ROWS}")

    assert (header, len(made.target)) == (("Date", "Value"), 9)


def test_a_blank_before_a_quoted_cell_is_called_so(tmp_path: Path) -> None:
    """Not a quotation mark inside a cell."""
    with pytest.raises(BadDatasetError, match="line 2: a blank before a quotation mark"):
        read(tmp_path, 'Name, Value\nfirst, "5"\n')


@pytest.mark.parametrize(
    "text",
    [
        '"Date", "Value"\n' + ROWS.replace(",", ', "').replace(".5", '.5"'),
        f"Date,Value\n{ROWS}".replace("\n", "\r\r\n"),
        f"Date,Value\n{ROWS}".replace("\n", "\n   \n"),
        f"Date;Value\n{ROWS}".replace(",", ";").replace("\n", "\n \t\n"),
        f"Date,Value\n{ROWS}".replace("2020-01-05", ",\n2020-01-05"),
        f"Date,Value,\n{ROWS}".replace("\n", ",\n").replace("2020-01-05", ",,\r\n2020-01-05"),
    ],
    ids=["blanks", "returns", "lines of blanks", "lines of blanks and tabs", "separators", "separators and returns"],
)
def test_D18_what_programs_write_between_cells_and_rows_is_passed_over(tmp_path: Path, text: str) -> None:
    """Everybody reads such files; nothing of them can be meant otherwise."""
    header, warnings, made = read(tmp_path, text)

    assert (header, warnings) == (("Date", "Value"), ())
    assert made.target.tolist() == [day + 0.5 for day in range(1, 10)]


def test_D18_comments_between_rows_are_left_out_and_told(tmp_path: Path) -> None:
    """They are no rows, and have no cells."""
    _, warnings, made = read(tmp_path, f"Date,Value\n{ROWS}".replace("2020-01-05", "# a new meter\n2020-01-05"))

    assert warnings == ("1 lines between the rows begin with #, and are left out",)
    assert made.target.tolist() == [day + 0.5 for day in range(1, 10)]


def test_D18_numbers_that_R_puts_before_rows_are_a_column(tmp_path: Path) -> None:
    """Its header has no name for them, so that all names would stand above the wrong cells."""
    path = tmp_path / "upload"
    numbered = "\n".join(f'"{number}",{row}' for number, row in enumerate(ROWS.splitlines(), 1))
    path.write_text(f'"Date","Value"\n{numbered}\n')
    with opened_csv(path, DialectSettings()) as table:
        assert table.facts.header == ("Unnamed: 0", "Date", "Value")
        assert table.facts.heads["Value"] == (1.5, 2.5, 3.5, 4.5, 5.5)

    path.write_text("id,Date,Value\n" + "\n".join(f"{number},2020-01-{number:02},5,3" for number in range(1, 10)))
    with pytest.raises(BadDatasetError, match="line 2: the row has 4 cells"), opened_csv(path, DialectSettings()):
        pass  # decimal commas: the names stand where they belong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'"Date", "Value"\n{ROWS}2020-01-10,5,3\n', "line 11: the row has 3 cells"),
        (f"Date,Value\n   \n{ROWS}2020-01-10\n", "line 12: the row has 1 cells"),
        (f'Date,Value\n{ROWS}2020-01-10,"a "b" c"\n', "line 11: a quotation mark inside a cell"),
        (f"Date,Value\n{ROWS}2020-01-10,5\r5\n", "line 11: a carriage return"),
    ],
)
def test_D18_other_faults_of_such_files_name_their_line(tmp_path: Path, text: str, message: str) -> None:
    """As the file has it, though lines before it were mended."""
    with pytest.raises(BadDatasetError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "above",
    [
        "sep=,\nA title\n\n",
        "sep=,\nSource,EUR\nMade,today\n\n",
        "Report,2020\nBy,me\n",
        "Export,,,\nUser,x,,\n\n",
        "Export,,,\nUser,x,,\n",
    ],
)
@pytest.mark.parametrize("header", ["Date,Value", "x,y"])
def test_D18_lines_above_a_table_are_skipped(tmp_path: Path, above: str, header: str) -> None:
    """Below a line that names the separator, and where they have as many cells as the table."""
    found, warnings, made = read(tmp_path, f"{above}{header}\n{ROWS}")

    assert (found, warnings) == (tuple(header.split(",")), ())
    assert made.target.tolist() == [day + 0.5 for day in range(1, 10)]


def rows_of(first: int, last: int, value: str = "{}") -> str:
    return "".join(
        f"2024-{1 + day // 28:02}-{1 + day % 28:02},{value.format(day % 9 + 1)}\n" for day in range(first, last)
    )


@pytest.mark.parametrize("value", ["{}", "{}.5", "9{}.25", "{},5"])
@pytest.mark.parametrize(("above", "below"), [(3, 1), (9, 10), (50, 30), (60, 5), (99, 99), (150, 3)])
@pytest.mark.parametrize("title", ["", "Sales of the shop\n"])
def test_D18_rows_above_a_header_that_comes_again_are_not_passed_over(
    tmp_path: Path, title: str, above: int, below: int, value: str
) -> None:
    """Files that were put behind one another lost all but the last, without a word."""
    rows = rows_of(0, above, value), rows_of(above, above + below, value)
    text = f"{title}Date,Value\n{rows[0]}Date,Value\n{rows[1]}"
    if value == "{},5":
        text = re.sub(r"^(\S{10}),", r"\1;", text, flags=re.MULTILINE).replace("Date,", "Date;")
    line = above + 2 + bool(title)
    with pytest.raises(ValueError, match=rf"line {line}: the line has the names of the columns again"):
        read(tmp_path, text)


@pytest.mark.parametrize("damaged", ["holiday,closed", "Year,2023 total", "soon,?!"])
def test_D18_rows_above_a_damaged_one_are_not_passed_over(tmp_path: Path, damaged: str) -> None:
    """Its words are no names of columns, if rows of the same kind lie above and below."""
    with pytest.raises(ValueError, match="line 42: "):
        read(tmp_path, f"Date,Value\n{rows_of(0, 40)}{damaged}\n{rows_of(41, 100)}")


@pytest.mark.parametrize(
    ("header", "ended"), [("shop,ended,Date,Value", "2023-01-05"), ("shop,price,Date,Value", "9.99")]
)
def test_D18_last_rows_with_a_date_are_rows(tmp_path: Path, header: str, ended: str) -> None:
    """Also where another column of dates, or of prices, is empty there, and the group is called as a total is."""
    rows = "".join(f"A,{ended},2024-01-0{day},{day}\n" for day in range(1, 5))
    rows += "".join(f"Total,,2024-01-0{day},{day}\n" for day in range(1, 5))
    path = tmp_path / "in.csv"
    path.write_text(f"{header}\n{rows}")
    with opened_csv(path) as table:
        assert (table.facts.rows, table.facts.warnings) == (8, ())
