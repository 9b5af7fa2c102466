"""What the first rows of a CSV file show: how numbers are written in it, and the preview."""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, TypeAlias

from connectors.csv_files.dialect import Dialect, DialectSettings, csv_rows
from connectors.csv_files.number_format import (
    EDGES,
    FORMATS,
    MISSING,
    PLAIN,
    NumberFormat,
    NumbersFound,
    best_format,
    find_format,
    in_two_ways,
    is_written_plainly,
)

__all__ = [
    "Cell",
    "NumbersShown",
    "column_format",
    "examples",
    "likely_formats",
    "numbers_shown",
    "preview_cells",
]

Cell: TypeAlias = str | int | float | None
"""A preview value: text, number, or None for a missing cell of a number column."""

_PARTED: Final = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_BELOW_A_THOUSAND: Final = re.compile(r"[+-]?[0-9]{1,3}")
_ROWS: Final = 300  # that are looked at; what a later row shows is found when its column is read
_COLUMNS: Final = 200
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")  # at most 15 digits: exact in every JSON reader
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class NumbersShown:
    """The dialect with the signs of its numbers, the format of each column, and what can be read in two ways."""

    dialect: Dialect
    formats: tuple[NumberFormat | None, ...]
    warnings: tuple[str, ...] = ()


def likely_formats(dialect: Dialect) -> tuple[NumberFormat, ...]:
    """The formats that numbers of the file can have, the likelier of two that both read 1,234 first."""
    own = NumberFormat(dialect.decimal, dialect.thousands)
    if dialect.decimal == ",":
        likely = [own, NumberFormat(","), NumberFormat(",", ".")]
    elif dialect.delimiter == ";":  # what spreadsheets write where the comma stands before decimals
        likely = [own, PLAIN, NumberFormat(","), NumberFormat(",", ".")]
    else:
        likely = [own, PLAIN, NumberFormat(".", ","), NumberFormat(",")]
    return tuple(
        form
        for form in dict.fromkeys((*likely, *FORMATS))
        if ("decimal" not in dialect.given or form.decimal == dialect.decimal)
        and ("thousands" not in dialect.given or form.thousands == dialect.thousands)
    )


def examples(dialect: Dialect, width: int, lines: Sequence[str]) -> list[tuple[str, ...]]:
    """The cells of the first rows below the header, column by column; ``lines`` are those of the file."""
    rows: list[list[str]] = []
    try:
        reader = csv_rows([f"{line}\n" for line in lines[dialect.skipped_lines :]], dialect, strict=False)
        rows.extend(islice(filter(None, reader), _ROWS + 1))
    except csv.Error:  # a cell that is longer than Python's reader takes; what came before is enough
        pass
    below = [cells[:width] for cells in rows[1:] if len(cells) >= width]
    return list(zip(*below, strict=True)) if below else [()] * width


def numbers_shown(
    dialect: Dialect, settings: DialectSettings, header: Sequence[str], columns: Sequence[Sequence[str]]
) -> NumbersShown:
    """How the numbers of the columns are written, as it was said or as their cells show."""
    thousands = None if settings.thousands in (None, "none") else settings.thousands
    dialect = replace(dialect, decimal=settings.decimal or ("," if thousands == "." else "."), thousands=thousands)
    # 1. Columns that leave no doubt tell how the others are written.
    sure = [_format(cells, dialect) for cells in columns[:_COLUMNS]]
    forms = [form for form, doubtful in sure if form is not None and form != PLAIN and doubtful is None]
    if forms:
        decimal = max((",", "."), key=lambda sign: sum(form.decimal == sign for form in forms))
        signs = [form.thousands for form in forms if form.decimal == decimal and form.thousands is not None]
        dialect = replace(dialect, decimal=decimal, thousands=signs[0] if signs else None)
    # 2. The others, with what is known by now.
    found: list[NumberFormat | None] = []
    warnings = []
    for label, cells in zip(header, columns[:_COLUMNS], strict=False):
        form, doubtful = _format(cells, dialect)
        found.append(form)
        if form is None:
            continue
        if doubtful is not None:
            warnings.append(in_two_ways(label, doubtful, form))
            if form.thousands is not None and form.decimal == dialect.decimal:
                dialect = replace(dialect, thousands=form.thousands)
            elif form.decimal == "," and not forms:
                dialect = replace(dialect, decimal=",")
    found += [None] * (len(header) - len(found))
    return NumbersShown(dialect, tuple(found), tuple(warnings))


def preview_cells(cells: Sequence[str], form: NumberFormat | None) -> tuple[Cell, ...]:
    """Numbers if the shown cells are all numbers in JSON's notation, in the column's own, or missing; else the texts.

    At least one must be a number. "007" is text: as a number it would not be shown as in the file.
    """
    present = [cell for cell in cells if cell not in MISSING]
    if form is None or not any(sign in cell for cell in present for sign in _signs(form)):
        if not present or not all(_is_number(cell) for cell in present):
            return tuple(cells)
        return tuple(
            None if cell in MISSING else int(cell) if _INTEGER.fullmatch(cell) else float(cell) for cell in cells
        )
    numbers = NumbersFound(form)
    values = [numbers[cell] for cell in cells]
    if any(math.isinf(value) for value in values):
        return tuple(cells)
    return tuple(
        None if math.isnan(value) else int(value) if form.decimal not in cell and abs(value) < 1e15 else value
        for cell, value in zip(cells, values, strict=True)
    )


def column_format(cells: Sequence[str], dialect: Dialect) -> NumberFormat:
    """How the numbers of a column are written, where some of its cells may be none."""
    form, _ = _format(cells, dialect)
    return best_format(cells, likely_formats(dialect)) if form is None else form


def _signs(form: NumberFormat) -> str:
    """The characters by which a number of this format differs from one that programs write."""
    return {"'": "'\u2019", " ": " \u00a0\u2009\u202f", None: ""}.get(form.thousands, form.thousands or "") + (
        ",\u2212" if form.decimal == "," else "\u2212"
    )


def _format(cells: Sequence[str], dialect: Dialect) -> tuple[NumberFormat | None, str | None]:
    """As ``find_format``; cells that programs write so are in doubt only where spreadsheets separate by semicolons."""
    if is_written_plainly(cells) and dialect.delimiter != ";" and dialect.decimal == "." and not dialect.given:
        return PLAIN, _perhaps_thousands(cells)
    return find_format(cells, likely_formats(dialect))


def _perhaps_thousands(cells: Sequence[str]) -> str | None:
    """The first cell such as 1.234, where all others are like it or whole numbers below a thousand.

    Who writes decimals seldom writes three of them each time, none of them for whole numbers, and none below one.
    """
    numbers = [cell.strip(EDGES) for cell in cells if cell.strip(EDGES) not in MISSING]
    parted = [cell for cell in numbers if "." in cell]
    others = all(_BELOW_A_THOUSAND.fullmatch(cell) for cell in numbers if "." not in cell)
    if 1 < len(parted) < len(numbers) and others and all(map(_PARTED.fullmatch, parted)):
        return parted[0]
    return None


def _is_number(cell: str) -> bool:
    if _INTEGER.fullmatch(cell):
        return True
    exact = not cell.lstrip("-").isdigit()  # an integer too long to stay exact is an identifier: text
    return exact and _DECIMAL.fullmatch(cell) is not None and math.isfinite(float(cell))
