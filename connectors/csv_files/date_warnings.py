"""Columns of dates that can be read month first and day first: told when a file is kept, before anyone chooses them."""

import csv
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from connectors.csv_files.columns import read_columns
from connectors.csv_files.dialect import csv_rows
from connectors.csv_files.inspection import OpenCsv
from connectors.timestamps.parsing import BadTimestampError, parse_timestamps

__all__ = ["dates_in_two_ways"]

_FIRST_ROWS: Final = 5_000  # mostly one of them has a day beyond the 12th, and then nothing more is read
_DATE: Final = re.compile(
    r"\s*(?:[0-9]{1,2}([/.-])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2})(?:[ T,].*)?"
    r"|[A-Za-z]{3,9}\.?[ /-]?'?[0-9]{2}|[0-9]{4}-[1-4]|[0-9]{4}[/-][01][0-9])\s*"
)


def dates_in_two_ways(table: OpenCsv) -> list[str]:
    """A text for each column of which no day is beyond the 12th."""
    facts = table.facts
    if facts.dialect.timestamp_format is not None:
        return []
    likely = [
        index
        for index, cells in enumerate(facts.heads.values())
        if all(isinstance(cell, str) and _DATE.fullmatch(cell) for cell in cells)
    ]
    if not likely:
        return []
    undecided = [index for index in likely if _doubt(cells[index] for cells in _first_rows(table))]
    if not undecided:
        return []
    if facts.rows > _FIRST_ROWS:
        texts = read_columns(table.text, facts.header, facts.dialect, texts=undecided, numbers={}).texts
        told = {index: _doubt(texts[index].texts) for index in undecided}
    else:
        told = {index: _doubt(cells[index] for cells in _first_rows(table)) for index in undecided}
    return [f'column "{facts.header[index]}": {doubt}' for index, doubt in told.items() if doubt]


def _first_rows(table: OpenCsv) -> Iterator[list[str]]:
    width = len(table.facts.header)
    with table.text.open(encoding="utf-8-sig", newline="") as file:
        above = islice(file, table.facts.dialect.skipped_lines)
        for _ in above:
            pass
        rows = (cells for cells in csv_rows(file, table.facts.dialect) if len(cells) >= width)
        try:
            yield from islice(rows, 1, _FIRST_ROWS + 1)
        except csv.Error:  # a cell longer than Python's reader takes
            return


def _doubt(texts: Iterator[str] | tuple[str, ...]) -> str | None:
    """How texts are read that can be read otherwise; None where they leave no doubt, or cannot be read at all."""
    try:
        return parse_timestamps(list(dict.fromkeys(texts))).warning
    except BadTimestampError:
        return None
