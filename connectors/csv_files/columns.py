"""Reading the columns a job needs out of a checked CSV file, with every text stored once.

A column of millions of cells has few distinct texts (dates, group values), so text columns come back as the distinct
texts and a number per row; what is computed per text later costs next to nothing per row.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from connectors.csv_files.dialect import RFC4180, Dialect
from connectors.csv_files.dressed_numbers import Undressed, undressed
from connectors.csv_files.inspection import MISSING, line_of_row
from connectors.csv_files.number_format import NumberFormat, NumbersFound, best_format, find_format, in_two_ways
from connectors.csv_files.preview import likely_formats

__all__ = ["BadColumnError", "NumberColumn", "ReadColumns", "TextColumn", "read_columns"]

_ROWS: Final = 500_000  # read together: bounds the parser's own memory to about 100 MB for usual rows
_FIRST_ROWS: Final = 2_000  # by which it is seen how numbers are written
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


class ReadColumns(NamedTuple):
    """Columns by index, and what of their numbers can be read in two ways."""

    texts: dict[int, TextColumn]
    numbers: dict[int, NumberColumn]
    warnings: tuple[str, ...] = ()


def read_columns(
    path: Path,
    header: Sequence[str],
    dialect: Dialect = RFC4180,
    *,
    texts: Sequence[int],
    numbers: Mapping[int, str],
) -> ReadColumns:
    """Text and number columns of a text that ``opened_csv`` found sound, by column index.

    ``numbers`` maps a column index to the request field that chose it. Raises BadColumnError with that field for the
    first cell that is neither a finite decimal number (blanks around it are ignored) nor one of MISSING. How decimals
    and thousands are written is the dialect's, or what the whole column leaves no doubt of.
    """
    decimal = _sure_decimal(path, header, dialect, numbers)
    if decimal is not None:
        try:
            return _read(path, header, dialect, texts=texts, numbers=numbers, decimal=decimal)
        except (ValueError, _DoubtfulNumberError):
            # pandas' number parser is fast but says neither which cell it met nor that it took "True" for 1 and 1e400
            # for infinity. Reading those columns as texts settles every case by one rule.
            pass
    read = _read(path, header, dialect, texts=[*texts, *(index for index in numbers if index not in texts)])
    values: dict[int, NumberColumn] = {}
    warnings: list[str] = []
    for index, field in numbers.items():
        column = read.texts[index]
        texts_of_numbers: Sequence[str] = column.texts
        form, doubtful = find_format(texts_of_numbers, likely_formats(dialect))
        if form is None:
            bare = undressed(column.texts)
            texts_of_numbers = bare.texts
            form, doubtful = find_format(texts_of_numbers, likely_formats(dialect))
            warnings += _told(header[index], column, bare)
        if form is None:
            raise _not_a_number(path, header[index], dialect, column, texts_of_numbers, field)
        if doubtful is not None:
            warnings.append(in_two_ways(header[index], doubtful, form))
        found = NumbersFound(form)
        by_text = np.fromiter(map(found.__getitem__, texts_of_numbers), dtype=np.float64, count=len(texts_of_numbers))
        if np.isinf(by_text).any():
            raise _not_a_number(path, header[index], dialect, column, texts_of_numbers, field)
        values[index] = by_text[column.codes]
    return ReadColumns({index: read.texts[index] for index in texts}, values, tuple(warnings))


class _DoubtfulNumberError(Exception):
    """Values that the fast parser may have made out of something that is no number."""


def _sure_decimal(path: Path, header: Sequence[str], dialect: Dialect, numbers: Iterable[int]) -> str | None:
    """What stands before decimals in all the columns, if their first cells leave no doubt of it; else None."""
    if dialect.delimiter == "," and NumberFormat(dialect.decimal, dialect.thousands) == NumberFormat():
        return "."  # the way of programs; where a cell shows another, it is met
    first = next(_frames(path, len(header), dialect, texts=list(numbers), rows=_FIRST_ROWS), None)
    if first is None:
        return None
    found = {find_format(first[index].unique(), likely_formats(dialect)) for index in numbers}
    if any(form is None or form.thousands is not None or doubtful is not None for form, doubtful in found):
        return None
    decimals = {form.decimal for form, _ in found if form is not None}
    return decimals.pop() if len(decimals) == 1 else None


def _read(
    path: Path,
    header: Sequence[str],
    dialect: Dialect,
    *,
    texts: Sequence[int],
    numbers: Iterable[int] = (),
    decimal: str = ".",
) -> ReadColumns:
    dictionaries: dict[int, dict[str, int]] = {index: {} for index in texts}
    codes: dict[int, list[npt.NDArray[np.int32]]] = {index: [] for index in texts}
    values: dict[int, list[NumberColumn]] = {index: [] for index in numbers}
    for frame in _frames(path, len(header), dialect, texts=texts, numbers=numbers, decimal=decimal):
        for index in texts:
            places, distinct = pd.factorize(frame[index])
            dictionary = dictionaries[index]
            shared = [dictionary.setdefault(text, len(dictionary)) for text in distinct]
            codes[index].append(np.array(shared, dtype=np.int32)[places])
        for index in numbers:
            values[index].append(_certain(frame[index]))
    columns = {
        index: TextColumn(texts=tuple(dictionaries[index]), codes=np.concatenate(codes[index])) for index in texts
    }
    return ReadColumns(columns, {index: np.concatenate(parts) for index, parts in values.items()})


def _certain(cells: "pd.Series[float]") -> NumberColumn:
    """The numbers that the fast parser read, if no cell can have been anything else."""
    values = np.asarray(cells, dtype=np.float64)
    present = values[~np.isnan(values)]
    if np.isinf(present).any() or (len(present) and ((present == 0) | (present == 1)).all()):
        raise _DoubtfulNumberError
    return values


def _told(label: str, column: TextColumn, bare: Undressed) -> list[str]:
    """What was made of a column that people wrote."""
    told = [f'column "{label}": {text}' for text in bare.told]
    if bare.placeholders:
        cells = int(np.isin(column.codes, bare.placeholders).sum())
        words = ", ".join(f'"{column.texts[code]}"' for code in bare.placeholders[:3])
        told.append(f'column "{label}": {cells:,} cells that say {words} are taken for missing values')
    return told


def _not_a_number(
    path: Path, label: str, dialect: Dialect, column: TextColumn, texts: Sequence[str], field: str
) -> BadColumnError:
    """The error for the first of the column's ``texts``, which may be without what was around their numbers."""
    form = best_format(texts, likely_formats(dialect))
    found = NumbersFound(form)
    # Texts are in order of first appearance, so the first wrong one is in the first wrong row.
    wrong = next(code for code, text in enumerate(texts) if np.isinf(found[text]))
    text, line = column.texts[wrong], line_of_row(path, int(np.argmax(column.codes == wrong)), dialect)
    if text == label:
        again = f'column "{label}", line {line}: the line has the names of the columns again; remove it'
        return BadColumnError(field, again)
    why = "is too large for a number" if found.is_written_as_number(text) else "is not a number"
    thousands = f'"{form.thousands}" between thousands' if form.thousands else "no thousands separators"
    point = "a point" if form.decimal == "." else "a comma"
    remedy = f"write digits, {point} for decimals and {thousands}, no units; leave missing values empty"
    if form != NumberFormat(dialect.decimal, dialect.thousands) or form.thousands or form.decimal != ".":
        remedy += ", or upload the file with decimal and thousands set"
    return BadColumnError(field, f'column "{label}", line {line}: "{text[:_SHOWN]}" {why}; {remedy}')


def _frames(
    path: Path,
    width: int,
    dialect: Dialect,
    *,
    texts: Sequence[int],
    numbers: Iterable[int] = (),
    decimal: str = ".",
    rows: int = _ROWS,
) -> Iterator[pd.DataFrame]:
    # Any: the stubs of pandas know only text labels here, the reader takes the labels it was given.
    missing: Any = {index: sorted(MISSING) for index in numbers}
    with path.open("rb") as file:
        for _ in range(dialect.skipped_lines):
            file.readline()
        with pd.read_csv(
            file,
            encoding="utf-8",
            sep=dialect.delimiter,
            quotechar=dialect.quote or '"',
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
            header=0,
            names=list(range(width + len(dialect.ignored_columns))),
            usecols=[*texts, *numbers],
            index_col=False,
            # Not "category", which would be faster: pandas 3.1 makes numbers of a part's categories where it can.
            dtype={**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers, "float64")},
            keep_default_na=False,
            na_values=missing,
            chunksize=rows,
            decimal=decimal,
            low_memory=False,
            float_precision="round_trip",  # the default of pandas 2 is off by one bit now and then
        ) as frames:
            yield from frames
