"""Features of the steps to be forecast: sent with an element, or in rows of the data set after the last target."""

from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from connectors.datasets.splits import Split
from connectors.timestamps.parsing import shown_times
from models.calendars.calendar import calendar_of
from models.errors import RejectedInputError
from models.model_spec import ModelSpec
from schemas.values import FutureFeature
from streams.checks import nearest_name

__all__ = ["check_asked", "future_steps", "known_future", "named_columns"]

_FIELD = "future_features"
_NEAR = 0.6  # share of a label's letters by which another may have been meant
_SHOWN = 60  # characters of a sender's text that a message repeats

FloatArray = NDArray[np.float64]


def check_asked(asked: Sequence[FutureFeature], spec: ModelSpec, steps: int, *, refit: bool, takers: str) -> None:
    """RejectedInputError for values that no forecast of `steps` steps could use, whatever the columns are.

    `takers` are the models that have features.
    """
    if not asked:
        return
    if not spec.covariates:
        raise RejectedInputError(_FIELD, f"{spec.name} makes no use of features: leave them out, or choose {takers}")
    if not refit:
        text = "needs refit 1: without it what is forecast is the end of the history, whose features are known"
        raise RejectedInputError(_FIELD, text)
    for feature in asked:
        name, count = feature.column[:_SHOWN], len(feature.values)
        if count != steps:
            text = f"{name!r} has {count} values, and next_k_prediction is {steps}: send a value for each step"
            raise RejectedInputError(_FIELD, text)
        if not all(map(isfinite, feature.values)):
            raise RejectedInputError(_FIELD, f"{name!r} has a value that is no finite number")


def named_columns(
    split: Split, asked: Sequence[FutureFeature], features: Sequence[int]
) -> Mapping[int, Sequence[float]]:
    """The values by the index of their column; RejectedInputError for what is no column, or none of `features`."""
    by_label = {column.label: column.index for column in split.features}
    known = {column.index: column.label for column in split.features}
    found: dict[int, Sequence[float]] = {}
    for feature in asked:
        name = feature.column[:_SHOWN]
        index = by_label.get(feature.column)
        if index is None and feature.column.isdecimal() and len(feature.column) <= 6:
            index = int(feature.column)
        if index is None or index not in known:
            there = ", ".join(f"{at} {label}" for at, label in known.items()) or "none"
            meant = nearest_name(feature.column, by_label, _NEAR)
            guess = f", did you mean {meant!r}?" if meant else ";"
            raise RejectedInputError(_FIELD, f"{name!r} is no column that can be a feature{guess} there are {there}")
        if index not in features:
            text = f"{name!r} is column {index}, which is not among feature_indexs: add it there, or leave it out here"
            raise RejectedInputError(_FIELD, text)
        if index in found:
            raise RejectedInputError(_FIELD, f"column {index} is given twice")
        found[index] = feature.values
    return found


def known_future(
    split: Split, place: int, columns: Mapping[int, FloatArray], sent: Mapping[int, Sequence[float]], steps: int
) -> Sequence[FloatArray]:
    """Of each of `columns` what is known of the next `steps` of a series: all of them, or nothing.

    What is `sent` wins over the rows that follow the series' history. RejectedInputError where such rows are there, but
    do not tell each step: the last value would be a guess.
    """
    rows = future_steps(split, place) if split.future[place] else None
    return [
        np.asarray(sent[index], dtype=np.float64)
        if index in sent
        else _of_rows(split, place, (index, column), rows, steps)
        for index, column in columns.items()
    ]


def future_steps(split: Split, place: int) -> NDArray[np.int64]:
    """Which step after the end of its history each row behind it is for, from 1; 0 for none.

    Where the times of a series follow no rule, each row is for a step more than the one before it.
    """
    calendar, times = calendar_of(split.calendar(place)), split.future_of(split.times, place)
    if not calendar.regular:
        return np.arange(1, len(times) + 1, dtype=np.int64)
    places, on_rule = calendar.places(np.concatenate((split.times[split.ends[place] - 1 : split.ends[place]], times)))
    return np.where(on_rule[1:], places[1:], 0)


def _of_rows(
    split: Split, place: int, column: tuple[int, FloatArray], rows: NDArray[np.int64] | None, steps: int
) -> FloatArray:
    if rows is None:
        return np.empty(0)
    index, values = column
    known = np.full(steps + 1, np.nan)
    within = rows <= steps
    known[rows[within]] = split.future_of(values, place)[within]
    missing = np.flatnonzero(np.isnan(known[1:]))
    if len(missing):
        raise RejectedInputError("feature_indexs", _lacking(split, place, index, int(missing[0]), steps))
    return known[1:]


def _lacking(split: Split, place: int, index: int, first: int, steps: int) -> str:
    label = next((column.label for column in split.features if column.index == index), str(index))
    calendar = calendar_of(split.calendar(place))
    when = calendar.next_times(int(split.times[split.ends[place] - 1]), first + 1)[-1:]
    shorter = f", or next_k_prediction {first}" if first else ""
    return (
        f'column {index} ("{label}") has no value for {shown_times(calendar.shown(when))[0]}, step {first + 1} of the '
        f"{steps} to be forecast: add it to the data set, send future_features{shorter}, or leave the feature out"
    )
