"""`tidecast sums JOB`: forecasts of a job's series added up."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

import typer

from streams.cli.console.failure import CommandError
from streams.cli.console.listing import AsJson, check_no_files, print_json
from streams.cli.console.terminal import notices, one_line, output
from streams.cli.console.whole_files import whole_file
from streams.cli.service.asking import Url, session_of

if TYPE_CHECKING:
    from streams.cli.forecasting.outcome import JobOutcome, SeriesForecast
    from streams.cli.service.client import ServiceClient

__all__ = ["register"]

_EPILOG = """Examples:

tidecast sums 7

tidecast sums 7 --by Region --plot regions.png

tidecast sums 7 --by Region --by Store --tree --out sums.csv"""
_PAGE: Final = 1000  # sums of one answer
_PLOTTED: Final = 4  # sums: more would be small
_STEPS_DRAWN: Final = 1000  # of a history, at most
_FAILURES_SHOWN: Final = 5
_REMARKS: Final = 10
_NAMED: Final = 3  # series of a remark
_TOTAL: Final = "total"
_ALL: Final = "all"

_Asked = Mapping[str, Any]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(sums)


def sums(  # noqa: PLR0913 - one parameter per option is how typer reads a command
    job_id: Annotated[int, typer.Argument(metavar="JOB", help="The job's id.", min=1, show_default=False)],
    *,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Add up by this column of the job's groups.", show_default=False),
    ] = None,
    tree: Annotated[bool, typer.Option("--tree", help="All levels, from the total down to the series.")] = False,
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="By this model; else the best of each series.", show_default=False),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Leave out series that cannot be added.")] = False,
    fill: Annotated[
        str, typer.Option(metavar="RULE", help="For missing values: none, zero, previous or interpolate.")
    ] = "none",
    level: Annotated[
        list[float] | None,
        typer.Option(metavar="QUANTILE", help="A quantile that is wanted, such as 0.1.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write the forecasts as a CSV file.", show_default=False)
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw the first four sums (png, svg or pdf).", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Print every row of a long table.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add up the forecasts of a job's series: the total, sums by columns, or all levels, which add up.

    Intervals and scores are those of the sum itself, from its backtest. Exit status 3 if a part of the sums has no
    forecast, 1 if none has.
    """
    from streams.cli.forecasting import presenting
    from streams.cli.forecasting.tables import LONGEST_TABLE, forecast_table

    check_no_files(as_json=as_json, out=out, plot=plot)
    presenting.check_outputs(out, plot)
    asked: dict[str, Any] = {"by": by or [], "tree": int(tree), "partial": int(partial), "fill": fill}
    asked |= {} if model is None else {"model_name": model}
    asked |= {} if not level else {"levels": level}
    with session_of(url) as session:
        found = _read(session.client, job_id, asked)
        outcome = _outcome(found)
        if as_json:
            print_json(found)
        else:
            if found["note"]:
                notices().print(one_line(found["note"]), soft_wrap=True)
            output().print(forecast_table(outcome, rows=None if everything else LONGEST_TABLE))
            for remark in _remarks(found, outcome):
                notices().print(one_line(remark), soft_wrap=True, markup=False)
            if out is not None:
                output().print(
                    f"{_write(session.client, job_id, asked, found, out)} rows written to {out}", soft_wrap=True
                )
            if plot is not None:
                _draw(session.client, job_id, asked, plot)
                output().print(f"plot written to {plot}", soft_wrap=True)
    if outcome.failed:
        raise CommandError(_failures(outcome), status=outcome.exit_status)


def _address(job_id: int) -> str:
    return f"/job/{job_id}/sums/"


def _read(client: "ServiceClient", job_id: int, asked: _Asked) -> dict[str, Any]:
    """All sums, page by page."""
    found: dict[str, Any] = client.get(_address(job_id), {**asked, "limit": _PAGE})
    while len(found["sums"]) < found["sums_count"]:
        more = client.get(_address(job_id), {**asked, "limit": _PAGE, "offset": len(found["sums"])})["sums"]
        if not more:  # the job has become smaller
            break
        found["sums"] += more
    return found


def _outcome(found: Mapping[str, Any]) -> "JobOutcome":
    """In the form in which a job's results are shown: a sum is a series, and its place is its number."""
    from streams.cli.forecasting.outcome import JobOutcome

    columns = _columns(found["sums"])
    forecasts = [_forecast(number, one, columns) for number, one in enumerate(found["sums"])]
    return JobOutcome(found["job_id"], columns or ("sum",), forecasts)


def _columns(sums: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for one in sums for column in one["groups"]))


def _forecast(number: int, one: Mapping[str, Any], columns: Sequence[str]) -> "SeriesForecast":
    from streams.cli.forecasting.outcome import SeriesForecast

    group = tuple(one["groups"].get(column, _ALL) for column in columns) if one["groups"] else (_TOTAL,)
    group += (_ALL,) * (len(columns) - len(group))
    models = ", ".join(f"{count} by {name}" for name, count in one["models"].items())
    if one["error"] is not None:
        error = one["error"].replace("partial=1 adds", "--partial adds")
        return SeriesForecast(number, group, models or "-", error=error)
    return SeriesForecast(
        ts_id=number,
        group=group,
        model_name=models,
        timestamps=one["timestamps"],
        predictions=one["predictions"],
        quantiles=one["quantiles"],
        metrics=one["metrics"] or {"mase_insample": one["mase_insample"]},
        backtest_timestamps=one["backtest"]["timestamps"],
        backtest=one["backtest"]["predictions"],
    )


def _remarks(found: Mapping[str, Any], outcome: "JobOutcome") -> Iterator[str]:
    """What is to be said of sums that there are: which series they lack, and what of them is short."""
    remarks = []
    for one, forecast in zip(found["sums"], outcome.forecasts, strict=True):
        if one["error"] is None and one["left_out_count"]:
            named = ", ".join(f"{series['series_key']} ({series['reason']})" for series in one["left_out"][:_NAMED])
            more = f" and {one['left_out_count'] - _NAMED} more" if one["left_out_count"] > _NAMED else ""
            remarks.append(f"{forecast.title} is without {named}{more}")
        if one.get("note"):
            remarks.append(f"{forecast.title}: {one['note']}")
    yield from remarks[:_REMARKS]
    if len(remarks) > _REMARKS:
        yield f"{len(remarks) - _REMARKS} more remarks: --json has them all"


def _write(client: "ServiceClient", job_id: int, asked: _Asked, found: Mapping[str, Any], path: Path) -> int:
    """The service's own tables, one behind the other; the number of rows. The file appears whole or not at all."""
    rows = 0
    with whole_file(path) as draft, draft.open("wb") as file:
        for offset in range(0, len(found["sums"]), _PAGE):
            query = urlencode({**asked, "format": "csv", "limit": _PAGE, "offset": offset}, doseq=True)
            head, _, body = client.get_file(f"{_address(job_id)}?{query}").partition(b"\n")
            file.write(body if offset else head + b"\n" + body)
            rows += body.count(b"\n")
    return rows


def _draw(client: "ServiceClient", job_id: int, asked: _Asked, path: Path) -> None:
    from streams.cli.forecasting.plots import plot_forecasts

    found = client.get(_address(job_id), {**asked, "limit": _PLOTTED, "history": _STEPS_DRAWN})
    panels = list(_panels(found))
    if not panels:
        raise CommandError(f"{path}: there is no forecast to draw")
    plot_forecasts(panels, path, title=f"sums of the series of job {job_id}")


def _panels(found: Mapping[str, Any]) -> Iterator[Any]:
    from dataclasses import replace

    from streams.cli.forecasting.outcome import History
    from streams.cli.forecasting.plots import Panel

    for one, forecast in zip(found["sums"], _outcome(found).forecasts, strict=True):
        if forecast.error is None:
            history = History("sum", one["history"]["timestamps"], one["history"]["values"])
            yield Panel(history, [replace(forecast, model_name="forecast")])


def _failures(outcome: "JobOutcome") -> str:
    lines = [f"{len(outcome.failed)} of {len(outcome.forecasts)} sums have no forecast:"]
    lines += [f"  {one.title}: {one.error}" for one in outcome.failed[:_FAILURES_SHOWN]]
    return "\n".join(lines + ["  …"] * (len(outcome.failed) > _FAILURES_SHOWN))
