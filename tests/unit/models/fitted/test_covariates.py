"""Features beside a series."""

import math

import pytest

from models.errors import RejectedInputError
from models.fitted.covariates import has_unknown_future, with_future

NAN = math.nan


@pytest.mark.parametrize(
    ("given", "season", "expected"),
    [
        ([1, 2, 3, 4, 5, 6], 1, [1, 2, 3, 4, 5, 6]),
        ([1, 2, 3, 4], 1, [1, 2, 3, 4, 4, 4]),
        ([1, 2, 3, 4], 3, [1, 2, 3, 4, 2, 3]),
        ([1, 2, 3, 4], 7, [1, 2, 3, 4, 1, 2]),
        ([NAN, 2, NAN, 4], 1, [2, 2, 2, 4, 4, 4]),
        ([1, 2, 3, NAN], 1, [1, 2, 3, 3, 3, 3]),
        ([NAN] * 4, 1, [0] * 6),
    ],
    ids=["known", "last", "season", "short", "gaps", "gap-at-the-end", "nothing-known"],
)
def test_the_future_follows_the_rule(given: list[float], season: int, expected: list[float]) -> None:
    """Known steps are kept; the others repeat the season before, or the last value."""
    got = with_future([given], length=4, prediction_length=2, season_length=season)

    assert got[:, 0].tolist() == expected


def test_each_feature_is_a_column() -> None:
    """Rows are steps."""
    got = with_future([[1, 2], [3, 4, 5]], length=2, prediction_length=1, season_length=1)

    assert got.tolist() == [[1, 3], [2, 4], [2, 5]]
    assert has_unknown_future([[1, 2], [3, 4, 5]], 2)
    assert not has_unknown_future([[3, 4, 5]], 2)


@pytest.mark.parametrize("value", [NAN, math.inf])
def test_a_future_value_that_is_missing_is_refused(value: float) -> None:
    """The value before would be a guess that looks as if it were known."""
    with pytest.raises(RejectedInputError, match="feature 2 has no finite value for step 2 of the 3 to be forecast"):
        with_future([[1.0] * 5, [1, 2, 3, value, 5]], length=2, prediction_length=3, season_length=1)


@pytest.mark.parametrize("count", [3, 5, 7])
def test_another_number_of_values_is_refused(count: int) -> None:
    """The message says how many are expected."""
    with pytest.raises(RejectedInputError, match=f"feature 1 has {count} values, expected 4 .* or 6"):
        with_future([[1.0] * count], length=4, prediction_length=2, season_length=1)
