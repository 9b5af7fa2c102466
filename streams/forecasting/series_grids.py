"""A series of a split on its calendar: absent rows become missing values before any model sees it (decision 16)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.datasets.splits import SeriesData
from models.calendars.calendar import calendar_of

__all__ = ["OnGrid", "on_grid"]

FloatArray = NDArray[np.float64]


class OnGrid(NamedTuple):
    """A value for each step from `start` on, in microseconds; `timestamps` in milliseconds where there is no rule.

    `columns` are features, laid out alike. `step` is about a step's length in milliseconds.
    """

    target: FloatArray
    columns: Sequence[FloatArray]
    start: int
    step: int
    timestamps: Sequence[int]


def on_grid(series: SeriesData, columns: Sequence[FloatArray] = ()) -> OnGrid:
    """The series with columns that have a value per row; times that are there twice stay, for the trainer to refuse."""
    start, step = int(series.times[0]), _step_ms(series.calendar)
    if series.complete:
        return OnGrid(series.target, columns, start, step, ())
    calendar = calendar_of(series.calendar)
    if calendar.regular:
        places, _ = calendar.places(series.times)
        if (np.diff(places) > 0).all():
            steps = int(places[-1]) + 1
            target, *laid = (_laid(values, places, steps) for values in (series.target, *columns))
            return OnGrid(target, laid, start, step, ())
    return OnGrid(series.target, columns, start, step, (series.times // 1000).tolist())


@lru_cache(maxsize=256)
def _step_ms(calendar: str) -> int:
    return max(1, calendar_of(calendar).usual_step // 1000)


def _laid(values: FloatArray, places: NDArray[np.int64], steps: int) -> FloatArray:
    laid = np.full(steps, np.nan)
    laid[places] = values
    return laid
