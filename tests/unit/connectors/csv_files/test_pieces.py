"""Tables in pieces: together they are the whole, wherever they are cut."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.csv_files.dialect import RFC4180, Dialect
from connectors.csv_files.number_format import PLAIN, NumberFormat
from connectors.csv_files.piece_numbers import numbers_of
from connectors.csv_files.pieces import begin_of_rows, cells_of, cut, records_of

ROWS = [["1", "a"], ["2.5", 'say "hi"'], ["3", "two\nlines"], ["-4e2", ""], ["5", "x,y"]]


def csv_text(rows: list[list[str]], end: str = "\n") -> bytes:
    quoted = [",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows]
    return end.join(quoted).encode() + end.encode()


@given(
    st.lists(st.lists(st.text('ab",\n', max_size=6), min_size=2, max_size=2), min_size=1, max_size=20),
    st.integers(1, 40),
)
def test_pieces_are_the_whole(rows: list[list[str]], size: int) -> None:
    """No record is cut, none comes twice, none is lost."""
    data = csv_text(rows)
    file, begin, found = io.BytesIO(data), 0, []
    while begin < len(data):
        end = cut(file, begin, size, '"')
        assert end > begin
        found += cells_of(records_of(data[begin:end], '"'), RFC4180)
        begin = end

    assert found == rows


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_records_and_their_cells(end: str) -> None:
    records = records_of(csv_text(ROWS, end) + end.encode(), '"')

    assert cells_of(records, RFC4180) == ROWS
    assert len(records) == len(ROWS)


@pytest.mark.parametrize(
    ("data", "dialect", "expected"),
    [
        (b"a,b\n1,2\n", RFC4180, b"1,2\n"),
        (b"\xef\xbb\xbfa,b\n1,2\n", RFC4180, b"1,2\n"),
        (b"title\n\na,b\n1,2\n", Dialect(skipped_lines=2), b"1,2\n"),
        (b'"a\nb",c\n1,2\n', RFC4180, b"1,2\n"),
        (b"a,b\r\n1,2\r\n", RFC4180, b"1,2\r\n"),
    ],
)
def test_where_rows_begin(data: bytes, dialect: Dialect, expected: bytes) -> None:
    assert data[begin_of_rows(io.BytesIO(data), dialect) :] == expected


class TestNumbers:
    """Cells as numbers."""

    def test_quickly(self) -> None:
        """Empty cells are no numbers, and nothing is wrong with them."""
        first, second = numbers_of([b"1,x,2.5", b",y,-3", b"NA,z,1e3"], RFC4180, [0, 2], [PLAIN, PLAIN], 3)

        np.testing.assert_array_equal(first.values, [1, np.nan, np.nan])
        np.testing.assert_array_equal(second.values, [2.5, -3, 1000])
        assert not first.wrong.any()
        assert not second.wrong.any()

    def test_with_cells_that_are_none(self) -> None:
        """Which, is told; the others are read as before."""
        (found,) = numbers_of([b"1", b"one", b" 2 ", b"1e999", b"NaN"], RFC4180, [0], [PLAIN], 1)

        np.testing.assert_array_equal(found.values[[0, 2]], [1, 2])
        assert found.wrong.tolist() == [False, True, False, True, False]

    def test_decimal_commas(self) -> None:
        """As the format says, on either way."""
        dialect, form = Dialect(delimiter=";"), NumberFormat(",", ".")
        for records in ([b"1.234,5;a", b"2,5;b"], [b"1.234,5;a", b"2,5;b", b"?;c"]):
            (found,) = numbers_of(records, dialect, [0], [form], 2)

            assert found.values[:2].tolist() == [1234.5, 2.5]
            assert found.wrong.tolist() == [False, False, True][: len(records)]

    def test_truth_values_are_no_numbers(self) -> None:
        """Though pandas would take them for ones and zeros; ones and zeros are."""
        truths, ones = numbers_of([b"True,1", b"false,0", b",1"], RFC4180, [0, 1], [PLAIN, PLAIN], 2)

        assert truths.wrong.tolist() == [True, True, False]
        assert ones.values.tolist() == [1, 0, 1]
        assert not ones.wrong.any()
