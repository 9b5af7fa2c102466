"""Files of points: CSV and JSON Lines, with a point in each line, or with a step and all its metrics in each.

The first have metric_name, value, timestamp, iteration and, if wanted, data_source, as the service exports them. The
second have a column such as epoch or step, as Keras' CSVLogger and Lightning's write them; every other number is a
metric.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.metric_sources.source_points import SourcePoint

__all__ = ["POINT", "STEPS", "BadLineError", "columns_of_csv", "is_point", "point_of", "points_of_row"]

POINT: Final = ("metric_name", "value", "timestamp", "iteration")
"""The columns of a point; data_source may be beside them."""
STEPS: Final = ("global_step", "step", "_step", "iteration", "iter", "epoch")
"""Names of the column with the step, the first that there is."""
_TIMES: Final = ("timestamp", "_timestamp", "time", "wall_time", "created_at")
_SECONDS: Final = range(10**8, 10**11)  # epoch seconds of 1973 and later; above: milliseconds
_LARGEST: Final = 2**53


class BadLineError(ValueError):
    """A line that no point can be made of; the words say why."""


def columns_of_csv(line: str) -> Sequence[str]:
    """The cells of one line; none where it is no line of such a file, as many a log's is."""
    try:
        return [cell.strip() for cell in next(csv.reader([line]), [])]
    except csv.Error:  # a cell of more than 128 KiB, a carriage return within
        return []


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


def points_of_row(row: Mapping[str, Any], *, at: int) -> list[SourcePoint]:
    """The points of a step; `at` is when it was, where the row does not say. BadLineError where it has no step."""
    step = next((name for name in STEPS if row.get(name) not in (None, "")), None)
    if step is None:
        raise BadLineError(f"it has no step: a column is called one of {', '.join(STEPS)}")
    iteration = _whole(step, row[step])
    timestamp = next((time for name in _TIMES if (time := _time(row.get(name))) is not None), at)
    points = []
    for name, text in row.items():
        if name and name not in STEPS and name not in _TIMES and text not in (None, ""):
            try:
                points.append(SourcePoint(name, _finite(text), timestamp, iteration))
            except BadLineError:  # a text, or nothing that counts
                continue
    return points


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
        return None
    if value is None or value < _SECONDS.start:
        return None
    return round(value * 1000) if value < _SECONDS.stop else round(value)
