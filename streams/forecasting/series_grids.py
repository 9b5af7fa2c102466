"""A series of a split on its calendar: absent rows become missing values before any model sees it (decision 16)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.datasets.splits import SeriesData
from models.calendars.calendar import calendar_of

__all__ = ["OnGrid", "on_grid", "step_ms"]

FloatArray = NDArray[np.float64]


class OnGrid(NamedTuple):
    """A value for each step from the first time on; `timestamps` in milliseconds where there is no rule.

    `columns` are features, laid out alike.
    """

    target: FloatArray
    columns: Sequence[FloatArray]
    timestamps: Sequence[int]


def on_grid(series: SeriesData, columns: Sequence[FloatArray] = ()) -> OnGrid:
    """The series with columns that have a value per row; times that are there twice stay, for the trainer to refuse."""
    if series.complete:
        return OnGrid(series.target, columns, ())
    calendar = calendar_of(series.calendar)
    if calendar.regular:
        places, _ = calendar.places(series.times)
        if (np.diff(places) > 0).all():
            steps = int(places[-1]) + 1
            target, *laid = (_laid(values, places, steps) for values in (series.target, *columns))
            return OnGrid(target, laid, ())
    return OnGrid(series.target, columns, (series.times // 1000).tolist())


@lru_cache(maxsize=256)
def step_ms(calendar: str) -> int:
    """Roughly how long a step of a calendar is, in milliseconds."""
    return max(1, calendar_of(calendar).usual_step // 1000)


def _laid(values: FloatArray, places: NDArray[np.int64], steps: int) -> FloatArray:
    laid = np.full(steps, np.nan)
    laid[places] = values
    return laid
