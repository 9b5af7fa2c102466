"""`tidecast deepar`: train a model on many series, and forecast with it."""

# ruff: noqa: PLC0415  # what only these commands need is loaded by them, so that `tidecast --help` stays quick

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import CommandError
from streams.cli.console.file_options import Sheet
from streams.cli.console.listing import AsJson, check_no_files
from streams.cli.console.options import argument, option
from streams.cli.console.terminal import notices, output
from streams.cli.service.asking import ServiceUrl

__all__ = ["register"]

_TRAIN_EPILOG = """Examples:

tidecast deepar train sales.jsonl --freq D --horizon 28

tidecast deepar train sales.csv -t date -y sold -g shop -g item --name sales --epochs 50 -p likelihood=student-t

tidecast deepar train shops.xlsx -t day --wide --sheet Sales"""
_FORECAST_EPILOG = """Examples:

tidecast deepar forecast sales.csv --endpoint sales --plot sales.png

tidecast deepar forecast sales.jsonl -e sales --samples 500 -q 0.05 -q 0.95 --out forecasts.jsonl"""

_File = Annotated[Path, argument(metavar="FILE", help="JSON Lines, or CSV with a header line.")]
_Timestamp = Annotated[str | None, option("--timestamp", "-t", metavar="COLUMN", help="CSV: the column with the time.")]
_Target = Annotated[
    list[str] | None,
    option(
        "--target",
        "-y",
        metavar="COLUMN",
        help="CSV: the column to forecast; repeated: a series of each, whose name is a category.",
    ),
]
_Wide = Annotated[
    bool,
    typer.Option("--wide", help="CSV: every column but those of the other options is a series, instead of --target."),
]
_GroupBy = Annotated[
    list[str] | None,
    option(
        "--group-by",
        "-g",
        metavar="COLUMN",
        help="CSV: one series for each value of it, which becomes a category; may be repeated.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="DeepAR: one network for many series, whose forecast is a distribution.", no_args_is_help=True
    )
    group.command("train", epilog=_TRAIN_EPILOG)(train)
    group.command("forecast", epilog=_FORECAST_EPILOG)(forecast)
    group.command("endpoints", epilog="Example: tidecast deepar endpoints")(endpoints)
    app.add_typer(group, name="deepar")


def train(  # noqa: PLR0913 - one parameter per option is how typer reads a command
    file: _File,
    *,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the model and its endpoint.", show_default="the file's"),
    ] = None,
    freq: Annotated[
        str | None,
        typer.Option(
            metavar="FREQ",
            show_default="CSV: as the file's rows",
            help="Distance of two values, such as 15min, H, D, W or M.",
        ),
    ] = None,
    horizon: Annotated[int, typer.Option("--horizon", "-k", metavar="STEPS", min=1, help="Steps to forecast.")] = 28,
    context: Annotated[
        int | None,
        typer.Option(metavar="STEPS", min=1, help="Steps read before a forecast.", show_default="as --horizon"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="Most epochs of training.", show_default="100")
    ] = None,
    param: Annotated[
        list[str] | None,
        option(
            "--param",
            "-p",
            metavar="NAME=VALUE",
            help="A further hyper-parameter, such as likelihood=student-t; may be repeated. docs/deepar.md lists them.",
        ),
    ] = None,
    timestamp: _Timestamp = None,
    target: _Target = None,
    wide: _Wide = False,
    group_by: _GroupBy = None,
    feature: Annotated[
        list[str] | None,
        option(
            "--feature",
            "-f",
            metavar="COLUMN",
            help="CSV: a numeric column that is known for the future too; may be repeated.",
        ),
    ] = None,
    sheet: Sheet = None,
    as_json: AsJson = False,
    url: ServiceUrl = None,
) -> None:
    """Train a DeepAR model on the series of a file.

    FILE has one series per line, as JSON with start, target and, if wanted, item_id, cat and dynamic_feat; or it is a
    CSV file, whose columns are given by name or number. The trained model is an endpoint of the service, which
    `tidecast deepar forecast` and SageMaker's clients can ask. Where no service runs, one is started for this command;
    the model stays in TIDECAST_HOME.
    """
    from streams.cli.deepar import options as deepar_options
    from streams.cli.deepar.series import is_json_lines
    from streams.cli.deepar.training import TrainingPlan, train_model

    if is_json_lines(file):
        if timestamp or target or wide or group_by or feature or sheet:
            given = "--timestamp, --target, --wide, --group-by, --feature and --sheet"
            raise CommandError(f"{file} is JSON Lines: leave {given} out")
        columns = None
    else:
        columns = deepar_options.columns_of_training(
            file, timestamp, target or (), group_by or (), feature or (), freq, wide=wide
        )
    parameters = deepar_options.given_parameters(
        param or (), time_freq=freq, prediction_length=horizon, context_length=context, epochs=epochs
    )
    called = deepar_options.model_name(name, file)
    plan = TrainingPlan(file, columns, called, name is not None, parameters, sheet)
    train_model(plan, load_settings(), url, output(), notices(), as_json=as_json)


def forecast(  # noqa: PLR0913 - one parameter per option is how typer reads a command
    file: _File,
    *,
    endpoint: Annotated[str, option("--endpoint", "-e", metavar="NAME", help="The trained model.")],
    samples: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, help="Sample paths that mean and quantiles come from.")
    ] = 200,
    quantile: Annotated[
        list[str] | None,
        typer.Option(
            "--quantile",
            "-q",
            metavar="LEVEL",
            show_default="0.1, 0.5, 0.9",
            help="A quantile to write, between 0 and 1; may be repeated.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", min=0, help="The same forecasts each time.", show_default="a fresh draw"),
    ] = None,
    out: Annotated[Path | None, option(metavar="FILE", help="Write the forecasts as .jsonl or .csv.")] = None,
    plot: Annotated[
        Path | None, option(metavar="FILE.png", help="Draw fan charts of the four largest series (png, svg or pdf).")
    ] = None,
    batch: Annotated[
        bool, typer.Option("--batch", help="By a transform job: better for many thousands of series.")
    ] = False,
    timestamp: _Timestamp = None,
    target: _Target = None,
    wide: _Wide = False,
    group_by: _GroupBy = None,
    sheet: Sheet = None,
    as_json: AsJson = False,
    url: ServiceUrl = None,
    everything: Annotated[bool, typer.Option("--all", help="Print every series of a long table.")] = False,
) -> None:
    """Forecast the series of a file with a trained model.

    FILE is JSON Lines or CSV, as for `tidecast deepar train`. A CSV file is read with the columns of the training
    unless others are given; of a model with features it ends in rows that have the features and an empty target.
    """
    from streams.cli.deepar.forecasting import ForecastRequest, forecast_file, print_forecasts
    from streams.cli.deepar.options import check_levels
    from streams.cli.deepar.predictions import check_out
    from streams.cli.forecasting import presenting

    check_no_files(as_json=as_json, out=out, plot=plot)
    check_out(out)
    presenting.check_outputs(None, plot)
    quantiles = check_levels(quantile or ("0.1", "0.5", "0.9"))
    request = ForecastRequest(
        file,
        endpoint,
        timestamp,
        tuple(target or ()),
        wide=wide,
        group_by=tuple(group_by or ()),
        sheet=sheet,
        samples=samples,
        quantiles=quantiles,
        seed=seed,
        batch=batch,
    )
    if as_json:
        print_forecasts(request, load_settings(), url, notices())
    else:
        forecast_file(request, load_settings(), url, output(), notices(), out=out, plot=plot, everything=everything)


def endpoints(*, as_json: AsJson = False, url: ServiceUrl = None) -> None:
    """List the trained models that can be asked."""
    from streams.cli.deepar.forecasting import list_endpoints

    list_endpoints(load_settings(), url, output(), notices(), as_json=as_json)
