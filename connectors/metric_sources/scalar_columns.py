"""Scalars of many TensorFlow events at once: events of one form are read as columns of a matrix."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from connectors.metric_sources.scalar_layouts import EventLayout, ValuePlace, layout_of
from connectors.metric_sources.tfrecords import Records
from connectors.metric_sources.wire_fields import BrokenMessageError

__all__ = ["Column", "LayoutCache", "columns_of"]

_LONGEST_IN_COLUMNS: Final = 1024  # bytes; longer events are few, and hold other things than scalars
_FORMS_IN_COLUMNS: Final = 8  # layouts among events of one length; beyond that each event is read by itself
_STEP: Final = 9  # where the key of the step lies in an event that begins with its time
_STEP_KEY: Final = 0x10
_BEHIND_STEP: Final = 20
_MOST_LAYOUTS: Final = 100_000  # of forms that are remembered; some hundred bytes each


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one place in events of one form; `records` are the events' numbers in their buffer."""

    place: ValuePlace
    records: NDArray[Any]
    wall_times: NDArray[Any]
    steps: NDArray[Any]
    values: NDArray[Any]


@dataclass(slots=True)
class LayoutCache:
    """Layouts of forms that have been met, by their bytes."""

    known: dict[bytes, EventLayout | None] = field(default_factory=dict)
    weights: NDArray[Any] = field(
        default_factory=lambda: np.random.default_rng().integers(1, 2**63, _LONGEST_IN_COLUMNS, np.uint64)
    )
    """For sums by which equal forms are found; nobody can foresee them."""

    def layout(self, form: bytes) -> EventLayout | None:
        """The layout of an event of this form; None where it is unreadable."""
        if form not in self.known:
            if len(self.known) >= _MOST_LAYOUTS:
                self.known.clear()
            self.known[form] = _layout_or_none(form)
        return self.known[form]


def columns_of(records: Records, cache: LayoutCache) -> tuple[list[Column], list[int]]:
    """All values of the events, and the numbers of those that are unreadable."""
    columns: list[Column] = []
    unreadable: list[int] = []
    data = np.frombuffer(records.data, np.uint8)
    lengths = records.lengths
    for numbers in _groups(lengths):
        length = int(lengths[numbers[0]])
        if length > _LONGEST_IN_COLUMNS:
            _one_by_one(records, numbers, columns, unreadable)
        elif length:
            matrix = data[records.starts[numbers][:, None] + np.arange(length)]
            for rows in _groups(_lengths_of_steps(matrix)):
                _in_columns(matrix[rows], numbers[rows], cache, columns, unreadable)
    return columns, unreadable


def _groups(keys: NDArray[Any]) -> list[NDArray[Any]]:
    """The places of equal keys, those of each key in their order."""
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1) if len(order) else []


def _lengths_of_steps(matrix: NDArray[Any]) -> NDArray[Any]:
    """How many bytes steps have, where writers put them: behind the time. A guess, which keeps layouts apart."""
    if matrix.shape[1] < _BEHIND_STEP:
        return np.zeros(len(matrix), np.int64)
    ends = matrix[:, _STEP + 1 : _BEHIND_STEP] < 0x80
    return np.where(matrix[:, _STEP] == _STEP_KEY, ends.argmax(axis=1), -1)


def _in_columns(
    matrix: NDArray[Any], numbers: NDArray[Any], cache: LayoutCache, columns: list[Column], unreadable: list[int]
) -> None:
    """Events of one length: those whose layout is the first one's, then among the others likewise."""
    for _ in range(_FORMS_IN_COLUMNS):
        if not len(numbers):
            return
        layout = _layout_or_none(matrix[0].tobytes())
        if layout is None:
            unreadable.append(int(numbers[0]))
            matrix, numbers = matrix[1:], numbers[1:]
            continue
        forms = matrix & layout.mask()
        sums = forms.astype(np.uint64) @ cache.weights[: layout.length]
        _, firsts, which = np.unique(sums, return_index=True, return_inverse=True)
        like_first = (forms == forms[firsts[which]]).all(axis=1)
        others = ~like_first
        for group in _groups(which):
            found = cache.layout(forms[group[0]].tobytes())
            rows = group[like_first[group]]
            if found is None or not _same_places(found, layout):
                others[rows] = True
            elif found.values:
                columns += _read(matrix[rows], numbers[rows], found)
        matrix, numbers = matrix[others], numbers[others]
    for row, number in zip(matrix, numbers, strict=True):
        _one(row.tobytes(), int(number), columns, unreadable)


def _same_places(one: EventLayout, other: EventLayout) -> bool:
    """Whether what was left out of a form is what its own layout leaves out."""
    return bool((one.mask() == other.mask()).all())


def _one_by_one(records: Records, numbers: NDArray[Any], columns: list[Column], unreadable: list[int]) -> None:
    for number in numbers.tolist():
        start = int(records.starts[number])
        _one(records.data[start : start + int(records.lengths[number])], number, columns, unreadable)


def _one(event: bytes, number: int, columns: list[Column], unreadable: list[int]) -> None:
    layout = _layout_or_none(event)
    if layout is None:
        unreadable.append(number)
    elif layout.values:
        columns += _read(np.frombuffer(event, np.uint8)[None, :], np.array([number]), layout)


def _layout_or_none(event: bytes) -> EventLayout | None:
    try:
        return layout_of(event)
    except BrokenMessageError:
        return None


def _read(matrix: NDArray[Any], numbers: NDArray[Any], layout: EventLayout) -> list[Column]:
    """The columns of events that have one layout."""
    walls, steps = np.zeros(len(matrix)), np.zeros(len(matrix), np.int64)
    if layout.wall_time >= 0:
        walls = _numbers(matrix, layout.wall_time, "<f8")
    if layout.step >= 0:
        wide = np.zeros(len(matrix), np.uint64)
        for place in range(layout.step_length):
            seven = matrix[:, layout.step + place].astype(np.uint64) & np.uint64(0x7F)
            wide |= seven << np.uint64(7 * place)
        steps = wide.view(np.int64)
    return [
        Column(
            place,
            numbers,
            walls,
            steps,
            _numbers(matrix, place.start, place.dtype) if place.dtype else np.full(len(matrix), place.constant),
        )
        for place in layout.values
    ]


def _numbers(matrix: NDArray[Any], start: int, dtype: str) -> NDArray[Any]:
    width = np.dtype(dtype).itemsize
    return np.ascontiguousarray(matrix[:, start : start + width]).view(dtype)[:, 0].astype(np.float64)
