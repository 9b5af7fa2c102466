"""`tidecast jobs list`, `run`, `show`, `logs`, `stop` and `delete`."""

# ruff: noqa: PLC0415  # what only these commands need is loaded by them, so that `tidecast --help` stays quick

import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, print_answer, print_json
from streams.cli.console.options import argument, option
from streams.cli.console.program import command_line
from streams.cli.console.terminal import one_line, output
from streams.cli.service.asking import Url, own_project, session_of

if TYPE_CHECKING:
    from streams.cli.service.session import Session
    from streams.settings import Settings

__all__ = ["register"]

_LOOK_S: Final = 0.5
_PAGE: Final = 1000  # contract T-091
_LONGEST_SEARCH: Final = 64  # contract T-095

_Job = Annotated[str, argument(metavar="JOB", help="The job: its name, or its id.")]
_Version = Annotated[str | None, option("--version", metavar="VERSION", help="Its name or id; else the newest.")]
_Project = Annotated[str | None, option(metavar="PROJECT", help="The project; your own if absent.")]
Entry = Mapping[str, Any]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Training jobs: algorithms and scripts, run in versions.", no_args_is_help=True)
    group.command(
        "run", epilog="Example: tidecast jobs run sunspots train.py --data sunspots.csv -p epochs=40 --follow"
    )(run)
    group.command("list", epilog="Example: tidecast jobs list --watch")(list_jobs)
    group.command("show", epilog="Example: tidecast jobs show sunspots")(show)
    group.command("logs", epilog="Example: tidecast jobs logs -f sunspots")(logs)
    group.command("stop", epilog="Example: tidecast jobs stop sunspots")(stop)
    group.command("delete", epilog="Example: tidecast jobs delete sunspots --version V0001")(delete)
    app.add_typer(group, name="jobs")


def run(  # noqa: PLR0913 - one parameter per option is how typer reads a command
    name: Annotated[str, argument(metavar="NAME", help="The job's name.")],
    file: Annotated[
        Path, argument(metavar="FILE", help="A script (.py), or the config of POST …/training-jobs as JSON.")
    ],
    *,
    data: Annotated[Path | None, option(metavar="FILE", help="The script's data, uploaded with it.")] = None,
    parameter: Annotated[
        list[str] | None, option("--parameter", "-p", metavar="LABEL=VALUE", help="Of the run; any number.")
    ] = None,
    workers: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="How many run the script.")] = 1,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print the log; 1 where it does not complete.")
    ] = False,
    project: _Project = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Run a job: a new one, or where there is one of this name its next version. Prints the ids of both.

    With --json and --follow the log goes to standard error, and the document is the version that has ended.
    """
    from streams.cli.training import version_logs
    from streams.cli.training.scripts import is_script, opened_to_read, parameters_of, script_config

    parameters = parameters_of(parameter or ())
    config = {} if is_script(file) else _config_in(file)
    if config and (data is not None or workers != 1):
        raise CommandError("--data and --workers are for scripts: name them in the config")
    for one in (file, data):  # before a service is started for this
        if one is not None:
            opened_to_read(one).close()
    with session_of(url, needs=_runs_scripts if not config else None) as session:
        project = project or own_project(session.client)
        known = [job for job in _jobs(session, project, name) if job["job_name"] == name]
        if not config:
            config = script_config(session.client, name, file, data=data, workers=workers)
        if parameters:
            labels = {one["label"] for one in parameters}
            kept = [one for one in config.get("parameter") or () if one.get("label") not in labels]
            config["parameter"] = [*kept, *parameters]
        if known:
            path, body = f"{_path(project)}/{known[0]['job_id']}/versions", {}
        else:
            path, body = _path(project), {"job_name": name}
        made = session.client.write("POST", path, body={**body, "config": config})
        followed = follow and "version_id" in made
        if not (followed and as_json):
            print_answer(made, f"{made['job_id']} {made.get('version_id', '')}".rstrip(), as_json=as_json)
        if followed:
            path = _version_path(project, made["job_id"], made["version_id"])
            ended = version_logs.follow(session, path, "", sys.stderr if as_json else None)
            if as_json:
                print_json(ended)
            version_logs.check_completed(ended)


def _runs_scripts(settings: "Settings") -> None:
    """CommandError where a service that is started for this command would not run a script; nothing is sent then."""
    if settings.user_code == "off":
        raise CommandError(
            "no service runs, and one that is started for this command would not run the script, as programs of users "
            f"are off: set TIDECAST_USER_CODE=process, which runs it in a sandbox, or start {command_line('up')} so"
        )


def _config_in(file: Path) -> dict[str, Any]:
    """The config in a file. CommandError."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{file} cannot be read as JSON: {error}") from error
    config = found.get("config", found) if isinstance(found, dict) else None
    if not isinstance(config, dict) or not config:
        raise CommandError(f"{file}: found no JSON object, expected the config of a job, or a script (.py)")
    return config


def list_jobs(
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show what changes, until Ctrl-C.")] = False,
    project: _Project = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the jobs with the status of their newest versions, by name."""
    from streams.cli.training.tables import jobs_table

    with session_of(url) as session:
        project = project or own_project(session.client)
        found = _jobs(session, project)
        if as_json:
            print_json(found)
        elif not watch or not output().is_terminal:
            output().print(jobs_table(found) if found else f"no jobs in {project}: tidecast jobs run --help")
        else:
            from rich.live import Live

            with suppress(KeyboardInterrupt), Live(jobs_table(found), console=output()) as live:
                while True:
                    time.sleep(_LOOK_S)
                    session.watch()
                    live.update(jobs_table(_jobs(session, project)))


def show(job: _Job, *, project: _Project = None, as_json: AsJson = False, url: Url = None) -> None:
    """Show the versions of a job, the newest first."""
    from streams.cli.training.tables import versions_table

    with session_of(url) as session:
        project = project or own_project(session.client)
        found = _versions(session, project, _found(session, project, job)["job_id"])
    if as_json:
        print_json(found)
    else:
        output().print(versions_table(found))


def logs(
    job: _Job,
    *,
    version: _Version = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until the version has ended.")] = False,
    worker: Annotated[int, typer.Option(metavar="NUMBER", min=0, help="Of which worker.")] = 0,
    project: _Project = None,
    url: Url = None,
) -> None:
    """Print the log of a version; followed, the command fails where the version does."""
    from streams.cli.training import version_logs

    with session_of(url) as session:
        project = project or own_project(session.client)
        found = _found(session, project, job)
        path = _version_path(project, found["job_id"], _version(session, project, found, version)["version_id"])
        log_file = f"{found['job_name']}.{worker}" if worker else ""
        if follow:
            version_logs.check_completed(version_logs.follow(session, path, log_file))
        else:
            version_logs.print_from(session, path, log_file)


def stop(
    job: _Job, *, version: _Version = None, project: _Project = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Stop a version: what runs of it ends at once."""
    with session_of(url) as session:
        project = project or own_project(session.client)
        found = _found(session, project, job)
        asked = _version(session, project, found, version)
        path = _version_path(project, found["job_id"], asked["version_id"])
        answer = session.client.write("POST", f"{path}/stop")
    print_answer(answer, f"{found['job_name']} {asked['version_name']} is being stopped", as_json=as_json)


def delete(
    job: _Job, *, version: _Version = None, project: _Project = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Remove a job with all its versions, or only the version that is named; what runs of it is stopped."""
    with session_of(url) as session:
        project = project or own_project(session.client)
        found = _found(session, project, job)
        path, name = f"{_path(project)}/{found['job_id']}", str(found["job_name"])
        if version is not None:
            asked = _version(session, project, found, version)
            path, name = _version_path(project, found["job_id"], asked["version_id"]), f"{name} {asked['version_name']}"
        answer = session.client.write("DELETE", path)
    print_answer(answer, f"{name} is removed", as_json=as_json)


def _jobs(session: "Session", project: str, name: str = "") -> list[Entry]:
    """All jobs, or those whose names have these letters."""
    found: list[Entry] = []
    for page in range(1, 65_536):
        asked = {"per_page": _PAGE, "page": page, "search_content": name[:_LONGEST_SEARCH]}
        answer = session.client.get(_path(project), asked)
        found += answer["jobs"]
        if not answer["jobs"] or len(found) >= answer["job_total_count"]:
            break
    return found


def _found(session: "Session", project: str, job: str) -> Entry:
    """The job of this name, else of this id."""
    for one in _jobs(session, project, job):
        if one["job_name"] == job:
            return one
    if job.isascii() and job.isdecimal():
        of_id: Entry = session.client.get(f"{_path(project)}/{job}")
        return of_id
    raise CommandError(f"there is no job {one_line(job)}: tidecast jobs list shows those there are")


def _versions(session: "Session", project: str, job_id: int) -> list[Entry]:
    found: list[Entry] = session.client.get(f"{_path(project)}/{job_id}/versions")["versions"]
    return found


def _version(session: "Session", project: str, job: Entry, asked: str | None) -> Entry:
    """The version of this name or id, the newest for None."""
    found = _versions(session, project, job["job_id"])
    for one in found:
        if asked is None or asked in (one["version_name"], str(one["version_id"])):
            return one
    known = ", ".join(one["version_name"] for one in found[:20]) or "none"
    raise CommandError(f"{job['job_name']} has no version {one_line(asked or '')}".rstrip() + f"; it has: {known}")


def _path(project: str) -> str:
    return f"/v1/{quote(project, safe='')}/training-jobs"


def _version_path(project: str, job_id: int, version_id: int) -> str:
    return f"{_path(project)}/{job_id}/versions/{version_id}"
