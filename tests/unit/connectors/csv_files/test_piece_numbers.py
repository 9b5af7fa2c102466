"""Columns of a piece as numbers: a sign between thousands counts where it parts thousands."""

from dataclasses import replace

import numpy as np

from connectors.csv_files.dialect import RFC4180
from connectors.csv_files.piece_numbers import numbers_of


def test_a_sign_between_thousands_that_stands_elsewhere_is_a_wrong_cell() -> None:
    """It was taken out, and 0.5 in another column was 5, without a word."""
    dialect = replace(RFC4180, delimiter=";", decimal=",", thousands=".")
    records = [b"1.234,50;0.5", b"-12.345.678;0,25", b"7;1.2345", b";1.500"]
    money, rate = numbers_of(records, dialect, [0, 1], 2)

    assert np.array_equal(money.values, [1234.5, -12345678, 7, np.nan], equal_nan=True)
    assert not money.wrong.any()
    assert rate.wrong.tolist() == [True, False, True, False]
    assert rate.values[[1, 3]].tolist() == [0.25, 1500]
