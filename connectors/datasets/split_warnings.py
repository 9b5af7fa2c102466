"""What is probably not meant in a choice of columns: told, for it can be meant."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from connectors.csv_files.columns import TextColumn, read_columns
from connectors.csv_files.dialect import Dialect

__all__ = ["double_times", "groups_differing_in_blanks"]

_MOST_COLUMNS: Final = 30  # that are tried as further group columns
_SHOWN: Final = 60  # characters of a cell that are put into a text


def groups_differing_in_blanks(header: Sequence[str], groups: Mapping[int, TextColumn]) -> list[str]:
    """A text for each group column with values such as "A" and " A", which are series of their own."""
    told = []
    for index, group in groups.items():
        by_bare: dict[str, str] = {}
        for text in group.texts:
            other = by_bare.setdefault(text.strip(), text)
            if other != text:
                told.append(
                    f'column "{header[index]}": "{other[:_SHOWN]}" and "{text[:_SHOWN]}" differ in blanks alone and '
                    "are series of their own; remove the blanks from the file if they are one"
                )
                break
    return told


def double_times(
    path: Path,
    header: Sequence[str],
    dialect: Dialect,
    *,
    timestamp: tuple[int, TextColumn],
    places: npt.NDArray[np.int64],
    unused: Sequence[int],
) -> list[str]:
    """A text where rows have a time that their series has already, with the columns that tell the series apart.

    ``places`` has a number for each row, in the order of the file: equal ones are of one series and one time.
    """
    distinct, counts = np.unique(places, return_counts=True)
    double = len(places) - len(distinct)
    if not double:
        return []
    index, when = timestamp
    example = when.texts[when.codes[int(np.argmax(places == distinct[np.argmax(counts > 1)]))]]
    apart = _telling_apart(path, header, dialect, places=places, unused=unused)
    remedy = "keep one row per time"
    if apart:
        names = " and ".join(f'"{header[column]}" ({column})' for column in apart)
        remedy = f"choose the columns that tell series apart, here {names}: groupby_indexs, or --group-by"
    rows = f"{double:,} of {len(places):,} rows have a time that their series has already"
    return [f'column "{header[index]}": {rows}, such as "{example[:_SHOWN]}"; {remedy}']


def _telling_apart(
    path: Path, header: Sequence[str], dialect: Dialect, *, places: npt.NDArray[np.int64], unused: Sequence[int]
) -> list[int]:
    """The fewest columns found that tell rows of one place apart; none where no column does."""
    tried = list(unused[:_MOST_COLUMNS])
    if not tried:
        return []
    columns = read_columns(path, header, dialect, texts=tried, numbers={}).texts
    # A column whose cells are mostly different is a measurement, not the name of a series.
    named = [index for index in tried if 1 < len(columns[index].texts) <= len(places) / 2]

    def alone(chosen: Sequence[int]) -> bool:
        groups = places
        for index in chosen:
            groups = np.unique(groups * len(columns[index].texts) + columns[index].codes, return_inverse=True)[1]
        return len(np.unique(groups)) == len(places)

    single = next((index for index in named if alone([index])), None)
    if single is not None:
        return [single]
    if not alone(named):
        return []
    needed = named
    for index in named:
        fewer = [other for other in needed if other != index]
        if alone(fewer):
            needed = fewer
    return needed
