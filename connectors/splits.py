"""The series of a job's data as flat columns, and their one file in the object store.

All rows of all series lie in common arrays, series after series and by time within a series; ``offsets`` says where
each begins.
"""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Final

import numpy as np
import numpy.typing as npt

from connectors.object_store import ObjectStore

__all__ = ["Column", "SeriesData", "Split", "StoredSplitError", "load_split", "save_split"]

_VERSION: Final = 1  # of the stored file


class StoredSplitError(RuntimeError):
    """A stored split that this version of the program cannot read."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: ``index`` from 0 and ``label``."""

    index: int
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class SeriesData:
    """One series by ascending time: read-only views of equal length, NaN where the target is missing.

    ``timestamps`` are milliseconds since 1970 UTC, ``step_ms`` is their most frequent distance (J-142), and ``regular``
    says whether every distance is that, so that no timestamp is missing or double.
    """

    item_id: str
    target: npt.NDArray[np.float64]
    timestamps: npt.NDArray[np.int64]
    step_ms: int
    regular: bool


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """All series of one choice of columns, numbered from 0 in order of first appearance in the file (J-055).

    ``target`` and ``timestamps`` (milliseconds since 1970 UTC) have one value per row, those of series i in
    ``offsets[i]:offsets[i + 1]``; ``texts[text_codes[row]]`` is the timestamp as in the file. ``step_ms``,
    ``is_regular`` and ``groupby_val`` (J-062) have one value per series. ``features`` are the columns not chosen
    (J-066), ``warnings`` what of the choice is probably not meant. The arrays become read-only.
    """

    target: npt.NDArray[np.float64]
    timestamps: npt.NDArray[np.int64]
    text_codes: npt.NDArray[np.int32]
    texts: tuple[str, ...]
    offsets: npt.NDArray[np.int64]
    step_ms: npt.NDArray[np.int64]
    is_regular: npt.NDArray[np.bool_]
    groupby_val: tuple[str, ...]
    groupby_key: tuple[str, ...]
    target_label: str
    timestamp_label: str
    target_is_integer: bool
    features: tuple[Column, ...]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.target, self.timestamps, self.text_codes, self.offsets, self.step_ms, self.is_regular):
            array.flags.writeable = False  # every series is a view of these

    def __len__(self) -> int:
        """The number of series."""
        return len(self.groupby_val)

    def series(self, index: int) -> SeriesData:
        """The data of series ``index``, counted from 0."""
        rows = self._rows(index)
        return SeriesData(
            item_id=self.groupby_val[index],
            target=self.target[rows],
            timestamps=self.timestamps[rows],
            step_ms=int(self.step_ms[index]),
            regular=bool(self.is_regular[index]),
        )

    def rows_of(self, column: npt.NDArray[np.float64], index: int) -> npt.NDArray[np.float64]:
        """The part of a column, arranged as ``target`` is, that belongs to series ``index``."""
        return column[self._rows(index)]

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
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))


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
    }
    # The moments are stored per distinct text: a third of the bytes, and quicker to load than one per row.
    moments = np.zeros(len(split.texts), dtype=np.int64)
    moments[split.text_codes] = split.timestamps
    with store.writing(key) as unfinished, unfinished.open("wb") as file:
        np.savez(
            file,
            described=_packed([json.dumps(described)]),
            texts=_packed(split.texts),
            moments=moments,
            groupby_val=_packed(split.groupby_val),
            target=split.target,
            text_codes=split.text_codes,
            offsets=split.offsets,
            step_ms=split.step_ms,
            is_regular=split.is_regular,
        )


def load_split(store: ObjectStore, key: str) -> Split:
    """A stored split; ObjectNotFoundError if there is none, StoredSplitError if it is damaged or of another version."""
    with store.local_file(key) as path:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                described = json.loads(_unpacked(arrays["described"])[0])
                if described["version"] != _VERSION:
                    text = f"{key} has version {described['version']}, not {_VERSION}; configure the job again"
                    raise StoredSplitError(text)
                codes = arrays["text_codes"]
                return Split(
                    target=arrays["target"],
                    timestamps=arrays["moments"][codes],
                    text_codes=codes,
                    texts=_unpacked(arrays["texts"]),
                    offsets=arrays["offsets"],
                    step_ms=arrays["step_ms"],
                    is_regular=arrays["is_regular"],
                    groupby_val=_unpacked(arrays["groupby_val"]),
                    groupby_key=tuple(described["groupby_key"]),
                    target_label=described["target_label"],
                    timestamp_label=described["timestamp_label"],
                    target_is_integer=described["target_is_integer"],
                    features=tuple(Column(**column) for column in described["features"]),
                    warnings=tuple(described.get("warnings", ())),
                )
        except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise StoredSplitError(f"{key} is damaged: {error}; configure the job again") from error


def _packed(texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Texts without line ends as bytes: accepted timestamps and Python's notation of tuples hold none."""
    return np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)


def _unpacked(array: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(array.tobytes().decode().split("\n"))
