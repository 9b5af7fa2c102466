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

__all__ = ["PLOT_FORMATS", "Panel", "plot_forecasts"]

PLOT_FORMATS: Final = (".png", ".svg", ".pdf")
# Distinct for colour-blind readers too (Okabe and Ito's palette, without its yellow).
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
_INK, _FAINT, _SHADE = "#333333", "#9a9a9a", "#f3f1ec"
_HISTORY_LENGTHS: Final = 8  # of the forecast: enough to see the rhythm, and the forecast stays large
_SHORTEST_HISTORY: Final = 42  # points


@dataclass(frozen=True, slots=True)
class Panel:
    """One series: its history and what each model made of it."""

    history: History
    forecasts: Sequence[SeriesForecast]


def plot_forecasts(panels: Sequence[Panel], path: Path, *, title: str) -> None:
    """Write a picture with one panel per series; its format follows the file's name (png, svg, pdf)."""
    columns = 1 if len(panels) == 1 else 2
    rows = math.ceil(len(panels) / columns)
    # No pyplot: it would keep the figure and look for a screen.
    with mpl.rc_context({"font.family": "DejaVu Sans", "font.size": 9.5, "svg.fonttype": "none"}):
        height = 1.35 + 2.55 * rows
        figure = Figure(figsize=(6.4 * columns if columns > 1 else 9.5, height), dpi=150, facecolor="white")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        models = list(dict.fromkeys(forecast.model_name for panel in panels for forecast in panel.forecasts))
        for axis, panel in zip(axes, panels, strict=False):
            _draw(axis, panel, models)
        for axis in axes[len(panels) :]:
            axis.remove()
        figure.subplots_adjust(
            left=0.62 / figure.get_figwidth(), right=1 - 0.2 / figure.get_figwidth(),
            bottom=0.45 / height, top=1 - 1.15 / height, hspace=0.46, wspace=0.13,
        )  # fmt: skip
        left = 0.2 / figure.get_figwidth()
        figure.text(left, 1 - 0.2 / height, title, fontsize=14, weight="bold", color=_INK, va="top", parse_math=False)
        refitted = any(forecast.backtest for panel in panels for forecast in panel.forecasts)
        figure.legend(
            handles=_legend(models, backtest=refitted), loc="upper left",
            bbox_to_anchor=(left - 0.004, 1 - 0.46 / height),
            ncols=len(models) * (2 if refitted else 1) + 1, frameon=False, columnspacing=1.6, handlelength=2.2,
        )  # fmt: skip
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks
                figure.savefig(path, format=path.suffix.removeprefix(".").lower(), facecolor="white")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error


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
                linestyle=(0, (3, 1.5)),
                zorder=3,
            )
        axis.plot(
            _moments(forecast.timestamps), _floats(forecast.predictions), color=colour, linewidth=1.6, marker=marker,
            markersize=3.4, markeredgewidth=0, zorder=4,
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
    title = panel.forecasts[0].title
    axis.set_title(title, loc="left", fontsize=10.5, weight="bold", color=_INK, pad=6, parse_math=False)
    scores = _scores(known)
    if scores:
        axis.set_title(scores, loc="right", fontsize=8.5, color="#666666", pad=6, parse_math=False)
    axis.set_ylabel(panel.history.target_label, color="#666666", parse_math=False)
    locator = AutoDateLocator(minticks=4, maxticks=8)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axis.yaxis.set_major_locator(MaxNLocator(5))
    axis.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.tick_params(color=_FAINT, labelcolor="#444444", length=3)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(_FAINT)


def _scores(known: Sequence[SeriesForecast]) -> str:
    """The first metric of every model, in words."""
    parts = []
    for forecast in known:
        name, score = next(iter((forecast.metrics or {}).items()), ("", None))
        if score is not None:
            parts.append(f"{forecast.model_name} {name} {score:.3g}")
    return "   ".join(parts[:3])


def _legend(models: Sequence[str], *, backtest: bool) -> list[Line2D]:
    handles = [Line2D([], [], color=_INK, linewidth=1.1, label="history")]
    for place, model in enumerate(models):
        colour, marker = _COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)]
        if backtest:
            label = f"{model}, backtest"
            handles.append(Line2D([], [], color=colour, linewidth=1.3, linestyle=(0, (3, 1.5)), label=label))
        label = f"{model}, forecast"
        handles.append(Line2D([], [], color=colour, linewidth=1.6, marker=marker, markersize=3.8, label=label))
    return handles


def _moments(texts: Sequence[str]) -> Any:
    return parse_timestamps(texts).astype("datetime64[ms]").astype("datetime64[us]")


def _floats(values: Sequence[float | None]) -> Any:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
