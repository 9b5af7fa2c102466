"""Which series a sum has: by some of the columns that a job is grouped by, or all levels from the total down."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from connectors.datasets.group_values import group_values, key_of
from connectors.datasets.splits import Split
from streams.codes.forecasting import ForecastingCode
from streams.errors import InvalidError

__all__ = ["Branch", "branches_of"]


class Branch(NamedTuple):
    """A sum: the group values that its series have in common, by column, and their places in the split."""

    groups: Mapping[str, str]
    places: Sequence[int]

    @property
    def key(self) -> str:
        """Its name, as series have theirs."""
        return key_of(self.groups)


def branches_of(split: Split, by: Sequence[str], *, tree: bool) -> list[Branch]:
    """A sum for each value of the columns `by`, in order of first appearance; of no column the total.

    As a `tree` the total comes first, then the sums by the first column, by the first two, and so on, and last the
    series themselves; without columns it has all of the job, in their order. InvalidError for columns that there are
    not.
    """
    _check(split.groupby_key, by)
    if not tree:
        levels = [tuple(by)]
    else:
        order = tuple(by) or split.groupby_key
        levels = [order[:depth] for depth in range(len(order) + 1)]
        if len(order) < len(split.groupby_key):
            levels.append((*order, *(column for column in split.groupby_key if column not in order)))
    values = [group_values(text) for text in split.groupby_val]
    return [branch for columns in levels for branch in _level(split, values, columns)]


def _level(split: Split, values: Sequence[tuple[str, ...]], columns: tuple[str, ...]) -> list[Branch]:
    chosen = [split.groupby_key.index(column) for column in columns]
    found: dict[tuple[str, ...], list[int]] = {}
    for place, of_series in enumerate(values):
        found.setdefault(tuple(of_series[index] for index in chosen), []).append(place)
    return [Branch(dict(zip(columns, key, strict=True)), places) for key, places in found.items()]


def _check(known: Sequence[str], by: Sequence[str]) -> None:
    for column in by:
        if column not in known:
            listed = (
                f"it is grouped by {', '.join(known)}" if known else "it is not grouped: leave by out for the total"
            )
            text = f"by: the job is not grouped by {column[:60]!r}; {listed}"
            raise InvalidError(ForecastingCode.INVALID_COLUMNS, text, {"field": "by"})
    if len(set(by)) < len(by):
        raise InvalidError(ForecastingCode.INVALID_COLUMNS, "by: names a column twice", {"field": "by"})
