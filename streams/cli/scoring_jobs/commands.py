"""`tidecast runs list`, `show`, `start`, `pause`, `continue`, `stop`, `delete` and `result`."""

# ruff: noqa: PLC0415  # what only these commands need is loaded by them, so that `tidecast --help` stays quick

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote, urlsplit

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, print_answer, print_json
from streams.cli.console.options import argument, option
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.service.asking import Url, session_of

if TYPE_CHECKING:
    from streams.cli.service.session import Session

__all__ = ["register"]

_ID = re.compile(r"r-[0-9a-f]{20}")
_LOOK_S = 0.5
_DONE: Final = {"stop": "stopped", "pause": "paused", "continue": "goes on", "delete": "removed"}

_Run = Annotated[str, argument(metavar="RUN", help="The run: its id, or its name.")]
Entry = Mapping[str, Any]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Runs of jobs that score data sets: by demand, or by a schedule.", no_args_is_help=True)
    group.command("list", epilog="Example: tidecast runs list nightly")(list_runs)
    group.command("show", epilog="Example: tidecast runs show nightly-1")(show)
    group.command("start", epilog="Example: tidecast runs start nightly --wait")(start)
    group.command("stop", epilog="Example: tidecast runs stop nightly-3")(stop)
    group.command("pause", epilog="Example: tidecast runs pause nightly-3")(pause)
    group.command("continue", epilog="Example: tidecast runs continue nightly-3")(go_on)
    group.command("delete", epilog="Example: tidecast runs delete nightly-1")(delete)
    group.command("result", epilog="Example: tidecast runs result nightly-3 --out scored.csv")(result)
    app.add_typer(group, name="runs")


def list_runs(
    job: Annotated[str | None, argument(metavar="[JOB]", help="Only of this job.")] = None,
    *,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List runs, the oldest first."""
    with session_of(url) as session:
        if job is None:
            found = session.client.get("/api/v1/runs")["data"]["runList"]
        else:
            found = session.client.get(f"/api/v1/jobs/{quote(job, safe='')}")["data"]["runList"]
    if as_json:
        print_json(found)
        return
    from rich.table import Table

    table = Table("run", "job", "status", "rows", "wrong", "seconds", "created", "id", box=None)
    for place in (3, 4, 5):
        table.columns[place].justify = "right"
    for run in found:
        counts = f"{run['rows']:,}", f"{run['wrongRows']:,}", f"{run['duration'] / 1000:.1f}"
        table.add_row(run["name"], run["jobName"], run["status"], *counts, run["createTime"], run["id"])
    output().print(table)


def show(run: _Run, *, as_json: AsJson = False, url: Url = None) -> None:
    """Show how far a run is, and why it failed."""
    with session_of(url) as session:
        found = _found(session, run)
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if value is not None:
            output().print(f"{name:<12}{one_line(str(value))}", soft_wrap=True)


def start(
    job: Annotated[str, argument(metavar="JOB", help="The job.")],
    *,
    name: Annotated[str | None, option(metavar="NAME", help="The run's name; else the job's with a number.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="End when the run has ended; 1 where it failed.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Start a run of a job, and print its id."""
    with session_of(url) as session:
        body = {} if name is None else {"runName": name}
        made = session.client.write("POST", f"/api/v1/jobs/{quote(job, safe='')}", body=body)["data"]
        if not (wait and as_json):
            print_answer(made, made["id"], as_json=as_json)
        if wait:
            ended = _until_ended(session, made["id"])
            if as_json:
                print_json(ended)
            _check_success(ended)


def stop(run: _Run, *, as_json: AsJson = False, url: Url = None) -> None:
    """Stop a run: it has failed then, with the reason stopped."""
    _operate(run, "stop", as_json=as_json, url=url)


def pause(run: _Run, *, as_json: AsJson = False, url: Url = None) -> None:
    """Pause a run, which keeps what it has scored."""
    _operate(run, "pause", as_json=as_json, url=url)


def go_on(run: _Run, *, as_json: AsJson = False, url: Url = None) -> None:
    """Let a paused run go on where it was."""
    _operate(run, "continue", as_json=as_json, url=url)


def delete(run: _Run, *, as_json: AsJson = False, url: Url = None) -> None:
    """Remove a run and its own result; the data set that it made stays."""
    _operate(run, "delete", as_json=as_json, url=url)


def result(
    run: _Run,
    *,
    out: Annotated[Path | None, option(metavar="FILE", help="Where to; else standard output.")] = None,
    url: Url = None,
) -> None:
    """Write the rows of a run with their results."""
    import sys

    from streams.cli.service.streaming import pieces

    with session_of(url) as session:
        found = _found(session, run)
        body = {"runName": found["name"], "runId": found["id"], "type": "result"}
        data = session.client.write("POST", "/operate-run", body=body)["data"]
        content = pieces(session.client, urlsplit(data["url"]).path, {})
        if out is None:
            for piece in content:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        try:
            with out.open("wb") as file:
                for piece in content:
                    file.write(piece)
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}") from error
    wrong = f", {data['wrongRows']:,} of them wrong" if data["wrongRows"] else ""
    notices().print(f"{data['rows']:,} rows in {out}{wrong}", soft_wrap=True)


def _operate(run: str, operation: str, *, as_json: bool, url: str | None) -> None:
    with session_of(url) as session:
        found = _found(session, run)
        body = {"runName": found["name"], "runId": found["id"], "type": operation}
        answer = session.client.write("POST", "/operate-run", body=body)["data"]
    print_answer(answer, f"run {found['name']} of {found['jobName']}: {_DONE[operation]}", as_json=as_json)


def _found(session: "Session", run: str) -> Entry:
    """The one run that has this id or name."""
    asked = {"runId" if _ID.fullmatch(run) else "runName": run}
    found: list[Entry] = session.client.get("/api/v1/runs", asked)["data"]["runList"]
    if not found:
        raise CommandError(f"there is no run {one_line(run)}: tidecast runs list shows those there are")
    if len(found) > 1:
        several = ", ".join(f"{one['id']} of {one['jobName']}" for one in found)
        raise CommandError(f"several jobs have a run {one_line(run)}: name it by its id: {several}")
    return found[0]


def _until_ended(session: "Session", run_id: str) -> Entry:
    while (found := _found(session, run_id))["status"] in ("running", "paused"):
        time.sleep(_LOOK_S)
    return found


def _check_success(found: Entry) -> None:
    """CommandError where a run has failed."""
    if found["status"] != "success":
        raise CommandError(f"run {found['name']} failed: {one_line(str(found['reason']))}")
    notices().print(f"{found['rows']:,} rows in {found['duration'] / 1000:.1f} s")
