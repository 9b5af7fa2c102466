"""What errors are divided by to be comparable between series: that of `mase_insample`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from connectors.datasets.splits import SeriesData
from models.arrays.season import chosen_season_length
from models.calendars.calendar import calendar_of
from schemas.values import ParameterValue
from streams.forecasting.series_grids import on_grid

__all__ = ["scale_before"]

_SHORTEST_HOLD_OUT: Final = 5  # J-119
_FEWEST: Final = 2  # observed values; with fewer before it there was no hold-out


def scale_before(series: SeriesData, first: int, steps: int, config: Mapping[str, ParameterValue]) -> float:
    """The mean distance of values one season apart in what a forecast of so many steps was scored without.

    That is the history before its `first` time (microseconds on the clock), less the hold-out: so a mean of errors
    divided by it can be compared with the result's `mase_insample`. NaN where it is zero, or where there is none.
    """
    calendar = calendar_of(series.calendar)
    rows = int(np.searchsorted(calendar.shown(series.times), first))
    if rows < _FEWEST:
        return float("nan")
    history = on_grid(replace(series, target=series.target[:rows], times=series.times[:rows])).target
    before = history[: max(0, len(history) - max(_SHORTEST_HOLD_OUT, steps))]
    if np.count_nonzero(~np.isnan(before)) >= _FEWEST:
        history = before
    season = calendar.season_length
    if "season_length" in config:
        season = chosen_season_length({"season_length": _whole(config["season_length"])}, season)
    return _mean_distance(history, season if len(history) > season else 1)


def _whole(value: ParameterValue) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _mean_distance(history: NDArray[np.float64], season: int) -> float:
    sizes = np.abs(history[season:] - history[:-season])
    sizes = sizes[~np.isnan(sizes)]
    mean = float(sizes.mean()) if len(sizes) else 0.0
    return mean if mean > 0 else float("nan")
