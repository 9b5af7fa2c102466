"""Shows a finished job: table, file, picture."""

# ruff: noqa: PLC0415  # matplotlib takes a second to load, and few commands draw

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from streams.cli.console.failure import PARTLY, CommandError
from streams.cli.console.listing import print_json
from streams.cli.console.terminal import notices
from streams.cli.forecasting import sums
from streams.cli.forecasting.csv_export import check_writable, write_csv
from streams.cli.forecasting.following import FINISHED
from streams.cli.forecasting.outcome import JobOutcome, history_of, job_outcome
from streams.cli.forecasting.tables import LONGEST_TABLE, forecast_table
from streams.cli.service.client import ServiceClient

__all__ = ["check_complete", "check_outputs", "draw", "present", "print_results"]

_PLOTTED = 4  # series: more would be small
_FORMATS = (".png", ".svg", ".pdf")
_FAILURES_SHOWN = 5


def check_outputs(out: Path | None, plot: Path | None) -> None:
    """CommandError, before any work is done, where a result could not be written."""
    check_writable(out, "--out")
    check_writable(plot, "--plot")
    if plot is not None and plot.suffix.lower() not in _FORMATS:
        raise CommandError(f"--plot {plot}: end the name in one of {', '.join(_FORMATS)}")


def present(
    client: ServiceClient,
    outcome: JobOutcome,
    console: Console,
    *,
    everything: bool = False,
    out: Path | None = None,
    plot: Path | None = None,
    as_of: int | None = None,
    asked_sums: Mapping[str, Any] | None = None,
) -> None:
    """Print the table and write what was asked for; CommandError at the end where forecasts failed.

    `as_of` is the time of the outcome in milliseconds, where it is an earlier one. With `asked_sums` the sums above the
    series are printed, and drawn, too: how they are to be made.
    """
    console.print(forecast_table(outcome, rows=None if everything else LONGEST_TABLE))
    added = []
    if asked_sums is not None:
        found = sums.above(client, outcome.job_id, outcome.group_key, asked_sums)
        added.append(sums.outcome_of(found, partial=sums.partial_remedy(outcome.job_id)))
        sums.tell(found, added[0], console, notices(), everything=everything)
    if out is not None:
        console.print(f"{write_csv(outcome, out)} rows written to {out}", soft_wrap=True)
    if plot is not None:
        if asked_sums is None:
            draw(client, outcome, plot, outcome.largest(_PLOTTED), as_of=as_of)
        else:
            sums.draw(sums.above(client, outcome.job_id, outcome.group_key, asked_sums, drawn=True), plot)
        console.print(f"plot written to {plot}", soft_wrap=True)
    check_complete(outcome, *added)


def print_results(
    client: ServiceClient,
    job_id: int,
    head: Mapping[str, Any],
    *,
    history: bool = False,
    as_of: int | None = None,
    asked_sums: Mapping[str, Any] | None = None,
) -> None:
    """Print the service's answer as one document, with `head` before it; CommandError then where forecasts failed.

    With `asked_sums` it has the sums above the series as `sums`.
    """
    answer = client.results(job_id, history=history, as_of=as_of)
    outcome = job_outcome(job_id, (), {"results": (), **answer})
    if asked_sums is None:
        print_json({**head, **answer})
        check_complete(outcome)
    else:
        columns = job_outcome(job_id, client.series(job_id), {"results": ()}).group_key
        found = sums.above(client, job_id, columns, asked_sums)
        print_json({**head, **answer, "sums": found["sums"]})
        check_complete(outcome, sums.outcome_of(found, partial=sums.partial_remedy(job_id)))
    if answer["status"] > FINISHED:
        raise CommandError(f"job {job_id}: {answer.get('message') or 'not all was forecast'}")


def draw(
    client: ServiceClient,
    outcome: JobOutcome,
    path: Path,
    ts_ids: Sequence[int],
    *,
    title: str | None = None,
    as_of: int | None = None,
) -> None:
    """Draw these series; CommandError where there is nothing to draw."""
    from streams.cli.forecasting.plots import Panel, plot_forecasts

    panels = []
    written = client.timestamp_format(outcome.job_id)
    for ts_id in ts_ids:
        history = history_of(client.results(outcome.job_id, ts_id=ts_id, history=True, as_of=as_of))
        if history is not None:
            panels.append(Panel(history, [item for item in outcome.forecasts if item.ts_id == ts_id], written))
    if not panels:
        raise CommandError(f"{path}: there is no forecast to draw")
    plot_forecasts(panels, path, title=title or f"{panels[0].history.target_label}: forecasts of job {outcome.job_id}")


def check_complete(outcome: JobOutcome, *further: JobOutcome) -> None:
    """CommandError with what has no forecast, and the status of a command that was asked for all of it."""
    lacking = [one for one in (outcome, *further) if one.failed]
    if lacking:
        raise CommandError("\n".join(map(_failures, lacking)), status=outcome.exit_status or PARTLY)


def _failures(outcome: JobOutcome) -> str:
    lines = [f"{len(outcome.failed)} of {len(outcome.forecasts)} {outcome.lacking}:"]
    for item in outcome.failed[:_FAILURES_SHOWN]:
        name = f"{item.title}, {item.model_name}" if outcome.by_model else item.title
        lines.append(f"  {name}: {item.error}")
    if len(outcome.failed) > _FAILURES_SHOWN:
        lines.append("  …")
    if any("more than once" in (item.error or "") for item in outcome.failed):
        lines.append("where a file holds several series, name the columns that tell them apart: --group-by COLUMN")
    return "\n".join(lines)
