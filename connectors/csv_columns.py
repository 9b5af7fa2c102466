"""Reading the columns a job needs out of a checked CSV file, with every text stored once.

A column of millions of cells has few distinct texts (dates, group values), so text columns come back as the distinct
texts and a number per row; what is computed per text later costs next to nothing per row.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
        return _read(path, len(header), texts=texts, numbers=tuple(numbers))
    except (ValueError, _DoubtfulNumberError):
        # pandas' number parser is fast but says neither which cell it met nor that it took "True" for 1 and 1e400 for
        # infinity. Reading those columns as texts settles every case by one rule.
        columns, _ = _read(path, len(header), texts=[*texts, *numbers], numbers=())
        read = {}
        for index, field in numbers.items():
            read[index] = _numbers(columns.pop(index), path, label=header[index], field=field)
        return columns, read


class _DoubtfulNumberError(Exception):
    """Values that the fast parser may have made out of something that is no number."""


def _read(
    path: Path, width: int, *, texts: Sequence[int], numbers: Sequence[int]
) -> tuple[dict[int, TextColumn], dict[int, NumberColumn]]:
    dictionaries: dict[int, dict[str, int]] = {index: {} for index in texts}
    codes: dict[int, list[npt.NDArray[np.int32]]] = {index: [] for index in texts}
    values: dict[int, list[NumberColumn]] = {index: [] for index in numbers}
    for frame in _frames(path, width, texts=texts, numbers=numbers):
        for index in texts:
            places, distinct = pd.factorize(frame[index])
            dictionary = dictionaries[index]
            shared = [dictionary.setdefault(text, len(dictionary)) for text in distinct]
            codes[index].append(np.array(shared, dtype=np.int32)[places])
        for index in numbers:
            part = frame[index].to_numpy(dtype=np.float64)
            present = part[~np.isnan(part)]
            if len(present) and (np.isinf(present).any() or ((present == 0) | (present == 1)).all()):
                raise _DoubtfulNumberError
            values[index].append(part)
    columns = {
        index: TextColumn(texts=tuple(dictionaries[index]), codes=np.concatenate(codes[index])) for index in texts
    }
    return columns, {index: np.concatenate(parts) for index, parts in values.items()}


def _frames(path: Path, width: int, *, texts: Sequence[int], numbers: Sequence[int]) -> Iterator[pd.DataFrame]:
    # Any: the stubs of pandas know only text labels here, the reader takes the labels it was given.
    missing: Any = {index: sorted(MISSING) for index in numbers}
    with pd.read_csv(
        path,
        encoding="utf-8",
        header=0,
        names=list(range(width)),
        usecols=[*texts, *numbers],
        index_col=False,
        # Not "category", which would be faster: pandas 3.1 makes numbers of a part's categories where it can.
        dtype={**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers, "float64")},
        keep_default_na=False,
        na_values=missing,
        chunksize=_ROWS,
        low_memory=False,
    ) as frames:
        yield from frames


def _numbers(column: TextColumn, path: Path, *, label: str, field: str) -> NumberColumn:
    values = np.empty(len(column.texts), dtype=np.float64)
    for code, text in enumerate(column.texts):
        bare = text.strip(" \t")
        if bare in MISSING:
            values[code] = np.nan
            continue
        number = float(bare) if _NUMBER.fullmatch(bare) else np.nan
        if not np.isfinite(number):
            line = line_of_row(path, int(np.argmax(column.codes == code)))
            why = "is too large for a number" if np.isinf(number) else "is not a number"
            remedy = "write digits, a point for decimals and no thousands separators; leave missing values empty"
            raise BadColumnError(field, f'column "{label}", line {line}: "{text[:_SHOWN]}" {why}; {remedy}')
        values[code] = number
    return values[column.codes]
