"""What all pictures share: title and legend above, panels two in a row, readable dates, a shaded future."""

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from connectors.timestamps.parsing import parse_timestamps
from streams.cli.console.failure import CommandError

__all__ = ["COLOURS", "FAINT", "INK", "drawing", "mark_future", "moments", "panels_of", "save", "style"]

# Distinct for colour-blind readers too (Okabe and Ito's palette, without its yellow).
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
INK, FAINT = "#333333", "#9a9a9a"
_SHADE: Final = "#f3f1ec"
_LEGEND_ENTRY: Final = 1.9  # inches
_TITLE_LETTER, _NOTE_LETTER = 0.098, 0.074  # inches, of the average letter of a panel's title and note
_STYLE: Final[Any] = {"font.family": "DejaVu Sans", "font.size": 9.5, "svg.fonttype": "none"}


def drawing() -> Any:
    """The context in which a picture is drawn and saved."""
    return mpl.rc_context(_STYLE)


def panels_of(count: int, *, title: str, handles: Sequence[Artist]) -> tuple[Figure, Sequence[Axes]]:
    """A picture with so many empty panels, and its title and legend."""
    columns = 1 if count == 1 else 2
    rows = math.ceil(count / columns)
    width = 9.5 if columns == 1 else 12.8
    legend_columns = min(len(handles), int(width / _LEGEND_ENTRY))
    above = 0.9 + 0.25 * math.ceil(len(handles) / legend_columns)
    height = above + 0.2 + 2.55 * rows
    # No pyplot: it would keep the figure and look for a screen.
    figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[count:]:
        axis.remove()
    figure.subplots_adjust(
        left=0.62 / width, right=1 - 0.2 / width, bottom=0.45 / height, top=1 - above / height, hspace=0.46, wspace=0.13
    )
    left = 0.2 / width
    figure.text(left, 1 - 0.2 / height, title, fontsize=14, weight="bold", color=INK, va="top", parse_math=False)
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(left - 0.004, 1 - 0.46 / height), ncols=legend_columns,
        frameon=False, columnspacing=1.6, handlelength=2.2,
    )  # fmt: skip
    return figure, list(axes[:count])


def mark_future(axis: Axes, history: Any, future: Any) -> None:
    """Shade what lies after the history; both are times in order, with at least one each."""
    border = history[-1] + (future[0] - history[-1]) / 2
    step = (future[-1] - future[0]) / max(1, len(future) - 1)
    end = future[-1] + (step / 2 if len(future) > 1 else (future[0] - history[-1]) / 2)
    axis.axvspan(border, end, color=_SHADE, zorder=0, linewidth=0)
    axis.axvline(border, color=FAINT, linewidth=0.8, zorder=1)
    axis.set_xlim(history[0], end)


def style(axis: Axes, title: str, notes: Sequence[str], label: str) -> None:
    """Title, the longest of the notes that stands beside it (they are given by length), what is measured, and dates."""
    title, note = _heading(axis, title, notes)
    axis.set_title(title, loc="left", fontsize=10.5, weight="bold", color=INK, pad=6, parse_math=False)
    if note:
        axis.set_title(note, loc="right", fontsize=8.5, color="#666666", pad=6, parse_math=False)
    axis.set_ylabel(label, color="#666666", parse_math=False)
    locator = AutoDateLocator(minticks=4, maxticks=8)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
    # Days with their month, so that the corner need not say it: of two months it would name the second alone.
    formatter.formats[2] = formatter.zero_formats[2] = "%b %d"
    formatter.offset_formats[2] = "%Y"
    axis.xaxis.set_major_formatter(formatter)
    axis.yaxis.set_major_locator(MaxNLocator(5))
    axis.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    axis.set_axisbelow(True)
    axis.tick_params(color=FAINT, labelcolor="#444444", length=3)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(FAINT)


def save(figure: Figure, path: Path) -> None:
    """Write the picture; its format follows the file's name (png, svg, pdf)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script that the font lacks
        try:
            figure.savefig(path, format=path.suffix.removeprefix(".").lower(), facecolor="white")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error


def moments(texts: Sequence[str], written: str = "") -> Any:
    """Times as matplotlib takes them; `written` says how they are written, where they do not show it."""
    return parse_timestamps(texts, written).wall.astype("datetime64[us]")


def _heading(axis: Axes, title: str, notes: Sequence[str]) -> tuple[str, str]:
    """Title and note, as much of them as stands above the panel side by side."""
    room = axis.get_position().width * axis.figure.get_figwidth()  # type: ignore[union-attr]  # it is in a figure
    letters = int(room / _TITLE_LETTER)
    if len(title) > letters:
        return f"{title[: letters - 1]}…", ""
    left = int((room - len(title) * _TITLE_LETTER) / _NOTE_LETTER) - 2
    return title, next((note for note in notes if len(note) <= left), "")
