"""Uploaded CSV files: what is accepted, what is refused and how it is said, and datasets in the object store."""

import csv
import io
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.csv_files import inspection as csv_table
from connectors.csv_files.inspection import BadDatasetError, CsvFacts, inspect_csv, line_of_row
from tests.unit.connectors.datasets.datasets_samples import SEED


def facts(tmp_path: Path, data: bytes, **limits: int) -> CsvFacts:
    """Inspect a file of these bytes."""
    path = tmp_path / "upload"
    path.write_bytes(data)
    return inspect_csv(path, **limits)


@pytest.fixture(params=[1, 7, 1 << 20])
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat a test with the file read byte by byte, in small blocks and at once."""
    monkeypatch.setattr(csv_table, "_BLOCK", request.param)


def test_J038_J039_J040_preview_of_the_seed_sample(tmp_path: Path) -> None:
    """The first five rows, numbers as numbers, timestamps exactly as in the file with seven fractional digits."""
    found = facts(tmp_path, SEED)

    assert found.header == ("Region", "VMSeries", "ObjectTime", "sum_PeakDailyCores")
    assert found.heads == {
        "Region": ("asiasoutheast", "ussouth", "ussouth", "europewest", "asiasoutheast"),
        "VMSeries": ("FS", "A", "D", "B", "B"),
        "ObjectTime": ("2020-08-01 00:00:00.0000000",) * 5,
        "sum_PeakDailyCores": (152, 1377, 234, 11912, 3866),
    }
    assert all(type(value) is int for value in found.heads["sum_PeakDailyCores"])
    assert (found.rows, found.bytes) == (6, len(SEED))


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (["1", "2"], (1, 2)),
        (["-1.50", "2e3", "0"], (-1.5, 2000.0, 0)),
        (["1", "", "NaN", "null"], (1, None, None, None)),
        (["007", "8"], ("007", "8")),
        (["1", "n/a"], ("1", "n/a")),
        (["1e400", "1"], ("1e400", "1")),
        (["inf", "1"], ("inf", "1")),
        (["+1", "@x"], ("+1", "@x")),
        (["=cmd|' /C calc'!A0", "-1"], ("=cmd|' /C calc'!A0", "-1")),
        (["", "NaN"], ("", "NaN")),
        (["9007199254740993", "1"], ("9007199254740993", "1")),
        (["٣", "1"], ("٣", "1")),
        ([" 1", "2"], (" 1", "2")),
        (["True", "False"], ("True", "False")),
    ],
)
def test_J038_numbers_stay_numbers_and_text_stays_text(
    tmp_path: Path, cells: list[str], shown: tuple[object, ...]
) -> None:
    """A column is shown as numbers only where each shown cell is one beyond doubt; else as it stands in the file."""
    data = "when,value\n" + "".join(f"x,{cell}\n" for cell in cells)

    assert repr(facts(tmp_path, data.encode()).heads["value"]) == repr(shown)


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n1,x\n2,y\n",
        b"\xef\xbb\xbfa,b\n1,x\n2,y\n",
        b"a,b\r\n1,x\r\n2,y\r\n",
        b"a,b\n1,x\n2,y",
        b"a,b\r\n1,x\r\n2,y\r",
        b"\n\r\na,b\n\n1,x\r\n\n\n2,y\n\n",
        b'"a","b"\n"1","x"\n2,"y"',
        b'\xef\xbb\xbf"a",b\n1,x\n2,y\n',
    ],
)
def test_harmless_differences_are_accepted(tmp_path: Path, data: bytes) -> None:
    """Byte order mark, CRLF, blank lines, quoted cells and a missing last line end change nothing."""
    found = facts(tmp_path, data)

    assert found == CsvFacts(header=("a", "b"), heads={"a": (1, 2), "b": ("x", "y")}, rows=2, bytes=len(data))


@pytest.mark.usefixtures("_blocks")
def test_quoted_commas_quotes_and_line_ends_are_text(tmp_path: Path) -> None:
    """Inside quotation marks commas, line ends, single carriage returns and doubled marks belong to the cell."""
    data = '"a, b",é\r\n"x\r\ny","1,234"\r\n"say ""hi""",""\r\n"\r\r","""\n"""\r\n'.encode()
    found = facts(tmp_path, data)

    assert found.header == ("a, b", "é")
    assert found.heads == {"a, b": ("x\r\ny", 'say "hi"', "\r\r"), "é": ("1,234", "", '"\n"')}


REFUSED = [
    (b"", "empty_file", "column names in line 1"),
    (b"\xef\xbb\xbf", "empty_file", "empty"),
    (b"\n\r\n\n", "empty_file", "empty"),
    (b"a,b\n", "no_rows", "at least one data row"),
    (b"a,b", "no_rows", "at least one data row"),
    (b"a,b\n\n\r\n", "no_rows", "at least one data row"),
    (b"a,b\n1,2\n1,2,3\n1\n", "ragged_row", "line 3: the row has 3 cells but the header names 2 columns"),
    (b"a,b\n1,2\n\n1\n", "ragged_row", "line 4: the row has 1 cells"),
    (b'a,b\n"1\n\n1",2\n1\n', "ragged_row", "line 5: the row has 1 cells"),
    (b"a,b\r\n1,2\r\n   \r\n", "ragged_row", "line 3"),
    (b"a,b\n1,2\n1,\x00\n", "nul_byte", "line 3: a NUL byte at byte 10"),
    (b"\xef\xbb\xbfa,b\n1,caf\xe9\n", "not_utf8", "byte 12 "),
    ("a,b\n1,é\n2,ü\n3,".encode() + b"\xe9\n", "not_utf8", r"line 4: byte 16 \(0xE9\) .*the rest of it is UTF-8"),
    ("a,b\n1,2\n".encode("utf-16") + b"x", "bad_encoding", "line 3: .* name the encoding"),
    (b"a,b,a\n1,2,3\n", "duplicate_column", 'line 1: two columns are named "a"'),
    (b"a,,b\n1,2,3\n", "empty_column_name", "line 1: column 2 has no name"),
    (b"\na, ,b\n1,2,3\n", "empty_column_name", "line 2: column 2 has no name"),
    (b'a,b\n1,"2\n3,4\n', "unclosed_quote", "line 2: .* never ends"),
    (b'a,b\n1,5"\n3,4\n', "stray_quote", "line 2: .* double those"),
    (b'a,b\n1,"2"x\n3,4\n', "stray_quote", "line 2"),
    (b'a,b\n1,"2\n3,"4"\n', "stray_quote", "line 3"),
    (b'a,b\n1, "2"\n', "stray_quote", "line 2"),
    (b"a,b\n1,2\r3,4\n", "bad_line_end", "line 2"),
    (b"a;b\n1\n", "wrong_separator", "line 1: .* semicolons, .* name the delimiter"),
    (b"a\tb\n1\n", "wrong_separator", "tabs"),
    (b"PK\x03\x04\x00\x00", "damaged_archive", "zip file is damaged"),
    (b"\x1f\x8b\x08\x00", "damaged_archive", "gzip file is damaged"),
]


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize(("data", "code", "says"), REFUSED)
def test_refusals_name_the_place_and_the_remedy(tmp_path: Path, data: bytes, code: str, says: str) -> None:
    """Each fault has its code and a message with place and remedy, however the file falls into blocks."""
    with pytest.raises(BadDatasetError, match=says) as refused:
        facts(tmp_path, data)

    assert refused.value.code == code


def test_limits_are_told(tmp_path: Path) -> None:
    """Too many columns, a cell or a row too large are refused with the line and the limit; exactly the limit passes."""
    wide = b",".join(b"c%d" % index for index in range(11))
    with pytest.raises(BadDatasetError, match="line 1: 11 columns; at most 10") as columns:
        facts(tmp_path, wide + b"\n" + wide + b"\n", max_columns=10)
    with pytest.raises(BadDatasetError, match="line 3: a cell is longer than 10 bytes") as cell:
        facts(tmp_path, b"a,b\n1234567890,2\n1,12345678901\n", max_cell=10)
    with pytest.raises(BadDatasetError, match="line 2: the row is longer than 1,000 bytes") as row:
        facts(tmp_path, b"a,b\n" + b"1" * (2 << 20), max_record=1000)

    assert [caught.value.code for caught in (columns, cell, row)] == [
        "too_many_columns",
        "cell_too_large",
        "row_too_large",
    ]
    assert len(facts(tmp_path, wide + b"\n" + wide + b"\n", max_columns=11).header) == 11
    assert facts(tmp_path, b"a,b\n1234567890,2\n", max_cell=10).rows == 1


def test_hundred_thousand_columns_are_refused(tmp_path: Path) -> None:
    """The default limits hold without being named."""
    header = b",".join(b"c%d" % index for index in range(100_000))
    with pytest.raises(BadDatasetError, match="line 1: 100,000 columns"):
        facts(tmp_path, header + b"\n" + header + b"\n")
    with pytest.raises(BadDatasetError, match="line 2: a cell is longer"):
        facts(tmp_path, b"a,b\n" + b"x" * 1_000_000 + b",1\n")


@pytest.mark.parametrize("begin", ["a,b\n1,2\n", 'a,b\n1,"2\n'], ids=["rows", "unclosed quote"])
def test_memory_stays_bounded(tmp_path: Path, begin: str) -> None:
    """A file of 32 MB, be it short rows or one unclosed quote, is looked at in less than a quarter of its size."""
    path = tmp_path / "upload"
    path.write_bytes(begin.encode() + b"1,2\n" * 8_000_000)
    tracemalloc.start()
    try:
        if '"' in begin:
            with pytest.raises(BadDatasetError, match=r"line 2: .* never ends"):
                inspect_csv(path, max_record=1 << 18)
        else:
            assert inspect_csv(path).rows == 8_000_001
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 8 << 20


CELLS = st.text(alphabet='a1é,"\n\r \t;', max_size=4)


@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_table_that_is_written_is_read_back(rows: list[list[str]], line_end: str, quote_all: bool) -> None:
    """Whatever the cells hold, a correctly written file is accepted, and its rows and first cells are seen."""
    if not quote_all:  # Python's writer leaves a single carriage return unquoted, which readers take for a line end
        rows = [[cell.replace("\r", " ") for cell in row] for row in rows]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)
    writer.writerows([["left", "right"], *rows])
    with TemporaryDirectory() as folder:
        found = facts(Path(folder), text.getvalue().encode())

    assert found.rows == len(rows)
    shown = list(zip(*found.heads.values(), strict=True))
    wanted = [tuple(row) for row in rows[:5]]
    if all(isinstance(cell, str) for row in shown for cell in row):
        assert shown == wanted


@given(st.binary(max_size=60))
def test_any_bytes_are_accepted_or_refused(data: bytes) -> None:
    """No input ends in anything but facts or BadDatasetError, and accepted rows are those a strict CSV reader sees."""
    data = b"a,b\n" + data
    with TemporaryDirectory() as folder:
        try:
            found = facts(Path(folder), data)
        except BadDatasetError:
            return
    dialect = found.dialect
    lines = data.decode(dialect.encoding, "replace").split("\n")[dialect.skipped_lines :]
    text = io.StringIO("\n".join(lines), newline="")
    quoting = {"quoting": csv.QUOTE_NONE} if dialect.quote is None else {"quotechar": dialect.quote}
    rows = [row for row in csv.reader(text, delimiter=dialect.delimiter, strict=True, **quoting) if row]
    width = len(found.header)
    assert found.rows == len(rows) - 1
    assert all(len(row) >= width and not "".join(row[width:]).strip() for row in rows)


def test_the_line_of_a_row_counts_blank_lines_and_quoted_line_ends(tmp_path: Path) -> None:
    """line_of_row gives the line an editor shows for a data row."""
    path = tmp_path / "upload"
    path.write_bytes(b'\xef\xbb\xbf\na,b\n\n1,"x\ny"\n\n2,z\n')

    assert [line_of_row(path, row) for row in (0, 1)] == [4, 7]
    with pytest.raises(IndexError):
        line_of_row(path, 2)
