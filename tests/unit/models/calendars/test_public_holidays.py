"""Public holidays: days that everybody knows, and names that are not quite right."""

import numpy as np
import pytest

from models.calendars.calendar import calendar_of
from models.calendars.public_holidays import check_region, has_days, holiday_flags
from models.errors import RejectedInputError


def at(*times: str) -> np.ndarray:
    """Microseconds since 1970."""
    return np.array(times, dtype="M8[us]").astype(np.int64)


def test_days_that_everybody_knows() -> None:
    """By country and by part; a part of a day is on its day, also before 1970 began."""
    days = at("2024-12-24", "2024-12-25", "2024-12-25T23:59", "2024-10-03", "2024-01-06")

    assert holiday_flags("DE", days).tolist() == [0, 1, 1, 1, 0]
    assert holiday_flags("US", at("1969-12-25T12", "1969-12-26")).tolist() == [1, 0]
    assert holiday_flags("DE-BY", days[-1:]).tolist() == [1]
    assert holiday_flags("US", at("2013-11-28", "2013-11-29")).tolist() == [1, 0]
    assert holiday_flags("DE", at()).tolist() == []


@pytest.mark.parametrize("region", ["DE", "DE-BY", "UK", "GB", "US-NY"])
def test_codes_are_known(region: str) -> None:
    """Of countries and of their parts."""
    check_region(region)


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ("Germany", "'Germany' is no country whose holidays are known, did you mean DE?"),
        ("germny", "did you mean DE?"),
        ("de", "did you mean DE?"),
        ("DEU", "did you mean DE?"),
        ("Deutschland", "known: send a code such as DE or DE-BY"),
        ("", "known: send a code such as DE or DE-BY"),
        ("DE-XX", "'DE-XX' is no part whose holidays are known; DE has BB, BE, BW, BY"),
        ("US-NYC", "did you mean US-NY?"),
        ("VA-X", "VA has no parts: send VA"),
        ("x" * 1000, "is no country"),
    ],
)
def test_wrong_names_are_refused_with_what_was_meant(region: str, words: str) -> None:
    """By code or by English name."""
    with pytest.raises(RejectedInputError) as refused:
        check_region(region)

    assert refused.value.field == "holidays"
    assert words in refused.value.message
    assert len(refused.value.message) < 400


@pytest.mark.parametrize(
    ("freq", "days"),
    [("D", True), ("h", True), ("B", True), ("W-MON,WED,FRI", True), ("W-SUN", False), ("MS", False), ("2D", False)],
)
def test_steps_longer_than_a_day_have_none(freq: str, days: bool) -> None:
    """It is not said which days they are made of."""
    assert has_days(calendar_of(freq)) is days
