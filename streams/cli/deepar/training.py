"""Has a model trained and follows that to its end; tells how good the model is and how it is asked."""

import json
import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from models.deepar.frequency import Frequency
from streams.cli.console.failure import CommandError
from streams.cli.console.interrupts import exit_status
from streams.cli.console.listing import print_json
from streams.cli.console.program import command_line
from streams.cli.console.terminal import one_line, print_warnings
from streams.cli.deepar.client import Trainee, create_job, endpoint, keep_columns, version
from streams.cli.deepar.csv_series import Columns, read_csv
from streams.cli.deepar.options import check_parameters
from streams.cli.deepar.series import SeriesLine, first_series, lines_file, step_times
from streams.cli.forecasting.tables import number
from streams.cli.service.session import Session, find_service, open_session

if TYPE_CHECKING:
    from streams.settings import Settings

__all__ = ["TrainingPlan", "curl_line", "follow_training", "score_table", "train_model"]

_COMPLETED: Final = 10  # contract T-041, as the others
_STATES: Final = {1: "waiting", 7: "waiting", 8: "training", 9: "stopping"}
_ENDS: Final = {3: "failed", 5: "cannot run", 11: "failed", 12: "was stopped", 13: "was stopped", 14: "was lost"}
_POLL_S: Final = 0.5  # an epoch takes about a second
_SHOWN_VALUES: Final = 14  # of the series in the example request: enough to see the form
_MEANINGS: Final = {
    "mean_wQuantileLoss": "weighted loss of the quantiles 0.1 … 0.9: 0 is perfect",
    "ND": "sum of the errors of the mean, divided by the sum of the values",
    "RMSE": "root of the mean squared error, in the target's unit",
    "coverage_80": "share of the values inside the 80 % interval: 0.8 is right",
}


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What is to be trained. `columns` is None for JSON Lines; a name that is not `chosen` may get a number.

    `sheet` is the one of a workbook to be read; None: the first with a table.
    """

    file: Path
    columns: Columns | None
    name: str
    chosen: bool
    parameters: Mapping[str, Any]
    sheet: str | None = None


def train_model(
    plan: TrainingPlan, settings: "Settings", url: str | None, results: Console, console: Console, *, as_json: bool
) -> None:
    """Train, and print scores and address, or the version as it is; CommandError where it comes to nothing."""
    with ExitStack() as stack:
        data, columns = plan.file, plan.columns
        parameters = dict(plan.parameters)
        if columns is None:
            first = first_series(plan.file)
            if "time_freq" not in parameters:
                raise CommandError("--freq is missing: JSON Lines do not say it; give the distance of two values, as D")
        else:
            series, columns, _, warnings = read_csv(plan.file, columns, sheet=plan.sheet)
            print_warnings(warnings, console)
            first = series[0]
            parameters["time_freq"] = columns.freq
            data = stack.enter_context(lines_file(series))
        check_parameters(parameters)
        session = stack.enter_context(open_session(settings, find_service(settings, url), console))
        with console.status(f"uploading {plan.file.name}"):
            job = create_job(session.client, plan.name, data, parameters, rename=not plan.chosen)
            if columns is not None:
                keep_columns(session.client, job, columns)
        try:
            found = follow_training(session, job, console)
        except KeyboardInterrupt as interrupt:
            when = "at the next start of the service" if session.embedded else "where the service runs"
            raise CommandError(
                f"stopped watching; {job['job_name']} goes on training {when}: {command_line('deepar endpoints')} "
                "lists it when it is trained",
                status=exit_status(interrupt),
            ) from None
        if as_json:
            print_json(found)
        else:
            _tell(results, plan, found, first, session)


def follow_training(
    session: Session, job: Trainee, console: Console, *, pause: Callable[[float], None] = time.sleep
) -> Trainee:
    """Show the progress until the model is trained; CommandError with the job's message where it is not.

    `pause` is for tests.
    """
    name = job["job_name"]
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    if not console.is_terminal:  # a log shows the bar at its end only
        console.print(f"{name} is training (job {job['job_id']})", soft_wrap=True)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"{name}: waiting", total=None, told="")
        while True:
            found = version(session.client, job)
            status = found["status"]
            if status in _ENDS:
                reason = found["message"] or "the service's log may say why"
                raise CommandError(f"{name} {_ENDS[status]}: {one_line(reason)}")
            epochs = found.get("epochs") or None
            state = "trained" if status == _COMPLETED else _STATES.get(status, "training")
            done = epochs if status == _COMPLETED else found.get("epoch", 0)  # it may end before the last epoch
            progress.update(task, description=f"{name}: {state}", total=epochs, completed=done, told=_told(found))
            if status == _COMPLETED:
                break
            session.watch()
            pause(_POLL_S)
    if found["message"]:  # what was ignored
        console.print(one_line(found["message"]), soft_wrap=True)
    return found


def score_table(scores: Mapping[str, float | None], steps: int) -> Table:
    """Every score that the service gives, with what it means where we know it."""
    table = Table("score", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("value", justify="right")
    table.add_column(f"of the last {steps} steps of each series, forecast from what lies before")
    for name, value in scores.items():
        table.add_row(one_line(name), number(value), _MEANINGS.get(name, ""))
    return table


def curl_line(url: str, name: str, series: SeriesLine, frequency: Frequency, steps: int) -> str:
    """A request to be pasted into a shell: the end of a series of the training data, and the first quantiles."""
    fields = series.fields
    features = fields.get("dynamic_feat") or ()
    # Features have to be known for the steps to come: with them the forecast is one of the data's own last steps.
    known = fields["target"][:-steps] if features else fields["target"]
    first = max(0, len(known) - _SHOWN_VALUES)
    instance: dict[str, Any] = {"start": step_times(series, frequency, 1, first=first)[0], "target": known[first:]}
    if fields.get("cat"):
        instance["cat"] = fields["cat"]
    if features:
        instance["dynamic_feat"] = [row[first : len(known) + steps] for row in features]
    body = {"instances": [instance], "configuration": {"num_samples": 100, "quantiles": ["0.1", "0.5", "0.9"]}}
    return (
        f"curl -s {shlex.quote(f'{url}/endpoints/{name}/invocations')} -H 'Content-Type: application/json' -d "
        f"{shlex.quote(json.dumps(body))}"
    )


def _tell(results: Console, plan: TrainingPlan, found: Trainee, first: SeriesLine, session: Session) -> None:
    """Scores, address, and two commands to go on with."""
    name = found["endpoint"]
    model = endpoint(session.client, name)
    steps = model["prediction_length"]
    scores = found["metrics"]
    results.print(f"model {name}: epochs {found['epoch']}, likelihood {model['likelihood']}", style="bold")
    results.print(score_table(scores, steps) if scores else "no series is long enough to tell how good it is")
    url = session.client.url
    if session.embedded:
        url = "http://127.0.0.1:8080"  # the service of this command has another port, and ends with it
        results.print(f"{command_line('up')} serves it:")
    results.print(f"{url}/endpoints/{name}/invocations", style="bold", soft_wrap=True)
    results.print(curl_line(url, name, first, Frequency.parse(model["time_freq"]), steps), soft_wrap=True)
    again = shlex.join(["deepar", "forecast", str(plan.file), "--endpoint", name, "--plot", f"{name}.png"])
    features = model["num_dynamic_feat"]
    what = f"with {features} feature series that go on for the forecast, " if features else ""
    results.print(f"fan charts: {what}{command_line(again)}", style="dim", soft_wrap=True)


def _told(found: Trainee) -> str:
    if not found.get("epoch"):
        return ""
    told = f"epoch {found['epoch']}/{found['epochs']}"
    for label, field in (("loss", "loss"), ("validation loss", "validation_loss")):
        if found.get(field) is not None:
            told += f", {label} {found[field]:.3f}"
    return told
