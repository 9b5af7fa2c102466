"""Files of points: CSV and JSON Lines, with a point in each line, or with a step and all its metrics in each.

The first have metric_name, value, timestamp, iteration and, if wanted, data_source, as the service exports them. The
second have a column such as epoch or step, as Keras' CSVLogger and Lightning's write them, or Step, as W&B's and
TensorBoard's pages do; every other number is a metric.

CSV has the separator that its first line has: Keras' CSVLogger is told it, spreadsheets take the country's. A line
that is wrong is left out and told with its number; of texts among the metrics of steps each column is told once.
"""

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from connectors.metric_sources import log_lines
from connectors.metric_sources.source_points import Problems, SourcePoint
from connectors.metric_sources.text_lines import milliseconds_of

__all__ = [
    "POINT",
    "STEPS",
    "BadLineError",
    "TableRows",
    "Texts",
    "columns_of_csv",
    "is_header",
    "is_point",
    "point_of",
    "points_of_row",
    "separator_of",
]

POINT: Final = ("metric_name", "value", "timestamp", "iteration")
"""The columns of a point; data_source may be beside them."""
STEPS: Final = ("global_step", "step", "_step", "iteration", "iter", "epoch")
"""Names of the column with the step, the first that there is."""
_TIMES: Final = ("timestamp", "_timestamp", "time", "wall_time", "created_at")
_SECONDS: Final = range(10**8, 10**11)  # epoch seconds of 1973 and later; above: milliseconds
_LARGEST: Final = 2**53
_SEPARATORS: Final = (",", ";", "\t")
_NOTHING: Final = frozenset(("", "na", "n/a", "null", "none"))  # Keras writes NA where an epoch has no value
_DECIMAL_COMMA: Final = re.compile(r"([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)")
_SHOWN: Final = 40  # characters of a text that a sentence repeats
_MOST_COLUMNS: Final = 1000  # with texts that are told; JSON may name another one in each line

Texts = Sequence[tuple[str, str]]
"""Columns of a row that have no number, and what they have."""


class BadLineError(ValueError):
    """A line that no point can be made of; the words say why."""


def columns_of_csv(line: str, separator: str = ",") -> Sequence[str]:
    """The cells of one line; none where it is no line of such a file, as many a log's is."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:  # a cell of more than 128 KiB, a carriage return within
        return []


def separator_of(line: str) -> str:
    """What parts the cells of a file with this first line."""
    return max(_SEPARATORS, key=lambda separator: len(columns_of_csv(line, separator)))


def is_header(line: str) -> bool:
    """Whether a first line names the columns of such a file, by which it is told from a log's."""
    names = columns_of_csv(line, separator_of(line))
    if is_point(names):
        return True
    first = [_plain(name) for name in names[:2]]
    steps = len(first) > 1 and (first[0] in STEPS or (first[0] in _TIMES and first[1] in STEPS))
    return steps and not any(_is_number(name) for name in names)


def is_point(names: Sequence[str]) -> bool:
    """Whether each row with these columns is one point."""
    return set(POINT) <= set(names)


def point_of(row: Mapping[str, Any]) -> tuple[SourcePoint, str | None]:
    """The point that a row is, and its data_source where it says it; BadLineError where it is none."""
    name = row.get("metric_name")
    if not isinstance(name, str) or not name:
        raise BadLineError("metric_name is missing")
    timestamp, iteration = _whole("timestamp", row.get("timestamp")), _whole("iteration", row.get("iteration"))
    text = row.get("value")
    value = None if text in (None, "") else _finite(text)
    source = row.get("data_source")
    return SourcePoint(name, value, timestamp, iteration), source if isinstance(source, str) and source else None


def points_of_row(
    row: Mapping[str, Any], *, at: int, decimal_comma: bool = False
) -> tuple[list[SourcePoint], list[tuple[str, str]]]:
    """The points of a step, and its texts, which are none; `at` is when it was, where the row does not say.

    BadLineError where it has no step. With `decimal_comma` 0,5 is a number too.
    """
    plain = {_plain(name): name for name in reversed(list(row))}
    step = next((plain[name] for name in STEPS if name in plain and not _is_nothing(row[plain[name]])), None)
    if step is None:
        raise BadLineError(f"it has no step: a column is called one of {', '.join(STEPS)}")
    iteration = _whole(step, row[step])
    times = [_time(row[plain[name]]) for name in _TIMES if name in plain]
    timestamp = next((time for time in times if time is not None), at)
    points: list[SourcePoint] = []
    texts: list[tuple[str, str]] = []
    for name, text in row.items():
        if not name or _plain(name) in STEPS or _plain(name) in _TIMES or _is_nothing(text):
            continue
        try:
            points.append(SourcePoint(name, _finite(_pointed(text) if decimal_comma else text), timestamp, iteration))
        except BadLineError:
            texts.append((name, str(text)))
    return points, texts


def _plain(name: str) -> str:
    """The name of a column as programs write it: Wall time is wall_time."""
    return name.strip().lower().replace(" ", "_")


def _is_number(text: str) -> bool:
    try:
        _finite(text)
    except BadLineError:
        return False
    return True


def _is_nothing(text: Any) -> bool:
    return text is None or (isinstance(text, str) and text.strip().lower() in _NOTHING)


def _pointed(text: Any) -> Any:
    found = _DECIMAL_COMMA.fullmatch(text) if isinstance(text, str) else None
    return text if found is None else f"{found[1]}.{found[2]}"


def _finite(text: Any) -> float | None:
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise BadLineError("value is no number")
    try:
        value = float(text)
    except (ValueError, OverflowError):
        raise BadLineError(f"value {str(text)[:40]!r} is no number") from None
    return value if math.isfinite(value) else None


def _whole(field: str, text: Any) -> int:
    if text is None:
        raise BadLineError(f"{field} is missing")
    try:
        value = _finite(text)
    except BadLineError:
        value = None
    if value is None or not value.is_integer() or abs(value) > _LARGEST:
        raise BadLineError(f"{field} {str(text)[:40]!r} is no whole number")
    return int(value)


def _time(text: Any) -> int | None:
    try:
        value = _finite(text)
    except BadLineError:
        return milliseconds_of(text) if isinstance(text, str) else None
    if value is None or value < _SECONDS.start:
        return None
    return round(value * 1000) if value < _SECONDS.stop else round(value)


class TableRows:
    """Takes one line after the other; `name` is the file, for what is said of it."""

    def __init__(self, name: object, *, csv: bool) -> None:
        self._name = name
        self._csv = csv
        self._separator: str | None = None
        self._columns: Sequence[str] | None = None
        self._line = 0
        self._wrong = Problems()
        self._numbers: set[str] = set()
        self._texts: Counter[str] = Counter()
        self._first: dict[str, tuple[int, str]] = {}

    def begin_again(self) -> None:
        """Another file is there, with a first line of its own."""
        self._separator = self._columns = None
        self._line = 0

    def points_of(self, line: str, clock: Callable[[], int]) -> list[tuple[SourcePoint, str]]:
        """The points of the next line, each with its data_source; the clock says when a row was written."""
        self._line += 1
        if not line.strip():
            return []
        if self._csv and self._columns is None:
            self._begin(line.removeprefix("\ufeff"))
            return []
        at = clock()
        try:
            row = self._row(line)
            if "metric_name" in row:
                point, source = point_of(row)
                return [(point, source or log_lines.SOURCE)]
            points, texts = points_of_row(row, at=at, decimal_comma=self._separator not in (None, ","))
        except BadLineError as error:
            self._wrong.add(f"{self._name}, line {self._line}: {error}; it is left out")
            return []
        self._numbers.update(point.metric_name for point in points)
        self._note(texts)
        return [(point, log_lines.SOURCE) for point in points]

    def _begin(self, line: str) -> None:
        said = line.strip().removeprefix("sep=")
        if line.startswith("sep=") and len(said) == 1:  # a line of its own, by which Excel is told
            self._separator = said
            return
        self._separator = separator_of(line) if self._separator is None else self._separator
        self._columns = columns_of_csv(line, self._separator)
        for column, times in Counter(self._columns).items():
            if times > 1 and column:
                self._wrong.add(f"{self._name}: {times} columns are called {column}; the last one counts: rename them")

    def _row(self, line: str) -> Mapping[str, Any]:
        if self._csv:
            columns = self._columns or ()
            cells = columns_of_csv(line, self._separator or ",")
            if len(cells) != len(columns):
                raise BadLineError(f"it has {len(cells)} cells, the first line has {len(columns)}")
            return dict(zip(columns, cells, strict=True))
        try:
            row = orjson.loads(line.removeprefix("\ufeff"))
        except orjson.JSONDecodeError:
            raise BadLineError("it is no JSON") from None
        if not isinstance(row, dict):
            raise BadLineError("it is no object")
        return row

    def _note(self, texts: Texts) -> None:
        for column, text in texts:
            if column in self._first or len(self._first) < _MOST_COLUMNS:
                self._first.setdefault(column, (self._line, text))
                self._texts[column] += 1

    @property
    def problems(self) -> Sequence[Problems]:
        """What was left out. A column without any number counts once: it was not meant to be a metric."""
        columns = Problems()
        for column, times in self._texts.items():
            line, text = self._first[column]
            shown = f"{text[:_SHOWN]!r} in line {line}"
            if column not in self._numbers:
                columns.add(f"{self._name}, column {column}: {shown} is no number, and no line has one; it is left out")
                continue
            columns.add(f"{self._name}, column {column}: {times:,} cells are no numbers, first {shown}; left out")
            columns.count += times - 1
        return [columns, self._wrong]
