"""When the values of a TrainSeries command were, and when those of its forecast will be."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from models.calendars.calendar import Calendar, calendar_of
from models.calendars.rules import Integers
from schemas.series import TrainSeries

__all__ = ["CommandTimes", "ShownTimes", "calendar_note", "command_times", "last_time", "usual_step_ms"]

_SECOND = 1_000_000  # microseconds


class ShownTimes(NamedTuple):
    """Times as events have them: what the clock shows in milliseconds, and minutes from UTC.

    `micros` are the microseconds beyond, of steps below a second: whoever shows such times shows parts of it.
    """

    timestamps: Sequence[int]
    micros: tuple[int, ...] = ()
    utc_offsets: tuple[int, ...] = ()


class CommandTimes(NamedTuple):
    """What the clock showed at the last value in milliseconds, the times after it, and those of the hold-out."""

    last: int
    following: ShownTimes
    held_out: ShownTimes


def command_times(command: TrainSeries, ahead: int, back: int = 0) -> CommandTimes:
    """The times of `ahead` values after the last, and of the last `back` ones."""
    if not command.freq:
        return _by_steps(command, ahead, back)
    if not command.timestamps:
        start = command.start * 1000 + command.start_micros
        return _by_calendar(command.freq, start, len(command.target), ahead, back)
    calendar = calendar_of(command.freq)
    times = np.array(command.timestamps[max(0, len(command.timestamps) - back) :] if back else (), dtype=np.int64)
    last = command.timestamps[-1] * 1000
    return CommandTimes(
        _on_clock(calendar, np.array([last], dtype=np.int64)).timestamps[0],
        _on_clock(calendar, calendar.next_times(last, ahead)),
        _on_clock(calendar, times * 1000, of_rows=True),
    )


def last_time(command: TrainSeries) -> int:
    """What the clock showed at the last value in milliseconds."""
    return command_times(command, 1).last


@lru_cache(maxsize=256)
def calendar_note(freq: str) -> str:
    """What a user should know of the calendar."""
    return calendar_of(freq).note if freq else ""


@lru_cache(maxsize=256)
def usual_step_ms(freq: str) -> int:
    """Milliseconds that a step has on average."""
    return calendar_of(freq).usual_step // 1000


def _by_steps(command: TrainSeries, ahead: int, back: int) -> CommandTimes:
    """Of a command without a calendar: whoever wrote it knew of none."""
    step = command.step
    if command.timestamps:
        last = command.timestamps[-1]
        held_out: Sequence[int] = command.timestamps[len(command.timestamps) - back :] if back else ()
    else:
        last = command.start + step * (len(command.target) - 1)
        held_out = range(last - step * (back - 1), last + step, step)
    return CommandTimes(last, ShownTimes(range(last + step, last + step * (ahead + 1), step)), ShownTimes(held_out))


@lru_cache(maxsize=4096)  # the series of a job mostly begin and end on the same day
def _by_calendar(freq: str, start: int, values: int, ahead: int, back: int) -> CommandTimes:
    calendar = calendar_of(freq)
    if (step := _plain_step(freq)) and not start % 1000:
        return _by_fixed_steps(calendar, step, start // 1000 + (values - 1) * step, ahead, back)
    last = calendar.times(start, 1, first=values - 1)
    return CommandTimes(
        _on_clock(calendar, last).timestamps[0],
        _on_clock(calendar, calendar.times(start, ahead, first=values)),
        _on_clock(calendar, calendar.times(start, back, first=values - back)),
    )


@lru_cache(maxsize=256)
def _plain_step(freq: str) -> int:
    """Milliseconds of a step that is always as long, on a clock that is never changed; 0 for all others."""
    calendar = calendar_of(freq)
    step = calendar.fixed_step or 0
    return 0 if calendar.zone or step % _SECOND else step // 1000


def _by_fixed_steps(calendar: Calendar, step: int, last: int, ahead: int, back: int) -> CommandTimes:
    """Times at equal steps without the calendar's arrays: where series begin on different days, half the cost."""

    def shown(first: int, count: int) -> ShownTimes:
        offsets = () if calendar.offset is None else (calendar.offset,) * count
        return ShownTimes(range(first, first + count * step, step), (), offsets)

    return CommandTimes(last, shown(last + step, ahead), shown(last - (back - 1) * step, back))


def _on_clock(calendar: Calendar, times: Integers, *, of_rows: bool = False) -> ShownTimes:
    """Times of a calendar's steps as events have them, or with `of_rows` any times."""
    wall = calendar.shown(times)
    micros = tuple((wall % 1000).tolist()) if _has_parts(calendar) else ()
    shown: Sequence[int] = tuple((wall // 1000).tolist())
    step = calendar.fixed_step
    if step is not None and step % 1000 == 0 and shown and not (calendar.in_utc or of_rows):
        shown = range(shown[0], shown[-1] + 1, step // 1000)  # written once for all series
    return ShownTimes(shown, micros, tuple(calendar.offsets(times)))


def _has_parts(calendar: Calendar) -> bool:
    """Whether parts of a second are to be shown: steps are shorter, or as long as 1.5 seconds."""
    return calendar.usual_step < _SECOND or (calendar.regular and (calendar.fixed_step or 0) % _SECOND != 0)
