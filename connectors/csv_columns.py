"""Reading the columns a job needs out of a checked CSV file, with every text stored once.

A column of millions of cells has few distinct texts (dates, group values), so text columns come back as the distinct
texts and a number per row; what is computed per text later costs next to nothing per row.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, nan
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from connectors.csv_table import MISSING, line_of_row

__all__ = ["BadColumnError", "NumberColumn", "TextColumn", "read_columns"]

_ROWS: Final = 500_000  # read together: bounds the parser's own memory to about 100 MB for usual rows
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_SHOWN: Final = 60  # characters of an offending cell that are put into the message


class BadColumnError(ValueError):
    """A column cannot serve as chosen: ``field`` is the request's, ``message`` says where and what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True, eq=False)
class TextColumn:
    """Cells as ``texts[codes[row]]``; the texts are distinct and in order of first appearance."""

    texts: tuple[str, ...]
    codes: npt.NDArray[np.int32]


NumberColumn = npt.NDArray[np.float64]
"""One value per row, NaN where the cell is missing."""


def read_columns(
    path: Path, header: Sequence[str], *, texts: Sequence[int], numbers: Mapping[int, str]
) -> tuple[dict[int, TextColumn], dict[int, NumberColumn]]:
    """Text and number columns of a file that ``inspect_csv`` found sound, by column index.

    ``numbers`` maps a column index to the request field that chose it. Raises BadColumnError with that field for the
    first cell that is neither a finite decimal number (blanks around it are ignored) nor one of MISSING.
    """
    try:
        return _read(path, header, texts=texts, numbers=numbers, fast=True)
    except (ValueError, _DoubtfulNumberError):
        # pandas' number parser is fast but says neither which cell it met nor that it took "True" for 1 and 1e400 for
        # infinity. Reading those columns as texts settles every case by one rule.
        return _read(path, header, texts=texts, numbers=numbers, fast=False)


class _DoubtfulNumberError(Exception):
    """Values that the fast parser may have made out of something that is no number."""


class _Numbers(dict[str, float]):
    """The number of every text asked for: NaN for one of MISSING, infinity for what is no number or too large."""

    def __missing__(self, text: str) -> float:
        bare = text.strip(" \t")
        value = nan if bare in MISSING else float(bare) if _NUMBER.fullmatch(bare) else inf
        self[text] = value
        return value


def _read(
    path: Path, header: Sequence[str], *, texts: Sequence[int], numbers: Mapping[int, str], fast: bool
) -> tuple[dict[int, TextColumn], dict[int, NumberColumn]]:
    dictionaries: dict[int, dict[str, int]] = {index: {} for index in texts}
    codes: dict[int, list[npt.NDArray[np.int32]]] = {index: [] for index in texts}
    values: dict[int, list[NumberColumn]] = {index: [] for index in numbers}
    rows = 0
    for frame in _frames(path, len(header), texts=texts, numbers=numbers, fast=fast):
        for index in texts:
            places, distinct = pd.factorize(frame[index])
            dictionary = dictionaries[index]
            shared = [dictionary.setdefault(text, len(dictionary)) for text in distinct]
            codes[index].append(np.array(shared, dtype=np.int32)[places])
        for index, field in numbers.items():
            part = _certain(frame[index]) if fast else _careful(frame[index])
            wrong = np.flatnonzero(np.isinf(part))
            if len(wrong):
                row = int(wrong[0])
                text, line = str(frame[index].iloc[row]), line_of_row(path, rows + row)
                raise _not_a_number(field, header[index], line, text)
            values[index].append(part)
        rows += len(frame)
    columns = {
        index: TextColumn(texts=tuple(dictionaries[index]), codes=np.concatenate(codes[index])) for index in texts
    }
    return columns, {index: np.concatenate(parts) for index, parts in values.items()}


def _certain(cells: "pd.Series[float]") -> NumberColumn:
    """The numbers that the fast parser read, if no cell can have been anything else."""
    values = np.asarray(cells, dtype=np.float64)
    present = values[~np.isnan(values)]
    if np.isinf(present).any() or (len(present) and ((present == 0) | (present == 1)).all()):
        raise _DoubtfulNumberError
    return values


def _careful(cells: "pd.Series[str]") -> NumberColumn:
    """The numbers of texts, infinity for what is refused."""
    numbers = _Numbers()  # one for every part: repeated texts are met once, and memory stays bounded
    return np.fromiter(map(numbers.__getitem__, cells), dtype=np.float64, count=len(cells))


def _not_a_number(field: str, label: str, line: int, text: str) -> BadColumnError:
    why = "is too large for a number" if _NUMBER.fullmatch(text.strip(" \t")) else "is not a number"
    remedy = "write digits, a point for decimals and no thousands separators; leave missing values empty"
    return BadColumnError(field, f'column "{label}", line {line}: "{text[:_SHOWN]}" {why}; {remedy}')


def _frames(
    path: Path, width: int, *, texts: Sequence[int], numbers: Iterable[int], fast: bool
) -> Iterator[pd.DataFrame]:
    # Any: the stubs of pandas know only text labels here, the reader takes the labels it was given.
    missing: Any = {index: sorted(MISSING) for index in numbers if fast}
    with pd.read_csv(
        path,
        encoding="utf-8",
        header=0,
        names=list(range(width)),
        usecols=[*texts, *numbers],
        index_col=False,
        # Not "category", which would be faster: pandas 3.1 makes numbers of a part's categories where it can.
        dtype={**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers, "float64" if fast else "str")},
        keep_default_na=False,
        na_values=missing,
        chunksize=_ROWS,
        low_memory=False,
        float_precision="round_trip",  # the default of pandas 2 is off by one bit now and then
    ) as frames:
        yield from frames
