"""Changes of features as they are asked for, and which steps of a series' forecast each of them is about."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.datasets.splits import Column, Split
from connectors.timestamps.parsing import shown_times
from models.errors import RejectedInputError
from streams.checks import nearest_name
from streams.codes.forecasting import ForecastingCode
from streams.errors import InvalidError

__all__ = ["HOLIDAYS", "AskedChange", "FeatureChange", "Kind", "Moment", "check_groups", "checked_changes", "on_steps"]

HOLIDAYS: Final = "holidays"
"""The name of the feature that an element's `holidays` is, where no column is called so."""

_NEAR: Final = 0.6  # share of a label's letters by which another may have been meant
_SHOWN: Final = 60  # characters of a sender's text that a message repeats
_DATE: Final = len("2024-03-01")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Kind = Literal["set", "add", "multiply"]
Moment = int | str | None
"""A step from 1, a time as the series' clock shows it, or None: the first step or the last one."""


class AskedChange(NamedTuple):
    """What is done to a feature, which is named by its column's label or index, from one moment to another.

    With `groups` only of series that have these group values.
    """

    feature: int | str
    kind: Kind
    values: Sequence[float]
    begin: Moment = None
    end: Moment = None
    groups: Mapping[str, str] | None = None


class FeatureChange(NamedTuple):
    """The same of a series: `feature` is the place among its features, steps are counted from 1; both ends count."""

    feature: int
    kind: Kind
    values: Sequence[float]
    first: int
    last: int


class _Ends(NamedTuple):
    """The earliest and the latest time, microseconds as a clock shows them, that a text may stand for."""

    earliest: int
    latest: int


def checked_changes(split: Split, asked: Sequence[AskedChange]) -> list[str | Column]:
    """What each change is about: a column, or HOLIDAYS. InvalidError for what no series of the job can have."""
    by_label = {column.label: column for column in split.features}
    by_index = {column.index: column for column in split.features}
    found: list[str | Column] = []
    for place, change in enumerate(asked):
        for moment, field in ((change.begin, "from"), (change.end, "to")):
            if isinstance(moment, str):
                try:
                    _ends(moment)
                except ValueError as error:
                    raise _wrong(place, field, str(error)) from None
        check_groups(split, change.groups or {}, _field(place, "groups"), {"element": place, "field": "groups"})
        found.append(_column(place, change.feature, by_label, by_index))
    return found


def check_groups(split: Split, groups: Mapping[str, str], called: str, where: Mapping[str, int | str]) -> None:
    """InvalidError for a column that the job is not grouped by."""
    for column in groups:
        if column not in split.groupby_key:
            columns = ", ".join(split.groupby_key) or "none"
            text = f"{called}: {column[:_SHOWN]!r} is no group column of the job, which has {columns}"
            raise InvalidError(ForecastingCode.INVALID_COLUMNS, text, where)


def _column(
    place: int, feature: int | str, by_label: Mapping[str, Column], by_index: Mapping[int, Column]
) -> str | Column:
    column = by_label.get(feature) if isinstance(feature, str) else None
    if column is None and str(feature).isascii() and str(feature).isdecimal():
        column = by_index.get(int(str(feature)[:9]))
    if column is not None:
        return column
    if feature == HOLIDAYS:
        return HOLIDAYS
    there = ", ".join(f"{index} {one.label}" for index, one in by_index.items()) or "none"
    meant = nearest_name(str(feature), by_label, _NEAR)
    guess = f", did you mean {meant!r}?" if meant else ";"
    text = f"{str(feature)[:_SHOWN]!r} is no column that can be a feature{guess} there are {there}"
    raise _wrong(place, "feature", text)


def on_steps(
    asked: Sequence[AskedChange],
    about: Sequence[str | Column],
    features: Sequence[str | int],
    groups: Mapping[str, str],
    shown: NDArray[np.int64],
) -> list[FeatureChange]:
    """The changes of a series with these group values by its `features`, indices of columns and HOLIDAYS.

    `shown` is what the clock shows at the steps of its forecast. RejectedInputError for a feature that is none of the
    series', or for moments and values that do not fit its steps.
    """
    found = []
    for place, (change, column) in enumerate(zip(asked, about, strict=True)):
        if change.groups and not change.groups.items() <= groups.items():
            continue
        first, last = _steps(place, change, shown)
        count = last - first + 1
        if len(change.values) not in (1, count):
            text = f"has {len(change.values)} values for {count} steps ({first} to {last}): send one, or one for each"
            raise RejectedInputError(_field(place, change.kind), text)
        name = column if isinstance(column, str) else column.index
        if name not in features:
            raise RejectedInputError(_field(place, "feature"), _no_feature(column, features))
        found.append(FeatureChange(features.index(name), change.kind, change.values, first, last))
    return found


def _steps(place: int, change: AskedChange, shown: NDArray[np.int64]) -> tuple[int, int]:
    steps = len(shown)
    first = _step(place, "from", change.begin, shown) if change.begin is not None else 1
    last = _step(place, "to", change.end, shown) if change.end is not None else steps
    if first > last:
        begin, end = shown_times(shown[[0, -1]])
        text = (
            f"from {change.begin or 'the first step'} to {change.end or 'the last one'} there is no step: the forecast "
            f"has {steps}, from {begin} to {end}"
        )
        raise RejectedInputError(_field(place, "from"), text)
    return first, last


def _step(place: int, field: str, moment: int | str, shown: NDArray[np.int64]) -> int:
    """The first step at or after a time, or the last one at or before it."""
    steps = len(shown)
    if isinstance(moment, int):
        if not 1 <= moment <= steps:
            raise RejectedInputError(_field(place, field), f"is step {moment}, and the forecast has {steps}")
        return moment
    ends = _ends(moment)
    if field == "from":
        return int(np.searchsorted(shown, ends.earliest, side="left")) + 1
    return int(np.searchsorted(shown, ends.latest, side="right"))


def _ends(text: str) -> _Ends:
    """What a text says; a date is its whole day. ValueError where it is no time, or one with an offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"is {text[:_SHOWN]!r}: send a step from 1, or a time such as 2024-03-01 12:00") from None
    if moment.tzinfo is not None:
        raise ValueError(f"is {text[:_SHOWN]!r}: send the time that the series' clock shows, without an offset")
    earliest = (moment.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
    whole_day = timedelta(days=1) // _MICROSECOND - 1 if len(text) <= _DATE else 0
    return _Ends(earliest, earliest + whole_day)


def _no_feature(column: str | Column, features: Sequence[str | int]) -> str:
    listed = ", ".join(map(str, features))
    if isinstance(column, str):
        return f"holidays are no feature of the series, whose feature_indexs are [{listed}]: train it with holidays"
    return (
        f"column {column.index} ({column.label}) is not among the features that the series was forecast with "
        f"({listed}): train it with this column in feature_indexs"
    )


def _field(place: int, name: str) -> str:
    return f"changes, {place + 1}, {name}"


def _wrong(place: int, field: str, text: str) -> InvalidError:
    where: dict[str, int | str] = {"element": place, "field": field}
    return InvalidError(ForecastingCode.INVALID_CHANGE, f"{_field(place, field)}: {text}", where)
