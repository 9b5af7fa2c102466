"""`tidecast job JOB_ID`: how a job stands, and its results."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from streams.cli.configuration import load_settings
from streams.cli.failure import CommandError
from streams.cli.terminal import notices, one_line, output

__all__ = ["register"]

_EPILOG = """Examples:

tidecast job 7

tidecast job 7 --wait --out forecasts.csv --plot forecasts.png

tidecast job 7 --json | jq .results"""
_STATUS = ("CREATED", "UNCOMITTED", "COMITTED", "DONE", "EXCEPTION")  # names as in the API, misspellings included
_MEANING = (", nothing asked for yet", ", settings stored, not trained", ", training", "", ", a forecast failed")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(job)


def job(
    job_id: Annotated[int, typer.Argument(min=1, metavar="JOB_ID", help="The job.", show_default=False)],
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is finished.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the service's answers as one JSON document, with the histories.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write the results as a CSV file.", show_default=False)
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw the four largest series (png, svg or pdf).", show_default=False),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Service to ask instead of the one on TIDECAST_HOME.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Print every row of a long table.")] = False,
) -> None:
    """Show the status of a job and, once it is finished, its results.

    Where no service runs, one is started on TIDECAST_HOME to read the job, and stopped afterwards. Exit status 1 if
    the job failed.
    """
    from streams.cli import following, presenting
    from streams.cli.session import find_service, open_session

    if as_json and (out or plot):
        raise CommandError("--json writes no file: leave --out and --plot out, or --json", status=2)
    presenting.check_outputs(out, plot)
    settings, console = load_settings(), notices()
    address = find_service(settings, url)
    if address is None and not settings.home.exists():
        raise CommandError(
            f"no service has ever run on {settings.home}: set TIDECAST_HOME, or name the service by --url"
        )
    with open_session(settings, address, console) as session:
        found = session.client.job(job_id)
        if wait and found["status"] < following.FINISHED:
            _check_submitted(found)
            following.follow_job(session, job_id, console)
            found = session.client.job(job_id)
        finished = found["status"] >= following.FINISHED
        if as_json:
            answers = {"job": found, **session.client.results(job_id, history=True)}
            json.dump(answers, sys.stdout, ensure_ascii=False)
            sys.stdout.write("\n")
            if found["status"] > following.FINISHED:
                raise typer.Exit(1)
            return
        _print_status(found, output())
        if finished:
            outcome = following.outcome_of(session.client, job_id)
            presenting.present(session.client, outcome, output(), everything=everything, out=out, plot=plot)
        elif out or plot:
            raise CommandError(f"job {job_id} is not finished, so nothing is written: add --wait")


def _check_submitted(found: Mapping[str, Any]) -> None:
    """CommandError where waiting would be in vain."""
    if not found["submitted"]:
        raise CommandError(
            f"job {found['job_id']} is not training, as no forecasts were asked for: leave --wait out, or ask for them"
        )


def _print_status(found: Mapping[str, Any], console: Console) -> None:
    status = found["status"]
    name = f" ({found['name']})" if found.get("name") else ""
    console.print(f"job {found['job_id']}{name}: {_STATUS[status]}{_MEANING[status]}", style="bold", soft_wrap=True)
    if found.get("message"):
        console.print(one_line(found["message"]), style="red", soft_wrap=True)
    series = Counter(_STATUS[item["status"]] for item in found["series"])
    counted = ", ".join(f"{count} {name}" for name, count in series.items()) or "none"
    console.print(f"series: {counted}", soft_wrap=True)
    failed = f", {found['failed']} of them failed" if found["failed"] else ""
    console.print(f"forecasts: {found['finished']} of {found['submitted']} finished{failed}", soft_wrap=True)
