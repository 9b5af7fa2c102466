"""Results as tables for the terminal."""

from collections.abc import Sequence
from itertools import groupby

from rich import box
from rich.table import Table
from rich.text import Text

from streams.cli.console.terminal import one_line
from streams.cli.forecasting.outcome import JobOutcome, SeriesForecast

__all__ = ["LONGEST_TABLE", "forecast_table", "number", "short_time"]

LONGEST_TABLE = 60  # rows: about two screens; the rest is in --out or behind --all
_MOST_VALUES = 7  # of a forecast in one row: a week of days
_MIDNIGHT = " 00:00:00"
_UNASKED = {
    "0.025",
    "0.1",
    "0.9",
    "0.975",
}  # quantiles that come where none are chosen: in a file and in pictures alone
_HIGHER_IS_BETTER = ("r2", "mda")  # of the metrics; the others are errors, some with a sign


def forecast_table(outcome: JobOutcome, *, rows: int | None = None) -> Table:
    """One row per series and model: the next values and the metrics; the best of a series by its first metric is bold.

    Quantiles that were chosen stand beside, those of the first step. With `rows` only so many series are shown as fit
    into that number of rows, and the caption says how many there are.
    """
    metrics = outcome.metric_names
    shown = _first_series(outcome.forecasts, rows)
    steps = max((len(forecast.predictions) for forecast in shown), default=0)
    title = "next value" if steps == 1 else f"next {min(steps, _MOST_VALUES)} values" if steps else "next values"
    if steps > _MOST_VALUES:
        title += f" of {steps}"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for label in outcome.group_key or ("series",):
        table.add_column(Text(one_line(label)), overflow="fold")
    table.add_column("model", no_wrap=True)
    table.add_column("from", no_wrap=True)
    table.add_column(title, overflow="fold")
    levels = () if set(outcome.levels) <= _UNASKED else outcome.levels
    if levels:
        table.add_column(f"first: {' '.join(levels)}", justify="right", no_wrap=True)
    for name in metrics:
        table.add_column(name, justify="right", no_wrap=True)
    texts = {id(forecast): _values(forecast) for forecast in shown}
    width = max((len(text) for values in texts.values() for text in values), default=1)
    for _, series in groupby(shown, key=lambda forecast: forecast.ts_id):
        _add_series(table, list(series), metrics, levels, texts, width)
    if len(shown) < len(outcome.forecasts):
        table.caption = (
            f"{len(shown)} of {len(outcome.forecasts)} rows shown: --all shows every one, --out FILE writes them"
        )
    return table


def number(value: float | None) -> str:
    """A number to look at: whole ones whole, others with about four digits; a dash where there is none."""
    if value is None:
        return "-"
    if value == int(value) and abs(value) < 1e9:
        return str(int(value))
    if not 1e-3 <= abs(value) < 1e9:
        return f"{value:.3g}"
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 4
    return f"{value:.{digits}f}"


def short_time(timestamp: str) -> str:
    """A timestamp without its time of day where that is midnight."""
    return timestamp.removesuffix(_MIDNIGHT)


def _first_series(forecasts: Sequence[SeriesForecast], rows: int | None) -> Sequence[SeriesForecast]:
    """As many whole series as fit, at least one."""
    if rows is None or len(forecasts) <= rows:
        return forecasts
    shown: list[SeriesForecast] = []
    for _, series in groupby(forecasts, key=lambda forecast: forecast.ts_id):
        members = list(series)
        if shown and len(shown) + len(members) > rows:
            break
        shown += members
    return shown


def _add_series(
    table: Table,
    series: Sequence[SeriesForecast],
    metrics: Sequence[str],
    levels: Sequence[str],
    texts: dict[int, list[str]],
    width: int,
) -> None:
    best = _best(series, metrics[0]) if metrics and len(series) > 1 else None
    for place, forecast in enumerate(series):
        group = [one_line(value) for value in forecast.group] or [str(forecast.ts_id)]
        cells = [Text(value if place == 0 else "") for value in group]
        if forecast.error is None:
            values = " ".join(text.rjust(width) for text in texts[id(forecast)])
            cells += [Text(forecast.model_name), Text(short_time(forecast.timestamps[0])), Text(values)]
            first = [number(forecast.quantiles[level][0]) for level in levels if level in forecast.quantiles]
            cells += [Text(" ".join(first) or "-")] if levels else []
            cells += [Text(number((forecast.metrics or {}).get(name))) for name in metrics]
        else:
            failed = Text(one_line(forecast.error), style="red")
            blank = [Text("")] * (len(metrics) + bool(levels))
            cells += [Text(forecast.model_name), Text("failed", style="red"), failed, *blank]
        if forecast is best:
            for cell in cells[len(group) :]:
                cell.stylize("bold")
        table.add_row(*cells, end_section=False)


def _values(forecast: SeriesForecast) -> list[str]:
    texts = [number(value) for value in forecast.predictions[:_MOST_VALUES]]
    return [*texts, "…"] if len(forecast.predictions) > _MOST_VALUES else texts


def _best(series: Sequence[SeriesForecast], metric: str) -> SeriesForecast | None:
    """The one with the best score, if they differ."""
    scored = [
        (abs(score) if metric not in _HIGHER_IS_BETTER else -score, forecast)
        for forecast in series
        if (score := (forecast.metrics or {}).get(metric)) is not None
    ]
    if len({score for score, _ in scored}) < 2:
        return None
    return min(scored, key=lambda pair: pair[0])[1]
