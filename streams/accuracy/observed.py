"""What came after the forecasts: the added rows of a data set, by series of a job and by time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from connectors.datasets.added_rows import AddedCell, AddedRow
from connectors.datasets.group_values import named_series
from connectors.datasets.splits import Split
from connectors.timestamps.parsing import BadTimestampError, parse_timestamps
from streams.observations.forms import RowForm

__all__ = ["Values", "observed", "places_of", "why_none"]

_MINUTE: Final = 60_000_000  # microseconds


@dataclass(slots=True)
class Values:
    """The values of a series by microseconds: of what the clock showed, and of UTC where its offset was written.

    With each the offset of the observation that brought it.
    """

    on_clock: dict[int, tuple[float, int]] = field(default_factory=dict)
    in_utc: dict[int, tuple[float, int]] = field(default_factory=dict)


def why_none(form: RowForm, split: Split) -> str | None:
    """Why no row of the data set is a value of the job's series; None where they are."""
    layout = form.layout
    if split.timestamp_label == layout.timestamp and sorted(split.groupby_key) == sorted(layout.groups):
        return None
    rows, series = ", ".join((layout.timestamp, *layout.groups)), ", ".join((split.timestamp_label, *split.groupby_key))
    return f"rows of the data set are known by {rows}, the job's series by {series}: no forecast can be judged"


def places_of(form: RowForm, split: Split) -> Mapping[tuple[str, ...], int]:
    """The place of each series in the split, by its group values in the order in which rows have them."""
    names = (named_series(split.groupby_key, text).groups for text in split.groupby_val)
    return {tuple(groups[label] for label in form.layout.groups): place for place, groups in enumerate(names)}


def observed(
    form: RowForm, target: str, places: Mapping[tuple[str, ...], int], rows: Sequence[AddedRow]
) -> dict[int, Values]:
    """The values of the column `target` that these rows brought, by the place of their series.

    Rows of series that the job does not have, or without a number for the target, bring none.
    """
    found: dict[int, Values] = {}
    offsets = _offsets(form, {row.timestamp for row in rows})
    for row in rows:
        value = _number(row.cells.get(target))
        place = None if value is None else _place(places, row.groups)
        if place is None or value is None:
            continue
        values = found.setdefault(place, Values())
        minutes = offsets.get(row.timestamp)
        if minutes is None:
            values.on_clock[row.instant] = value, row.last
        else:
            values.in_utc[row.instant] = value, row.last
            values.on_clock[row.instant + minutes * _MINUTE] = value, row.last
    return found


def _offsets(form: RowForm, texts: Iterable[str]) -> Mapping[str, int]:
    """The minutes from UTC that are written behind timestamps, where the data set has such."""
    examples, written, asked = form.examples, form.layout.timestamp_format, sorted(texts)
    try:
        parsed = parse_timestamps([*examples, *asked], written)
    except BadTimestampError:
        return {}
    if parsed.offset_minutes is None:
        return {}
    return dict(zip(asked, parsed.offset_minutes[len(examples) :].tolist(), strict=True))


def _place(places: Mapping[tuple[str, ...], int], groups: tuple[str, ...]) -> int | None:
    """A column of numbers has lost the zeros before them."""
    place = places.get(groups)
    if place is None:
        place = places.get(tuple(_plain(value) for value in groups))
    return place


def _plain(value: str) -> str:
    return str(int(value)) if value.isascii() and value.isdecimal() else value


def _number(cell: AddedCell) -> float | None:
    if isinstance(cell, str):
        try:
            cell = float(cell)
        except ValueError:
            return None
    return cell if cell is None or cell - cell == 0 else None
