"""Holidays as a column beside a series."""

import numpy as np
import pytest

from models.errors import RejectedInputError
from streams.features.holiday_columns import check_calendar, holiday_column


def at(*times: str) -> np.ndarray:
    """Microseconds since 1970."""
    return np.array(times, dtype="M8[us]").astype(np.int64)


def test_history_and_steps_to_come_lie_on_the_calendar() -> None:
    """Rows that are absent have a place; Friday is followed by Monday."""
    times = at("2024-12-19", "2024-12-20", "2024-12-23")

    assert holiday_column("DE", "B", times, length=3, ahead=5) == (0, 0, 0, 0, 1, 1, 0, 0)
    assert holiday_column("DE", "D", times, length=5, ahead=3) == (0, 0, 0, 0, 0, 0, 1, 1)


def test_irregular_rows_are_taken_as_they_are() -> None:
    """The steps behind them are the usual ones."""
    times = at("2024-12-23", "2024-12-25", "2024-12-31")

    assert holiday_column("DE", "~D", times, length=3, ahead=2) == (0, 1, 0, 1, 0)


def test_the_clock_of_the_data_says_which_day_it_is() -> None:
    """Counted in UTC, Christmas begins at eleven in the evening."""
    times = at("2024-12-24T21:00", "2024-12-24T22:00")

    assert holiday_column("DE", "h @Europe/Berlin", times, length=2, ahead=2) == (0, 0, 1, 1)


def test_longer_steps_are_refused() -> None:
    """With what can be done."""
    with pytest.raises(RejectedInputError, match=r"series \(MS\) are longer: leave them out") as refused:
        check_calendar("MS")

    check_calendar("h @Europe/Berlin")
    assert refused.value.field == "holidays"
