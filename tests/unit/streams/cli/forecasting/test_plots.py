"""Pictures of forecasts: what is drawn, not its pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.lines import Line2D

from streams.cli.console.failure import CommandError
from streams.cli.forecasting.outcome import History, SeriesForecast
from streams.cli.forecasting.plots import Panel, forecast_figure, plot_forecasts
from tests.unit.streams.cli.results import made

DAYS = [str(day) for day in np.arange("2020-01-01", 100, dtype="datetime64[D]")]
HISTORY = History("Sold", DAYS, [float(number) for number in range(100)])
FUTURE = {"timestamps": ("2020-04-10 00:00:00", "2020-04-11 00:00:00"), "predictions": (100.0, 101.0)}
BACKTEST = {"backtest_timestamps": ("2020-04-08 00:00:00", "2020-04-09 00:00:00"), "backtest": (98.5, None)}


def _made(model: str = "LinearFit", **changes: Any) -> SeriesForecast:
    return made(1, model, **{**FUTURE, **BACKTEST, **changes})


def _axis(*forecasts: SeriesForecast, history: History = HISTORY) -> Axes:
    (axis,) = forecast_figure([Panel(history, forecasts)], title="t").axes
    return axis


def _values(line: Line2D) -> list[float]:
    return [float(value) for value in np.asarray(line.get_ydata(), dtype=float)]


def test_history_backtest_and_forecast_are_drawn() -> None:
    """In this order, the forecast where it belongs in time, a border where the history ends."""
    history, backtest, forecast, border = _axis(_made()).lines

    assert _values(history)[-1] == 99
    assert _values(backtest)[0] == 98.5
    assert np.isnan(_values(backtest)[1])
    assert _values(forecast) == [100, 101]
    assert list(date2num(forecast.get_xdata())) == [
        date2num(np.datetime64(day)) for day in ("2020-04-10", "2020-04-11")
    ]
    assert date2num(border.get_xdata()[0]) == date2num(np.datetime64("2020-04-09T12"))


def test_the_end_of_a_long_history_is_drawn() -> None:
    """42 points, or eight forecasts' length: the forecast stays large."""
    history = _axis(_made()).lines[0]

    assert _values(history) == [float(number) for number in range(58, 100)]


def test_J143_a_history_is_drawn_in_the_order_of_time() -> None:
    """Files need not be sorted."""
    history = History("Sold", ["1/3/2020", "1/1/2020", "1/10/2020"], [3, 1, None])
    line = _axis(_made(), history=history).lines[0]

    assert _values(line)[:2] == [1, 3]
    assert np.isnan(_values(line)[2])


def test_every_model_has_a_colour_of_its_own() -> None:
    """The same in every panel, for backtest and forecast, and in the legend."""
    one, two = _made("A"), _made("B")
    figure = forecast_figure([Panel(HISTORY, [one, two]), Panel(HISTORY, [two])], title="t")
    first = [line.get_color() for line in figure.axes[0].lines[1:5]]
    second = [line.get_color() for line in figure.axes[1].lines[1:3]]
    legend = {text.get_text(): line.get_color() for text, line in zip(
        figure.legends[0].get_texts(), figure.legends[0].get_lines(), strict=True
    )}  # fmt: skip

    assert first[0] == first[1] == legend["A"]
    assert first[2] == first[3] == legend["B"] == second[0] == second[1]
    assert legend["A"] != legend["B"]


def test_the_legend_names_a_backtest_only_where_there_is_one() -> None:
    """Without refit the forecast itself is the backtest."""
    figure = forecast_figure([Panel(HISTORY, [_made(backtest=(), backtest_timestamps=())])], title="t")

    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["history", "LinearFit"]


def test_intervals_are_bands_of_their_models_colour() -> None:
    """The widest encloses the others; the legend says what each covers. A quantile in the middle is no interval."""
    levels = {
        "0.1": (90.0, 91.0),
        "0.025": (80.0, 81.0),
        "0.5": (100.0, 101.0),
        "0.9": (110.0, 111.0),
        "0.975": (120.0, 121.0),
    }
    figure = forecast_figure([Panel(HISTORY, [_made(quantiles=levels), _made("B")])], title="t")
    wide, narrow = figure.axes[0].collections
    texts = [text.get_text() for text in figure.legends[0].get_texts()]

    assert [
        (band.get_datalim(figure.axes[0].transData).y0, band.get_datalim(figure.axes[0].transData).y1)
        for band in (wide, narrow)
    ] == [(80, 121), (90, 111)]
    assert "95 %, 80 % intervals" in texts


def test_three_models_intervals_over_one_another_are_not_drawn() -> None:
    """They would hide the forecasts."""
    levels = {"0.1": (90.0, 91.0), "0.9": (110.0, 111.0)}
    figure = forecast_figure([Panel(HISTORY, [_made(name, quantiles=levels) for name in "ABC"])], title="t")

    assert not figure.axes[0].collections
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["history", "A", "B", "C", "backtest"]


def test_the_interval_of_a_single_step_is_a_bar() -> None:
    """A band of one point would not be seen."""
    one = _made(timestamps=FUTURE["timestamps"][:1], predictions=(100.0,), quantiles={"0.1": (90.0,), "0.9": (110.0,)})
    (bar,) = _axis(one).collections

    assert [list(part[:, 1]) for part in bar.get_segments()] == [[90, 110]]


def test_a_panel_tells_series_and_scores() -> None:
    """The first metric of every model; a dash where it is null."""
    axis = _axis(_made("A", metrics={"mae": 1.234, "r2": 1.0}), _made("B", metrics={"mae": None}))

    assert axis.get_title(loc="left") == "g1"
    assert axis.get_title(loc="right") == "mae: A 1.23, B -"
    assert axis.get_ylabel() == "Sold"


def test_headings_that_do_not_fit_are_shortened() -> None:
    """Title and scores must not run into each other."""
    short = _axis(*(_made("LongModelName" + letter, group=("g" * 50,)) for letter in "ABCDE"))
    none = _axis(_made(group=("g" * 500,)))

    assert short.get_title(loc="right") == "mae: 0.5, 0.5, 0.5, 0.5, 0.5"
    assert none.get_title(loc="right") == ""
    assert none.get_title(loc="left").endswith("g…")


def test_a_long_forecast_has_few_marks() -> None:
    """A mark on every point would hide the line."""
    days = tuple(str(day) for day in np.arange("2020-04-10", 70, dtype="datetime64[D]"))
    line = _axis(_made(timestamps=days, predictions=70 * (1.0,))).lines[2]

    assert line.get_markevery() == 10


def test_a_failed_model_is_left_out() -> None:
    """The others of the series are drawn."""
    axis = _axis(_made("A"), made(1, "B", error="too short"))

    assert len(axis.lines) == 4


@pytest.mark.parametrize(("panels", "columns"), [(1, 1), (2, 2), (3, 2), (4, 2)])
def test_panels_stand_two_in_a_row(panels: int, columns: int) -> None:
    """One for each series, no empty frame."""
    figure = forecast_figure([Panel(HISTORY, [_made()])] * panels, title="t")
    places = [axis.get_position() for axis in figure.axes]

    assert len(places) == panels
    assert len({round(place.x0, 6) for place in places}) == columns


def test_many_models_take_several_lines_of_the_legend() -> None:
    """Within the picture."""
    models = [_made(f"SomeLongModelName{number}") for number in range(12)]
    figure = forecast_figure([Panel(HISTORY, models)] * 2, title="t")
    figure.draw_without_rendering()
    frame = figure.legends[0].get_window_extent()
    highest = max(axis.get_tightbbox().y1 for axis in figure.axes)

    assert len(figure.legends[0].get_texts()) == 14
    assert highest < frame.y0 + 2


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("A.PDF", b"%PDF")])
def test_the_name_decides_the_format(tmp_path: Path, name: str, magic: bytes) -> None:
    """Upper case or lower; text that looks like a formula is text."""
    panel = Panel(History("$x^$", DAYS, HISTORY.values), [_made(group=("$a_{$", "日本"))])
    plot_forecasts([panel], tmp_path / name, title="50 $ of $ total")

    assert (tmp_path / name).read_bytes().startswith(magic)


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With the name and the reason."""
    with pytest.raises(CommandError, match=r"a\.png cannot be written: No such file or directory"):
        plot_forecasts([Panel(HISTORY, [_made()])], tmp_path / "missing" / "a.png", title="t")
