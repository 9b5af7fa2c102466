"""`tidecast sums JOB`: forecasts of a job's series added up."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.console.listing import AsJson, check_no_files, print_json
from streams.cli.console.options import AllRows, argument, option
from streams.cli.console.terminal import notices, output
from streams.cli.service.asking import Url, session_of

__all__ = ["register"]

_EPILOG = """Examples:

tidecast sums 7

tidecast sums 7 --by Region --plot regions.png

tidecast sums 7 --by Region --by Store --tree --out sums.csv"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(sums)


def sums(  # noqa: PLR0913 - one parameter per option is how typer reads a command
    job_id: Annotated[int, argument(metavar="JOB", help="The job's id.", min=1)],
    *,
    by: Annotated[list[str] | None, option(metavar="COLUMN", help="Add up by this column of the job's groups.")] = None,
    tree: Annotated[bool, typer.Option("--tree", help="All levels, from the total down to the series.")] = False,
    model: Annotated[str | None, option(metavar="MODEL", help="By this model; else the best of each series.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Leave out series that cannot be added.")] = False,
    fill: Annotated[
        str, typer.Option(metavar="RULE", help="For missing values: none, zero, previous or interpolate.")
    ] = "none",
    level: Annotated[
        list[float] | None, option(metavar="QUANTILE", help="A quantile that is wanted, such as 0.1.")
    ] = None,
    out: Annotated[Path | None, option(metavar="FILE.csv", help="Write the forecasts as a CSV file.")] = None,
    plot: Annotated[Path | None, option(metavar="FILE.png", help="Draw the first four sums (png, svg or pdf).")] = None,
    everything: AllRows = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add up the forecasts of a job's series: the total, sums by columns, or all levels, which add up.

    Intervals and scores are those of the sum itself, from its backtest. Exit status 3 if a part of the sums has no
    forecast, 1 if none has.
    """
    from streams.cli.forecasting import presenting
    from streams.cli.forecasting import sums as adding

    check_no_files(as_json=as_json, out=out, plot=plot)
    presenting.check_outputs(out, plot)
    asked: dict[str, Any] = {"by": by or [], "tree": int(tree), "partial": int(partial), "fill": fill}
    asked |= {} if model is None else {"model_name": model}
    asked |= {} if not level else {"levels": level}
    with session_of(url) as session:
        found = adding.read(session.client, job_id, asked)
        outcome = adding.outcome_of(found)
        if as_json:
            print_json(found)
        else:
            adding.tell(found, outcome, output(), notices(), everything=everything)
            if out is not None:
                rows = adding.write(session.client, job_id, asked, found, out)
                output().print(f"{rows} rows written to {out}", soft_wrap=True)
            if plot is not None:
                adding.draw(adding.read_drawn(session.client, job_id, asked), plot)
                output().print(f"plot written to {plot}", soft_wrap=True)
    presenting.check_complete(outcome)
