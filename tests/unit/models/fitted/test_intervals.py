"""Intervals of the fitted models: they grow and spread as simulated paths do, and cover what they say."""

from typing import Any

import numpy as np
import pytest
from statsforecast.models import AutoETS

from models.fitted.holt_winters import fitted_holt_winters
from models.fitted.smoothing_errors import Smoothing, additive_deviation, multiplicative_deviation, seasonal_deviation
from tests.unit.models.fitted.statistical_samples import Z80, Array, forecast, library_holt_winters


def test_ets_intervals_of_a_damped_trend_are_the_librarys() -> None:
    """At every step, where there is no season; the trend makes them grow fast."""
    random = np.random.default_rng(36)
    slopes = np.zeros(80)
    for step in range(1, 80):
        slopes[step] = 0.85 * slopes[step - 1] + random.normal(0, 0.5)
    values = 50 + slopes.cumsum() + random.normal(0, 0.3, 80)
    values *= 0.9 / np.abs(values).max()
    got = forecast("ETS", values, 9)
    theirs = AutoETS(model="AZZ").forecast(values, 9, level=[80])
    spread = got.quantiles["0.9"][0] - got.mean[0]

    assert got.quantiles["0.9"][0] == pytest.approx(theirs["hi-80"], rel=1e-6)
    assert spread[-1] > 4 * spread[0]  # a level alone: at most 3


def test_ets_intervals_of_a_season_are_the_librarys_at_the_last_step() -> None:
    """There its count of seasons is right; it takes the same for all steps before, where ours are narrower."""
    random = np.random.default_rng(34)
    seasons = random.normal(0, 1, (20, 4)).cumsum(axis=0).ravel()
    values = 50 + seasons + random.normal(0, 0.5, 80) + random.normal(0, 0.3, 80).cumsum()
    values *= 0.9 / np.abs(values).max()
    got = forecast("ETS", values, 9, season=4)
    theirs = AutoETS(model="AZZ", season_length=4).forecast(values, 9, level=[80])

    assert got.quantiles["0.9"][0, -1] == pytest.approx(theirs["hi-80"][-1], rel=1e-6)
    assert (got.quantiles["0.9"][0, :-1] < theirs["hi-80"][:-1]).all()


def holt_winters_paths(found: Any, values: Array, steps: int) -> tuple[float, Array]:
    """The sum of squared errors by the method's formulas, and the deviation of 50,000 futures with errors of 1."""
    weight, trend, seasonal = (found.params[f"smoothing_{part}"] for part in ("level", "trend", "seasonal"))
    random = np.random.default_rng(27)
    level, slope = (np.full(50_000, found.params[f"initial_{part}"]) for part in ("level", "trend"))
    seasons = [np.full(50_000, part) for part in found.params["initial_seasons"]]
    squares, deviations = 0.0, []
    for step in range(len(values) + steps):
        line, season = level + slope, seasons[step % len(seasons)]
        if step < len(values):
            value = np.full(50_000, values[step])
            squares += float((value - line - season)[0] ** 2)
        else:
            value = line + season + random.normal(0, 1, 50_000)
            deviations.append(value.std())
        seasons[step % len(seasons)] = seasonal * (value - line) + (1 - seasonal) * season
        old, level = level, weight * (value - season) + (1 - weight) * line
        slope = trend * (level - old) + (1 - trend) * slope
    return squares, np.array(deviations)


def test_holt_winters_intervals_grow_as_simulated_ones_do() -> None:
    """By the method's own formulas, which the first assertion shows to be the library's."""
    random = np.random.default_rng(26)
    slopes = random.normal(0, 0.3, 120).cumsum()
    seasons = random.normal(0, 1, (30, 4)).cumsum(axis=0).ravel()
    values = slopes.cumsum() + seasons + random.normal(0, 0.5, 120)
    values *= 0.9 / np.abs(values).max()
    got = forecast("HoltWinters", values, 9, season=4, trend="linear")
    fitted = fitted_holt_winters(values, 9, 4, trend=True, damped=False)
    found = library_holt_winters(values, fitted, trend=True, damped=False)
    squares, deviations = holt_winters_paths(found, values, 9)
    spread = got.quantiles["0.9"][0] - got.mean[0]

    assert squares == pytest.approx(found.sse, rel=1e-9)
    assert min(found.params[f"smoothing_{part}"] for part in ("level", "trend", "seasonal")) > 0.05
    assert spread[0] == pytest.approx(Z80 * (found.sse / (120 - 8)) ** 0.5, rel=1e-9)
    assert spread == pytest.approx(Z80 * (found.sse / (120 - 8)) ** 0.5 * deviations, rel=0.02)


def level_paths(series: int, points: int, seed: int) -> Array:
    """Random walks seen through noise: what exponential smoothing is optimal for."""
    random = np.random.default_rng(seed)
    return 100 + random.normal(0, 0.5, (series, points)).cumsum(axis=1) + random.normal(0, 1, (series, points))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "series", "points"),
    [("SES", 2_000, 80), ("HoltWinters", 250, 100), ("ETS", 300, 100), ("Theta", 1_000, 100), ("ARIMA", 40, 100)],
)
def test_intervals_cover_what_they_say(name: str, series: int, points: int) -> None:
    """Five steps of series of the right kind: 80 % and 95 %, less what estimating costs."""
    paths = level_paths(series, points + 5, 11)
    config = {"trend": "none"} if name == "HoltWinters" else {}
    got = forecast(name, paths[:, :points], 5, **config).quantiles
    future = paths[:, points:]
    inner = ((got["0.1"] <= future) & (future <= got["0.9"])).mean()
    outer = ((got["0.025"] <= future) & (future <= got["0.975"])).mean()

    assert 0.75 < inner < 0.84
    assert 0.91 < outer < 0.97


@pytest.mark.slow
@pytest.mark.parametrize("name", ["HoltWinters", "ETS", "Theta"])
def test_intervals_of_seasonal_series_cover_what_they_say(name: str) -> None:
    """Two seasons ahead: the season and its uncertainty are part of the interval."""
    paths = level_paths(60, 114, 12) + np.resize([0.0, 3, 6, 4, 8, -9, -12], 114)
    got = forecast(name, paths[:, :100], 14, season=7).quantiles
    inner = ((got["0.1"] <= paths[:, 100:]) & (paths[:, 100:] <= got["0.9"])).mean()

    assert 0.70 < inner < 0.88


SMOOTHING = Smoothing(level=0.4, trend=0.1, seasonal=0.3, damping=0.9, season=4)
PATTERN = {"additive": [1.0, -1.0, 2.0, -2.0], "multiplicative": [1.2, 0.8, 1.1, 0.9]}


def simulated(noise: float, *, relative: bool, multiplicative: bool, steps: int) -> tuple[Array, Array, Array]:
    """The noiseless forecast, its part without season, and the deviation of 100,000 simulated futures."""
    random = np.random.default_rng(13)
    pattern = PATTERN["multiplicative" if multiplicative else "additive"]
    level, slope, seasons = np.full(100_000, 10.0), np.full(100_000, 0.5), [np.full(100_000, part) for part in pattern]
    deviations = []
    for step in range(steps):
        line, season = level + SMOOTHING.damping * slope, seasons[step % 4]
        mean = line * season if multiplicative else line + season
        error = random.normal(0, noise, 100_000) * (mean if relative else 1)
        deviations.append((mean + error).std())
        on_line, on_season = (error / season, error / line) if multiplicative else (error, error)
        level = line + SMOOTHING.level * on_line
        slope = SMOOTHING.damping * slope + SMOOTHING.trend * on_line
        seasons[step % 4] = season + SMOOTHING.seasonal * on_season
    trend = 10 + 0.5 * SMOOTHING.slopes(steps)
    around = np.resize(pattern, steps)
    return (trend * around if multiplicative else trend + around), trend, np.array(deviations)


def test_additive_errors_spread_as_simulated_ones_do() -> None:
    """Level, damped trend and season together, over more than two seasons."""
    _, _, deviations = simulated(1.0, relative=False, multiplicative=False, steps=10)

    assert additive_deviation(SMOOTHING, 1.0, 10) == pytest.approx(deviations, rel=0.01)


def test_multiplicative_errors_spread_as_simulated_ones_do() -> None:
    """With an additive season."""
    mean, _, deviations = simulated(0.1, relative=True, multiplicative=False, steps=10)

    assert multiplicative_deviation(SMOOTHING, 0.01, mean) == pytest.approx(deviations, rel=0.01)


def test_multiplicative_seasons_spread_about_as_simulated_ones_do() -> None:
    """Exact within the first season; later the book's approximation is a little too narrow."""
    mean, trend, deviations = simulated(0.1, relative=True, multiplicative=True, steps=10)
    got = seasonal_deviation(SMOOTHING, 0.01, mean, trend)

    assert got[:4] == pytest.approx(deviations[:4], rel=0.01)
    assert got == pytest.approx(deviations, rel=0.1)
