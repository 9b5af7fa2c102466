"""Results as a CSV file that spreadsheets open without running anything in it."""

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from connectors.table_files.safe_cells import safe_cell
from streams.cli.console.failure import CommandError
from streams.cli.console.whole_files import whole_file
from streams.cli.forecasting.outcome import JobOutcome

__all__ = ["check_writable", "write_csv"]

_OWN_COLUMNS: Final = ("ts_id", "model", "timestamp", "value")


def write_csv(outcome: JobOutcome, path: Path) -> int:
    """One row per series, model and timestamp; the number of rows. The file appears whole or not at all.

    Columns: the group-by columns, ts_id, model, timestamp, value, a column for each quantile that any result has (such
    as q0.1), every metric of that series and model (the same in all its rows), error. A series that failed has one row,
    without timestamp and value. A group-by column named as one of the others gets "_group" added.
    """
    metrics = outcome.metric_names
    own = (*_OWN_COLUMNS, *(f"q{level}" for level in outcome.levels), *metrics, "error")
    header = [safe_cell(f"{label}_group" if label in own else label) for label in outcome.group_key]
    rows = 0
    with whole_file(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header, *own])
        for row in _rows(outcome, metrics):
            writer.writerow(row)
            rows += 1
    return rows


def check_writable(path: Path | None, option: str) -> None:
    """CommandError, before any work is done, where a file cannot be written to this path."""
    if path is None:
        return
    folder = path.absolute().parent
    if not folder.is_dir():
        raise CommandError(f"{option} {path}: there is no folder {folder}: create it first")
    if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise CommandError(f"{option} {path}: cannot be written: choose another file")


def _rows(outcome: JobOutcome, metrics: Sequence[str]) -> Iterator[list[object]]:
    for forecast in outcome.forecasts:
        about = [*(safe_cell(value) for value in forecast.group), forecast.ts_id, safe_cell(forecast.model_name)]
        scores = [(forecast.metrics or {}).get(name) for name in metrics]
        quantiles = [forecast.quantiles.get(level) for level in outcome.levels]
        if forecast.error is not None:
            yield [*about, "", "", *("" for _ in quantiles), *scores, safe_cell(forecast.error)]
        for step, (timestamp, value) in enumerate(zip(forecast.timestamps, forecast.predictions, strict=True)):
            enclosed = ["" if values is None else values[step] for values in quantiles]
            yield [*about, timestamp, value, *enclosed, *scores, ""]
