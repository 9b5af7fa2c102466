"""`tidecast demo`: the main job on real data, from an empty machine to a table and a picture."""

# ruff: noqa: PLC0415  # what only this command needs is loaded by it, so that `tidecast --help` stays quick

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Final

import typer

from streams.cli.console.configuration import load_settings
from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line
from streams.cli.console.terminal import notices, output

if TYPE_CHECKING:
    from rich.console import Console

    from streams.cli.forecasting.outcome import JobOutcome
    from streams.cli.forecasting.planning import ForecastPlan
    from streams.cli.service.session import Session

__all__ = ["check_outcome", "register"]

_FILE: Final = Path(__file__).parents[3] / "examples" / "nyc_flights_2013_daily.csv"
_SERIES: Final = 35  # pairs of airport and airline in the file
_DRAWN: Final = 6
_EPILOG = "Example: tidecast demo --folder pictures"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=_EPILOG)(demo)


def demo(
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where results are written.")] = Path("demo-output"),
) -> None:
    """Forecast the daily departures of New York's airports, 35 series, a week ahead.

    First with two models; then with hyper-parameters tuned for each series, and with an LSTM network for each. Then one
    DeepAR network learns from all series up to the end of September, in a training job whose curve is printed, and its
    forecast of October is compared with what came. A PMML model of irises is uploaded, deployed as a service, and
    asked. Last, values come one by one into a job that forecasts anew with each, and are compared with its forecasts.

    Starts a broker, a state worker and a trainer on TIDECAST_HOME, unless a service runs there already; stops what it
    started. Writes forecasts.csv, forecasts.png and fan-charts.png. Exit status 0 only if all went well.
    """
    from connectors.csv_files.inspection import inspect_csv
    from streams.cli.demo.fans import show_fans
    from streams.cli.demo.feed import show_feed
    from streams.cli.demo.irises import show_service
    from streams.cli.forecasting import planning, presenting
    from streams.cli.service.session import find_service, open_session

    begun = time.monotonic()
    if not _FILE.is_file():
        raise CommandError(f"{_FILE} is missing: run the demo from a complete copy of the repository")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"--folder {folder} cannot be used: {error.strerror}: choose another") from error
    table, picture, fans = folder / "forecasts.csv", folder / "forecasts.png", folder / "fan-charts.png"
    presenting.check_outputs(table, picture)
    presenting.check_outputs(None, fans)
    header = inspect_csv(_FILE).header
    plan = planning.ForecastPlan(
        file=_FILE,
        timestamp=header.index("Date"),
        target=header.index("Flights"),
        group_by=(header.index("Origin"), header.index("Carrier")),
        models=("Auto", "AdaptiveMaxN"),
        parameters=(planning.Parameter("AdaptiveMaxN", "latest_n", 7),),  # a week: the days of a week differ much
        metrics=("mae", "rmse", "mase"),
        horizon=7,
        refit=True,
        options={"backtest_windows": 1},  # the last week for all of them: what is tuned is scored on one stretch
    )
    settings, console, results = load_settings(), notices(), output()
    with open_session(settings, find_service(settings, None), console) as session:
        outcome, seconds = _run(session, plan, console)
        presenting.present(session.client, outcome, results, everything=True, out=table)
        title = "Daily departures from New York, 2013: a week ahead"
        presenting.draw(session.client, outcome, picture, outcome.largest(_DRAWN), title=title)
        results.print(f"plot of {_DRAWN} series written to {picture}", soft_wrap=True)
        check_outcome(outcome, plan)
        results.print()
        _tell(results, outcome, plan, seconds)
        for more in (replace(plan, models=("LinearFit",), tune=True), replace(plan, models=("Lstm",))):
            more = replace(more, parameters=())  # noqa: PLW2901 - tuned, or the model's own
            second, seconds = _run(session, more, console)
            check_outcome(second, more)
            _tell(results, second, more, seconds)
        show_fans(session, _FILE, fans, results, console)
        show_service(session, results)
        show_feed(session, results, console)
    job = _next(outcome.job_id, runs=not session.embedded)
    results.print(
        f"all well after {time.monotonic() - begun:.1f} s; next: {job}",
        style="green",
        soft_wrap=True,
    )


def _run(session: "Session", plan: "ForecastPlan", console: "Console") -> tuple["JobOutcome", float]:
    """The outcome of a plan, and the seconds from upload to the end of training."""
    from streams.cli.forecasting import following

    started = time.monotonic()
    job_id = following.submit_plan(session.client, plan, console)
    following.follow_job(session, job_id, console)
    trained = time.monotonic()
    return following.outcome_of(session.client, job_id), trained - started


def _tell(results: "Console", outcome: "JobOutcome", plan: "ForecastPlan", seconds: float) -> None:
    """One line per model and one for the job."""
    for line in _summary(outcome, plan.models):
        results.print(line.replace(":", ", tuned for each series:", 1) if plan.tune else line, soft_wrap=True)
    count = len(outcome.forecasts)
    text = f"job {outcome.job_id}: {count} forecasts of {_SERIES} series in {seconds:.1f} s"
    results.print(text, style="dim", soft_wrap=True)


def _next(job_id: int, *, runs: bool) -> str:
    """What to do after the demo, to be copied into the terminal."""
    look = command_line(f"job {job_id}")
    return look if runs else f"{command_line('up')}, then in another terminal {look}"


def check_outcome(outcome: "JobOutcome", plan: "ForecastPlan") -> None:
    """CommandError unless every series has a complete forecast and a score of every model."""
    by_model = {model: [item for item in outcome.forecasts if item.model_name == model] for model in plan.models}
    for model, forecasts in by_model.items():
        if len({forecast.ts_id for forecast in forecasts}) != _SERIES or len(forecasts) != _SERIES:
            raise CommandError(f"{model}: {len(forecasts)} forecasts, expected one for each of {_SERIES} series")
        for forecast in forecasts:
            if len(forecast.predictions) != plan.horizon or None in forecast.predictions:
                raise CommandError(f"{forecast.title}, {model}: the forecast is not complete: {forecast.predictions}")
            if set(forecast.metrics or ()) != set(plan.metrics):
                raise CommandError(f"{forecast.title}, {model}: metrics {list(forecast.metrics or ())}")


def _summary(outcome: "JobOutcome", models: Sequence[str]) -> list[str]:
    """How the models compare, over the series that are long enough to be scored."""
    lines = []
    for model in models:
        scores = [
            score
            for forecast in outcome.forecasts
            if forecast.model_name == model and (score := (forecast.metrics or {}).get("mae")) is not None
        ]
        lines.append(f"{model}: median error {median(scores):.2f} departures a day over {len(scores)} series")
    return lines
