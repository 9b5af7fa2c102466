"""Fan charts: the end of the history, the median of the forecast, and how far the values may lie from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from streams.cli.console import picture
from streams.cli.console.picture import COLOURS, INK

__all__ = ["LEVELS", "Fan", "draw_fans", "fan_figure"]

LEVELS: Final = ("0.025", "0.1", "0.25", "0.5", "0.75", "0.9", "0.975")
"""The quantiles that a fan is made of."""

# From the widest to the narrowest. Tints instead of transparency: they look the same on any ground and in any format.
_BANDS: Final = (
    ("0.025", "0.975", "#d7e6f1", "95 % interval"),
    ("0.1", "0.9", "#a9cbe3", "80 % interval"),
    ("0.25", "0.75", "#6fa9d0", "50 % interval"),
)
_MEDIAN, _ACTUAL = "#00426b", COLOURS[1]
_HISTORY_LENGTHS: Final = 2  # of the forecast: the fan is what matters
_SHORTEST_HISTORY: Final = 42  # points
_MOST_DOTS: Final = 60  # actual values: of more the dots would grow together
_FLAT: Final = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Fan:
    """One series: its history, the quantiles of its forecast by level, and what came true where that is known."""

    title: str
    label: str
    history_times: Sequence[str]
    history: Sequence[float]
    times: Sequence[str]
    quantiles: Mapping[str, Sequence[float]]
    actual: Sequence[float] = ()


def draw_fans(fans: Sequence[Fan], path: Path, *, title: str) -> None:
    """Write a picture with one panel per series; its format follows the file's name (png, svg, pdf)."""
    with picture.drawing():
        picture.save(fan_figure(fans, title=title), path)


def fan_figure(fans: Sequence[Fan], *, title: str) -> Figure:
    """The picture: title and legend above, then a panel for each series, two in a row."""
    known = any(len(fan.actual) for fan in fans)
    figure, axes = picture.panels_of(len(fans), title=title, handles=_legend(actual=known))
    for axis, fan in zip(axes, fans, strict=True):
        _draw(axis, fan)
    return figure


def _draw(axis: Axes, fan: Fan) -> None:
    shown = max(_SHORTEST_HISTORY, _HISTORY_LENGTHS * len(fan.times))
    times, history = picture.moments(fan.history_times)[-shown:], np.asarray(fan.history, float)[-shown:]
    future = picture.moments(fan.times)
    if len(times):
        axis.plot(times, history, color=INK, linewidth=1.1, zorder=4)
        picture.mark_future(axis, times, future)
    for low, high, colour, _ in _BANDS:
        _band(axis, future, fan.quantiles[low], fan.quantiles[high], colour)
    # A single step is no line: its marks are all there is to see.
    mark = "o" if len(future) == 1 else ""
    axis.plot(future, fan.quantiles["0.5"], color=_MEDIAN, linewidth=1.7, marker=mark, markersize=4, zorder=5)
    if len(fan.actual):
        actual = np.asarray(fan.actual, float)
        axis.plot(future[: len(actual)], actual, zorder=6, **_actual_style(len(actual)))
    _limit(axis, history, fan)
    picture.style(axis, fan.title, _notes(fan), fan.label)


def _band(axis: Axes, times: Any, low: Sequence[float], high: Sequence[float], colour: str) -> None:
    if len(times) == 1:
        axis.vlines(times, low, high, color=colour, linewidth=8, zorder=2)
    else:
        axis.fill_between(times, low, high, color=colour, linewidth=0, zorder=2)


def _actual_style(points: int) -> dict[str, Any]:
    dots = {"marker": "o", "markersize": 3.2, "markeredgewidth": 0.6, "markeredgecolor": "white"}
    return {"color": _ACTUAL, "linewidth": 0.9, **(dots if points <= _MOST_DOTS else {})}


def _limit(axis: Axes, history: Any, fan: Fan) -> None:
    """From the least to the largest that is drawn; from zero where nothing is negative and the values come near it."""
    drawn = np.concatenate([history, *(np.asarray(fan.quantiles[level], float) for level in LEVELS), fan.actual])
    drawn = drawn[np.isfinite(drawn)]
    low, high = float(drawn.min()), float(drawn.max())
    room = 0.05 * (high - low) or max(abs(high), 1.0) * 0.05
    near_zero = 0 <= low <= (high - low) / 4 and high > _FLAT
    axis.set_ylim(0 if near_zero else low - room, high + room)


def _notes(fan: Fan) -> Sequence[str]:
    """How much of what came true lies in the 80 % interval."""
    known = [
        low <= value <= high
        for value, low, high in zip(fan.actual, fan.quantiles["0.1"], fan.quantiles["0.9"], strict=False)
        if np.isfinite(value)
    ]
    if not known:
        return ()
    return f"{sum(known)} of {len(known)} values in the 80 % interval", f"80 %: {sum(known)} of {len(known)}"


def _legend(*, actual: bool) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=INK, linewidth=1.1, label="history"),
        Line2D([], [], color=_MEDIAN, linewidth=1.7, label="median"),
        *(Patch(facecolor=colour, label=label) for _, _, colour, label in reversed(_BANDS)),
    ]
    if actual:
        handles.append(Line2D([], [], label="actual value", **_actual_style(1)))
    return handles
