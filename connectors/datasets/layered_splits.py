"""A split that grows: rows come to some of its series, and only these are made anew.

All rows of a series lie in one layer; a layer is a split of series that changed together. Layers of like size are put
together, so that a row is copied a few times, however many refreshes there are. Nothing is changed in place: whoever
has an earlier one keeps it.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from connectors.datasets.added_rows import AddedRow, RowLayout
from connectors.datasets.group_values import group_values
from connectors.datasets.merged_rows import MergedRows, RowColumns, merged, pieces, ranges
from connectors.datasets.splits import Arrange, Split
from connectors.datasets.splitter import is_all_whole, is_python_number
from connectors.timestamps.parsing import BadTimestampError, parse_timestamps

__all__ = ["LayeredSplit", "Part", "layered"]

_GUIDES: Final = 3  # series that show the shortest of those that changed which calendar is usual
_SHORT: Final = 2  # rows, which tell no calendar

_Integers = npt.NDArray[np.int64]


class Part(NamedTuple):
    """Some series of a split: `places` are theirs in the whole one, ascending; None: it is the whole one."""

    split: Split
    places: _Integers | None = None

    def at(self, places: Sequence[int] | _Integers) -> _Integers:
        """Where series of the whole split, which must be among these, lie in this one."""
        wanted = np.asarray(places, dtype=np.int64)
        return wanted if self.places is None else np.searchsorted(self.places, wanted)


@dataclass(frozen=True, slots=True, eq=False)
class LayeredSplit:
    """A split with later rows: `layers[layer_of[i]]` has series i, at its place `place_in[i]`.

    `texts` are the timestamps of all layers, with their numbers in `codes`; they are only added to. `places` are the
    series by group values in the order of the layout, `numeric` tells which columns of groups hold numbers alone.
    """

    layout: RowLayout
    layers: tuple[Split, ...]
    layer_of: npt.NDArray[np.int32]
    place_in: _Integers
    texts: list[str]
    codes: dict[str, int]
    places: Mapping[tuple[str, ...], int]
    names: tuple[str, ...]
    numeric: tuple[bool, ...]

    def __len__(self) -> int:
        """The number of series."""
        return len(self.names)

    @property
    def rows(self) -> int:
        """About how many rows there are: those that a layer has of series made anew are counted, too."""
        return sum(len(layer.target) for layer in self.layers)

    def with_rows(
        self, rows: Sequence[AddedRow], arrange: Arrange, *, max_series: int
    ) -> "tuple[LayeredSplit, Part] | None":
        """With rows in the order in which they came first; and the series that they have changed.

        None where all must be split anew: times with offsets, words in a column of numbers, more series than may be, a
        series that ends without a target.
        """
        named = self._with_series(rows)
        columns = None if named is None else _columns(named, rows)
        if named is None or columns is None or len(named) > max_series:
            return None
        places, local = np.unique(columns.place, return_inverse=True)
        before = self.chosen(places[places < len(self)])
        rows_now, touched = merged(before.split, columns, local, len(places))
        if _ends_open(before.split.target, before.split.offsets) or _ends_open(rows_now.value, rows_now.offsets):
            return None  # rows behind the last target may be of the future
        if not touched.any():
            return self, Part(self.chosen(places[:0]).split, places[:0])
        changed = _arranged(named, rows_now, places[touched], arrange)
        return None if changed is None else (_on_top(named, changed), changed)

    def chosen(self, places: _Integers) -> Part:
        """These series, ascending, without the texts of their timestamps."""
        layer_of, inside = self.layer_of[places], self.place_in[places]
        lengths, codes = np.zeros(len(places), np.int64), np.zeros(len(places), np.int32)
        complete = np.zeros(len(places), np.bool_)
        calendars: dict[str, int] = {}
        of_layers = [(self.layers[number], np.flatnonzero(layer_of == number)) for number in np.unique(layer_of)]
        for layer, own in of_layers:
            at = inside[own]
            lengths[own] = layer.offsets[at + 1] - layer.offsets[at]
            complete[own] = layer.is_complete[at]
            numbers = [calendars.setdefault(text, len(calendars)) for text in layer.calendars]
            codes[own] = np.array(numbers, np.int32)[layer.calendar_codes[at]]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        target, times = np.empty(offsets[-1], np.float64), np.empty(offsets[-1], np.int64)
        texts = np.empty(offsets[-1], np.int32)
        for layer, own in of_layers:
            for some in pieces(own, lengths):
                source = ranges(layer.offsets[inside[some]], lengths[some])
                to = ranges(offsets[some], lengths[some])
                target[to], times[to], texts[to] = layer.target[source], layer.times[source], layer.text_codes[source]
        split = replace(
            self.layers[0],
            target=target,
            times=times,
            text_codes=texts,
            texts=(),
            offsets=offsets,
            calendars=tuple(calendars),
            calendar_codes=codes,
            is_complete=complete,
            groupby_val=tuple(self.names[place] for place in places.tolist()),
            target_is_integer=all(layer.target_is_integer for layer in self.layers),
        )
        return Part(split, places)

    def whole(self) -> Split:
        """All series, as one split."""
        return replace(self.chosen(np.arange(len(self))).split, texts=tuple(self.texts))

    def _with_series(self, rows: Sequence[AddedRow]) -> "LayeredSplit | None":
        """With places for series that are new; None where one would change how the others are written."""
        new = dict.fromkeys(row.groups for row in rows if row.groups not in self.places)
        if not new:
            return self
        order = [self.layout.groups.index(label) for label in self.layers[0].groupby_key]
        names = []
        for groups in new:
            values = [groups[place] for place in order]
            if any(numeric and not is_python_number(text) for numeric, text in zip(self.numeric, values, strict=True)):
                return None
            written = [text if numeric else repr(text) for numeric, text in zip(self.numeric, values, strict=True)]
            names.append(f"({', '.join(written)}{',)' if len(written) == 1 else ')'}")
        places = {**self.places, **{groups: place for place, groups in enumerate(new, len(self))}}
        more = np.full(len(new), -1)
        return replace(
            self,
            places=places,
            names=(*self.names, *names),
            layer_of=np.concatenate((self.layer_of, more.astype(np.int32))),
            place_in=np.concatenate((self.place_in, more)),
        )


def _ends_open(target: npt.NDArray[np.float64], offsets: _Integers) -> bool:
    """Whether a series ends without a target."""
    return bool(np.isnan(target[offsets[1:] - 1]).any())


def layered(split: Split, layout: RowLayout | None) -> LayeredSplit | None:
    """A split that can grow by single rows; None where it cannot.

    It cannot where rows are known by other columns, times have offsets, or rows tell of the future.
    """
    if split.future.any():
        return None
    if layout is None or layout.timestamp != split.timestamp_label or set(layout.groups) != set(split.groupby_key):
        return None
    layout = replace(layout, timestamp_format=split.timestamp_format or layout.timestamp_format)
    try:
        parsed = parse_timestamps(split.texts, layout.timestamp_format)
    except BadTimestampError:
        return None
    if parsed.offset_minutes is not None or not np.array_equal(parsed.wall[split.text_codes], split.times):
        return None
    order = [split.groupby_key.index(label) for label in layout.groups]
    values = (group_values(text) if split.groupby_key else () for text in split.groupby_val)
    places = {tuple(groups[place] for place in order): number for number, groups in enumerate(values)}
    if len(places) < len(split):
        return None
    texts = list(split.texts)
    return LayeredSplit(
        layout=layout,
        layers=(split,),
        layer_of=np.zeros(len(split), np.int32),
        place_in=np.arange(len(split)),
        texts=texts,
        codes={text: code for code, text in enumerate(texts)},
        places=places,
        names=split.groupby_val,
        numeric=tuple(not isinstance(value, str) for value in ast.literal_eval(split.groupby_val[0])),
    )


def _columns(split: LayeredSplit, rows: Sequence[AddedRow]) -> RowColumns | None:
    target = split.layers[0].target_label
    cells = [row.cells.get(target) for row in rows]
    try:
        values = [float("nan") if cell is None else float(cell) for cell in cells]
    except ValueError:
        return None
    times = np.array([row.instant for row in rows], np.int64)
    new = list(dict.fromkeys(row.timestamp for row in rows))
    by_text = {row.timestamp: row.instant for row in rows}
    try:
        parsed = parse_timestamps([split.texts[0], *new], split.layout.timestamp_format)
    except BadTimestampError:
        return None
    if parsed.offset_minutes is not None or parsed.wall[1:].tolist() != [by_text[text] for text in new]:
        return None
    for text in new:
        if text not in split.codes:
            split.codes[text] = len(split.texts)
            split.texts.append(text)
    return RowColumns(
        np.array([split.places[row.groups] for row in rows], np.int64),
        times,
        np.array(values),
        np.array([target in row.cells for row in rows], np.bool_),
        np.array([split.codes[row.timestamp] for row in rows], np.int32),
    )


def _arranged(split: LayeredSplit, rows: MergedRows, places: _Integers, arrange: Arrange) -> Part | None:
    """The series on their calendars; None where these count the times otherwise than the clock shows them."""
    offsets, wall = rows.offsets, rows.time
    count, end = len(places), len(wall)
    if (np.diff(offsets) <= _SHORT).any():
        guides = split.chosen(_guides(split)).split
        wall = np.concatenate((wall, guides.times))
        offsets = np.concatenate((offsets, end + guides.offsets[1:]))
    arranged = arrange(wall, None, offsets)
    if not np.array_equal(arranged.times[:end], rows.time):
        return None
    made = replace(
        split.layers[0],
        target=rows.value,
        times=rows.time,
        text_codes=rows.code,
        texts=(),
        offsets=rows.offsets,
        calendars=arranged.calendars,
        calendar_codes=arranged.calendar_codes[:count],
        is_complete=arranged.is_complete[:count],
        groupby_val=tuple(split.names[place] for place in places.tolist()),
        target_is_integer=is_all_whole(rows.value),
    )
    return Part(made, places)


def _on_top(split: LayeredSplit, changed: Part) -> LayeredSplit:
    """With a layer more, or the last ones put together where they are of like size."""
    assert changed.places is not None  # they are some
    layer_of, place_in = split.layer_of.copy(), split.place_in.copy()
    layer_of[changed.places], place_in[changed.places] = len(split.layers), np.arange(len(changed.places))
    grown = replace(split, layers=(*split.layers, changed.split), layer_of=layer_of, place_in=place_in)
    while len(grown.layers) > 1 and len(grown.layers[-2].target) < 2 * len(grown.layers[-1].target):
        last = len(grown.layers) - 2
        places = np.flatnonzero(grown.layer_of >= last)
        together = grown.chosen(places).split
        layer_of, place_in = grown.layer_of.copy(), grown.place_in.copy()
        layer_of[places], place_in[places] = last, np.arange(len(places))
        grown = replace(grown, layers=(*grown.layers[:last], together), layer_of=layer_of, place_in=place_in)
    return grown


def _guides(split: LayeredSplit) -> _Integers:
    """Some long series of the first layer with its commonest calendar."""
    first = split.layers[0]
    commonest = np.argmax(np.bincount(first.calendar_codes))
    own = np.flatnonzero((split.layer_of == 0) & (split.place_in >= 0))
    inside = split.place_in[own]
    fit = (first.calendar_codes[inside] == commonest) & (np.diff(first.offsets)[inside] > _SHORT)
    found: _Integers = own[fit][:_GUIDES]
    return found
