"""Columns of a piece as numbers: a sign between thousands counts where it parts thousands."""

from dataclasses import replace

import numpy as np

from connectors.csv_files.dialect import RFC4180
from connectors.csv_files.number_format import PLAIN, NumberFormat
from connectors.csv_files.piece_numbers import numbers_of


def test_a_sign_between_thousands_that_stands_elsewhere_is_a_wrong_cell() -> None:
    """It was taken out, and 0.5 in another column was 5, without a word."""
    dialect, form = replace(RFC4180, delimiter=";"), NumberFormat(",", ".")
    records = [b"1.234,50;0.5", b"-12.345.678;0,25", b"7;1.2345", b";1.500"]
    money, rate = numbers_of(records, dialect, [0, 1], [form, form], 2)

    assert np.array_equal(money.values, [1234.5, -12345678, 7, np.nan], equal_nan=True)
    assert not money.wrong.any()
    assert rate.wrong.tolist() == [True, False, True, False]
    assert rate.values[[1, 3]].tolist() == [0.25, 1500]


def test_each_column_has_its_own_format() -> None:
    """Decimals of one are thousands of another; blanks and minus signs as spreadsheets write them."""
    dialect = replace(RFC4180, delimiter=";")
    formats = [NumberFormat(",", " "), PLAIN, NumberFormat(","), NumberFormat(".", "'")]
    records = ["1\u00a0234,5; 0.5;0,5;1\u2019000.5", "\u22127\u202f000;\u22121.5\u00a0;x;'", "0.5;1,5;;1'0"]
    first, second, third, fourth = numbers_of(
        [record.encode() for record in records], dialect, [0, 1, 2, 3], formats, 4
    )

    assert first.values[:2].tolist() == [1234.5, -7000]
    assert first.wrong.tolist() == [False, False, True]
    assert second.values[:2].tolist() == [0.5, -1.5]
    assert second.wrong.tolist() == [False, False, True]
    assert third.wrong.tolist() == [False, True, False]
    assert third.values[0] == 0.5
    assert np.isnan(third.values[2])
    assert fourth.values[0] == 1000.5
    assert fourth.wrong.tolist() == [False, True, True]


def test_a_record_with_too_few_cells_has_empty_ones() -> None:
    """On either way."""
    for first in (b"1,2", b"x,2"):
        _, second = numbers_of([first, b"3"], RFC4180, [0, 1], [PLAIN, PLAIN], 2)

        assert second.values[0] == 2
        assert np.isnan(second.values[1])
        assert not second.wrong.any()
