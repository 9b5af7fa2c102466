"""The demo's last part: one DeepAR network for all series, whose forecast is compared with what came."""

import shlex
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from models.deepar.frequency import Frequency
from streams.cli.console.failure import CommandError
from streams.cli.console.program import command_line
from streams.cli.deepar import client as deepar_client
from streams.cli.deepar.csv_series import Columns, read_csv
from streams.cli.deepar.fan_charts import LEVELS, Fan, draw_fans
from streams.cli.deepar.predictions import Prediction, predictions_of
from streams.cli.deepar.series import SeriesLine, lines_file
from streams.cli.deepar.training import follow_training
from streams.cli.demo.curve import show_curve
from streams.cli.service.session import Session

__all__ = ["Past", "check_predictions", "inside", "past_of", "show_fans"]

_COLUMNS: Final = Columns("Date", "Flights", ("Origin", "Carrier"))
_UNTIL: Final = "2013-10-01"  # the last month before the winter timetable
_STEPS: Final = 28
_TITLE: Final = "Daily departures from New York in October 2013, forecast at the end of September"
_DRAWN: Final = 6
_NAME: Final = "demo-flights"
# Few epochs with large steps, so that the demo stays short.
_PARAMETERS: Final = {"time_freq": "D", "prediction_length": _STEPS, "epochs": 8, "learning_rate": 0.005}


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """A series up to a day, and the values that came then."""

    series: SeriesLine
    actual: Sequence[float]


def past_of(series: Sequence[SeriesLine], until: str, steps: int) -> list[Past]:
    """The series that have begun by that day, as they were then, and the next `steps` values."""
    found = []
    for one in series:
        known = int((np.datetime64(until) - np.datetime64(one.fields["start"][:10])).astype(int))
        if known > 0:
            before = replace(one, fields={**one.fields, "target": one.fields["target"][:known]})
            found.append(Past(before, one.history[known : known + steps]))
    return found


def show_fans(session: Session, file: Path, picture: Path, results: Console, console: Console) -> None:
    """Train, forecast, draw; CommandError where anything is missing."""
    begun = time.monotonic()
    series, columns, *_ = read_csv(file, _COLUMNS)
    past = past_of(series, _UNTIL, _STEPS)
    before = [one.series for one in past]
    with lines_file(before) as data:
        job = deepar_client.create_job(session.client, _NAME, data, _PARAMETERS, rename=True)
    deepar_client.keep_columns(session.client, job, columns)
    trained = follow_training(session, job, console)
    name = trained["endpoint"]
    show_curve(session, trained, results)
    configuration = {"num_samples": 200, "output_types": ["mean", "quantiles"], "quantiles": [*LEVELS], "seed": 1}
    answers = deepar_client.forecast_all(session, name, before, configuration, lambda _: None)
    predictions = predictions_of(before, answers, Frequency.parse("D"))
    check_predictions(predictions)
    largest = sorted(zip(predictions, past, strict=True), key=lambda pair: -pair[0].size)[:_DRAWN]
    fans = [_fan(prediction, one) for prediction, one in largest]
    draw_fans(fans, picture, title=_TITLE)
    share, values = inside(predictions, past)
    results.print(
        f"DeepAR: one network for {len(past)} series, four weeks ahead: {share:.0%} of {values} values came to lie in "
        "the 80 % interval",
        soft_wrap=True,
    )
    results.print(f"fan charts of {len(fans)} series written to {picture}", soft_wrap=True)
    with suppress(ValueError):  # it is not in the current folder
        file = file.relative_to(Path.cwd())
    again = command_line(f"deepar forecast {shlex.quote(str(file))} --endpoint {name}")
    text = f"model {name}: trained and asked in {time.monotonic() - begun:.1f} s; {again} forecasts with it"
    results.print(text, style="dim", soft_wrap=True)


def check_predictions(predictions: Sequence[Prediction]) -> None:
    """CommandError unless every forecast is complete."""
    for one in predictions:
        rows = [one.mean, *one.quantiles.values()]
        if len(rows) != 1 + len(LEVELS) or not all(len(row) == _STEPS and np.isfinite(row).all() for row in rows):
            raise CommandError(f"{one.series.title}, DeepAR: the forecast is not complete: {one.mean}")


def inside(predictions: Sequence[Prediction], past: Sequence[Past]) -> tuple[float, int]:
    """The share of the values that lie in the 80 % interval of their forecast, and how many values there are."""
    found = [
        low <= value <= high
        for prediction, one in zip(predictions, past, strict=True)
        for value, low, high in zip(one.actual, prediction.quantiles["0.1"], prediction.quantiles["0.9"], strict=False)
        if np.isfinite(value)
    ]
    return float(np.mean(found)), len(found)


def _fan(prediction: Prediction, past: Past) -> Fan:
    return Fan(
        prediction.series.title,
        _COLUMNS.target,
        prediction.history_times,
        prediction.series.history,
        prediction.times,
        prediction.quantiles,
        past.actual,
    )
