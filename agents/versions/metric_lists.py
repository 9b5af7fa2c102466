"""`model_metric_list` and `system_metric_list` of a version, as JSON texts (contract T-123 … T-128)."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from agents.versions.telling import finite
from schemas.training import SYSTEM_METRICS
from streams.training.resources import interval_minutes

__all__ = ["SystemMetrics", "model_metric_list"]

_CLASSIFICATION: Final = ("recall", "precision", "accuracy", "f1_score")
_MOST: Final = 240  # samples: the text has to fit into a row, and a chart shows no more


def model_metric_list(values: Mapping[str, float | None]) -> str:
    """What a model came to: the four of classification where they are known, then all others; empty: nothing is."""
    if not values:
        return ""
    ordered = [name for name in _CLASSIFICATION if name in values]
    ordered += [name for name in values if name not in ordered]
    total = {name: finite(values[name]) for name in ordered}
    return json.dumps(
        {
            "metric": [],
            "total_metric": {"total_metric_meta": {}, "total_reserved_data": {}, "total_metric_values": total},
        }
    )


class SystemMetrics:
    """What a run takes of the machine, a sample for each interval: the mean of what was measured in it.

    When there are many, two become one, and the interval twice as long: so they are bounded however long a run takes.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._done: list[tuple[float, ...]] = []
        self._open: list[tuple[float, ...]] = []
        self._ends = interval_s

    def add(self, at_s: float, values: Sequence[float]) -> None:
        """A measurement, so many seconds after the run's begin: one value for each of SYSTEM_METRICS."""
        while at_s >= self._ends:
            self._close()
        self._open.append(tuple(values))

    @property
    def text(self) -> str:
        """As the contract has it; empty before the first measurement."""
        shown = [*self._done, _mean(self._open)] if self._open else self._done
        if not shown:
            return ""
        series = {name: [_text(values[place]) for values in shown] for place, name in enumerate(SYSTEM_METRICS)}
        return json.dumps({**series, "interval": interval_minutes(self._interval_s)})

    def _close(self) -> None:
        """The interval is over; one without a measurement has the last one's values."""
        self._ends += self._interval_s
        if self._open or self._done:
            self._done.append(_mean(self._open) if self._open else self._done[-1])
        self._open = []
        if len(self._done) >= _MOST:
            pairs = zip(self._done[::2], self._done[1::2], strict=True)
            self._done = [_mean(pair) for pair in pairs]
            self._ends += self._interval_s
            self._interval_s *= 2


def _mean(values: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(sum(column) / len(values) for column in zip(*values, strict=True))


def _text(value: float) -> str:
    """Up to two decimals, "0" for nothing (T-127)."""
    shown = f"{value:.2f}"
    return "0" if float(shown) == 0 else shown
