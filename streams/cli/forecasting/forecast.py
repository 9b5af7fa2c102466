"""`tidecast forecast FILE`: a CSV file in, forecasts out.

Longer than a module should be: each option is a parameter of one function.
"""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import CommandError
from streams.cli.console.file_options import (
    Decimal,
    Delimiter,
    Encoding,
    Quote,
    Sheet,
    SkippedLines,
    Thousands,
    TimestampFormat,
)
from streams.cli.console.interrupts import exit_status
from streams.cli.console.listing import AsJson, check_no_files
from streams.cli.console.options import AllRows, argument, option
from streams.cli.console.program import command_line
from streams.cli.console.standard_input import given_file
from streams.cli.console.terminal import notices, output
from streams.cli.service.asking import ServiceUrl

__all__ = ["register"]

_EPILOG = """Examples:

tidecast forecast sales.csv --timestamp date --target sold --group-by shop --group-by item

tidecast forecast sales.csv -t date -y sold -g shop -m LinearFit -m AdaptiveMaxN -k 14 -p LinearFit.latest_n=28

tidecast forecast sales.csv -t 0 -y 3 --metric mae --metric r2 --out forecasts.csv --plot forecasts.png

tidecast forecast macro.csv -t date -y realgdp -y unemp

tidecast forecast shops.csv -t date --wide --sums

tidecast forecast sales.csv -t date -y sold --url http://forecasts.example:8080"""

_REFRESH = "Again as rows come: data, or data:30 (collected for 30 s); a cron text with a zone behind; or hand."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(forecast)


def forecast(  # noqa: PLR0913 - one parameter per option is how typer reads a command
    file: Annotated[
        Path,
        argument(
            metavar="FILE",
            help="CSV file with a header line (plain, gzip, zip), Parquet, Arrow or XLSX file; - for standard input.",
        ),
    ],
    *,
    timestamp: Annotated[str, option("--timestamp", "-t", metavar="COLUMN", help="Column with the time.")],
    target: Annotated[
        list[str] | None,
        option(
            "--target", "-y", metavar="COLUMN",
            help="Column to forecast; repeated: a series of each, told apart by its name.",
        ),
    ] = None,
    wide: Annotated[
        bool,
        typer.Option("--wide", help="Every column but those of the other options is a series, instead of --target."),
    ] = False,
    group_by: Annotated[
        list[str] | None,
        option("--group-by", "-g", metavar="COLUMN", help="One series for each value of it; may be repeated."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", metavar="MODEL", show_default="Auto",
            help="May be repeated; a wrong name brings the list of models. Auto chooses for each series.",
        ),
    ] = None,
    freq: Annotated[
        str | None,
        typer.Option(
            "--freq", metavar="ALIAS", show_default="found in the data",
            help="The step, as an offset alias of pandas: D, h, 15min, B, W-SUN, MS, QE-DEC …",
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            "--time-zone", metavar="NAME", show_default="the file's clock",
            help="The zone whose clock the timestamps show, such as Europe/Berlin: for its changes to summer time.",
        ),
    ] = None,
    aggregate: Annotated[
        str | None,
        option(metavar="ALIAS=HOW", help="Longer steps first, such as D=sum or MS=mean; also max, min and last."),
    ] = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    quote: Quote = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    skipped_lines: SkippedLines = None,
    timestamp_format: TimestampFormat = None,
    sheet: Sheet = None,
    horizon: Annotated[int, typer.Option("--horizon", "-k", metavar="STEPS", min=1, help="Steps to forecast.")] = 7,
    param: Annotated[
        list[str] | None,
        option(
            "--param", "-p", metavar="MODEL.NAME=VALUE",
            help="A hyper-parameter; may be repeated. To be tuned: LOW..HIGH, or OPTION|OPTION.",
        ),
    ] = None,
    tune: Annotated[
        bool,
        typer.Option(
            "--tune", help="Look for the best hyper-parameters of every series; without --param all of the model's."
        ),
    ] = False,
    trials: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="Most trials of --tune.", show_default="100")
    ] = None,
    feature: Annotated[
        list[str] | None,
        option(
            "--feature", "-f", metavar="COLUMN",
            help="A numeric column that models with features, such as ARIMA, make use of; may be repeated.",
        ),
    ] = None,
    future: Annotated[
        list[str] | None,
        option(
            metavar="COLUMN=V1,V2,…",
            help="What a feature will be, a value for each step; may be repeated. Else: rows after the last target.",
        ),
    ] = None,
    holidays: Annotated[
        str | None,
        option(
            metavar="COUNTRY",
            help="Whose public holidays are one more feature: DE, or a part of a country, DE-BY.",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC", show_default="rmse, mae, mase",
            help="A metric to report; may be repeated; a wrong name brings the list of metrics.",
        ),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option(
            help="After scoring on the end of the history, fit again on all of it: half the error. --no-refit "
            "publishes the scored forecast itself."
        ),
    ] = True,
    allow_negative: Annotated[
        bool,
        typer.Option(
            "--allow-negative",
            help="Keep forecasts below zero also for series that have no negative value; else they become 0.",
        ),
    ] = False,
    windows: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", min=1, max=20, show_default="3; 1 for DeepAR",
            help="Score the forecast on so many stretches at the end of the history, where it is long enough.",
        ),
    ] = None,
    level: Annotated[
        list[float] | None,
        typer.Option(
            metavar="QUANTILE", show_default="those of the model",
            help="A quantile to forecast, between 0 and 1; may be repeated. 0.1 and 0.9 enclose 80 %.",
        ),
    ] = None,
    lower: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="No forecast is below it.", show_default="no bound")
    ] = None,
    upper: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="No forecast is above it.", show_default="no bound")
    ] = None,
    fill: Annotated[
        str | None,
        typer.Option(
            metavar="RULE", show_default="none",
            help="What stands in for missing observations: none, zero, previous or interpolate.",
        ),
    ] = None,
    refresh: Annotated[
        str | None, typer.Option(metavar="RULE", show_default="forecast once", help=_REFRESH),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            metavar="FILE",
            help="Write one row per series, model and timestamp, with the metrics in further columns.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        option(
            metavar="FILE.png",
            help="Draw history, backtest and forecast of the four largest series (png, svg or pdf).",
        ),
    ] = None,
    sums: Annotated[
        bool,
        typer.Option(
            "--sums",
            help="Also the total and the sums by --group-by, which add up; --plot draws the first four of them.",
        ),
    ] = False,
    url: ServiceUrl = None,
    as_json: AsJson = False,
    everything: AllRows = False,
) -> None:  # fmt: skip
    """Forecast the series of a CSV file.

    Columns are given by name, or by number from 0. Where no service runs, one is started for this command and stopped
    afterwards; the job stays in TIDECAST_HOME, where `tidecast job` finds it. Exit status 3 if a part of the forecasts
    failed, 1 if all did.
    """
    from connectors.csv_files.dialect import DialectSettings
    from models.catalog import CATALOG
    from models.scores.names import METRICS
    from streams.cli.forecasting import following, planning, presenting
    from streams.cli.forecasting.columns import chosen_columns
    from streams.cli.forecasting.features import aggregate_of, future_values, holidays_of
    from streams.cli.forecasting.input_file import header_of
    from streams.cli.service.session import find_service, open_session

    check_no_files(as_json=as_json, out=out, plot=plot)
    file = given_file(file)
    # 1. Everything that can be seen to be wrong, before anything is started or sent.
    dialect = DialectSettings(
        encoding, delimiter, quote, decimal, thousands, skipped_lines, timestamp_format=timestamp_format, sheet=sheet
    )
    columns = chosen_columns(
        header_of(file, dialect, wide=wide),
        timestamp=timestamp,
        targets=target or (),
        group_by=group_by or (),
        features=feature or (),
        wide=wide,
    )
    plan = planning.ForecastPlan(
        file=file,
        timestamp=columns.timestamp,
        target=columns.target,
        group_by=columns.group_by,
        models=tuple(model or ("Auto",)),
        parameters=planning.parameters(param or ()),
        metrics=tuple(metric or ("rmse", "mae", "mase")),
        horizon=horizon,
        refit=refit,
        allow_negative=allow_negative,
        options=planning.options(windows, level, lower, upper, fill) | holidays_of(holidays),
        tune=tune,
        trials=trials,
        dialect={name: str(getattr(dialect, name)) for name in dialect.given}
        | ({} if columns.series_columns is None else {"series_columns": str([*columns.series_columns])}),
        calendar=planning.calendar(freq, time_zone) | aggregate_of(aggregate),
        refresh=planning.refresh(refresh),
        features=columns.features,
        future=future_values(future or (), columns.header),
    )
    if not tune:
        for parameter in plan.parameters:
            if parameter.tuned:
                raise CommandError(f"--param {parameter.name}: a range or several options need --tune")
    planning.check_columns(plan, columns.header)
    asked_sums = planning.asked_sums(plan) if sums else None
    planning.check_metrics(plan.metrics, METRICS)
    presenting.check_outputs(out, plot)
    settings, console = load_settings(), notices()
    address = find_service(settings, url)
    if address is None:
        own = {name: [item.name for item in spec.hyper_parameters] for name, spec in CATALOG.items()}
        planning.check_models(plan.models, plan.parameters, own)
    # 2. The work.
    with open_session(settings, address, console) as session:
        if address is not None:
            planning.check_models(plan.models, plan.parameters, session.client.models())
        job_id = following.submit_plan(session.client, plan, console)
        try:
            following.follow_job(session, job_id, console)
        except KeyboardInterrupt as interrupt:
            later = _later(job_id, embedded=session.embedded)
            raise CommandError(f"stopped; {later}", status=exit_status(interrupt)) from None
        except CommandError as error:
            later = _later(job_id, embedded=session.embedded)
            raise CommandError(f"{error}\n{later}", status=error.status) from error
        if as_json:
            presenting.print_results(session.client, job_id, {"job_id": job_id}, asked_sums=asked_sums)
            return
        outcome = following.outcome_of(session.client, job_id)
        presenting.present(
            session.client, outcome, output(), everything=everything, out=out, plot=plot, asked_sums=asked_sums
        )
        console.print(f"{command_line(f'job {job_id}')} shows this again", style="dim", soft_wrap=True)


def _later(job_id: int, *, embedded: bool) -> str:
    """Where to look for a job that nobody waits for any more."""
    when = "at the next start of the service" if embedded else "where the service runs"
    return f"job {job_id} goes on {when}: {command_line(f'job {job_id}')} shows how it stands"
