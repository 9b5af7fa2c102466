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
_AT_NIGHT: Final = re.compile(r"[ T]0?[1-3]:[0-5]\d")  # when clocks are set back: an hour comes twice then
_TIME_OF_DAY: Final = re.compile(
    r"\s*[0-2]?\d(?:(?::[0-5]\d){1,2}(?:[.,]\d+)?|(?:\.[0-5]\d){2})(?: ?[AaPp]\.?[Mm]\.?)?\s*", re.ASCII
)
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
    tried = list(unused[:_MOST_COLUMNS])
    columns = read_columns(path, header, dialect, texts=tried, numbers={}).texts if tried else {}
    apart = _telling_apart(columns, places)
    remedy = f"keep one row per time, or {_TOGETHER}"
    if _AT_NIGHT.search(example):
        remedy += "; where the clock was set back, name its time_zone (--time-zone)"
    if _FINER.search(example.strip()):
        remedy = f"times are told apart to the microsecond: give every row of a series one of its own, or {_TOGETHER}"
    if apart:
        names = " and ".join(f'"{header[column]}" ({column})' for column in apart)
        remedy = f"choose the columns that tell series apart, here {names}: groupby_indexs, or --group-by"
    clock = next((column for column, cells in columns.items() if _are_times_of_day(cells)), None)
    if clock is not None and _tell_apart([columns[clock]], places):
        remedy = f'"{header[clock]}" ({clock}) has the times of day: put both into one column of the file'
    rows = f"{double:,} of {len(places):,} rows have a time that their series has already"
    return [f'column "{header[index]}": {rows}, such as "{example[:_SHOWN]}"; {remedy}']


def _telling_apart(columns: Mapping[int, TextColumn], places: npt.NDArray[np.int64]) -> list[int]:
    """The fewest columns found that tell rows of one place apart; none where no column does."""
    # A column whose cells are mostly different is a measurement, not the name of a series.
    named = [index for index, cells in columns.items() if 1 < len(cells.texts) <= len(places) / 2]
    single = next((index for index in named if _tell_apart([columns[index]], places)), None)
    if single is not None:
        return [single]
    if not _tell_apart([columns[index] for index in named], places):
        return []
    needed = named
    for index in named:
        fewer = [other for other in needed if other != index]
        if _tell_apart([columns[other] for other in fewer], places):
            needed = fewer
    return needed


def _tell_apart(columns: Sequence[TextColumn], places: npt.NDArray[np.int64]) -> bool:
    """Whether no two rows of one place have the same cells in all of them."""
    groups = places
    for column in columns:
        groups = np.unique(groups * len(column.texts) + column.codes, return_inverse=True)[1]
    return len(np.unique(groups)) == len(places)


def _are_times_of_day(column: TextColumn) -> bool:
    """Whether the day is in another column then, as loggers write."""
    return all(_TIME_OF_DAY.fullmatch(text) for text in column.texts)
