"""Columns of a piece of a table as numbers; apart from `pieces`, as who only cuts tables does without pandas."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from connectors.csv_files.dialect import Dialect
from connectors.csv_files.number_format import MISSING, NumberFormat, NumbersFound

__all__ = ["NumberCells", "numbers_of"]

_TRUTH: Final = re.compile(rb"true|false", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class NumberCells:
    """Cells of a column as numbers, NaN where one is empty; `wrong` are those that hold no number."""

    values: npt.NDArray[np.float64]
    wrong: npt.NDArray[np.bool_]


def numbers_of(
    records: Sequence[bytes], dialect: Dialect, indexs: Sequence[int], formats: Sequence[NumberFormat], width: int
) -> list[NumberCells]:
    """These columns as numbers, each by its format; quickly where all cells of a column are some."""
    found: dict[int, NumberCells] = {}
    own = dict(zip(indexs, formats, strict=True))
    for decimal in {form.decimal for form in formats if form.thousands is None}:
        alike = [index for index, form in own.items() if form == NumberFormat(decimal)]
        found |= dict(_quickly(records, dialect, alike, decimal, width))
    left = [index for index in own if index not in found]
    if left:
        frame = _parsed(records, dialect, left, width, "str")
        found |= {index: _numbers(frame[index], own[index]) for index in left}
    return [found[index] for index in indexs]


def _quickly(
    records: Sequence[bytes], dialect: Dialect, indexs: Sequence[int], decimal: str, width: int
) -> Iterator[tuple[int, NumberCells]]:
    """The columns that pandas' parser makes numbers of without a doubt; none where any cell is no number for it."""
    frame = _parsed(records, dialect, indexs, width, "float64", decimal)
    if frame is None:
        return
    for index in indexs:
        values = frame[index].to_numpy(dtype=np.float64)
        # It takes True for 1, and words for infinity.
        if not (_may_be_truths(values) and any(_TRUTH.search(record) for record in records)):
            yield index, NumberCells(values, np.isinf(values))


def _may_be_truths(values: npt.NDArray[np.float64]) -> bool:
    return bool((np.isnan(values) | (values == 0) | (values == 1)).all())


def _parsed(
    records: Sequence[bytes], dialect: Dialect, indexs: Sequence[int], width: int, kind: str, decimal: str = "."
) -> Any:
    """The columns as pandas reads them; None where a cell is none of the kind."""
    missing: Any = sorted(MISSING) if kind == "float64" else []
    try:
        return pd.read_csv(
            io.BytesIO(b"\n".join(records)),
            sep=dialect.delimiter,
            quotechar=dialect.quote or '"',
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
            header=None,
            names=list(range(width)),
            usecols=list(dict.fromkeys(indexs)),
            index_col=False,
            dtype=kind,
            keep_default_na=False,
            na_values=missing,
            decimal=decimal,
            low_memory=False,
            float_precision="round_trip",  # what a model answers may hang on the last bit
            skip_blank_lines=False,
        )
    except ValueError:
        if kind == "str":
            raise
        return None


def _numbers(cells: "pd.Series[str]", form: NumberFormat) -> NumberCells:
    codes, texts = pd.factorize(cells.fillna(""))  # a record may have too few cells
    found = NumbersFound(form)
    by_text = np.fromiter(map(found.__getitem__, texts), dtype=np.float64, count=len(texts))
    values = by_text[codes]
    return NumberCells(values, np.isinf(values))
