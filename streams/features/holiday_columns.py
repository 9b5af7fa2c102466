"""Public holidays as a feature of a series and of the steps to be forecast."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.calendars.calendar import calendar_of
from models.calendars.public_holidays import has_days, holiday_flags
from models.errors import RejectedInputError

__all__ = ["check_calendar", "holiday_column"]


def check_calendar(calendar: str) -> None:
    """RejectedInputError where the steps of a calendar are longer than a day."""
    found = calendar_of(calendar)
    if not has_days(found):
        text = (
            f"are days, and the steps of the series ({found.freq}) are longer: leave them out, or make a feature of "
            "your own of how many a step has"
        )
        raise RejectedInputError("holidays", text)


def holiday_column(region: str, calendar: str, times: NDArray[np.int64], *, length: int, ahead: int) -> Sequence[float]:
    """1 for each of `length` values and of the `ahead` steps behind them that is on a holiday of the region, else 0.

    `times` are those of the rows; where they follow a rule, the values lie on it from the first one on.
    """
    if calendar_of(calendar).regular and len(times):
        return _on_rule(region, calendar, int(times[0]), length + ahead)
    found = calendar_of(calendar)
    following = found.next_times(int(times[-1]), ahead)
    return _flags(region, calendar, np.concatenate((times, following)))


@lru_cache(maxsize=64)  # the series of a job mostly begin and end on the same day
def _on_rule(region: str, calendar: str, start: int, count: int) -> Sequence[float]:
    return _flags(region, calendar, calendar_of(calendar).times(start, count))


def _flags(region: str, calendar: str, times: NDArray[np.int64]) -> tuple[float, ...]:
    return tuple(holiday_flags(region, calendar_of(calendar).shown(times)).tolist())
