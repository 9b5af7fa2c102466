"""`tidecast job JOB_ID`: how a job stands, and its results."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import CommandError
from streams.cli.console.listing import check_no_files
from streams.cli.console.options import AllRows, argument, option
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.service.asking import Url

if TYPE_CHECKING:
    from streams.cli.service.client import ServiceClient

__all__ = ["register"]

_EPILOG = """Examples:

tidecast job 7

tidecast job 7 --wait --out forecasts.csv --plot forecasts.png

tidecast job 7 --json | jq .results

tidecast job 7 --stop

tidecast job 7 --refresh --wait

tidecast job 7 --as-of 2026-11-28T09:30"""
_STATUS = ("CREATED", "UNCOMITTED", "COMITTED", "DONE", "EXCEPTION")  # names as in the API, misspellings included
_MEANING = (", nothing asked for yet", ", settings stored, not trained", ", training", "", ", not all was forecast")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(job)


def job(  # noqa: PLR0913 - one parameter per option is how typer reads a command
    job_id: Annotated[int, argument(min=1, metavar="JOB_ID", help="The job.")],
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is finished.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop its training first; what is done by then stays.")] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Take the rows that came since, and forecast again what has changed.")
    ] = False,
    end_refresh: Annotated[
        bool, typer.Option("--end-refresh", help="Forecast nothing again by itself from now on.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the service's answers as one JSON document, with the histories.")
    ] = False,
    out: Annotated[Path | None, option(metavar="FILE.csv", help="Write the results as a CSV file.")] = None,
    plot: Annotated[
        Path | None, option(metavar="FILE.png", help="Draw the four largest series (png, svg or pdf).")
    ] = None,
    as_of: Annotated[
        str | None, option(metavar="TIME", help="Show it as it was then: YYYY-MM-DDTHH:MM, in UTC.")
    ] = None,
    url: Url = None,
    everything: AllRows = False,
) -> None:
    """Show the status of a job and, once it is finished, its results.

    Where no service runs, one is started on TIDECAST_HOME to read the job, and stopped afterwards. Exit status 3 if
    a part of the job failed, 1 if all of it did.
    """
    from streams.cli.forecasting import following, presenting
    from streams.cli.service.session import find_service, open_session

    check_no_files(as_json=as_json, out=out, plot=plot)
    _check_now(as_of, wait=wait, stop=stop, refresh=refresh)
    moment = None if as_of is None else _moment(as_of)
    presenting.check_outputs(out, plot)
    settings, console = load_settings(), notices()
    address = find_service(settings, url)
    if address is None and not settings.home.exists():
        raise CommandError(
            f"no service has ever run on {settings.home}: set TIDECAST_HOME, or name the service by --url"
        )
    with open_session(settings, address, console) as session:
        client = session.client
        _act(client, job_id, console, stop=stop, end_refresh=end_refresh, refresh=refresh)
        found: Mapping[str, Any] = client.job(job_id)
        if wait and found["status"] < following.FINISHED:
            _check_submitted(found)
            following.follow_job(session, job_id, console)
            found = client.job(job_id)
        at = None if moment is None else round(moment.timestamp() * 1000)
        if at is not None:
            found = {"job_id": job_id, "name": found["name"], "as_of": at} | _stood(client.results(job_id, as_of=at))
        finished = found["status"] >= following.FINISHED
        if as_json:
            presenting.print_results(client, job_id, {"job": found}, history=True, as_of=at)
            return
        _print_status(found, moment, output())
        if finished:
            outcome = following.outcome_of(client, job_id, as_of=at)
            presenting.present(client, outcome, output(), everything=everything, out=out, plot=plot, as_of=at)
        elif out or plot:
            remedy = "add --wait" if at is None else "name a later time"
            raise CommandError(f"job {job_id} is not finished, so nothing is written: {remedy}")


def _act(
    client: "ServiceClient", job_id: int, console: Console, *, stop: bool, end_refresh: bool, refresh: bool
) -> None:
    """What is to be done with the job before it is shown."""
    if stop:
        client.stop(job_id)
    if end_refresh:
        client.submit(job_id, [{"ts_id": "all", "refresh": "never"}])
    if refresh:
        answer = client.write("POST", f"/job/{job_id}/refresh")
        console.print(f"{len(answer['changed'])} series have changed", soft_wrap=True)
        for text in answer.get("errors", ()):
            console.print(f"not refreshed: {text}", soft_wrap=True, markup=False)


def _check_now(as_of: str | None, **options: bool) -> None:
    """CommandError where a time that is past is named, and something that can only be done now."""
    given = next((name for name, is_given in options.items() if is_given), None)
    if as_of is not None and given is not None:
        raise CommandError(f"--{given} is for now, --as-of for a time that is past: leave one of them out", status=2)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"--as-of {text}: is no time, write it as 2026-11-28T09:30 (UTC) or 2026-11-28T10:30+01:00", status=2
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _stood(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Of the answer of an earlier time what is not results."""
    return {name: value for name, value in answer.items() if name != "results"}


def _check_submitted(found: Mapping[str, Any]) -> None:
    """CommandError where waiting would be in vain."""
    if not found["submitted"]:
        raise CommandError(
            f"job {found['job_id']} is not training, as no forecasts were asked for: leave --wait out, or ask for them"
        )


def _print_status(found: Mapping[str, Any], moment: datetime | None, console: Console) -> None:
    """How the job stands; of a `moment` that is past the service says no more than status and message."""
    status = found["status"]
    name = f" ({found['name']})" if found.get("name") else ""
    if moment is not None:
        name += f" as of {moment:%Y-%m-%d %H:%M:%S} UTC"
    console.print(f"job {found['job_id']}{name}: {_STATUS[status]}{_MEANING[status]}", style="bold", soft_wrap=True)
    if found.get("message"):
        console.print(one_line(found["message"]), style="red", soft_wrap=True)
    if moment is not None:
        return
    series = Counter(_STATUS[item["status"]] for item in found["series"])
    counted = ", ".join(f"{count} {name}" for name, count in series.items()) or "none"
    console.print(f"series: {counted}", soft_wrap=True)
    failed = f", {found['failed']} of them failed" if found["failed"] else ""
    console.print(f"forecasts: {found['finished']} of {found['submitted']} finished{failed}", soft_wrap=True)
    for line in _refreshes(found):
        console.print(line, soft_wrap=True, markup=False)


def _refreshes(found: Mapping[str, Any]) -> Iterator[str]:
    """What is forecast again and again, a line each."""
    for one in found.get("refresh", ()):
        groups = one.get("groups")
        series = one["ts_id"] if groups is None else ", ".join(f"{name}={value}" for name, value in groups.items())
        when = {"data": f"{one.get('pause_s', 0):g} s after new data", "hand": "by hand"}.get(one["on"])
        when = when or f"at {one['cron']} {one['time_zone']}, next {one['next']}"
        yield f"refreshed {when}: {series} with {one['model_name']}"
        if one.get("error"):
            again = f" (tried again at {one['next']})" if one["on"] == "data" and one.get("next") else ""
            yield f"  at its last refresh: {one['error']}{again}"
    if found.get("refreshed"):
        yield f"refreshed last at {found['refreshed']}"
