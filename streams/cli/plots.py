"""Pictures of forecasts: the end of the history, the backtest that the metrics belong to, and the forecast."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from connectors.timestamps import parse_timestamps
from streams.cli.failure import CommandError
from streams.cli.outcome import History, SeriesForecast

__all__ = ["PLOT_FORMATS", "Panel", "forecast_figure", "plot_forecasts"]

PLOT_FORMATS: Final = (".png", ".svg", ".pdf")
# Distinct for colour-blind readers too (Okabe and Ito's palette, without its yellow).
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
_INK, _FAINT, _SHADE = "#333333", "#9a9a9a", "#f3f1ec"
_HISTORY_LENGTHS: Final = 8  # of the forecast: enough to see the rhythm, and the forecast stays large
_SHORTEST_HISTORY: Final = 42  # points
_DASHES: Final = (0, (3, 1.5))
_MARKS: Final = 7  # on a forecast: more would grow together
_LEGEND_ENTRY: Final = 1.9  # inches
_TITLE_LETTER, _SCORE_LETTER = 0.098, 0.074  # inches, of the average letter of a panel's title and scores
_STYLE: Final = {"font.family": "DejaVu Sans", "font.size": 9.5, "svg.fonttype": "none"}


@dataclass(frozen=True, slots=True)
class Panel:
    """One series: its history and what each model made of it."""

    history: History
    forecasts: Sequence[SeriesForecast]


def plot_forecasts(panels: Sequence[Panel], path: Path, *, title: str) -> None:
    """Write a picture with one panel per series; its format follows the file's name (png, svg, pdf)."""
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks
        figure = forecast_figure(panels, title=title)
        try:
            figure.savefig(path, format=path.suffix.removeprefix(".").lower(), facecolor="white")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error


def forecast_figure(panels: Sequence[Panel], *, title: str) -> Figure:
    """The picture: title and legend above, then a panel for each series, two in a row."""
    columns = 1 if len(panels) == 1 else 2
    rows = math.ceil(len(panels) / columns)
    width = 9.5 if columns == 1 else 12.8
    models = list(dict.fromkeys(forecast.model_name for panel in panels for forecast in panel.forecasts))
    refitted = any(len(forecast.backtest) for panel in panels for forecast in panel.forecasts)
    handles = _legend(models, backtest=refitted)
    legend_columns = min(len(handles), int(width / _LEGEND_ENTRY))
    above = 0.9 + 0.25 * math.ceil(len(handles) / legend_columns)
    height = above + 0.2 + 2.55 * rows
    # No pyplot: it would keep the figure and look for a screen.
    figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[len(panels) :]:
        axis.remove()
    figure.subplots_adjust(
        left=0.62 / width, right=1 - 0.2 / width, bottom=0.45 / height, top=1 - above / height, hspace=0.46, wspace=0.13
    )
    for axis, panel in zip(axes, panels, strict=False):
        _draw(axis, panel, models)
    left = 0.2 / width
    figure.text(left, 1 - 0.2 / height, title, fontsize=14, weight="bold", color=_INK, va="top", parse_math=False)
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(left - 0.004, 1 - 0.46 / height), ncols=legend_columns,
        frameon=False, columnspacing=1.6, handlelength=2.2,
    )  # fmt: skip
    return figure


def _draw(axis: Axes, panel: Panel, models: Sequence[str]) -> None:
    known = [forecast for forecast in panel.forecasts if forecast.error is None]
    horizon = max((len(forecast.predictions) for forecast in known), default=0)
    points = max(_SHORTEST_HISTORY, _HISTORY_LENGTHS * horizon)
    times = _moments(panel.history.timestamps)
    order = np.argsort(times, kind="stable")
    times, values = times[order][-points:], _floats(panel.history.values)[order][-points:]
    axis.plot(times, values, color=_INK, linewidth=1.1, zorder=2)
    for forecast in known:
        colour = _COLOURS[models.index(forecast.model_name) % len(_COLOURS)]
        marker = _MARKERS[models.index(forecast.model_name) % len(_MARKERS)]
        if len(forecast.backtest):
            backtest_times = _moments(forecast.backtest_timestamps)
            axis.plot(
                backtest_times,
                _floats(forecast.backtest),
                color=colour,
                linewidth=1.3,
                linestyle=_DASHES,
                zorder=3,
            )
        axis.plot(
            _moments(forecast.timestamps), _floats(forecast.predictions), color=colour, linewidth=1.6, marker=marker,
            markersize=3.4, markeredgewidth=0, markevery=max(1, len(forecast.predictions) // _MARKS), zorder=4,
        )  # fmt: skip
    if known and len(times):
        _mark_future(axis, times, known)
    _style(axis, panel, known)


def _mark_future(axis: Axes, times: Any, known: Sequence[SeriesForecast]) -> None:
    """Shade what lies after the history."""
    future = _moments(known[0].timestamps)
    border = times[-1] + (future[0] - times[-1]) / 2
    step = (future[-1] - future[0]) / max(1, len(future) - 1)
    end = future[-1] + (step / 2 if len(future) > 1 else (future[0] - times[-1]) / 2)
    axis.axvspan(border, end, color=_SHADE, zorder=0, linewidth=0)
    axis.axvline(border, color=_FAINT, linewidth=0.8, zorder=1)
    axis.set_xlim(times[0], end)


def _style(axis: Axes, panel: Panel, known: Sequence[SeriesForecast]) -> None:
    title, scores = _heading(axis, panel, known)
    axis.set_title(title, loc="left", fontsize=10.5, weight="bold", color=_INK, pad=6, parse_math=False)
    if scores:
        axis.set_title(scores, loc="right", fontsize=8.5, color="#666666", pad=6, parse_math=False)
    axis.set_ylabel(panel.history.target_label, color="#666666", parse_math=False)
    locator = AutoDateLocator(minticks=4, maxticks=8)
    axis.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator)
    # Days with their month, so that the corner need not say it: of two months it would name the second alone.
    formatter.formats[2] = formatter.zero_formats[2] = "%b %d"
    formatter.offset_formats[2] = "%Y"
    axis.xaxis.set_major_formatter(formatter)
    axis.yaxis.set_major_locator(MaxNLocator(5))
    axis.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.tick_params(color=_FAINT, labelcolor="#444444", length=3)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(_FAINT)


def _heading(axis: Axes, panel: Panel, known: Sequence[SeriesForecast]) -> tuple[str, str]:
    """Title and scores, as much of them as stands above the panel side by side."""
    room = axis.get_position().width * axis.figure.get_figwidth()  # type: ignore[union-attr]  # it is in a figure
    title = panel.forecasts[0].title
    letters = int(room / _TITLE_LETTER)
    if len(title) > letters:
        return f"{title[: letters - 1]}…", ""
    left = int((room - len(title) * _TITLE_LETTER) / _SCORE_LETTER) - 2
    return title, next((scores for scores in _scores(known) if len(scores) <= left), "")


def _scores(known: Sequence[SeriesForecast]) -> Sequence[str]:
    """The first metric of every model; without the models' names, in the legend's order, for where room is short."""
    metric = next((name for forecast in known for name in forecast.metrics or ()), "")
    scores = [(forecast.model_name, (forecast.metrics or {}).get(metric)) for forecast in known]
    if all(score is None for _, score in scores):
        return ()
    texts = [(name, "-" if score is None else f"{score:.3g}") for name, score in scores]
    return (
        f"{metric}: {', '.join(f'{name} {text}' for name, text in texts)}",
        f"{metric}: {', '.join(text for _, text in texts)}",
    )


def _legend(models: Sequence[str], *, backtest: bool) -> list[Line2D]:
    handles = [Line2D([], [], color=_INK, linewidth=1.1, label="history")]
    for place, model in enumerate(models):
        colour, marker = _COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)]
        handles.append(Line2D([], [], color=colour, linewidth=1.6, marker=marker, markersize=3.8, label=model))
    if backtest:  # one entry for all: each has the colour of its model
        handles.append(Line2D([], [], color=_FAINT, linewidth=1.3, linestyle=_DASHES, label="backtest"))
    return handles


def _moments(texts: Sequence[str]) -> Any:
    return parse_timestamps(texts).astype("datetime64[ms]").astype("datetime64[us]")


def _floats(values: Sequence[float | None]) -> Any:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
