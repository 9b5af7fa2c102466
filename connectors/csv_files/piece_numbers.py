"""Columns of a piece of a table as numbers; apart from `pieces`, as who only cuts tables does without pandas."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from connectors.csv_files.dialect import Dialect
from connectors.csv_files.number_format import MISSING

__all__ = ["NumberCells", "numbers_of"]

_TRUTH: Final = re.compile(rb"true|false", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class NumberCells:
    """Cells of a column as numbers, NaN where one is empty; `wrong` are those that hold no number."""

    values: npt.NDArray[np.float64]
    wrong: npt.NDArray[np.bool_]


def numbers_of(records: Sequence[bytes], dialect: Dialect, indexs: Sequence[int], width: int) -> list[NumberCells]:
    """These columns as numbers, quickly where all cells of a column are some."""
    # A sign between thousands that stands elsewhere would be taken out without a word: 0.5 would be 5.
    frame: Any = _parsed(records, dialect, indexs, width, "float64") if _thousands(dialect) is None else None
    if frame is None:
        frame = _parsed(records, dialect, indexs, width, "str")
        return [_numbers(frame[index], dialect) for index in indexs]
    found = []
    for index in indexs:
        values = frame[index].to_numpy(dtype=np.float64)
        if _may_be_truths(values) and any(_TRUTH.search(record) for record in records):
            found += [_numbers(_parsed(records, dialect, [index], width, "str")[index], dialect)]
            continue
        found.append(NumberCells(values, np.isinf(values)))
    return found


def _may_be_truths(values: npt.NDArray[np.float64]) -> bool:
    """Pandas takes a column of True and False for one of ones and zeros."""
    return bool((np.isnan(values) | (values == 0) | (values == 1)).all())


def _parsed(records: Sequence[bytes], dialect: Dialect, indexs: Sequence[int], width: int, kind: str) -> Any:
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
            decimal=dialect.decimal,
            thousands=_thousands(dialect),
            low_memory=False,
            float_precision="round_trip",  # what a model answers may hang on the last bit
            skip_blank_lines=False,
        )
    except ValueError:
        if kind == "str":
            raise
        return None


def _thousands(dialect: Dialect) -> str | None:
    return None if dialect.thousands == dialect.delimiter else dialect.thousands


def _numbers(cells: "pd.Series[str]", dialect: Dialect) -> NumberCells:
    texts = cells.str.strip()
    empty = texts.isin(MISSING).to_numpy()
    if dialect.thousands is not None:
        sign, point = re.escape(dialect.thousands), re.escape(dialect.decimal)
        grouped = texts.str.fullmatch(rf"[-+]?[0-9]{{1,3}}(?:{sign}[0-9]{{3}})+(?:{point}[0-9]*)?(?:[eE][-+]?[0-9]+)?")
        texts = texts.where(grouped | ~texts.str.contains(dialect.thousands, regex=False), "no number")
        texts = texts.str.replace(dialect.thousands, "", regex=False)
    if dialect.decimal != ".":
        texts = texts.str.replace(dialect.decimal, ".", regex=False)
    values = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
    return NumberCells(values, (np.isnan(values) & ~empty) | np.isinf(values))
