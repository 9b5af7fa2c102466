"""Workloads and metrics as tables for a terminal, each metric with its curve."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table

from streams.cli.console.terminal import one_line

__all__ = ["CURVE", "metrics_table", "sparkline", "workloads_table"]

CURVE: Final = 40  # points of a curve: as many columns
_BARS: Final = "▁▂▃▄▅▆▇█"
_GAP: Final = " "

Item = Mapping[str, Any]


def sparkline(values: Sequence[float | None]) -> str:
    """A curve in one line; what could not be computed is a gap."""
    known = [value for value in values if value is not None]
    if not known:
        return _GAP * len(values)
    low, high = min(known), max(known)
    step = (high - low) / (len(_BARS) - 1) or 1.0
    return "".join(_GAP if value is None else _BARS[round((value - low) / step)] for value in values)


def workloads_table(workloads: Iterable[Item]) -> Table:
    """One workload a line."""
    table = Table("workload", "name", "kind", "status", "since", box=None)
    for item in workloads:
        since = datetime.fromtimestamp(item["create_time"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        name = "" if item["name"] == item["workload_uid"] else one_line(item["name"])
        table.add_row(item["workload_uid"], name, item["kind"], item["status"], since)
    return table


def metrics_table(metrics: Iterable[Item], points: Sequence[Item]) -> Table:
    """One metric a line, with the last value and the curve of each source."""
    table = Table("metric", "source", "points", "step", "last", "curve", box=None)
    for justified in (2, 3, 4):
        table.columns[justified].justify = "right"
    of_series: dict[tuple[str, str], list[Item]] = {}
    for point in points:
        of_series.setdefault((point["metric_name"], point["data_source"]), []).append(point)
    for metric in metrics:
        for number, source in enumerate(metric["data_source"]):
            found = of_series.get((metric["name"], source), [])
            last = found[-1] if found else None
            table.add_row(
                one_line(metric["name"]) if not number else "",
                source,
                f"{metric['count']:,}" if not number else "",
                "" if last is None else str(last["iteration"]),
                "" if last is None else shown(last["value"]),
                sparkline([point["value"] for point in found[-CURVE:]]),
            )
    return table


def shown(value: float | None) -> str:
    """A value in few digits."""
    return "null" if value is None else f"{value:.6g}"
