"""Fan charts: what is drawn, not its pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.dates import date2num

from streams.cli.console.failure import CommandError
from streams.cli.deepar.fan_charts import LEVELS, Fan, draw_fans, fan_figure

DAYS = [str(day) for day in np.arange("2020-01-01", 110, dtype="datetime64[D]")]
QUANTILES = {level: [100 + 10 * float(level), 200 + 10 * float(level)] for level in LEVELS}


def _fan(**changes: Any) -> Fan:
    given = {
        "title": "north", "label": "sold", "history_times": DAYS[:100], "history": [float(n) for n in range(100)],
        "times": DAYS[100:102], "quantiles": QUANTILES,
    }  # fmt: skip
    return Fan(**(given | changes))


def _axis(**changes: Any) -> Axes:
    (axis,) = fan_figure([_fan(**changes)], title="t").axes
    return axis


def _corners(band: Any) -> set[tuple[float, float]]:
    """The points of a band."""
    return {(float(x), round(float(y), 6)) for x, y in band.get_paths()[0].vertices}


def test_three_intervals_are_drawn_around_the_median() -> None:
    """From the widest to the narrowest, each darker than the one before, at the forecast's own times."""
    axis = _axis()
    bands = axis.collections
    history, median = axis.lines[0], axis.lines[2]
    first, second = (date2num(np.datetime64(day)) for day in DAYS[100:102])
    bounds = [(0.025, 0.975), (0.1, 0.9), (0.25, 0.75)]

    for band, (low, high) in zip(bands, bounds, strict=True):
        for x, base in ((first, 100), (second, 200)):
            assert {(x, round(base + 10 * low, 6)), (x, round(base + 10 * high, 6))} <= _corners(band)
    darkness = [sum(band.get_facecolor()[0][:3]) for band in bands]
    assert darkness == sorted(darkness, reverse=True)
    assert list(median.get_ydata()) == QUANTILES["0.5"]
    assert list(history.get_ydata())[-1] == 99


def test_the_end_of_a_long_history_is_drawn() -> None:
    """42 points, or twice the forecast's length."""
    assert list(_axis().lines[0].get_ydata()) == [float(n) for n in range(58, 100)]


def test_a_gap_in_the_history_is_a_gap_in_the_line() -> None:
    """Nothing is made up."""
    history = [1.0, float("nan"), 3.0]
    line = _axis(history_times=DAYS[:3], history=history).lines[0]

    assert np.array_equal(line.get_ydata(), history, equal_nan=True)


def test_what_came_true_is_drawn_and_counted() -> None:
    """A missing value is not counted; the legend has it only where there is some."""
    fan = _fan(actual=[105.0, float("nan")])
    figure = fan_figure([fan], title="t")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    plain = fan_figure([_fan()], title="t").legends[0].get_texts()

    assert figure.axes[0].lines[-1].get_ydata()[0] == 105
    assert figure.axes[0].get_title(loc="right") == "1 of 1 values in the 80 % interval"
    assert texts == ["history", "median", "50 % interval", "80 % interval", "95 % interval", "actual value"]
    assert [text.get_text() for text in plain] == texts[:-1]


def test_the_legend_has_the_colours_of_the_bands() -> None:
    """In the order from the narrowest to the widest."""
    figure = fan_figure([_fan()], title="t")
    drawn = [to_hex(band.get_facecolor()[0]) for band in figure.axes[0].collections]

    assert [to_hex(patch.get_facecolor()) for patch in figure.legends[0].get_patches()] == drawn[::-1]


def test_all_that_is_drawn_is_within_the_frame() -> None:
    """The widest interval too; small values are shown from zero on."""
    low, high = _axis(history=[10.0] * 100).get_ylim()
    far = _axis(history=[1000.0] * 100, quantiles={level: [1000.0, 1001.0] for level in LEVELS}).get_ylim()
    flat = _axis(history=[0.0] * 100, quantiles={level: [0.0, 0.0] for level in LEVELS}).get_ylim()

    assert low == 0
    assert high > 209.75
    assert 990 < far[0] < 1000
    assert 1001 < far[1] < 1010
    assert flat[0] < 0 < flat[1]


def test_a_forecast_of_one_step_can_be_seen() -> None:
    """A line of one point would have no length."""
    axis = _axis(times=DAYS[100:101], quantiles={level: [float(level)] for level in LEVELS})

    assert axis.lines[2].get_marker() == "o"
    assert len(axis.collections) == 3


def test_a_series_without_history_is_drawn() -> None:
    """As the model's prior."""
    axis = _axis(history_times=[], history=[])

    assert list(axis.lines[0].get_ydata()) == QUANTILES["0.5"]


def test_the_legend_stands_above_all_panels() -> None:
    """Nothing overlaps."""
    figure = fan_figure([_fan(actual=[1.0, 2.0])] * 4, title="t")
    figure.draw_without_rendering()
    highest = max(axis.get_tightbbox().y1 for axis in figure.axes)

    assert highest < figure.legends[0].get_window_extent().y0 + 2


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("A.PDF", b"%PDF")])
def test_the_name_decides_the_format(tmp_path: Path, name: str, magic: bytes) -> None:
    """Text that looks like a formula is text."""
    draw_fans([_fan(title="$a_{$ 日本", label="$x^$")], tmp_path / name, title="50 $")

    assert (tmp_path / name).read_bytes().startswith(magic)


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With the name and the reason."""
    with pytest.raises(CommandError, match=r"a\.png cannot be written: No such file or directory"):
        draw_fans([_fan()], tmp_path / "missing" / "a.png", title="t")
