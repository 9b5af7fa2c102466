"""`tidecast metrics list`, `show`, `export`, `watch` and `rebuild`: what is kept of trainings, and live."""

# ruff: noqa: PLC0415  # what only these commands need is loaded by them, so that `tidecast --help` stays quick

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, check_no_files, print_answer, print_json
from streams.cli.console.options import argument, option
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.service.asking import Url, session_of
from streams.cli.workloads.group import metrics_group

if TYPE_CHECKING:
    from streams.cli.service.session import Session

__all__ = ["register"]

_SHOW_EPILOG = """Examples:

tidecast metrics show tj-7-7

tidecast metrics show tj-7-7 --json | jq .metrics"""
_EXPORT_EPILOG = """Examples:

tidecast metrics export tj-7-7 --out training_metrics.csv

tidecast metrics export tj-7-7 --metric train/loss --source wandb | head"""
_WATCH_EPILOG = """Examples:

tidecast metrics watch tj-7-7

tidecast metrics watch tj-7-7 --json | jq .value"""

_Uid = Annotated[str, argument(metavar="UID", help="The workload.")]
_Metric = Annotated[list[str] | None, option("--metric", "-m", metavar="NAME", help="Only this one; may be repeated.")]
_Source = Annotated[str | None, option(metavar="SOURCE", help="Only of log, wandb or tensorflow.")]


def register(app: typer.Typer) -> None:
    """Add the commands to their group."""
    group = metrics_group(app)
    group.command("list", epilog="Example: tidecast metrics list --limit 5")(list_workloads)
    group.command("show", epilog=_SHOW_EPILOG)(show)
    group.command("export", epilog=_EXPORT_EPILOG)(export)
    group.command("watch", epilog=_WATCH_EPILOG)(watch)
    group.command("rebuild", epilog="Example: tidecast metrics rebuild")(rebuild)


def list_workloads(
    *,
    limit: Annotated[int, typer.Option(metavar="NUMBER", min=1, max=100_000, help="Only so many, the newest.")] = 50,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the workloads that points have come of, the newest first."""
    from streams.cli.workloads.tables import workloads_table

    with session_of(url) as session:
        answer = session.client.get("/api/v1/workloads", {"limit": limit})
    if as_json:
        print_json(answer)
        return
    output().print(workloads_table(answer["workloads"]))
    if (left := answer["total_count"] - len(answer["workloads"])) > 0:
        notices().print(f"{left:,} older ones are not shown: --limit {answer['total_count']} shows all")


def show(uid: _Uid, *, as_json: AsJson = False, url: Url = None) -> None:
    """Show the metrics of a workload: how many points of which sources, the last value, and the curve."""
    from streams.cli.workloads.tables import CURVE, metrics_table

    with session_of(url) as session:
        answer = _known(session, uid)
        if as_json:
            print_json(answer)
            return
        if not answer["metrics"]:
            raise _nothing_of(uid)
        points = session.client.get(f"/api/v1/workloads/{_quoted(uid)}/metrics/data", {"max_points": CURVE})["data"]
    output().print(metrics_table(answer["metrics"], points))


def export(
    uid: _Uid,
    *,
    out: Annotated[Path | None, option(metavar="FILE.csv", help="Where to; else standard output.")] = None,
    metric: _Metric = None,
    source: _Source = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Write the points of a workload as CSV: metric_name, value, timestamp, iteration, data_source.

    With --json the service's answer, which has these fields of each point.
    """
    from streams.cli.service.streaming import pieces

    check_no_files(as_json=as_json, out=out)
    asked: dict[str, Any] = {"format": "json" if as_json else "csv"}
    asked |= {} if metric is None else {"metrics": metric}
    asked |= {} if source is None else {"data_source": source}
    with session_of(url) as session:
        if not _known(session, uid)["metrics"]:
            raise _nothing_of(uid)
        content = pieces(session.client, f"/api/v1/workloads/{_quoted(uid)}/metrics/data", asked)
        if out is None:
            for piece in content:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        rows = -1  # its header is none
        try:
            with out.open("wb") as file:
                for piece in content:
                    rows += piece.count(b"\n")
                    file.write(piece)
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}") from error
    notices().print(f"{rows:,} points in {out}", soft_wrap=True)


def watch(
    uid: _Uid,
    *,
    metric: _Metric = None,
    source: _Source = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each new point as a line of JSON.")] = False,
    until_idle: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.1, help="End when nothing came for so long.", show_default="never"),
    ] = None,
    url: Url = None,
) -> None:
    """Follow a workload while it trains, with its curves; Ctrl-C ends. It need not have begun."""
    from streams.cli.workloads.watching import follow

    asked = ({} if metric is None else {"metrics": metric}) | ({} if source is None else {"data_source": source})
    with session_of(url) as session:
        follow(session, uid, asked, as_json=as_json, until_idle_s=until_idle, console=output())


def rebuild(*, as_json: AsJson = False, url: Url = None) -> None:
    """Read all points again from the topic, and wait until they are there. Meanwhile they cannot be asked for."""
    from streams.cli.workloads.watching import follow_rebuild

    with session_of(url) as session:
        session.client.write("POST", "/api/v1/metrics/rebuild")
        seconds, count = follow_rebuild(session, notices())
    sentence = f"{count:,} points were read in {seconds:.1f} s ({count / max(seconds, 1e-3):,.0f} points/s)"
    print_answer({"points": count, "seconds": round(seconds, 3)}, sentence, as_json=as_json)


def _known(session: "Session", uid: str) -> Any:
    """The metrics of a workload; none where nothing was heard of it."""
    return session.client.get(f"/api/v1/workloads/{_quoted(uid)}/metrics/available")


def _nothing_of(uid: str) -> CommandError:
    return CommandError(f"no points are kept of workload {one_line(uid)}: tidecast metrics list shows the others")


def _quoted(uid: str) -> str:
    from urllib.parse import quote

    return quote(uid, safe="")
