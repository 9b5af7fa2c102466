"""The time grid of a job's series: which frequency it has, and what lies on it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from models.calendars.calendar import calendar_of
from models.deepar.frequency import Frequency
from models.deepar.jobs.grid import GridError, History, common_frequency, frequency_of, lay_out

DAY = 86_400_000
MINUTE = 60_000


def history(*times: str, step: int = DAY, values: Sequence[float] | None = None) -> History:
    """A series with these rows."""
    moments = np.array(times, "M8[ms]").astype(np.int64)
    return History(np.arange(1.0, len(times) + 1) if values is None else np.array(values), moments, step)


def every(step: int, count: int, start: str = "2024-01-01") -> History:
    """A series without gaps."""
    first = int(np.datetime64(start, "ms").astype(np.int64))
    return History(np.arange(1.0, count + 1), first + step * np.arange(count), step)


def texts(times: np.ndarray) -> list[str]:
    """Times as one reads them."""
    return [str(time)[:16] for time in times.astype("M8[ms]")]


def test_missing_rows_are_missing_values() -> None:
    """A day without a row is a step without a value, and its time lies within it where the others do."""
    laid = lay_out(history("2024-01-01T05:30", "2024-01-02T05:30", "2024-01-05T05:30"), Frequency("D"))

    assert laid.start == np.datetime64("2024-01-01")
    np.testing.assert_array_equal(laid.target, [1, 2, np.nan, np.nan, 3])
    assert texts(laid.times) == [f"2024-01-0{day}T05:30" for day in range(1, 6)]


def test_months_are_those_of_the_calendar() -> None:
    """Ends of months are 28 to 31 days apart, one step each; a missing one ends where it ends."""
    series = history("2023-12-31", "2024-01-31", "2024-03-31", "2024-04-30", step=31 * DAY)
    assert frequency_of(series) == Frequency("M")
    laid = lay_out(series, Frequency("M"))

    np.testing.assert_array_equal(laid.target, [1, 2, np.nan, 3, 4])
    assert texts(laid.times)[2] == "2024-02-29T00:00"


@pytest.mark.parametrize("days", [28, 30, 365])
def test_equally_many_days_are_no_month_or_year(days: int) -> None:
    """Thirteen times four weeks: two of them begin in one month, so the steps are days."""
    series = every(days * DAY, 60)

    assert frequency_of(series) == Frequency("D", days)
    np.testing.assert_array_equal(lay_out(series, Frequency("D", days)).target, series.target)


@pytest.mark.parametrize(
    ("step", "name"), [(15 * MINUTE, "15min"), (60 * MINUTE, "H"), (7 * DAY, "W"), (2 * DAY, "2D")]
)
def test_the_step_tells_the_frequency(step: int, name: str) -> None:
    """As `Frequency.of_step` has it; the series lies on it as it is."""
    series = every(step, 9)
    frequency = frequency_of(series)
    assert str(frequency) == name
    assert frequency is not None
    laid = lay_out(series, frequency)

    np.testing.assert_array_equal(laid.target, series.target)
    np.testing.assert_array_equal(laid.times, series.times)


def test_most_series_decide() -> None:
    """The frequency of most series; of several such that of the first; days where no series shows one."""
    days, hours, weeks = Frequency("D"), Frequency("H"), Frequency("W")

    assert common_frequency([weeks, days, None, days, hours]) == days
    assert common_frequency([hours, weeks, weeks, hours]) == hours
    assert common_frequency([None]) == days


def test_a_single_row_shows_no_step_and_lies_on_every_grid() -> None:
    """Nothing is known of its step."""
    single = history("2024-01-03T10:00")

    assert frequency_of(single) is None
    assert lay_out(single, Frequency("W")).start == np.datetime64("2024-01-01")


def test_a_series_with_gaps_has_no_step_of_its_own() -> None:
    """Rows on a few days, most often a week apart, are days."""
    series = history("2024-01-01", "2024-01-08", "2024-01-10", "2024-01-17", step=7 * DAY)
    laid = lay_out(series, Frequency("D"))

    assert frequency_of(series) == Frequency("W")
    assert np.flatnonzero(~np.isnan(laid.target)).tolist() == [0, 7, 9, 16]


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (every(7 * DAY, 9), "the series' step is W, that of most series of the job is D"),
        (history("2024-01-01", "2024-01-02", "2024-01-02T05:00"), "2024-01-02 05:00:00 lies in the same step"),
        (every(90_000, 9), "step is 90 s; DeepAR counts in whole minutes"),
        (every(10_001 * MINUTE, 9), "DeepAR counts in whole minutes"),
        (history("2015-01-01", "2015-01-02", "2024-01-03"), "has 3 rows in 3290 steps of D: too few"),
    ],
)
def test_what_does_not_lie_on_the_grid_is_refused(series: History, words: str) -> None:
    """The text says what was found and what to do."""
    with pytest.raises(GridError) as refused:
        lay_out(series, Frequency("D"))

    assert words in str(refused.value)
    assert "use another model for it" in str(refused.value)


def test_a_row_between_two_steps_is_refused() -> None:
    """Every other day, and once a day later."""
    series = history("2024-01-01", "2024-01-03", "2024-01-05", "2024-01-08", step=2 * DAY)
    with pytest.raises(GridError, match="2024-01-08 00:00:00 lies between two steps of 2D"):
        lay_out(series, Frequency("D", 2))


def _followed(name: str, *times: str) -> History:
    """A series with these rows on the calendar of a name."""
    return replace(history(*times), calendar=calendar_of(name))


@pytest.mark.parametrize(
    ("name", "frequency", "times", "places"),
    [
        ("W-SUN", "W", ["2020-01-05", "2020-01-12", "2020-01-26"], [0, 1, 3]),
        ("B", "B", ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-08"], [0, 1, 2, 4]),
        ("QS-MAR", "Q", ["2019-12-01", "2020-03-01", "2020-09-01"], [0, 1, 3]),
        ("BME", "M", ["2020-01-31", "2020-02-28", "2020-04-30"], [0, 1, 3]),
        ("30D", "30D", ["2020-01-31", "2020-03-01", "2020-03-31"], [0, 1, 2]),
    ],
)
def test_G06_G17_rows_lie_on_the_steps_of_their_calendar(
    name: str, frequency: str, times: list[str], places: list[int]
) -> None:
    """Absent ones in between have its dates, and it is kept for the dates of the forecast."""
    series = _followed(name, *times)
    assert frequency_of(series) == Frequency.parse(frequency)
    laid = lay_out(series, Frequency.parse(frequency))

    assert np.flatnonzero(~np.isnan(laid.target)).tolist() == places
    assert [texts(laid.times)[place][:10] for place in places] == times
    assert laid.calendar == series.calendar
    assert len(laid.times) == places[-1] + 1


def test_office_hours_are_laid_on_the_grid_of_their_step() -> None:
    """The network knows no office hours: nights are missing."""
    series = replace(_followed("B@09:00,10:00,11:00", "2020-01-06T09:00", "2020-01-06T10:00"), step_ms=60 * MINUTE)

    assert frequency_of(series) == Frequency("H")
    assert lay_out(series, Frequency("H")).calendar == calendar_of("h")


def test_a_series_of_one_row_gets_the_calendar_of_the_grid() -> None:
    """From its own day on: the next Friday, not the next day."""
    laid = lay_out(_followed("?D +02:00", "2020-01-03"), Frequency("W"))

    assert laid.calendar is not None
    assert (laid.calendar.freq, laid.calendar.offset) == ("7D", 120)
