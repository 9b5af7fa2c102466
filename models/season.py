"""Seasons: after how many steps the pattern of a series may repeat. Imports nothing heavy."""

from collections.abc import Mapping

__all__ = ["chosen_season_length", "season_length"]

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

_EXACT = {15 * _MINUTE: 96, 30 * _MINUTE: 48, _HOUR: 24, _DAY: 7, 7 * _DAY: 52}

# Calendar steps vary, and by an hour more where clocks change in between: shortest and longest in days, and the season.
_CALENDAR = ((28, 31, 12), (89, 92, 4))


def season_length(step_ms: int) -> int:
    """How many steps of `step_ms` make the season that is usual for them; 1 where there is none.

    Steps of 15 and 30 minutes and of an hour repeat daily (96, 48, 24), days weekly (7), weeks, months and quarters
    yearly (52, 12, 4). `step_ms` is the most frequent difference between neighbouring timestamps, so a month may be
    28 to 31 days. Years and all other steps have no season.
    """
    if step_ms in _EXACT:
        return _EXACT[step_ms]
    for shortest, longest, steps in _CALENDAR:
        if shortest * _DAY - _HOUR <= step_ms <= longest * _DAY + _HOUR:
            return steps
    return 1


def chosen_season_length(config: Mapping[str, int | float | str], from_step: int) -> int:
    """The season to use: the hyper-parameter `season_length`, or where that is 0 the one that the step suggests."""
    return int(config["season_length"]) or max(1, from_step)
