"""`tidecast what-if JOB`: what a job's forecasts would be with other features."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, check_no_files, print_json
from streams.cli.console.options import AllRows, argument, option
from streams.cli.console.terminal import output
from streams.cli.service.asking import Url, session_of
from streams.cli.what_if.answers import check_answered, pages_of

if TYPE_CHECKING:
    from streams.cli.service.client import ServiceClient

__all__ = ["register"]

_EPILOG = """Examples:

tidecast what-if 7 --change price-10%

tidecast what-if 7 --change "price*0.9@3..7" --change promotion=1@2024-03-01..2024-03-02 --plot what_if.png

tidecast what-if 7 --future planned.csv --where Store=12 --out what_if.csv"""
_PAGE: Final = 1000  # series of one question

_Found = dict[str, Any]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("what-if", epilog=_EPILOG)(what_if)


def what_if(  # noqa: PLR0913 - one parameter per option is how typer reads a command
    job_id: Annotated[int, argument(metavar="JOB", help="The job's id.", min=1)],
    *,
    change: Annotated[
        list[str] | None,
        option(
            metavar="CHANGE",
            help="Of a feature: price*0.9, price-10%, price+5, price=20,20,0; of some steps: price*0.9@3..7.",
        ),
    ] = None,
    future: Annotated[
        list[str] | None,
        option(
            metavar="FILE.csv",
            help="Values of features by step, as a table with the columns of the job's data; or COLUMN=V1,V2,…",
        ),
    ] = None,
    begin: Annotated[
        str | None, option("--from", metavar="STEP", help="From this step or time on, for changes without.")
    ] = None,
    end: Annotated[str | None, option("--to", metavar="STEP", help="Until this step or time, which counts.")] = None,
    where: Annotated[list[str] | None, option(metavar="COLUMN=VALUE", help="Only series of this group.")] = None,
    series: Annotated[list[int] | None, option(metavar="TS_ID", help="Only this series.", min=1)] = None,
    model: Annotated[
        str | None, option(metavar="MODEL", help="By this model; else the best of those with features.")
    ] = None,
    out: Annotated[Path | None, option(metavar="FILE.csv", help="Write every step as a CSV file.")] = None,
    plot: Annotated[
        Path | None, option(metavar="FILE.png", help="Draw the four series that change most (png, svg or pdf).")
    ] = None,
    everything: AllRows = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """What the forecasts would be if prices, campaigns or holidays were others: both side by side.

    For jobs whose series were forecast with features. Nothing is stored. Exit status 3 if a part of the series has no
    answer.
    """
    from streams.cli.forecasting import presenting
    from streams.cli.what_if.changes import change_of
    from streams.cli.what_if.showing import draw, show, write

    check_no_files(as_json=as_json, out=out, plot=plot)
    presenting.check_outputs(out, plot)
    tables = [Path(text) for text in future or () if "=" not in text or Path(text).is_file()]
    texts = [*(change or ()), *(text for text in future or () if Path(text) not in tables)]
    changes = [change_of(text, begin, end) for text in texts]
    if not changes and not tables:
        raise CommandError("nothing is changed: say what by --change price*0.9, or --future FILE.csv", status=2)
    asked: dict[str, Any] = _which(where or (), series or ()) | ({} if model is None else {"model_name": model})
    with session_of(url) as session:
        found = _read(session.client, job_id, asked | {"changes": changes + _of_tables(session.client, job_id, tables)})
        if as_json:
            print_json(found)
        else:
            show(found, everything=everything)
            if out is not None:
                output().print(f"{write(found, out)} rows written to {out}", soft_wrap=True)
            if plot is not None:
                draw(session.client, found, plot)
                output().print(f"plot written to {plot}", soft_wrap=True)
    check_answered(found["series"])


def _which(where: Sequence[str], series: Sequence[int]) -> dict[str, Any]:
    groups = {}
    for text in where:
        column, equals, value = text.partition("=")
        if not equals:
            raise CommandError(f"--where {text}: write it as COLUMN=VALUE, for example Origin=EWR", status=2)
        groups[column] = value
    if groups and series:
        raise CommandError("--where chooses among all series, and --series names some: leave one out", status=2)
    return {"ts_id": list(series)} if series else {"ts_id": "all"} | ({"groups": groups} if groups else {})


def _of_tables(client: "ServiceClient", job_id: int, tables: Sequence[Path]) -> list[dict[str, Any]]:
    from streams.cli.what_if.changes import changes_in

    if not tables:
        return []
    details = client.get(f"/job/{job_id}/ts_details/")
    features = [column["label"] for column in details["features"]]
    groups = details["ts_details"][0]["groupby_key"] if details["ts_details"] else ()
    return [change for path in tables for change in changes_in(path, features, groups)]


def _read(client: "ServiceClient", job_id: int, body: Mapping[str, Any]) -> _Found:
    """All series, in pages that there is time for."""

    def ask(offset: int, limit: int) -> _Found:
        found: _Found = client.write("POST", f"/job/{job_id}/what-if/?offset={offset}&limit={limit}", body=body)
        return found

    found, *others = pages_of(ask, _PAGE)
    for some in others:
        found["series"] += some["series"]
        found["totals"] = {name: found["totals"][name] + value for name, value in some["totals"].items()}
    return found
