"""Training jobs and their versions as tables for a terminal."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.table import Table

from streams.cli.console.terminal import one_line

__all__ = ["ENDED", "jobs_table", "status_words", "versions_table"]

_STATUS: Final = {  # contract T-041, T-042
    1: "new",
    5: "cannot run",
    6: "not deleted",
    7: "waiting",
    8: "running",
    9: "stopping",
    10: "completed",
    11: "failed",
    12: "stopped",
    13: "cancelled",
    14: "lost",
}
ENDED: Final = frozenset({3, 5, 6, 10, 11, 12, 13, 14})
"""Statuses that go no further by themselves (contract T-134; 6: what remains where it could not be deleted)."""

Item = Mapping[str, Any]


def status_words(number: int | None) -> str:
    """What a status means; empty for a job without a version."""
    return "" if number is None else _STATUS.get(number, f"status {number}")


def jobs_table(jobs: Iterable[Item]) -> Table:
    """One job a line, with the status of its newest version."""
    table = Table("job", "name", "status", "versions", "seconds", "created", box=None)
    for place in (3, 4):
        table.columns[place].justify = "right"
    for job in jobs:
        table.add_row(
            str(job["job_id"]),
            one_line(job["job_name"]),
            status_words(job.get("status")),
            str(job["version_count"]),
            _seconds(job),
            _time(job["create_time"]),
        )
    return table


def versions_table(versions: Iterable[Item]) -> Table:
    """One version a line, the newest first."""
    table = Table("version", "id", "status", "epoch", "loss", "seconds", "created", "message", box=None)
    for place in (3, 4, 5):
        table.columns[place].justify = "right"
    for version in versions:
        epoch = f"{version['epoch']}/{version['epochs']}" if version.get("epochs") else str(version.get("epoch") or "")
        loss = version.get("loss")
        table.add_row(
            version["version_name"],
            str(version["version_id"]),
            status_words(version["status"]),
            epoch,
            "" if loss is None else f"{loss:.6g}",
            _seconds(version),
            _time(version["create_time"]),
            one_line(version.get("message") or ""),
        )
    return table


def _seconds(item: Item) -> str:
    return f"{item['duration'] / 1000:,.1f}"


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
