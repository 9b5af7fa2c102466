"""`tidecast compare JOB`: which model was best for each series of a job, and which series are forecast worst."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from connectors.datasets.group_values import group_values
from streams.cli.console.configuration import load_settings
from streams.cli.console.options import argument
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.forecasting.tables import number
from streams.cli.service.asking import Url

__all__ = ["model_table", "register", "series_table"]

_EPILOG = """Examples:

tidecast compare 770498426568704

tidecast compare 770498426568704 --metric mae --rows 20"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(compare)


def compare(
    job_id: Annotated[int, argument(metavar="JOB", help="The job's id.", min=1)],
    *,
    metric: Annotated[
        str,
        typer.Option(metavar="METRIC", help="What is compared: mase_insample, or a metric that was asked for."),
    ] = "mase_insample",
    rows: Annotated[int, typer.Option(metavar="NUMBER", min=1, max=1000, help="Most series to show.")] = 30,
    url: Url = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the service's answer.")] = False,
) -> None:
    """Compare the models of a job by their backtests: best model first, then the series, worst first.

    Of a series and model the latest result counts.
    """
    from streams.cli.service.session import find_service, open_session

    settings, console = load_settings(), notices()
    with open_session(settings, find_service(settings, url), console) as session:
        board = session.client.get(f"/job/{job_id}/leaderboard/", {"metric": metric, "limit": rows})
    if as_json:
        json.dump(board, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    results = output()
    results.print(model_table(board))
    results.print(series_table(board))


def model_table(board: Mapping[str, Any]) -> Table:
    """One row per model, best first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", no_wrap=True)
    for label in ("best for", f"mean {board['metric']}", "median", "series", "failed"):
        table.add_column(label, justify="right", no_wrap=True)
    for model in board["models"]:
        cells = (str(model["wins"]), number(model["mean"]), number(model["median"]))
        table.add_row(Text(model["model_name"]), *cells, str(model["series"]), str(model["failed"]))
    return table


def series_table(board: Mapping[str, Any]) -> Table:
    """One row per series, worst first: its winner, and the score of each model."""
    names: Sequence[str] = [model["model_name"] for model in board["models"]]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("series", overflow="fold")
    table.add_column("best", no_wrap=True)
    for name in names:
        table.add_column(Text(name), justify="right", no_wrap=True)
    for series in board["series"]:
        title = one_line(" · ".join(group_values(series["groupby_val"])) or str(series["ts_id"]))
        cells = [Text("failed" if name in series["failed"] else number(series["scores"].get(name))) for name in names]
        for name, cell in zip(names, cells, strict=True):
            cell.stylize("bold" if name == series["winner"] else "red" if name in series["failed"] else "")
        table.add_row(Text(title), Text(series["winner"] or "-"), *cells)
    if len(board["series"]) < board["series_count"]:
        table.caption = f"the worst {len(board['series'])} of {board['series_count']} series: --rows shows more"
    return table
