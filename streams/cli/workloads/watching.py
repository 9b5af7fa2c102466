"""Follows a workload by its live events, and the rebuilding of the view."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from streams.cli.service.refusals import ServiceAwayError
from streams.cli.service.session import Session
from streams.cli.service.streaming import events
from streams.cli.workloads.tables import CURVE, metrics_table

__all__ = ["Watched", "follow", "follow_rebuild"]

_POLL_S: Final = 0.2
_SILENT_S: Final = 1.0  # how long a stream is waited at before it is looked whether to end


class Watched:
    """What has come of each metric and source: how many points, and the end of the curve."""

    def __init__(self) -> None:
        self._points: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, point: Mapping[str, Any]) -> None:
        """One more."""
        series = point["metric_name"], point["data_source"]
        kept = self._points.setdefault(series, [])
        kept.append(point)
        del kept[:-CURVE]
        self._counts[series] = self._counts.get(series, 0) + 1

    def table(self) -> Table:
        """As `tidecast metrics show` has it."""
        metrics: dict[str, dict[str, Any]] = {}
        for (name, source), count in self._counts.items():
            item = metrics.setdefault(name, {"name": name, "data_source": [], "count": 0})
            item["data_source"].append(source)
            item["count"] += count
        return metrics_table(metrics.values(), [point for kept in self._points.values() for point in kept])


def follow(
    session: Session,
    uid: str,
    asked: Mapping[str, Any],
    *,
    as_json: bool,
    until_idle_s: float | None,
    console: Console,
) -> None:
    """Until Ctrl-C, or until nothing came for so long."""
    watched, points = Watched(), _points(session, uid, asked, until_idle_s)
    with suppress(KeyboardInterrupt):
        if as_json or not console.is_terminal:
            for point in points:
                console.out(json.dumps(point))
            return
        with Live(console=console, refresh_per_second=4, get_renderable=watched.table):
            for point in points:
                watched.add(point)


def _points(
    session: Session, uid: str, asked: Mapping[str, Any], until_idle_s: float | None
) -> Iterator[Mapping[str, Any]]:
    """Each point once, over restarts of the service; one that is away is as silent as one without news."""
    path = f"/api/v1/workloads/{quote(uid, safe='')}/metrics/stream"
    last, left, deadline = "-1", until_idle_s, time.monotonic() + (until_idle_s or 0)
    while left is None or left > 0:
        session.watch()
        silent_s = _SILENT_S if left is None else min(_SILENT_S, left)
        try:
            for number, content in events(session.client, path, asked, last, silent_s=silent_s, patience_s=left):
                last = number
                yield from json.loads(content)
                session.watch()
                deadline = time.monotonic() + (until_idle_s or 0)
        except ServiceAwayError:
            if until_idle_s is None:
                raise
        left = None if until_idle_s is None else deadline - time.monotonic()


def follow_rebuild(session: Session, console: Console) -> tuple[float, int]:
    """Wait until all partitions are current again; how long it took, and how many records that were."""
    begun = time.monotonic()
    columns = TextColumn("reading the topic"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        while True:
            partitions = session.client.get("/api/v1/metrics/places")["partitions"]
            total = sum(it["end"] for it in partitions)
            progress.update(task, completed=sum(it["place"] for it in partitions), total=total or None)
            if partitions and all(it["current"] for it in partitions):
                return time.monotonic() - begun, total
            session.watch()
            time.sleep(_POLL_S)
