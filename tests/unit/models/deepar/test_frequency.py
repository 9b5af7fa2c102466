"""DeepAR's time axis: names, alignment, steps, lags and calendar features, as pandas has them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.deepar.frequency import Frequency, FrequencyError

# Ours, and as pandas calls the periods of the same length.
UNITS = {"min": "min", "15min": "15min", "H": "h", "D": "D", "B": "B", "W": "W-SUN", "M": "M", "Q": "Q", "Y": "Y"}
MOMENTS = [
    "1700-03-01T00:00", "1899-12-31T23:59", "1968-12-30T12:00", "1969-12-31T23:59", "1970-01-01T00:00",
    "1999-12-31T23:59", "2000-02-29T06:07", "2020-02-29T23:44", "2021-01-31T13:45", "2021-03-31T23:15",
    "2021-08-29T22:59", "2021-08-30T00:00", "2023-05-07T09:30", "2024-12-30T00:01", "2100-02-28T11:11",
]  # fmt: skip


def moment(text: str) -> np.datetime64:
    """A time to the minute."""
    return np.datetime64(text, "m")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("min", "min"), ("T", "min"), ("15T", "15min"), ("15min", "15min"), ("1min", "min"), (" 5 min ", "5min"),
        ("H", "H"), ("h", "H"), ("2h", "2H"), ("D", "D"), ("1D", "D"), ("B", "B"),
        ("3B", "3B"), ("BME", "M"), ("QS-MAR", "Q"), ("W", "W"), ("W-SUN", "W"), ("w", "W"),
        ("M", "M"), ("MS", "M"), ("ME", "M"), ("Q", "Q"), ("QS", "Q"), ("QE-DEC", "Q"), ("Y", "Y"), ("A", "Y"),
        ("AS", "Y"), ("YE-DEC", "Y"), ("9999min", "9999min"),
    ],
)  # fmt: skip
def test_names_old_and_new_are_known(name: str, expected: str) -> None:
    """What SageMaker, pandas before and since 2.2 call them; the text of a frequency is one of its names."""
    frequency = Frequency.parse(name)

    assert str(frequency) == expected
    assert Frequency.parse(str(frequency)) == frequency


@pytest.mark.parametrize(
    "name", ["", "0D", "-1D", "10000min", "1.5H", "S", "C", "m", "Min", "fortnight", "D D", 1, None, True]
)
def test_other_names_are_refused(name: Any) -> None:
    """With the field, what it is and what is possible."""
    with pytest.raises(
        FrequencyError, match=r"^freq is .*, expected 1 to 9999 times min, H, D, B, W, M, Q or Y"
    ) as refused:
        Frequency.parse(name, "freq")

    assert refused.value.field == "freq"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("1min", "min"), ("90s", "2min"), ("5min", "5min"), ("1h", "H"), ("90min", "90min"), ("6h", "6H"), ("1D", "D"),
        ("2D", "2D"), ("7D", "W"), ("14D", "2W"), ("28D", "M"), ("31D", "M"), ("89D", "Q"), ("92D", "Q"),
        ("365D", "Y"), ("366D", "Y"), ("1s", "min"),
    ],
)  # fmt: skip
def test_the_frequency_of_a_step(step: str, expected: str) -> None:
    """Calendar months, quarters and years have steps of several lengths."""
    assert str(Frequency.of_step(int(pd.Timedelta(step).total_seconds() * 1000))) == expected


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("text", MOMENTS)
def test_a_time_is_aligned_to_the_begin_of_its_step(name: str, text: str) -> None:
    """As pandas has it: before 1970, in leap years, at the end of months, and weeks from Monday (D-074)."""
    time = pd.Timestamp(moment(text).astype("M8[s]"))
    if name == "B":
        floored = pd.offsets.BusinessDay().rollback(time.floor("D"))  # a weekend belongs to its Friday
    elif name in ("min", "15min", "H", "D"):
        floored = time.floor(UNITS[name])
    else:
        floored = time.to_period(UNITS[name]).start_time
    aligned = Frequency.parse(name).align(moment(text))

    assert aligned.astype("M8[m]") == floored.to_datetime64().astype("M8[m]")
    assert Frequency.parse(name).align(aligned) == aligned


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("6H", "1969-12-31T23:10", "1969-12-31T18:00"),
        ("45min", "2021-05-05T01:00", "2021-05-05T00:45"),
        ("7H", "2021-05-05T13:20", "2021-05-05T13:00"),  # does not divide the day
        ("2D", "2021-05-05T13:20", "2021-05-05T00:00"),
        ("2W", "2021-05-05T13:20", "2021-05-03T00:00"),
        ("2Q", "2021-05-05T13:20", "2021-04-01T00:00"),
    ],
)
def test_multiples_are_aligned(name: str, text: str, expected: str) -> None:
    """From midnight where they divide the day, else to their unit."""
    assert Frequency.parse(name).align(moment(text)).astype("M8[m]") == moment(expected)


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("start", ["1969-11-30T22:10", "2020-01-31T23:50", "2023-12-31T00:00"])
def test_steps_are_those_of_pandas(name: str, start: str) -> None:
    """Over ends of months, leap days and years; `first` may lie before the start."""
    frequency = Frequency.parse(name)
    begin = frequency.align(moment(start))
    first = pd.Timestamp(begin.astype("M8[s]"))
    step = {
        "min": pd.Timedelta("1min"), "15min": pd.Timedelta("15min"), "H": pd.Timedelta("1h"), "D": pd.Timedelta("1D"),
        "B": pd.offsets.BusinessDay(),
        "W": pd.Timedelta("7D"), "M": pd.DateOffset(months=1), "Q": pd.DateOffset(months=3),
        "Y": pd.DateOffset(years=1),
    }[name]  # fmt: skip
    expected = [first + place * step for place in range(-3, 60)]
    times = frequency.times(begin, 63, first=-3)

    assert [pd.Timestamp(time.astype("M8[s]")) for time in times] == expected
    assert frequency.milliseconds(times) == [int(time.timestamp() * 1000) for time in expected]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("min", [1, 2, 3, 4, 5, 6, 7, 59, 60, 61, 119, 120, 121, 179, 180, 181]),
        ("15min", [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 95, 96, 97, 191, 192, 193, 287, 288, 289, 383, 384, 385]),
        ("H", [1, 2, 3, 4, 5, 6, 7, 23, 24, 25, 47, 48, 49, 71, 72, 73]),
        (
            "D",
            [1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28, 29, 30, 31, 55, 56, 57, 83, 84, 85, 363, 364, 365],
        ),
        ("W", [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 51, 52, 53, 103, 104, 105, 155, 156, 157]),
        ("M", [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 23, 24, 25, 35, 36, 37]),
        ("Q", [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13]),
        ("Y", [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_lags_reach_back_by_hours_days_weeks_months_and_years(name: str, expected: list[int]) -> None:
    """The last seven, and the neighbours of each season before; never farther than 1,200 steps."""
    lags = Frequency.parse(name).lags()

    assert list(lags[: len(expected)]) == expected
    assert list(lags) == sorted(set(lags))
    assert lags[-1] <= 1200


def test_lags_are_counted_in_steps() -> None:
    """A day is four steps of six hours; a season of one or two steps is among the last seven anyway."""
    assert set(Frequency.parse("6H").lags()) >= {3, 4, 5, 27, 28, 29, 55, 56, 57}
    assert Frequency.parse("1440min").lags()[:7] == (1, 2, 3, 4, 5, 6, 7)


def features_of_pandas(name: str, times: Any) -> np.ndarray[Any, Any]:
    """GluonTS's formulas on pandas' attributes."""
    index = pd.DatetimeIndex(times.astype("M8[s]"))
    parts = {
        "minute": index.minute / 59,
        "hour": index.hour / 23,
        "weekday": index.dayofweek / 6,
        "day": (index.day - 1) / 30,
        "day of year": (index.dayofyear - 1) / 365,
        "month": (index.month - 1) / 11,
    }
    wanted = {
        "min": ["minute", "hour", "weekday", "day", "day of year"],
        "15min": ["minute", "hour", "weekday", "day", "day of year"],
        "H": ["hour", "weekday", "day", "day of year"],
        "D": ["weekday", "day", "day of year"],
        "B": ["weekday", "day", "day of year"],
        "W": ["day", "day of year"],
        "M": ["month"],
        "Q": ["month"],
        "Y": [],
    }[name]
    return np.array([parts[part] - 0.5 for part in wanted]).reshape(len(wanted), len(index)).T


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("start", ["1967-12-30T21:00", "2020-02-27T22:00", "2023-12-30T00:00"])
def test_calendar_features_are_those_of_gluonts(name: str, start: str) -> None:
    """Places in the hour, day, week, month and year from -0.5 to 0.5, also before 1970 and in leap years."""
    frequency = Frequency.parse(name)
    times = frequency.times(frequency.align(moment(start)), 800)
    features = frequency.calendar(times)

    assert features.shape == (800, frequency.num_calendar)
    assert features.dtype == np.float32
    assert features == pytest.approx(features_of_pandas(name, times), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("15min", 96),
        ("7min", 1),
        ("H", 24),
        ("5H", 1),
        ("D", 7),
        ("B", 5),
        ("2D", 1),
        ("W", 52),
        ("M", 12),
        ("Q", 4),
        ("Y", 1),
    ],
)
def test_the_season_of_a_frequency(name: str, steps: int) -> None:
    """Whole steps of a day, a week or a year."""
    assert Frequency.parse(name).season_length == steps
