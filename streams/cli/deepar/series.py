"""Series as DeepAR takes them: JSON Lines with start, target, cat, dynamic_feat and item_id, read and written."""

import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from connectors.timestamps.parsing import BadTimestampError, parse_timestamps, shown_times
from models.deepar.calendars import calendar_at, on_calendar
from models.deepar.frequency import Frequency
from models.json_words import json_problem, without_mark
from streams.cli.console.failure import CommandError
from streams.cli.deepar.times import OnSteps

__all__ = ["SeriesLine", "first_series", "is_json_lines", "lines_file", "read_series", "step_times"]

_LOOKED_AT: Final = 4096  # bytes in which something other than a blank must come


@dataclass(frozen=True, slots=True, eq=False)
class SeriesLine:
    """One series: what it is called, its fields as the line has them, and if known the calendar that it follows."""

    name: tuple[str, ...]
    fields: Mapping[str, Any]
    laid: OnSteps | None = None

    @property
    def title(self) -> str:
        """The name for a heading."""
        return " · ".join(self.name)

    @property
    def history(self) -> Sequence[float]:
        """The values, NaN where one is missing."""
        return [float(value) if isinstance(value, int | float) else math.nan for value in self.fields["target"]]


def is_json_lines(path: Path) -> bool:
    """Whether the file has JSON objects rather than a CSV header; CommandError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_LOOKED_AT).lstrip().startswith(b"{")
    except OSError as error:
        raise CommandError(f"FILE {path} cannot be read: {error.strerror}; correct the path") from None


def read_series(path: Path) -> list[SeriesLine]:
    """All series of a JSON Lines file; CommandError names the line that is none. The rest the service checks."""
    with path.open("rb") as file:
        found = [_series(path, number, line) for number, line in enumerate(file, 1) if line.strip()]
    if not found:
        raise CommandError(f"{path} has no series: write one JSON object per line, with start and target")
    return found


def first_series(path: Path) -> SeriesLine:
    """The first series of a JSON Lines file, which may be large; CommandError as `read_series`."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                return _series(path, number, line)
    raise CommandError(f"{path} has no series: write one JSON object per line, with start and target")


@contextmanager
def lines_file(series: Iterable[SeriesLine]) -> Iterator[Path]:
    """A file with one line for each, gone afterwards."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.writelines(orjson.dumps(one.fields, option=orjson.OPT_APPEND_NEWLINE) for one in series)
        file.flush()
        yield Path(file.name)


def step_times(series: SeriesLine, frequency: Frequency, count: int, *, first: int = 0) -> list[str]:
    """The times of `count` steps, the step `first` being the first: YYYY-MM-DD HH:MM:SS.

    Without a calendar they go on from the start as it is: on its weekday, its day of the month, at its time of day.
    """
    if series.laid is not None:
        calendar, begin = series.laid.calendar, series.laid.begin
        return shown_times(calendar.shown(calendar.times(begin, count, first=first)))
    start = str(series.fields["start"])
    try:
        (moment,) = parse_timestamps([start]).wall
    except BadTimestampError as error:
        raise CommandError(f"{series.title}: start {error}") from None
    begin = on_calendar(frequency, int(moment))
    return shown_times(calendar_at(frequency, begin).times(begin, count, first=first))


def _series(path: Path, number: int, line: bytes) -> SeriesLine:
    line = without_mark(line)
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        problem = json_problem(error, line)
        raise CommandError(
            f"{path}, line {number}: not JSON: {problem.words}, at character {problem.character + 1}"
        ) from None
    if not isinstance(fields, dict) or not isinstance(fields.get("target"), list) or "start" not in fields:
        raise CommandError(f"{path}, line {number}: expected an object with start and target, an array")
    name = fields.get("item_id")
    return SeriesLine((str(name) if name not in (None, "") else f"line {number}",), fields)
