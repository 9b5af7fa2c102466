"""Pictures of forecasts: the end of the history, the backtest with the metrics, the forecast, its intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from streams.cli.console import picture
from streams.cli.console.picture import COLOURS, FAINT, INK
from streams.cli.forecasting.outcome import History, SeriesForecast

__all__ = ["Panel", "forecast_figure", "plot_forecasts"]

_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
_HISTORY_LENGTHS: Final = 8  # of the forecast: enough to see the rhythm, and the forecast stays large
_SHORTEST_HISTORY: Final = 42  # points
_DASHES: Final = (0, (3, 1.5))
_MARKS: Final = 7  # on a forecast: more would grow together
_BANDED: Final = 2  # models with intervals: more bands over one another tell nothing
_BAND: Final = 0.14  # opacity; where bands lie over one another they are darker


@dataclass(frozen=True, slots=True)
class Panel:
    """One series: its history, what each model made of it, and how the history's timestamps are written."""

    history: History
    forecasts: Sequence[SeriesForecast]
    written: str = ""


def plot_forecasts(panels: Sequence[Panel], path: Path, *, title: str) -> None:
    """Write a picture with one panel per series; its format follows the file's name (png, svg, pdf)."""
    with picture.drawing():
        picture.save(forecast_figure(panels, title=title), path)


def forecast_figure(panels: Sequence[Panel], *, title: str) -> Figure:
    """The picture: title and legend above, then a panel for each series, two in a row."""
    drawn = [forecast for panel in panels for forecast in panel.forecasts]
    models = list(dict.fromkeys(forecast.model_name for forecast in drawn))
    banded = len({forecast.model_name for forecast in drawn if _bands(forecast)}) <= _BANDED
    covered = list(dict.fromkeys(name for it in drawn for name, _, _ in _bands(it))) if banded else []
    handles = _legend(models, backtest=any(len(forecast.backtest) for forecast in drawn), covered=covered)
    figure, axes = picture.panels_of(len(panels), title=title, handles=handles)
    for axis, panel in zip(axes, panels, strict=True):
        _draw(axis, panel, models, banded=banded)
    return figure


def _bands(forecast: SeriesForecast) -> list[tuple[str, str, str]]:
    """What each interval covers and its two quantiles, the widest first: 0.1 and 0.9 are 80 %, and so on inwards."""
    levels = sorted(forecast.quantiles, key=float)
    pairs = zip(levels, reversed(levels), strict=True)
    return [(f"{100 * (float(high) - float(low)):.3g} %", low, high) for low, high in pairs if float(low) < float(high)]


def _draw_bands(axis: Axes, forecast: SeriesForecast, colour: str) -> None:
    times = picture.moments(forecast.timestamps)
    for _, low, high in _bands(forecast):
        below, above = _floats(forecast.quantiles[low]), _floats(forecast.quantiles[high])
        if len(times) == 1:
            axis.vlines(times, below, above, color=colour, alpha=_BAND, linewidth=8, zorder=1)
        else:
            axis.fill_between(times, below, above, color=colour, alpha=_BAND, linewidth=0, zorder=1)


def _draw(axis: Axes, panel: Panel, models: Sequence[str], *, banded: bool) -> None:
    known = [forecast for forecast in panel.forecasts if forecast.error is None]
    horizon = max((len(forecast.predictions) for forecast in known), default=0)
    points = max(_SHORTEST_HISTORY, _HISTORY_LENGTHS * horizon)
    times = picture.moments(panel.history.timestamps, panel.written)
    order = np.argsort(times, kind="stable")
    times, values = times[order][-points:], _floats(panel.history.values)[order][-points:]
    axis.plot(times, values, color=INK, linewidth=1.1, zorder=2)
    for forecast in known:
        colour = COLOURS[models.index(forecast.model_name) % len(COLOURS)]
        marker = _MARKERS[models.index(forecast.model_name) % len(_MARKERS)]
        if banded:
            _draw_bands(axis, forecast, colour)
        if len(forecast.backtest):
            backtest_times = picture.moments(forecast.backtest_timestamps)
            axis.plot(
                backtest_times,
                _floats(forecast.backtest),
                color=colour,
                linewidth=1.3,
                linestyle=_DASHES,
                zorder=3,
            )
        axis.plot(
            picture.moments(forecast.timestamps), _floats(forecast.predictions), color=colour, linewidth=1.6,
            marker=marker, markersize=3.4, markeredgewidth=0, markevery=max(1, len(forecast.predictions) // _MARKS),
            zorder=4,
        )  # fmt: skip
    if known and len(times):
        picture.mark_future(axis, times, picture.moments(known[0].timestamps))
    picture.style(axis, panel.forecasts[0].title, _scores(known), panel.history.target_label)


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


def _legend(models: Sequence[str], *, backtest: bool, covered: Sequence[str]) -> list[Artist]:
    handles: list[Artist] = [Line2D([], [], color=INK, linewidth=1.1, label="history")]
    for place, model in enumerate(models):
        colour, marker = COLOURS[place % len(COLOURS)], _MARKERS[place % len(_MARKERS)]
        handles.append(Line2D([], [], color=colour, linewidth=1.6, marker=marker, markersize=3.8, label=model))
    if covered:  # each has the colour of its model
        handles.append(Patch(facecolor=FAINT, alpha=0.35, linewidth=0, label=f"{', '.join(covered)} intervals"))
    if backtest:  # one entry for all: each has the colour of its model
        handles.append(Line2D([], [], color=FAINT, linewidth=1.3, linestyle=_DASHES, label="backtest"))
    return handles


def _floats(values: Sequence[float | None]) -> Any:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
