"""The answers of GET /job/{id}/job_results/ as values, series by series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.datasets.group_values import group_values
from streams.cli.console.failure import PARTLY

__all__ = ["History", "JobOutcome", "SeriesForecast", "history_of", "job_outcome"]


@dataclass(frozen=True, slots=True)
class History:
    """A series as it was posted: timestamps in the file's own notation, None for a missing value."""

    target_label: str
    timestamps: Sequence[str]
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class SeriesForecast:
    """What one model made of one series, or why it failed. Timestamps are YYYY-MM-DD HH:MM:SS."""

    ts_id: int
    group: tuple[str, ...]
    model_name: str
    timestamps: Sequence[str] = ()
    predictions: Sequence[float | None] = ()
    quantiles: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """By level, such as "0.1"; none of a model that has none."""
    metrics: Mapping[str, float | None] | None = None
    backtest_timestamps: Sequence[str] = ()
    backtest: Sequence[float | None] = ()
    error: str | None = None

    @property
    def title(self) -> str:
        """The group values for a heading; the series' number where there is no group."""
        return " · ".join(self.group) or f"series {self.ts_id}"

    @property
    def size(self) -> float:
        """Mean size of what is forecast, to tell big series from small ones."""
        known = [abs(value) for value in self.predictions if value is not None]
        return sum(known) / len(known) if known else 0.0


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """All results of a finished job, by series and in the order of their submission.

    `lacking` says what those without a forecast are, and `by_model` whether their model is named with them.
    """

    job_id: int
    group_key: tuple[str, ...]
    forecasts: Sequence[SeriesForecast]
    message: str | None = None
    lacking: str = "forecasts failed"
    by_model: bool = True

    @property
    def failed(self) -> Sequence[SeriesForecast]:
        """Those that ended in an error."""
        return [forecast for forecast in self.forecasts if forecast.error is not None]

    @property
    def exit_status(self) -> int:
        """Of a command that was asked for all of it: 0, 3 where a part of it failed, 1 where nothing came."""
        if not self.failed:
            return 0
        return PARTLY if len(self.failed) < len(self.forecasts) else 1

    @property
    def metric_names(self) -> Sequence[str]:
        """Every metric that any result has, in order of appearance."""
        return list(dict.fromkeys(name for forecast in self.forecasts for name in forecast.metrics or ()))

    @property
    def levels(self) -> Sequence[str]:
        """Every quantile that any result has, the lowest first."""
        return sorted({level for forecast in self.forecasts for level in forecast.quantiles}, key=float)

    def largest(self, count: int) -> Sequence[int]:
        """The ts_ids of the series with the largest forecasts, largest first."""
        sizes: dict[int, float] = {}
        for forecast in self.forecasts:
            if forecast.error is None:
                sizes.setdefault(forecast.ts_id, forecast.size)
        return sorted(sizes, key=lambda ts_id: (-sizes[ts_id], ts_id))[:count]


def job_outcome(job_id: int, series: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> JobOutcome:
    """From the answers of ts_details and job_results."""
    groups = {item["ts_id"]: group_values(item["groupby_val"]) for item in series}
    forecasts = [
        _forecast(result, groups.get(entry["ts_id"], ())) for entry in answer["results"] for result in entry["results"]
    ]
    group_key = tuple(series[0]["groupby_key"]) if series else ()
    return JobOutcome(job_id, group_key, forecasts, answer.get("message"))


def history_of(answer: Mapping[str, Any]) -> History | None:
    """The history in a job_results answer for one series that was asked for with history; None where there is none."""
    for entry in answer["results"]:
        for result in entry["results"]:
            if "ts_history" in result:
                (label, values), (_, timestamps) = sorted(
                    result["ts_history"].items(),
                    key=lambda item: any(isinstance(cell, str) for cell in item[1]),  # texts are the timestamps
                )
                return History(label, timestamps, values)
    return None


def _forecast(result: Mapping[str, Any], group: tuple[str, ...]) -> SeriesForecast:
    if "error" in result:
        return SeriesForecast(result["ts_id"], group, result["model_name"], error=result["error"])
    backtest = result.get("backtest") or {"timestamps": (), "predictions": ()}
    return SeriesForecast(
        ts_id=result["ts_id"],
        group=group,
        model_name=result["model_name"],
        timestamps=result["timestamps"],
        predictions=result["predictions"],
        quantiles=result.get("quantiles") or {},
        metrics=result["metrics"],
        backtest_timestamps=backtest["timestamps"],
        backtest=backtest["predictions"],
    )
