"""Asks an endpoint for the forecasts of a file's series, and shows them; lists the endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from models.deepar.frequency import Frequency
from streams.cli.console.failure import CommandError
from streams.cli.console.listing import print_json
from streams.cli.console.program import command_line
from streams.cli.console.terminal import one_line, print_warnings
from streams.cli.deepar import client as deepar_client
from streams.cli.deepar.batch import transform_all
from streams.cli.deepar.csv_series import Columns, read_csv
from streams.cli.deepar.options import target_and_series
from streams.cli.deepar.predictions import Prediction, draw_largest, prediction_table, predictions_of, write_predictions
from streams.cli.deepar.series import SeriesLine, is_json_lines, read_series
from streams.cli.deepar.times import FileCalendar
from streams.cli.service.session import Session, find_service, open_session

if TYPE_CHECKING:
    from streams.settings import Settings

__all__ = [
    "ForecastRequest",
    "endpoint_table",
    "forecast_file",
    "list_endpoints",
    "print_forecasts",
    "series_for",
]

_FAN: Final = ("0.025", "0.1", "0.25", "0.5", "0.75", "0.9", "0.975")  # as `fan_charts.LEVELS`, which loads matplotlib
_LOW, _HIGH = "0.1", "0.9"  # the interval of the table
_UNITS: Final = {
    "min": "minute", "H": "hour", "D": "day", "B": "business day", "W": "week", "M": "month", "Q": "quarter",
    "Y": "year",
}  # fmt: skip
_FILLED: Final = 0.5  # of the model's steps must have a row: decision 16 for a frequency that holds
_ROWS: Final = 30  # series in the table: two lines each make about two screens


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """Which series are to be forecast, and how. The columns are given where they are not those of the training."""

    file: Path
    endpoint: str
    timestamp: str | None = None
    targets: tuple[str, ...] = ()
    wide: bool = False
    group_by: tuple[str, ...] = ()
    sheet: str | None = None
    samples: int = 200
    quantiles: tuple[str, ...] = (_LOW, "0.5", _HIGH)
    seed: int | None = None
    batch: bool = False

    @property
    def configuration(self) -> dict[str, Any]:
        """As the endpoint takes it: besides the quantiles asked for those of table and picture."""
        levels = list(dict.fromkeys((*_FAN, *self.quantiles)))
        seed = {} if self.seed is None else {"seed": self.seed}
        return {"num_samples": self.samples, "output_types": ["mean", "quantiles"], "quantiles": levels, **seed}


def forecast_file(
    request: ForecastRequest,
    settings: "Settings",
    url: str | None,
    results: Console,
    console: Console,
    *,
    out: Path | None = None,
    plot: Path | None = None,
    everything: bool = False,
) -> None:
    """Ask, print the table and write what was asked for."""
    predictions, columns, model = _predictions(request, settings, url, console)
    labels = (columns.labels if columns else ()) or ("series",)
    rows = None if everything else _ROWS
    results.print(prediction_table(predictions, labels, low=_LOW, high=_HIGH, width=results.width, rows=rows))
    if out is not None:
        results.print(write_predictions(predictions, labels, request.quantiles, out), soft_wrap=True)
    if plot is not None:
        _draw(predictions, columns, model, plot, results)


def print_forecasts(request: ForecastRequest, settings: "Settings", url: str | None, console: Console) -> None:
    """Ask, and print what a file of JSON Lines would have, as one document."""
    predictions, _, _ = _predictions(request, settings, url, console)
    print_json({"endpoint": request.endpoint, "predictions": [one.fields(request.quantiles) for one in predictions]})


def series_for(
    session: Session, model: Mapping[str, Any], request: ForecastRequest, console: Console
) -> tuple[Sequence[SeriesLine], Columns | None]:
    """The series of the file as the model takes them, and the columns of a CSV file."""
    targets = request.targets or request.wide
    if is_json_lines(request.file):
        if request.timestamp or targets or request.group_by or request.sheet:
            options = "--timestamp, --target, --wide, --group-by and --sheet"
            raise CommandError(f"{request.file} is JSON Lines: leave {options} out")
        return read_series(request.file), None
    stored = deepar_client.columns_of(session.client, model)
    name = request.endpoint
    if stored is None:
        if model["cardinality"] or model["num_dynamic_feat"]:
            raise CommandError(
                f"{name} was trained on JSON Lines, which say nothing of the columns of a CSV file: forecast JSON Lines"
            )
        if request.timestamp is None or not targets:
            raise CommandError(
                f"{name} was trained on JSON Lines: to forecast a CSV file give --timestamp and --target (or --wide)"
            )
        stored = Columns(request.timestamp, "", freq=model["time_freq"])
    columns = replace(
        stored,
        timestamp=request.timestamp or stored.timestamp,
        group_by=request.group_by or stored.group_by,
    )
    if targets:
        target, of_columns = target_and_series(request.targets, wide=request.wide)
        columns = replace(columns, target=target, series=of_columns)
    if not model["cardinality"]:
        columns = replace(columns, values=None)
    elif len(columns.labels) != len(stored.labels):
        raise CommandError(
            f"--group-by: {name} has the categories {', '.join(stored.labels)}: give as many columns, in this order"
        )
    series, columns, calendar, warnings = read_csv(
        request.file, columns, future=model["prediction_length"], sheet=request.sheet
    )
    print_warnings(warnings, console)
    _check_frequency(request, calendar, console)
    if not model["cardinality"]:
        series = [replace(one, fields={**one.fields, "cat": None}) for one in series]
    return series, columns


def _check_frequency(request: ForecastRequest, found: FileCalendar, console: Console) -> None:
    """CommandError where the model's steps are not those of the file; a notice where some of them have a row at least.

    An endpoint cannot tell: a request has a start and values, and counts them in the model's steps.
    """
    if found.own is None or found.own == found.frequency:
        return
    model = f"{request.endpoint} was trained on steps of {found.frequency}"
    differ = f"{request.file}: its rows have steps of {found.own}, and {model}"
    if found.share_filled() < _FILLED:
        raise CommandError(f"{differ}: forecast it with a model that was trained on rows like these")
    console.print(f"{differ}: steps without a row count as missing", style="yellow", soft_wrap=True)


def list_endpoints(settings: "Settings", url: str | None, results: Console, console: Console, *, as_json: bool) -> None:
    """Print a table of all endpoints, or what the service says of them."""
    with open_session(settings, find_service(settings, url), console) as session:
        found = deepar_client.endpoints(session.client)
    if as_json:
        print_json(found)
    elif found:
        results.print(endpoint_table(found))
    else:
        results.print(f"no model yet: {command_line('deepar train FILE')} trains one", soft_wrap=True)


def endpoint_table(found: Sequence[Mapping[str, Any]]) -> Table:
    """What requests to each endpoint must look like, and how its model is made."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("endpoint", overflow="fold")
    for label in ("freq", "horizon", "context"):
        table.add_column(label, justify="right" if label != "freq" else "left", no_wrap=True)
    for label in ("categories", "features", "likelihood", "network", "trained (UTC)"):
        table.add_column(label, justify="right" if label == "features" else "left")
    for one in found:
        trained = datetime.fromtimestamp(one["created"] / 1000, UTC)
        table.add_row(
            Text(one_line(one["name"])), one["time_freq"], str(one["prediction_length"]), str(one["context_length"]),
            " x ".join(map(str, one["cardinality"] or ())) or "-", str(one["num_dynamic_feat"] or "-"),
            one["likelihood"], f"{one['num_layers']} x {one['num_cells']} cells", f"{trained:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    return table


def _predictions(
    request: ForecastRequest, settings: "Settings", url: str | None, console: Console
) -> tuple[Sequence[Prediction], Columns | None, Mapping[str, Any]]:
    """The forecasts, with the columns of a CSV file, and the endpoint."""
    is_json_lines(request.file)  # whether it can be read, before a service is started
    with open_session(settings, find_service(settings, url), console) as session:
        model = deepar_client.endpoint(session.client, request.endpoint)
        series, columns = series_for(session, model, request, console)
        answers = _asked(session, request, series, console)
    return predictions_of(series, answers, Frequency.parse(model["time_freq"])), columns, model


def _asked(
    session: Session, request: ForecastRequest, series: Sequence[SeriesLine], console: Console
) -> Sequence[Mapping[str, Any]]:
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("series"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("forecasting", total=len(series))

        def done(count: int) -> None:
            progress.advance(task, count)

        if request.batch:
            return transform_all(session, request.endpoint, series, request.configuration, done)
        return deepar_client.forecast_all(session, request.endpoint, series, request.configuration, done)


def _draw(
    predictions: Sequence[Prediction], columns: Columns | None, model: Mapping[str, Any], plot: Path, results: Console
) -> None:
    label = columns.target if columns else "target"
    title = f"{label}: {_ahead(model)} ahead, by the model {model['name']}"
    count = draw_largest(predictions, plot, label=label, title=title)
    results.print(f"fan charts of the {count} largest series written to {plot}", soft_wrap=True)


def _ahead(model: Mapping[str, Any]) -> str:
    """How far a model looks, in words."""
    steps, frequency = model["prediction_length"], Frequency.parse(model["time_freq"])
    unit = _UNITS[frequency.unit]
    count = steps * frequency.multiple
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
