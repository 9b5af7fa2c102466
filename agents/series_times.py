"""When the values of a TrainSeries command were, and when those of its forecast will be."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from models.calendar import Calendar, calendar_of
from models.calendar_rules import Integers
from schemas.commands import TrainSeries

__all__ = ["ShownTimes", "calendar_note", "hold_out_times", "last_time", "next_times"]

_SECOND = 1_000_000  # microseconds


class ShownTimes(NamedTuple):
    """Times as events have them: what the clock shows in milliseconds, and minutes from UTC.

    `micros` are the microseconds beyond, of steps below a second: whoever shows such times shows parts of it.
    """

    timestamps: Sequence[int]
    micros: tuple[int, ...] = ()
    utc_offsets: tuple[int, ...] = ()


def last_time(command: TrainSeries) -> int:
    """What the clock showed at the last value, in milliseconds."""
    if not command.freq:
        return _last_of_steps(command)
    return _shown(command.freq, _last(command), 1, 0).timestamps[0]


def next_times(command: TrainSeries, count: int) -> ShownTimes:
    """The times of the `count` values after the last."""
    if not command.freq:
        last = _last_of_steps(command)
        return ShownTimes(range(last + command.step, last + command.step * (count + 1), command.step))
    return _shown(command.freq, _last(command), count, 1)


def hold_out_times(command: TrainSeries, count: int) -> ShownTimes:
    """The times of the last `count` values."""
    if command.timestamps:
        times = command.timestamps[len(command.timestamps) - count :]
        if not command.freq:
            return ShownTimes(times)
        return _on_clock(calendar_of(command.freq), np.array(times, dtype=np.int64) * 1000)
    if not command.freq:
        first = command.start + command.step * (len(command.target) - count)
        return ShownTimes(range(first, first + command.step * count, command.step))
    return _shown(command.freq, _last(command), count, 1 - count)


@lru_cache(maxsize=256)
def calendar_note(freq: str) -> str:
    """What a user should know of the calendar."""
    return calendar_of(freq).note if freq else ""


def _last(command: TrainSeries) -> int:
    """In microseconds as the calendar counts them."""
    if command.timestamps:
        return command.timestamps[-1] * 1000
    return _place(command.freq, command.start * 1000 + command.start_micros, len(command.target) - 1)


def _last_of_steps(command: TrainSeries) -> int:
    if command.timestamps:
        return command.timestamps[-1]
    return command.start + command.step * (len(command.target) - 1)


# The series of a job mostly begin and end on the same day.
@lru_cache(maxsize=4096)
def _place(freq: str, start: int, place: int) -> int:
    return int(calendar_of(freq).times(start, 1, first=place)[0])


@lru_cache(maxsize=1024)
def _shown(freq: str, start: int, count: int, first: int) -> ShownTimes:
    calendar = calendar_of(freq)
    return _on_clock(calendar, calendar.times(start, count, first=first))


def _on_clock(calendar: Calendar, times: Integers) -> ShownTimes:
    wall = calendar.shown(times)
    micros = tuple((wall % 1000).tolist()) if calendar.usual_step < _SECOND else ()
    return ShownTimes(tuple((wall // 1000).tolist()), micros, tuple(calendar.offsets(times)))
