"""The series of a job's data as flat columns, and their one file in the object store.

All rows of all series lie in common arrays, series after series and by time within a series; ``offsets`` says where
each begins.
"""

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isnan
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from connectors.objects.store import ObjectStore
from connectors.timestamps.parsing import parse_timestamps

__all__ = ["Arrange", "Arranged", "Column", "SeriesData", "Split", "StoredSplitError", "load_split", "save_split"]

_VERSION: Final = 2  # of the stored file; the first one had steps of equal length and no clocks


class Arranged(NamedTuple):
    """The times of rows on the calendars of their series: fields as those of Split."""

    times: npt.NDArray[np.int64]
    calendars: tuple[str, ...]
    calendar_codes: npt.NDArray[np.int32]
    is_complete: npt.NDArray[np.bool_]


Arrange: TypeAlias = Callable[
    [npt.NDArray[np.int64], npt.NDArray[np.int16] | None, npt.NDArray[np.int64]],
    Arranged,
]
"""Finds the calendars of series: of what the clock showed at each row in microseconds, the clock's minutes from UTC or
None, and where each series begins, as ``Split.offsets`` has it."""


class StoredSplitError(RuntimeError):
    """A stored split that this version of the program cannot read."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: ``index`` from 0 and ``label``."""

    index: int
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class SeriesData:
    """The history of a series by ascending time: read-only views of equal length, NaN where the target is missing.

    ``times`` are microseconds since 1970 as ``calendar`` counts them, the text of a
    `models.calendars.calendar.Calendar`; with ``complete`` every step of that has its row, and just one.
    """

    item_id: str
    target: npt.NDArray[np.float64]
    times: npt.NDArray[np.int64]
    calendar: str
    complete: bool


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """All series of one choice of columns, numbered from 0 in order of first appearance in the file (J-055).

    ``target`` and ``times`` have one value per row, those of series i in ``offsets[i]:offsets[i + 1]``. The last
    ``future[i]`` of them have no target and are no part of its history: they tell its features of later times.
    ``texts[text_codes[row]]`` is the timestamp as in the file. ``calendar_codes`` with ``calendars``, ``is_complete``
    (both as in SeriesData) and ``groupby_val`` (J-062) have one value per series. ``features`` are the columns not
    chosen (J-066), ``warnings`` what of the choice is probably not meant, and ``timestamp_format`` how ``texts`` are
    written where some of them do not show it. The arrays become read-only.
    """

    target: npt.NDArray[np.float64]
    times: npt.NDArray[np.int64]
    text_codes: npt.NDArray[np.int32]
    texts: tuple[str, ...]
    offsets: npt.NDArray[np.int64]
    calendars: tuple[str, ...]
    calendar_codes: npt.NDArray[np.int32]
    is_complete: npt.NDArray[np.bool_]
    groupby_val: tuple[str, ...]
    groupby_key: tuple[str, ...]
    target_label: str
    timestamp_label: str
    target_is_integer: bool
    features: tuple[Column, ...]
    warnings: tuple[str, ...] = ()
    timestamp_format: str = ""
    future: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))

    def __post_init__(self) -> None:
        if len(self.future) != len(self.groupby_val):
            object.__setattr__(self, "future", np.zeros(len(self.groupby_val), dtype=np.int64))
        arrays = (self.target, self.times, self.text_codes, self.offsets, self.calendar_codes, self.is_complete)
        for array in (*arrays, self.future):
            array.flags.writeable = False  # every series is a view of these

    def __len__(self) -> int:
        """The number of series."""
        return len(self.groupby_val)

    @property
    def ends(self) -> npt.NDArray[np.int64]:
        """The row behind the history of each series."""
        return self.offsets[1:] - self.future

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """The rows of each history."""
        return self.ends - self.offsets[:-1]

    def first(self, count: int) -> "Split":
        """The first so many series; columns that are arranged as ``target`` fit this split, too."""
        if count >= len(self):
            return self
        return replace(
            self,
            offsets=self.offsets[: count + 1],
            calendar_codes=self.calendar_codes[:count],
            is_complete=self.is_complete[:count],
            groupby_val=self.groupby_val[:count],
            future=self.future[:count],
        )

    def series(self, index: int) -> SeriesData:
        """The data of series ``index``, counted from 0."""
        rows = self._rows(index)
        return SeriesData(
            item_id=self.groupby_val[index],
            target=self.target[rows],
            times=self.times[rows],
            calendar=self.calendar(index),
            complete=bool(self.is_complete[index]),
        )

    def calendar(self, index: int) -> str:
        """The calendar of series ``index``, as SeriesData has it."""
        return self.calendars[int(self.calendar_codes[index])]

    def rows_of(self, column: npt.NDArray[np.float64], index: int) -> npt.NDArray[np.float64]:
        """The part of a column, arranged as ``target`` is, that belongs to the history of series ``index``."""
        return column[self._rows(index)]

    def future_of(self, column: npt.NDArray[Any], index: int) -> npt.NDArray[Any]:
        """The part of a column, arranged as ``target`` is, that comes after the history of series ``index``."""
        end = int(self.offsets[index + 1])
        return column[end - int(self.future[index]) : end]

    def history(self, index: int) -> tuple[list[int | float | None], list[str]]:
        """Target values and timestamp texts of a series, as J-139 shows them.

        A missing value is None; values are ints where every value of the whole column is a whole number (J-140).
        """
        rows = self._rows(index)
        floats: list[float] = self.target[rows].tolist()
        kind = int if self.target_is_integer else float
        values = [None if isnan(value) else kind(value) for value in floats]
        return values, [self.texts[code] for code in self.text_codes[rows].tolist()]

    def _rows(self, index: int) -> slice:
        if not 0 <= index < len(self):
            raise IndexError(f"no series {index}: there are {len(self)}")
        return slice(int(self.offsets[index]), int(self.offsets[index + 1] - self.future[index]))


def save_split(store: ObjectStore, key: str, split: Split) -> None:
    """Store the split as one object, replacing what was there."""
    described = {
        "version": _VERSION,
        "groupby_key": split.groupby_key,
        "target_label": split.target_label,
        "timestamp_label": split.timestamp_label,
        "target_is_integer": split.target_is_integer,
        "features": [asdict(column) for column in split.features],
        "warnings": split.warnings,
        "timestamp_format": split.timestamp_format,
    }
    # Mostly a text is one time in all series: a third of the bytes, and quicker to load than one per row.
    moments = np.zeros(len(split.texts), dtype=np.int64)
    moments[split.text_codes] = split.times
    extra: dict[str, Any] = {} if np.array_equal(moments[split.text_codes], split.times) else {"times": split.times}
    if split.future.any():
        extra["future"] = split.future
    with store.streaming(key) as file:
        np.savez(
            file,
            described=_packed([json.dumps(described)]),
            texts=_packed(split.texts),
            moments=moments,
            groupby_val=_packed(split.groupby_val),
            target=split.target,
            text_codes=split.text_codes,
            offsets=split.offsets,
            calendars=_packed(split.calendars),
            calendar_codes=split.calendar_codes,
            is_complete=split.is_complete,
            **extra,
        )


def load_split(store: ObjectStore, key: str, arrange: Arrange) -> Split:
    """A stored split; ObjectNotFoundError if there is none, StoredSplitError if it is damaged or of a later version.

    `arrange` finds the calendars of one that was stored before they were kept.
    """
    with store.local_file(key) as path:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                described = json.loads(_unpacked(arrays["described"])[0])
                if described["version"] not in (1, _VERSION):
                    text = f"{key} has version {described['version']}, not {_VERSION}; configure the job again"
                    raise StoredSplitError(text)
                codes, texts, offsets = arrays["text_codes"], _unpacked(arrays["texts"]), arrays["offsets"]
                if described["version"] == 1:
                    arranged = _arranged_anew(texts, codes, offsets, arrange)
                else:
                    arranged = _stored_arrangement(arrays, codes)
                return Split(
                    target=arrays["target"],
                    times=arranged.times,
                    text_codes=codes,
                    texts=texts,
                    offsets=offsets,
                    calendars=arranged.calendars,
                    calendar_codes=arranged.calendar_codes,
                    is_complete=arranged.is_complete,
                    groupby_val=_unpacked(arrays["groupby_val"]),
                    groupby_key=tuple(described["groupby_key"]),
                    target_label=described["target_label"],
                    timestamp_label=described["timestamp_label"],
                    target_is_integer=described["target_is_integer"],
                    features=tuple(Column(**column) for column in described["features"]),
                    warnings=tuple(described.get("warnings", ())),
                    timestamp_format=described.get("timestamp_format", ""),
                    **({"future": arrays["future"]} if "future" in arrays else {}),
                )
        except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise StoredSplitError(f"{key} is damaged: {error}; configure the job again") from error


def _stored_arrangement(arrays: Mapping[str, Any], codes: npt.NDArray[np.int32]) -> Arranged:
    times = arrays["times"] if "times" in arrays else arrays["moments"][codes]
    return Arranged(times, _unpacked(arrays["calendars"]), arrays["calendar_codes"], arrays["is_complete"])


def _arranged_anew(
    texts: Sequence[str], codes: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64], arrange: Arrange
) -> Arranged:
    parsed = parse_timestamps(texts)
    minutes = None if parsed.offset_minutes is None else parsed.offset_minutes[codes]
    return arrange(parsed.wall[codes], minutes, offsets)


def _packed(texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Texts without line ends as bytes: accepted timestamps and Python's notation of tuples hold none."""
    return np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)


def _unpacked(array: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(array.tobytes().decode().split("\n"))
