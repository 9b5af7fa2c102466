"""The results of a version's forecasts, as they come: lines for its log, points, means, a table."""

import csv
import io
from collections.abc import Sequence
from typing import Final

from agents.versions.telling import now
from connectors.timestamps.parsing import event_times
from schemas.series import SeriesResult

__all__ = ["ForecastResults"]

_MOST_LINES: Final = 200  # of a log; of more series each hundredth part is told
_OWN_COLUMNS: Final = ("series", "ts_id", "model", "timestamp", "value")


class ForecastResults:
    """One of each series, by the number of its submission, which is the series' place among `names`."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._results: dict[int, SeriesResult] = {}
        self._sums: dict[str, tuple[float, int]] = {}

    @property
    def count(self) -> int:
        """How many there will be."""
        return len(self._names)

    @property
    def done(self) -> int:
        """How many there are."""
        return len(self._results)

    def take(self, result: SeriesResult) -> list[tuple[str, float | None, int, int]] | None:
        """Its scores as points, the series' number from 1 as their step; None for a repeat, or another submission's."""
        if result.n in self._results or not 0 <= result.n < self.count:
            return None
        self._results[result.n] = result
        for name, value in result.metrics.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total, count) if value is None else (total + value, count + 1)
        at = result.answered_at or now()
        return [(name, value, result.n + 1, at) for name, value in result.metrics.items()]

    def line_of(self, result: SeriesResult) -> str | None:
        """What the log is told of the last one that was taken; None where there are too many to tell of each."""
        done, count = self.done, self.count
        if count > _MOST_LINES and result.error is None and done * 100 // count == (done - 1) * 100 // count:
            return None
        name = self._names[result.n] or "the series"
        scores = ", ".join(f"{label} {_short(value)}" for label, value in result.metrics.items())
        return f"{done}/{count} {name}: {result.error or scores or 'forecast'}"

    def means(self) -> dict[str, float | None]:
        """Of each score over the series that have it."""
        return {name: total / count if count else None for name, (total, count) in self._sums.items()}

    def failure(self) -> str | None:
        """Why no series could be forecast; None where one could."""
        errors = [result.error for result in self._results.values() if result.error is not None]
        return errors[0] if errors and len(errors) == self.done else None

    def table(self) -> bytes:
        """A row for each series and time, with the scores of the series in further columns; CSV."""
        names = list(self.means())
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*_OWN_COLUMNS, *names, "error"])
        for n, result in sorted(self._results.items()):
            about = [_safe(self._names[n]), result.ts_id, result.model_name]
            scores = [result.metrics.get(name) for name in names]
            if result.error is not None:
                writer.writerow([*about, "", "", *scores, _safe(result.error)])
            times = event_times(result.timestamps, result.micros)
            for at, value in zip(times, result.predictions, strict=True):
                writer.writerow([*about, at, value, *scores, ""])
        return text.getvalue().encode()


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _safe(text: str) -> str:
    """Text that a spreadsheet shows and does not run (CWE-1236)."""
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "|", "%")) else text
