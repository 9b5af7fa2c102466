"""Seasons: after how many steps the pattern of a series may repeat. The calendar knows what is usual for its steps."""

from collections.abc import Mapping
from functools import lru_cache

from models.calendars.calendar import Calendar, calendar_of
from models.calendars.rules import DAY, FixedStep

__all__ = ["NO_SEASON_NOTE", "UNKNOWN_SEASON", "chosen_season_length", "has_unknown_season", "season_length"]

UNKNOWN_SEASON = 0
"""The length of a season that nobody knows, where 1 says that there is none."""

NO_SEASON_NOTE = (
    "no season is usual for these steps, so there is none in the forecast: send season_length if there is one"
)

_LONG_STEP = 180 * DAY  # from here on nothing repeats that could be meant, so nothing is unknown either


@lru_cache(maxsize=1024)
def season_length(freq: str, step_ms: int = 0) -> int:
    """After how many steps of a calendar the pattern usually repeats: 1 for years, and 0 where nobody knows.

    `freq` is the text of a `models.calendars.calendar.Calendar`; of a command that has none the steps are `step_ms`
    long.
    """
    calendar = calendar_of(freq) if freq else Calendar(FixedStep(max(1, step_ms) * 1000))
    if calendar.season_lengths:
        return calendar.season_length
    return 1 if calendar.usual_step >= _LONG_STEP else UNKNOWN_SEASON


def chosen_season_length(config: Mapping[str, int | float | str], from_step: int) -> int:
    """The season to use: the hyper-parameter `season_length`, or where that is 0 the one that the step suggests."""
    return int(config["season_length"]) or max(1, from_step)


def has_unknown_season(config: Mapping[str, int | float | str], from_step: int) -> bool:
    """Whether a season is to be taken from the step, and none is known for that."""
    return from_step == UNKNOWN_SEASON and not config["season_length"]
