"""Calendars of a job's series: what the models' room finds, for the split of a file (decisions 16 and 17)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from connectors.datasets.splits import Arranged
from connectors.timestamps.parsing import ParsedTimes
from models.calendars.columns import find_calendars
from models.calendars.names import rule_named
from models.calendars.rules import Rule
from models.calendars.time_zones import offsets_at, offsets_on_clock, zone_named
from models.errors import RejectedInputError
from streams.codes.forecasting import ForecastingCode
from streams.errors import InvalidError

__all__ = ["JobCalendars", "checked_calendars"]

_MINUTE = 60_000_000  # microseconds
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class JobCalendars:
    """How the calendars of a split are found: by themselves, or with a rule and a zone that were asked for."""

    rule: Rule | None = None
    zone: str = ""

    def arrange(
        self, wall: NDArray[np.int64], minutes: NDArray[np.int16] | None, bounds: NDArray[np.int64]
    ) -> Arranged:
        """As `connectors.datasets.splits.Arrange`; RejectedError 400 where the rule that was asked for does not fit."""
        found = _told(lambda: find_calendars(wall, minutes, bounds, asked=self.rule, zone=self.zone))
        return Arranged(found.times, found.calendars, found.codes, found.complete)

    def on_clock(self, parsed: ParsedTimes) -> tuple[ParsedTimes, NDArray[np.int16]]:
        """As `connectors.datasets.splitter.Calendars`."""
        if parsed.offset_minutes is None:
            first, second = offsets_on_clock(parsed.wall, self.zone)
            return ParsedTimes(parsed.wall, first), second
        minutes = offsets_at(parsed.instants, self.zone)
        return ParsedTimes(parsed.instants + minutes.astype(np.int64) * _MINUTE, minutes), minutes


def checked_calendars(freq: str, time_zone: str) -> JobCalendars:
    """What the fields ask for, empty ones for nothing; RejectedError 400 where one is not known."""
    if time_zone:
        _told(lambda: zone_named(time_zone))
    return JobCalendars(_told(lambda: rule_named(freq)) if freq else None, time_zone)


def _told(ask: Callable[[], _Made]) -> _Made:
    try:
        return ask()
    except RejectedInputError as error:
        raise InvalidError(ForecastingCode.INVALID_CALENDAR, error.message) from None
