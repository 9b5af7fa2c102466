"""When values of different series are of one time, so that they can be added.

Steps of a day or longer are one where their dates are; shorter ones where they are the same instant, if the data says
how far the clock is from UTC.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.calendars.calendar import Calendar
from models.calendars.rules import DAY
from models.calendars.time_zones import MINUTE, offsets_at

__all__ = ["Clock"]

Times = NDArray[np.int64]


class Clock(NamedTuple):
    """That of a series. What it makes of times, microseconds by which series are compared, is called `common`."""

    calendar: Calendar

    @property
    def by_instant(self) -> bool:
        """Whether times are compared as instants."""
        known = self.calendar.offset is not None or bool(self.calendar.zone)
        return known and self.calendar.usual_step < DAY

    def common(self, times: Times) -> Times:
        """Of times as the calendar counts them."""
        if self.calendar.in_utc or not self.by_instant:
            return times
        return times - np.asarray(self.calendar.offsets(times), dtype=np.int64) * MINUTE

    def common_of_event(self, timestamps: Sequence[int], micros: Sequence[int], utc_offsets: Sequence[int]) -> Times:
        """Of times as events have them."""
        wall = np.asarray(timestamps, dtype=np.int64) * 1000
        if len(micros):
            wall = wall + np.asarray(micros, dtype=np.int64)
        if self.by_instant and len(utc_offsets):
            wall = wall - np.asarray(utc_offsets, dtype=np.int64) * MINUTE
        return wall

    def shown(self, common: Times) -> Times:
        """What this clock shows at times that are compared."""
        return common + np.asarray(self.offsets(common), dtype=np.int64) * MINUTE if self.by_instant else common

    def offsets(self, common: Times) -> list[int]:
        """How many minutes it is from UTC at times that are compared; empty where nobody knows."""
        if not self.by_instant:
            return []
        if self.calendar.offset is not None:
            return [self.calendar.offset] * len(common)
        return [int(minutes) for minutes in offsets_at(common, self.calendar.zone)]
