"""Forecasts of an endpoint: as a table, as a file, as fan charts."""

# ruff: noqa: PLC0415  # matplotlib takes a second to load, and few commands draw

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from connectors.table_files.safe_cells import safe_cell
from models.deepar.frequency import Frequency
from streams.cli.console.failure import CommandError
from streams.cli.console.terminal import one_line
from streams.cli.console.whole_files import whole_file
from streams.cli.deepar.series import SeriesLine, step_times
from streams.cli.forecasting.csv_export import check_writable
from streams.cli.forecasting.tables import number, short_time

__all__ = ["Prediction", "check_out", "draw_largest", "prediction_table", "predictions_of", "write_predictions"]

_STEPS_SHOWN: Final = 7  # of a forecast in one row: a week of days
_DRAWN: Final = 4  # series: more would be small
_OUT_FORMATS: Final = (".jsonl", ".csv")


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The forecast of one series; `quantiles` by level as it was asked for."""

    series: SeriesLine
    frequency: Frequency
    times: Sequence[str]
    mean: Sequence[float]
    quantiles: Mapping[str, Sequence[float]]

    @property
    def size(self) -> float:
        """Mean size of what is forecast, to tell big series from small ones."""
        return sum(map(abs, self.mean)) / len(self.mean)

    @property
    def history_times(self) -> Sequence[str]:
        """The times of the values before."""
        return step_times(self.series, self.frequency, len(self.series.fields["target"]))

    def fields(self, levels: Sequence[str]) -> dict[str, object]:
        """For programs, with these quantiles."""
        quantiles = {level: self.quantiles[level] for level in levels}
        return {"item_id": self.series.title, "start": self.times[0], "mean": self.mean, "quantiles": quantiles}


def predictions_of(
    series: Sequence[SeriesLine], answers: Sequence[Mapping[str, object]], frequency: Frequency
) -> list[Prediction]:
    """The answers of an endpoint with their series and times."""
    found = []
    for one, answer in zip(series, answers, strict=True):
        mean: Sequence[float] = answer["mean"]  # type: ignore[assignment]
        quantiles: Mapping[str, Sequence[float]] = answer["quantiles"]  # type: ignore[assignment]
        times = step_times(one, frequency, len(mean), first=len(one.fields["target"]))
        found.append(Prediction(one, frequency, times, mean, quantiles))
    return found


def check_out(out: Path | None) -> None:
    """CommandError, before any work is done, where the forecasts could not be written."""
    check_writable(out, "--out")
    if out is not None and out.suffix.lower() not in _OUT_FORMATS:
        raise CommandError(f"--out {out}: end the name in one of {', '.join(_OUT_FORMATS)}")


def prediction_table(
    predictions: Sequence[Prediction],
    labels: Sequence[str],
    *,
    low: str,
    high: str,
    width: int,
    rows: int | None = None,
) -> Table:
    """Two lines for each series: the means of the next steps, and below them the interval between two quantiles.

    As many steps as fit into the `width` of the terminal, and at most `rows` series.
    """
    shown = predictions[:rows]
    cells = [_cells(one, low, high) for one in shown]
    begin = [
        _columns([label, *(one.series.name[place] for one in shown)], most=width // (2 + len(labels)))
        for place, label in enumerate(labels)
    ]
    left = width - sum(begin) - _columns(["from", *(short_time(one.times[0]) for one in shown)])
    steps = 0
    for step in range(max(map(len, cells))):
        left -= _columns(line for row in cells if step < len(row) for line in row[step])
        steps += left >= 0 or not step
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for label in labels:
        table.add_column(Text(one_line(label)), overflow="fold")
    table.add_column("from", no_wrap=True)
    for step in range(1, steps + 1):
        table.add_column(f"step {step}", justify="right", no_wrap=True)
    for one, row in zip(shown, cells, strict=True):
        texts = [Text.assemble(mean, (f"\n{interval}", "dim")) for mean, interval in row[:steps]]
        table.add_row(*(Text(one_line(part)) for part in one.series.name), Text(short_time(one.times[0])), *texts)
    longest = max(len(one.times) for one in shown)
    caption = [f"mean, and below it the {(float(high) - float(low)) * 100:.0f} % interval"]
    if longest > steps:
        caption.append(f"{steps} of {longest} steps")
    if len(shown) < len(predictions):
        caption.append(f"{len(shown)} of {len(predictions)} series: --all shows every one")
    table.caption = "; ".join(caption)
    return table


def write_predictions(
    predictions: Sequence[Prediction], labels: Sequence[str], levels: Sequence[str], path: Path
) -> str:
    """What was written, in words. The file appears whole or not at all.

    JSON Lines: one object per series, with item_id, start (of the forecast), mean and quantiles. CSV: one row per
    series and step; a series' labels that are named as the other columns get "_group" added.
    """
    as_csv = path.suffix.lower() == ".csv"
    lines = _csv_lines(predictions, labels, levels) if as_csv else _json_lines(predictions, levels)
    count = 0
    with whole_file(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        for line in lines:
            file.write(line)
            count += 1
    return f"{count - 1} rows written to {path}" if as_csv else f"{count} lines written to {path}"


def draw_largest(predictions: Sequence[Prediction], path: Path, *, label: str, title: str) -> int:
    """Draw the fans of the largest series; how many."""
    from streams.cli.deepar.fan_charts import Fan, draw_fans

    largest = sorted(predictions, key=lambda one: -one.size)[:_DRAWN]
    fans = [
        Fan(one.series.title, label, one.history_times, one.series.history, one.times, one.quantiles) for one in largest
    ]
    draw_fans(fans, path, title=title)
    return len(fans)


def _cells(one: Prediction, low: str, high: str) -> list[tuple[str, str]]:
    """The mean and the interval of the steps that a row has at most."""
    between = zip(one.mean[:_STEPS_SHOWN], one.quantiles[low], one.quantiles[high], strict=False)
    return [(number(mean), f"{_short(least)} … {_short(most)}") for mean, least, most in between]


def _columns(texts: Iterable[str], *, most: int = 1000) -> int:
    """How many columns of the terminal a column of the table takes, with the space around it."""
    return min(most, max(map(len, texts), default=0)) + 3


def _json_lines(predictions: Sequence[Prediction], levels: Sequence[str]) -> Iterator[str]:
    for one in predictions:
        yield f"{json.dumps(one.fields(levels), ensure_ascii=False)}\n"


def _csv_lines(predictions: Sequence[Prediction], labels: Sequence[str], levels: Sequence[str]) -> Iterator[str]:
    own = ("timestamp", "mean", *levels)
    yield _csv_line([*(safe_cell(f"{label}_group" if label in own else label) for label in labels), *own])
    for one in predictions:
        name = [safe_cell(part) for part in one.series.name]
        for place, (time, mean) in enumerate(zip(one.times, one.mean, strict=True)):
            yield _csv_line([*name, time, mean, *(one.quantiles[level][place] for level in levels)])


def _csv_line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _short(value: float) -> str:
    """A bound of an interval: three digits tell enough."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
