"""The trainer's dates: by the calendar of a command, and as before where it has none (decisions 16 and 17)."""

from dataclasses import replace

import numpy as np
import pytest

from agents.series.times import ShownTimes, command_times
from schemas.series import TrainSeries

DAY = 86_400_000


def ms(text: str) -> int:
    """A time in milliseconds."""
    return int(np.datetime64(text, "ms").astype(np.int64))


MONTHS = TrainSeries(7, 1000, 0, "LinearFit", ms("2020-08-31"), 31 * DAY, [1.0, 2.0, 3.0, np.nan, 5.0], freq="ME")


def texts(shown: ShownTimes) -> list[str]:
    """The days."""
    return [str(np.datetime64(time, "ms"))[:10] for time in shown.timestamps]


def test_16_forecast_and_hold_out_follow_the_calendar() -> None:
    """Month ends: the fourth row was absent, and has its date all the same."""
    times = command_times(MONTHS, 3, 2)

    assert times.last == ms("2020-12-31")
    assert texts(times.following) == ["2021-01-31", "2021-02-28", "2021-03-31"]
    assert texts(times.held_out) == ["2020-11-30", "2020-12-31"]


def test_a_command_of_before_has_equal_steps() -> None:
    """Commands in the log from before there were calendars are answered as they were."""
    old = replace(MONTHS, freq="")
    irregular = replace(old, timestamps=[time * DAY for time in (1, 2, 3, 5, 9)], step=DAY)

    assert list(command_times(old, 2, 2).following.timestamps) == [
        ms("2020-08-31") + 31 * DAY * step for step in (5, 6)
    ]  # fmt: skip
    assert list(command_times(old, 2, 2).held_out.timestamps) == [ms("2020-08-31") + 31 * DAY * step for step in (3, 4)]
    assert list(command_times(irregular, 2, 2).following.timestamps) == [10 * DAY, 11 * DAY]
    assert list(command_times(irregular, 2, 2).held_out.timestamps) == [5 * DAY, 9 * DAY]


def test_16_without_a_rule_the_usual_step_goes_on() -> None:
    """From the last time; the hold-out has the times of its rows."""
    times = command_times(replace(MONTHS, freq="~D", timestamps=[time * DAY for time in (1, 2, 3, 5, 9)]), 2, 2)

    assert list(times.following.timestamps) == [10 * DAY, 11 * DAY]
    assert list(times.held_out.timestamps) == [5 * DAY, 9 * DAY]


@pytest.mark.parametrize(
    ("freq", "micros", "following", "beyond", "offsets"),
    [
        ("h +05:30", 0, [ms("2020-08-31T05"), ms("2020-08-31T06")], (), (330, 330)),
        ("h @Asia/Kolkata", 0, [ms("2020-08-31T10:30"), ms("2020-08-31T11:30")], (), (330, 330)),
        ("125us", 500, [ms("2020-08-31T00:00:00.001")] * 2, (125, 250), ()),
        ("1500ms", 0, [ms("2020-08-31T00:00:07.500"), ms("2020-08-31T00:00:09")], (0, 0), ()),
    ],
)
def test_17_clocks_and_parts_of_a_second(
    freq: str, micros: int, following: list[int], beyond: tuple[int, ...], offsets: tuple[int, ...]
) -> None:
    """What the clock shows, how far it is from UTC, and microseconds where steps are below a second."""
    shown = command_times(replace(MONTHS, freq=freq, start_micros=micros), 2).following

    assert (list(shown.timestamps), shown.micros, shown.utc_offsets) == (following, beyond, offsets)
