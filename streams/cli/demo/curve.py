"""The curve of the demo's training job: what it told of its epochs while it ran."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console

from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line
from streams.cli.service.session import Session
from streams.cli.workloads.tables import sparkline

__all__ = ["show_curve"]

_LOSS: Final = "loss"
_SEEN_WITHIN_S: Final = 10.0  # contract M-064 has two; a busy machine is slower
_LOOK_S: Final = 0.2


def show_curve(session: Session, version: Mapping[str, Any], results: Console) -> None:
    """Print the loss of each epoch of a version as a curve; CommandError where points are missing."""
    uid, name = f"tj-{version['job_id']}-{version['version_id']}", version["job_name"]
    losses = _losses(session, uid, version["epoch"])
    curve = f"loss {losses[0]:.3f} {sparkline(losses)} {losses[-1]:.3f}"
    results.print(f"training job {name}: {len(losses)} epochs, {curve}", soft_wrap=True)
    log, more = command_line(f"jobs logs {name}"), command_line(f"metrics show {uid}")
    results.print(f"{log} has its log, {more} all its curves", style="dim", soft_wrap=True)


def _losses(session: Session, uid: str, epochs: int) -> Sequence[float]:
    """Of all epochs; points are seen a moment after the job has ended."""
    deadline = time.monotonic() + _SEEN_WITHIN_S
    while True:
        path = f"/api/v1/workloads/{uid}/metrics/data"
        points = session.client.get(path, {"metrics": _LOSS})["data"]
        found = [point["value"] for point in points if point["value"] is not None]
        if len(found) >= epochs:
            return found
        if time.monotonic() > deadline:
            raise CommandError(f"{uid}: {len(found)} values of its loss, expected one for each of {epochs} epochs")
        session.watch()
        time.sleep(_LOOK_S)
