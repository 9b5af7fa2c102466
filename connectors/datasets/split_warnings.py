"""What is probably not meant in a choice of columns: told, for it can be meant."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from connectors.csv_files.columns import TextColumn, read_columns
from connectors.csv_files.dialect import Dialect

__all__ = ["double_times", "groups_that_look_alike"]

_MOST_COLUMNS: Final = 30  # that are tried as further group columns
_TOGETHER: Final = "have rows put together (aggregate, or --aggregate D=mean)"
_FINER: Final = re.compile(r"[.,]\d{7,9}(?!\d)|^\d{19}$", re.ASCII)  # than a microsecond
_SHOWN: Final = 60  # characters of a cell that are put into a text


def groups_that_look_alike(header: Sequence[str], groups: Mapping[int, TextColumn]) -> list[str]:
    """A text for each group column with values such as "A" and " A", which are series of their own."""
    told = []
    for index, group in groups.items():
        by_look: dict[str, str] = {}
        for text in group.texts:
            other = by_look.setdefault(_look(text), text)
            if other != text:
                how = "differ in blanks alone" if other.strip() == text.strip() else "look alike, in other characters,"
                remedy = "remove the blanks from" if other.strip() == text.strip() else "write them alike in"
                told.append(
                    f'column "{header[index]}": "{other[:_SHOWN]}" and "{text[:_SHOWN]}" {how} and are series of their '
                    f"own; {remedy} the file if they are one"
                )
                break
    return told


def _look(text: str) -> str:
    """What is seen of it: blanks around it are not, nor whether an accent is a character of its own."""
    if text.isascii():
        return text.strip()
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")  # marks of direction and the like
    return unicodedata.normalize("NFC", seen).strip()


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
    remedy = f"keep one row per time, or {_TOGETHER}"
    if _FINER.search(example.strip()):
        remedy = f"times are told apart to the microsecond: give every row of a series one of its own, or {_TOGETHER}"
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
