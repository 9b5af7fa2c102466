"""Years of 52 or 53 weeks, their quarters and months (decision 16): cut anywhere, pandas' dates come out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.tseries.offsets import FY5253, FY5253Quarter

from models.calendars.calendar import calendar_of
from models.calendars.columns import find_calendars
from models.calendars.fiscal import ENDS, PATTERNS, STARTS, FiscalWeeks
from models.calendars.names import name_of, rule_named
from models.calendars.rules import DAY
from models.calendars.search import find_frequency
from models.errors import RejectedInputError

Times = np.ndarray
VARIATIONS = ("nearest", "last")
YEARS = st.integers(1930, 1990)


def axis(offset: FY5253 | FY5253Quarter, year: int, count: int) -> Times:
    """The first dates of an offset in and after a year, as pandas counts them."""
    return pd.date_range(f"{year}-01-01", periods=count, freq=offset).as_unit("us").asi8.copy()


def shown(moments: Times) -> list[str]:
    """Dates of times."""
    return [str(moment) for moment in np.asarray(moments).astype("M8[us]").astype("M8[D]")]


@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("variation", VARIATIONS)
@given(weekday=st.integers(0, 6), month=st.sampled_from((1, *range(3, 13))), year=YEARS, cut=st.integers(8, 50))
def test_years_cut_anywhere_are_continued(variation: str, weekday: int, month: int, year: int, cut: int) -> None:
    """Eight years have a 53rd week, which tells the rule. (February's last and fourth Monday are often one.)"""
    offset = FY5253(weekday=weekday, startingMonth=month, variation=variation)
    whole = axis(offset, year, 56)
    found = find_frequency(whole[:cut])

    assert found.regular
    assert found.next_times(int(whole[cut - 1]), 6).tolist() == whole[cut : cut + 6].tolist()


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("variation", VARIATIONS)
@given(
    weekday=st.integers(0, 6), month=st.integers(1, 12), longer=st.integers(1, 4), year=YEARS, cut=st.integers(60, 150)
)
def test_quarters_cut_anywhere_follow_a_rule_that_all_before_follow(
    variation: str, weekday: int, month: int, longer: int, year: int, cut: int
) -> None:
    """The same quarters are mostly those of one year; where two years cannot be told apart yet, one of them goes on."""
    offset = FY5253Quarter(weekday=weekday, startingMonth=month, variation=variation, qtr_with_extra_week=longer)
    whole = axis(offset, year, 158)
    found = find_frequency(whole[:cut])
    following = found.next_times(int(whole[cut - 1]), 8)

    assert found.times(int(whole[0]), cut).tolist() == whole[:cut].tolist()
    assert np.abs(following - whole[cut : cut + 8]).max() in (0, 7 * DAY)
    if longer == 4 and month in (1, 12):
        assert following.tolist() == whole[cut : cut + 8].tolist()


@settings(max_examples=60, deadline=None)
@given(
    weekday=st.integers(0, 6),
    month=st.integers(1, 12),
    variation=st.sampled_from(("N", "L")),
    starts=st.booleans(),
    weeks=st.sampled_from([(52,), (13,) * 4, *(pattern * 4 for pattern in PATTERNS.values())]),
    multiple=st.integers(1, 3),
    data=st.data(),
)
def test_a_rule_is_read_from_its_name_and_counts_its_times(
    *,
    weekday: int,
    month: int,
    variation: str,
    starts: bool,
    weeks: tuple[int, ...],
    multiple: int,
    data: st.DataObject,
) -> None:
    """Places and times are the reverse of each other, in years far away too."""
    longer = data.draw(st.integers(0, len(weeks) - 1))
    rule = FiscalWeeks(weekday, month, (STARTS if starts else ENDS)[variation], weeks, longer, multiple)
    start = int(rule.year_ends(np.array([2020]))[0]) * DAY + 7
    numbers = np.arange(-3000, 3000)
    moments = rule.times(start, numbers)
    places, fits = rule.places(start, moments)

    assert rule_named(name_of(rule)) == rule
    assert fits.all()
    assert places.tolist() == numbers.tolist()
    assert not rule.places(start, moments + 7 * DAY)[1].all()


@pytest.mark.parametrize("variation", VARIATIONS)
def test_pandas_aliases_are_read(variation: str) -> None:
    """They may be asked for, and mean what pandas means."""
    for offset in (
        FY5253(weekday=4, startingMonth=2, variation=variation),
        FY5253Quarter(weekday=6, startingMonth=9, variation=variation, qtr_with_extra_week=2),
        FY5253(n=2, weekday=0, startingMonth=12, variation=variation),
    ):
        whole = axis(offset, 1990, 60)
        assert calendar_of(offset.freqstr).times(int(whole[0]), 60).tolist() == whole.tolist()


def test_the_years_of_a_shop() -> None:
    """The Saturday nearest to the end of January; the year 2023 had 53 weeks."""
    found = calendar_of("RE-N-JAN-SAT")
    start = int(np.datetime64("2020-02-01", "us").astype(np.int64))

    assert shown(found.times(start, 6)) == [
        "2020-02-01", "2021-01-30", "2022-01-29", "2023-01-28", "2024-02-03", "2025-02-01",
    ]  # fmt: skip
    assert found.season_lengths == ()
    assert "52 or 53 weeks (RE-N-JAN-SAT)" in found.note


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("side", ["", "S"])
def test_months_of_four_or_five_weeks_with_a_53rd(pattern: str, side: str) -> None:
    """When one 53rd week was seen, and the years behind it, the next one comes at its time; of beginnings too."""
    rule = calendar_of(f"REM{side}-N-JAN-{'SUN' if side else 'SAT'}-{pattern}-12")
    start = int(np.datetime64("2012-01-29" if side else "2012-01-28", "us").astype(np.int64))
    whole = rule.times(start, 15 * 12)
    for cut in (75, 90, 111, 130):
        found = find_frequency(whole[:cut])

        assert found.next_times(int(whole[cut - 1]), 40).tolist() == whole[cut : cut + 40].tolist()
        assert (found.regular, found.season_length) == (True, 12)
        assert calendar_of(found.text) == found


def test_absent_rows_change_nothing() -> None:
    """One quarter in ten has no row."""
    whole = axis(FY5253Quarter(weekday=5, startingMonth=1, variation="nearest", qtr_with_extra_week=4), 1990, 100)
    found = find_frequency(np.delete(whole, range(5, 95, 10)))

    assert found.text == "REQ-N-JAN-SAT-4"


def test_a_short_series_has_the_years_of_the_others() -> None:
    """Quarters that have had no 53rd week yet, beside some that had: one rule for all."""
    whole = axis(FY5253Quarter(weekday=5, startingMonth=1, variation="nearest", qtr_with_extra_week=4), 1990, 100)
    lengths = [60, 20, 12]
    column = np.concatenate([whole[100 - length :] for length in lengths])
    found = find_calendars(column, None, np.cumsum([0, *lengths]))

    assert found.calendars == ("REQ-N-JAN-SAT-4",)
    assert found.complete.all()


@pytest.mark.parametrize(
    "name",
    ["RE-N-DEC", "RE-X-DEC-SAT", "RE-N-XXX-SAT", "RE-N-DEC-SAT-1", "REQ-N-DEC-SAT-5", "REM-N-JAN-SAT-12",
     "REQ-N-DEC-SAT-445-1", "REM-N-JAN-SAT-444-1"],
)  # fmt: skip
def test_names_that_say_nothing_are_refused(name: str) -> None:
    """Of years that there are not, or of periods that they do not have."""
    with pytest.raises(RejectedInputError, match="is no frequency"):
        rule_named(name)
