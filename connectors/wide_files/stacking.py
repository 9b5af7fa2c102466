"""What becomes of the columns of a table whose series lie side by side: a row for each value, named by its column."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.csv_files.dialect import BadDatasetError

__all__ = ["Stack", "stack_of"]


@dataclass(frozen=True, slots=True)
class Stack:
    """Indices of the columns that are series, and of those that stay; both in the order of the file.

    `header` has the labels afterwards: those that stay, then `series` and `value`.
    """

    series: tuple[int, ...]
    kept: tuple[int, ...]
    header: tuple[str, ...]

    @property
    def name_label(self) -> str:
        """Of the column that tells series apart."""
        return self.header[-2]

    @property
    def value_label(self) -> str:
        """Of the column of their values."""
        return self.header[-1]


def stack_of(header: Sequence[str], series_columns: Sequence[int]) -> Stack:
    """Of a table with these labels; no `series_columns`: all but the first. BadDatasetError where they do not fit."""
    series = tuple(sorted(series_columns)) or tuple(range(1, len(header)))
    wrong = next((index for index in series if index >= len(header)), None)
    if wrong is not None:
        raise _wrong(f"there is no column {wrong}; the file has columns 0 to {len(header) - 1}")
    kept = tuple(index for index in range(len(header)) if index not in set(series))
    if not kept:
        raise _wrong("has every column of the file; leave the one with the times out")
    if not series:
        raise _wrong("the file has no column beside the first; leave the field out")
    labels = [header[index] for index in kept]
    for name in ("series", "value"):
        labels.append(_free(name, labels))
    return Stack(series, kept, tuple(labels))


def _free(name: str, taken: Sequence[str]) -> str:
    """The name, with a number behind it where a column is called so already."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _wrong(text: str) -> BadDatasetError:
    return BadDatasetError("bad_dialect", f"series_columns: {text}")
