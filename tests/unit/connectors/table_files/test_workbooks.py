"""Workbooks, as the CSV that they would be."""

import csv
import gzip
import io
import time
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from connectors.csv_files.dialect import BadDatasetError, DialectSettings
from connectors.csv_files.inspection import opened_csv
from connectors.table_files import reading, sheet_marks, workbook_as_csv
from connectors.table_files.reading import UnreadableTableError, opened_as_csv
from connectors.table_files.workbooks import XLSX
from tests.workbooks import Formula, Sheet, workbook

DAYS = [date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1)]


def read(content: bytes, tmp_path: Path, sheet: str | None = None) -> tuple[list[list[str]], str | None, str]:
    """The rows, the sheet, and what is told of it."""
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)
    with opened_as_csv(path, XLSX, sheet) as told:
        text = b"".join(iter(lambda: told.read(1000), b"")).decode()
        return list(csv.reader(io.StringIO(text))), told.sheet, "; ".join(told.notes)


@pytest.mark.parametrize("epoch", [1900, 1904])
def test_cells_are_as_a_person_would_write_them(tmp_path: Path, epoch: int) -> None:
    """Days are days by either system, numbers have all their digits, formulas the value that was saved."""
    late, night = datetime.fromisoformat("2024-01-31 10:20"), datetime.fromisoformat("2024-01-31")
    content = workbook(
        {
            "Sales": [
                ["day", "at", "x", "text", "true", "f", "span", "more\nlines"],
                [DAYS[0], late, 0.1, 'ü, "q"', True, Formula("1/3", 1 / 3), timedelta(hours=30), 1],
                [DAYS[1], night, 12345678901234.5, None, False, Formula('"a"', "a"), None, 2],
                [DAYS[2], None, -3.0, "007", None, Formula('""', ""), None, 1e-7],
            ]
        },
        epoch=epoch,
    )  # fmt: skip

    rows, sheet, told = read(content, tmp_path)

    assert rows == [
        ["day", "at", "x", "text", "true", "f", "span", "more lines"],
        ["2024-01-30", "2024-01-31 10:20:00", "0.1", 'ü, "q"', "true", "0.3333333333333333", "30:00:00", "1"],
        ["2024-01-31", "2024-01-31 00:00:00", "12345678901234.5", "", "false", "a", "", "2"],
        ["2024-02-01", "", "-3", "007", "", "", "", "1e-07"],
    ]
    assert (sheet, told) == ("Sales", "")


def test_the_first_sheet_with_a_table_is_read_and_told(tmp_path: Path) -> None:
    """A page of notes is none, a hidden sheet is not looked at before those that are seen; any can be named."""
    table = [["day", "x"], [DAYS[0], 1.0]]
    content = workbook(
        {"Notes": [["read me"], ["twice"]], "Old": Sheet(table, "hidden"), "My data": table, "More": table}
    )

    rows, sheet, told = read(content, tmp_path)
    assert (rows[1], sheet) == (["2024-01-30", "1"], "My data")
    assert told == "the sheet 'My data' is read; the workbook also has Notes, Old, More: name another by sheet"
    assert read(content, tmp_path, "Old")[1:] == ("Old", "")
    with pytest.raises(UnreadableTableError, match=r"sheet: there is no sheet 'Nope'; the workbook has Notes, Old, "):
        read(content, tmp_path, "Nope")
    with pytest.raises(UnreadableTableError, match="its sheets are empty: put the column names in row 1"):
        read(workbook({"A": [], "B": []}), tmp_path)


def test_what_a_person_does_not_see_is_told(tmp_path: Path) -> None:
    """Hidden rows and columns, errors, and formulas whose program has saved no value."""
    rows = [["day", "x", "y"], *([day, Formula("1/0", "#DIV/0!"), Formula("1+1")] for day in DAYS)]
    found, _, told = read(workbook({"S": Sheet(rows, hidden_rows=[2, 4], hidden_columns=[2])}), tmp_path)

    assert found[1] == ["2024-01-30", "", ""]
    assert "hidden rows are read, too: 2, 4;" in told
    assert "hidden columns are read, too: B;" in told
    assert "3 cells hold an error such as #DIV/0!, and are read as missing values" in told
    assert "3 formulas have no saved value" in told
    assert "open the workbook in a spreadsheet program and save it" in told


def test_marks_are_found_across_pieces(tmp_path: Path) -> None:
    """A sheet's XML is read in pieces, and what lies across two of them is counted once."""
    rows = [["day", "x"], *([DAYS[0], Formula("1/0", "#DIV/0!")] for _ in range(30_000))]
    _, _, told = read(workbook({"S": Sheet(rows, hidden_rows=range(2, 30_002))}), tmp_path)

    assert "30,000 cells hold an error" in told
    assert "2, 3, 4, 5, 6 and 29,995 more" in told


def test_texts_of_merged_cells_stand_in_each_of_their_rows(tmp_path: Path) -> None:
    """As people read them; a number would be counted more often than it is there. A title is passed over."""
    rows = [
        ["All sales"],
        [],
        ["shop", "day", "x"],
        ["north", DAYS[0], 1.0],
        [None, DAYS[1], 2.0],
        ["south", DAYS[0], 3.0],
        [None, DAYS[1], None],
    ]
    merged = ["A1:C1", "A4:A5", "A6:A7", "C6:C7"]
    found, _, told = read(workbook({"S": Sheet(rows, merged=merged)}), tmp_path)

    assert [row[0] for row in found[3:]] == ["north", "north", "south", "south"]
    assert found[6] == ["south", "2024-01-31", ""]
    assert "counts for each of their rows: A4:A5, A6:A7" in told
    assert "the others are empty: C6:C7" in told
    assert "A1" not in told


def test_a_table_lies_anywhere_below_a_title(tmp_path: Path) -> None:
    """Its lines are the rows of the sheet, so messages name what the person sees."""
    path = tmp_path / "book.xlsx"
    rows = [[None, "Sales of all shops"], [], [None, "day", "x"], *([None, day, 1.5] for day in DAYS)]
    path.write_bytes(workbook({"S": rows}))

    with opened_csv(path) as table:
        assert table.facts.header == ("day", "x")
        assert table.facts.rows == 3
        assert table.facts.dialect.skipped_lines == 2
        assert (table.facts.dialect.compression, table.facts.dialect.sheet) == ("xlsx", "S")


def test_a_small_file_that_says_it_is_large_is_refused(tmp_path: Path) -> None:
    """A cell far away makes a sheet of gigabytes: the process has its limits."""
    extra = {"B2": '<c r="CV1048576"><v>1</v></c>'}
    content = workbook({"S": Sheet([["day", "x"], [DAYS[0], 1.0]], extra=extra)})

    with pytest.raises(UnreadableTableError, match="more than 2048 MiB at once: keep the table alone in the workbook"):
        read(content, tmp_path)


def test_nothing_outside_of_the_file_is_read(tmp_path: Path) -> None:
    """Entities of an XML document stay what they are, or the file is refused."""
    secret = tmp_path / "secret"
    secret.write_text("TOP-SECRET")
    prolog = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}"><!ENTITY a "boom">]>'
    extra = {"A2": '<c r="A2" t="inlineStr"><is><t>&e;&a;</t></is></c>'}
    content = workbook({"S": Sheet([["day", "x"], [None, 1.0], [DAYS[0], 2.0]], extra=extra)}, prolog=prolog)

    try:
        rows, _, told = read(content, tmp_path)
    except UnreadableTableError as error:
        assert "damaged" in str(error)  # noqa: PT017 - either is right
    else:
        assert "SECRET" not in f"{rows}{told}"


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
def test_a_workbook_that_was_cut_off_is_damaged(tmp_path: Path, cut: float) -> None:
    """By whichever part of it."""
    content = workbook({"S": [["day", "x"], *([day, 1.0] for day in DAYS)]})
    path = tmp_path / "book.xlsx"
    path.write_bytes(content[: int(len(content) * cut)])

    with pytest.raises(BadDatasetError, match="damaged"), opened_csv(path):
        pass


def archive_of(*names: str) -> bytes:
    """An archive of empty files."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return sink.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (OLE + "EncryptedPackage".encode("utf-16-le") + bytes(600), "is encrypted; take its password away"),
        (OLE, r"of Excel 97-2003 \(\.xls\).*; save it as XLSX or CSV"),
        (archive_of("[Content_Types].xml", "xl/workbook.bin"), r"binary workbook \(\.xlsb\); save it as XLSX or CSV"),
        (archive_of("[Content_Types].xml", "word/document.xml"), "another document; save the table as XLSX or CSV"),
        (archive_of("mimetype", "content.xml"), "spreadsheet of another kind.*save the table as XLSX or CSV"),
        (gzip.compress(workbook({"S": [["a", "b"]]})), "holds another archive"),
    ],
    ids=["encrypted", "xls", "xlsb", "docx", "ods", "gzip"],
)
def test_other_workbooks_are_refused_with_the_remedy(tmp_path: Path, content: bytes, says: str) -> None:
    """What is not read, and what to do."""
    path = tmp_path / "book"
    path.write_bytes(content)

    with pytest.raises(BadDatasetError, match=says), opened_csv(path):
        pass


def test_a_sheet_is_named_of_a_workbook_alone(tmp_path: Path) -> None:
    """Of a CSV file the name would mean nothing."""
    path = tmp_path / "a.csv"
    path.write_text("day,x\n2024-01-01,1\n")

    with pytest.raises(BadDatasetError, match=r"sheet: the file is no XLSX workbook; leave the field out"):  # noqa: SIM117
        with opened_csv(path, DialectSettings(sheet="A")):
            pass


def test_the_process_is_named_where_it_lies() -> None:
    """`reading` starts it by its name."""
    assert workbook_as_csv.__name__ == "connectors.table_files.workbook_as_csv" == reading.WORKBOOK_PROGRAM


def test_a_sum_of_parts_of_a_day_is_the_second_that_it_means() -> None:
    """The reader cuts off to a millisecond: an hour later by a formula was 59:59.999."""
    cut = datetime.fromisoformat("2026-06-28 23:59:59.999")

    assert workbook_as_csv._text(cut, clock=True) == "2026-06-29 00:00:00"
    assert workbook_as_csv._text(cut.replace(microsecond=500_000), clock=True) == "2026-06-28 23:59:59.500000"
    assert workbook_as_csv._text(cut.time().replace(hour=7), clock=True) == "08:00:00"


@pytest.mark.parametrize("piece", [b"<c ", b"<row ", b"<c><f/>" + b" " * 50, b"<x:" * 3])
def test_marks_are_looked_for_in_time_that_follows_the_size(piece: bytes) -> None:
    """In a comment of a sheet anything may stand; two kilobytes, packed, took minutes."""
    begun = time.process_time()
    sheet_marks._marks(io.BytesIO(b"<!--" + piece * (600_000 // len(piece)) + b"-->"))

    assert time.process_time() - begun < 10
