"""Sums down columns whose bits do not depend on the batch, and the last observed points of each row."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.arrays.columns import column_means, column_sums, last_observed

cells = st.one_of(st.just(np.nan), st.integers(-9, 9).map(float))


@given(st.integers(0, 2**32), st.integers(1, 300), st.integers(1, 5))
def test_a_columns_sum_has_the_same_bits_alone_and_in_company(seed: int, points: int, series: int) -> None:
    """Whatever the length, the layout in memory and the number of columns."""
    values = np.random.default_rng(seed).normal(size=(points, series))
    sums = column_sums(values)

    assert column_sums(np.asfortranarray(values)).tobytes() == sums.tobytes()
    for i in range(series):
        assert column_sums(values[:, i : i + 1]).tobytes() == sums[i : i + 1].tobytes()


def test_a_sum_of_negative_zeros_is_zero_however_many_columns() -> None:
    """-0.0 would differ in its bits, and would look odd as a published number."""
    for series in (1, 2):
        assert not np.signbit(column_sums(np.full((3, series), -0.0))).any()


def test_the_mean_of_nothing_is_undefined() -> None:
    """NaN, without a division by zero."""
    assert np.isnan(column_means(np.empty((0, 2)))).tolist() == [True, True]


@given(
    st.integers(1, 8).flatmap(
        lambda steps: st.lists(st.lists(cells, min_size=steps, max_size=steps), min_size=1, max_size=6)
    ),
    st.integers(1, 10),
)
def test_each_row_yields_its_last_observed_values_at_their_true_places(rows: list[list[float]], latest_n: int) -> None:
    """Compared with a plain loop over each row; a row without observations is in no window."""
    found = {}
    for window in last_observed(np.array(rows), latest_n):
        numbers = np.arange(len(rows))[window.rows].tolist()
        positions = np.broadcast_to(window.positions, window.values.shape)
        for column, number in enumerate(numbers):
            assert number not in found
            found[number] = list(zip(positions[:, column].tolist(), window.values[:, column].tolist(), strict=True))

    expected = {}
    for number, row in enumerate(rows):
        points = [(float(i - len(row)), value) for i, value in enumerate(row) if not np.isnan(value)]
        if points:
            expected[number] = points[-latest_n:]
    assert found == expected
