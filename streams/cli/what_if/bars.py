"""Pictures of explanations: a line for what is left without features, and what each adds as bars on it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from streams.cli.console import picture
from streams.cli.console.picture import COLOURS, INK

__all__ = ["plot_explanations"]

_MOST: Final = 5  # features with a colour of their own; the others are put together
_OTHERS: Final = "other features"
_OTHER_COLOUR: Final = "#bbbbbb"
_WIDTH: Final = 0.8  # of a step


def plot_explanations(series: Sequence[Mapping[str, Any]], path: Path, *, title: str) -> None:
    """Write a picture with a panel for each series; its format follows the file's name (png, svg, pdf)."""
    effects: dict[str, float] = {}
    for one in series:
        for feature in one["features"]:
            effects[feature["feature"]] = effects.get(feature["feature"], 0.0) + feature["effect"]
    names = sorted(effects, key=lambda name: -effects[name])
    colours = dict(zip(names[:_MOST], COLOURS, strict=False))
    handles = [
        Line2D([], [], color=INK, linewidth=1.6, label="forecast"),
        Line2D([], [], color=INK, linewidth=1.1, linestyle=(0, (3, 1.5)), label="rest"),
        *(Patch(color=colour, label=name) for name, colour in colours.items()),
        *([Patch(color=_OTHER_COLOUR, label=_OTHERS)] if len(names) > _MOST else []),
    ]
    with picture.drawing():
        figure, axes = picture.panels_of(len(series), title=title, handles=handles)
        for axis, one in zip(axes, series, strict=True):
            _draw(axis, one, colours)
        picture.save(figure, path)


def _draw(axis: Axes, one: Mapping[str, Any], colours: Mapping[str, str]) -> None:
    times = picture.moments(one["timestamps"])
    rest = np.asarray(one["rest"])
    step = np.diff(times).min() if len(times) > 1 else np.timedelta64(1, "D")
    above, below = rest.copy(), rest.copy()
    parts = {name: np.zeros_like(rest) for name in (*colours, _OTHERS)}
    for feature in one["features"]:
        parts[feature["feature"] if feature["feature"] in colours else _OTHERS] += np.asarray(feature["added"])
    for name, added in parts.items():
        begin = np.where(added >= 0, above, below)
        axis.bar(times, added, width=_WIDTH * step, bottom=begin, color=colours.get(name, _OTHER_COLOUR), linewidth=0)
        above += np.maximum(added, 0)
        below += np.minimum(added, 0)
    axis.plot(times, rest, color=INK, linewidth=1.1, linestyle=(0, (3, 1.5)))
    axis.plot(times, one["predictions"], color=INK, linewidth=1.6)
    picture.style(axis, one["series_key"] or "the series", [one["answered_by"]], "forecast")
