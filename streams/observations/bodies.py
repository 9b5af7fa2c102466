"""Rows of a data set as requests have them, CSV or JSON, made into observations."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from models.json_words import json_problem, without_mark
from schemas.observations import Cell, Observation
from streams.checks import invalid_field
from streams.codes.observations import ObservationsCode
from streams.errors import Code, InvalidError, RejectedError, TooLargeError
from streams.observations.forms import RowForm

__all__ = ["MOST_ROWS", "long_rows", "observations_of", "of_row", "rows_of_csv", "rows_of_json"]

MOST_ROWS: Final = 100_000
"""Of a request: some seconds of work."""
_SHOWN: Final = 60

Row = Mapping[str, Any]


def rows_of_json(body: bytes) -> list[Row]:
    """The rows of a JSON array of objects, or of such an array as `rows` of an object."""
    body = without_mark(body)
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        problem = json_problem(error, body)
        text = f"body: not valid JSON: {problem.words} at byte {problem.byte}"
        raise InvalidError(Code.INVALID_REQUEST, text) from None
    rows = content.get("rows") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise invalid_field("rows", 'expected an array of rows, such as [{"day": "2026-11-30", "sales": 7}]')
    _check_count(len(rows))
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise _of_row(number, f"is {_shown(row)}, expected an object with a value for each column")
    return rows


def rows_of_csv(body: bytes) -> list[Row]:
    """The rows of a CSV text in UTF-8 with commas, whose first line has names of columns."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid_field("body", f"is not UTF-8 at byte {error.start}: send UTF-8") from None
    lines = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        cells = [row for row in lines if row]
    except csv.Error as error:
        raise InvalidError(ObservationsCode.BAD_ROW, f"line {lines.line_num}: {error}") from None
    if not cells:
        raise invalid_field("body", "is empty: send the names of the columns, and a row in each line below")
    header, *rows = cells
    if len(header) == 1 and re.search("[;|\t]", header[0]):
        raise invalid_field("body", "line 1 has no commas: write commas between columns, and points before decimals")
    if len(set(header)) < len(header):
        raise invalid_field("body", "line 1 has a column twice")
    _check_count(len(rows))
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise _of_row(number, f"has {len(row)} cells, the first line has {len(header)}")
    return [dict(zip(header, row, strict=True)) for row in rows]


def long_rows(form: RowForm, rows: Sequence[Row]) -> list[tuple[int, Row]]:
    """The rows with their numbers, counted from 1; of a row as in a wide file one for each series with a value in it.

    Cells without anything make none: a file has them where a series has no value yet.
    """
    if not form.wide:
        return list(enumerate(rows, 1))
    *kept, name, value = form.header
    found: list[tuple[int, Row]] = []
    for number, row in enumerate(rows, 1):
        series = [label for label in row if label in form.wide and label not in form.header]
        if not series or name in row or value in row:
            found.append((number, row))
            continue
        stay = {label: cell for label, cell in row.items() if label not in form.wide or label in kept}
        found += [(number, {**stay, name: label, value: row[label]}) for label in series if not _is_empty(row[label])]
        if len(found) > MOST_ROWS:
            text = f"rows: have more than {MOST_ROWS} values of series, as many as are taken at once: send parts"
            raise TooLargeError(ObservationsCode.TOO_MANY_ROWS, text)
    if not found:
        raise invalid_field("rows", "have no value: send at least one")
    return found


def observations_of(form: RowForm, rows: Iterable[tuple[int, Row]], project: str) -> Iterator[Observation]:
    """What rows with these numbers say; RejectedError with the number of the first that says too little."""
    layout, known = form.layout, set(form.header)
    for number, row in rows:
        unknown = [label for label in row if label not in known]
        if unknown:
            columns = ", ".join(form.header)[:500]
            if form.wide:
                columns += f", or the series of the file, such as {min(form.wide)!r}; a new one by {form.header[-2]}"
            text = f"{unknown[0][:_SHOWN]!r} is no column of the data set; there are {columns}"
            raise _of_row(number, text, unknown[0])
        for label in (layout.timestamp, *layout.groups):
            if row.get(label) is None:
                raise _of_row(number, f"{label} is missing: each row needs its time and its groups", label)
        yield Observation(
            data_id=form.data_id,
            timestamp=_text(row[layout.timestamp], number, layout.timestamp),
            values={label: _cell(row[label], number, label) for label in form.others if label in row},
            groups={label: _text(row[label], number, label) for label in layout.groups},
            project=project,
        )


def of_row(number: int, error: RejectedError) -> RejectedError:
    """A refusal in words that tell the row, counted from 1."""
    return error.saying(f"row {number}: {error.message}", {"element": number - 1, **error.place})


def _of_row(number: int, text: str, field: str | None = None) -> RejectedError:
    place: dict[str, int | str] = {"element": number - 1}
    if field is not None:
        place["field"] = field[:_SHOWN]
    return InvalidError(ObservationsCode.BAD_ROW, f"row {number}: {text}", place)


def _check_count(rows: int) -> None:
    if not rows:
        raise invalid_field("rows", "there are none: send at least one")
    if rows > MOST_ROWS:
        text = f"rows: there are {rows}, at most {MOST_ROWS} are taken at once: send parts"
        raise TooLargeError(ObservationsCode.TOO_MANY_ROWS, text)


def _shown(value: Any) -> str:
    """What a message repeats of it; of arrays and objects, which may be nested deeper than Python goes, their kind."""
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    return json.dumps(value)[:_SHOWN]


def _text(value: Any, number: int, label: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise _of_row(number, f"{label} is {_shown(value)}, expected a text or a number", label)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _cell(value: Any, number: int, label: str) -> Cell:
    if isinstance(value, bool) or not isinstance(value, int | float | str | None):
        raise _of_row(number, f"{label} is {_shown(value)}, expected a number, a text or null", label)
    if isinstance(value, int):
        if abs(value) > 2**53:
            raise _of_row(number, f"{label} has more digits than a number keeps: send it as a text", label)
        return float(value)
    return value
