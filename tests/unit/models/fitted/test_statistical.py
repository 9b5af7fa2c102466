"""SES, HoltWinters, ETS, Theta and ARIMA: known answers, intervals, and series that do not suit."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from statsforecast.models import AutoARIMA, AutoETS
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from models.batch import SeriesRequest, forecast_batch
from models.catalog import CATALOG
from models.fitted.decomposition import deseasonalised
from models.fitted.single_series import Fit
from models.fitted.smoothing_errors import Smoothing, additive_deviation, multiplicative_deviation, seasonal_deviation
from models.forecasts import Forecasts, SeriesBatch
from models.tuning.search_space import Dimension, Search

Array = NDArray[np.float64]

NAN = np.nan
Z80 = 1.2815515655446004
HEAVY = ["HoltWinters", "ETS", "Theta", "ARIMA"]


def forecast(
    name: str, history: Array, horizon: int, season: int = 1, covariates: Array | None = None, **config: Any
) -> Forecasts:
    """Forecast rows."""
    spec = CATALOG[name]
    batch = SeriesBatch(np.atleast_2d(history), horizon, spec.resolve(config), season, covariates=covariates)
    return spec.load()(batch)


def noisy_season(seed: int, points: int = 84) -> Array:
    """A level, a weekly pattern and a little noise, scaled so that the largest value is between 0.5 and 1."""
    random = np.random.default_rng(seed)
    week = np.array([10.0, 12.0, 14.0, 13.0, 15.0, 4.0, 2.0])
    return (50 + np.resize(week, points) + random.normal(0, 0.5, points)) / 80


def slow_ses(values: list[float]) -> tuple[float, float, float]:
    """The weight, the last level and the sum of squares by a loop, a line search, and a second one for the level."""

    def errors(weight: float, first: float) -> tuple[float, float]:
        level, total = first, 0.0
        for value in values:
            if value == value:
                total += (value - level) ** 2
                level += weight * (value - level)
        return total, level

    def best_first(weight: float) -> float:
        return float(minimize_scalar(lambda first: errors(weight, first)[0], options={"xtol": 1e-12}).x)

    found = [
        minimize_scalar(lambda weight: errors(weight, best_first(weight))[0], bounds=bounds, method="bounded")
        for bounds in ((0.0001, 0.3), (0.3, 0.7), (0.7, 0.9999))
    ]
    weight = float(min(found, key=lambda result: result.fun).x)
    total, level = errors(weight, best_first(weight))
    return weight, level, total


@pytest.mark.parametrize("gaps", [0.0, 0.3])
@pytest.mark.parametrize("noise", [0.2, 1.0, 5.0])
def test_ses_agrees_with_a_slow_reference(noise: float, gaps: float) -> None:
    """Level, and by the interval's growth also the weight; a missing observation leaves the level as it is."""
    random = np.random.default_rng(int(10 * noise))
    history = random.normal(0, 1, (5, 40)).cumsum(axis=1) + random.normal(0, noise, (5, 40))
    history[:, 1:-1][random.random((5, 38)) < gaps] = NAN
    got = forecast("SES", history, 3)
    for row, values in enumerate(history.tolist()):
        weight, level, squares = slow_ses(values)
        deviation = (squares / (np.isfinite(values).sum() - 2)) ** 0.5
        spread = (got.quantiles["0.9"][row] - got.mean[row]) / Z80

        assert got.mean[row] == pytest.approx([level] * 3, abs=1e-3 * noise + 1e-3)
        assert spread == pytest.approx([deviation * (1 + k * weight**2) ** 0.5 for k in range(3)], rel=1e-3)


def test_ses_of_few_or_equal_values() -> None:
    """One value, two, and a constant series need no special treatment by the caller."""
    got = forecast("SES", np.array([[NAN, NAN, 7.0], [NAN, 3.0, 5.0], [4.0, 4.0, 4.0]]), 2)

    assert got.mean[0].tolist() == [7.0, 7.0]
    assert 3.0 <= got.mean[1, 0] <= 5.0
    assert got.mean[2].tolist() == [4.0, 4.0]
    assert got.quantiles["0.1"][2].tolist() == [4.0, 4.0]
    assert np.isnan(got.quantiles["0.1"][:2]).all()


@pytest.mark.parametrize("name", HEAVY)
def test_a_season_goes_on(name: str) -> None:
    """Two weeks ahead, within a few deviations of the noise; without the season the error would be 4."""
    values = noisy_season(1) * 80
    got = forecast(name, values[:70], 14, season=7)

    assert np.abs(got.mean[0] - values[70:]).mean() < 1.0
    assert got.answered_by == [name]
    assert got.notes == [""]


@pytest.mark.parametrize("name", HEAVY)
def test_season_length_1_means_none(name: str) -> None:
    """The hyper-parameter wins over the step's season: the pattern is lost."""
    values = noisy_season(1) * 80
    got = forecast(name, values[:63], 7, season=7, season_length=1)

    assert np.abs(got.mean[0] - values[63:70]).mean() > 2.0


@pytest.mark.parametrize("name", [*HEAVY, "Drift"])
def test_a_straight_line_goes_on(name: str) -> None:
    """With next to no noise, upwards and downwards."""
    line = 100 + 2.0 * np.arange(40) + np.random.default_rng(3).normal(0, 0.01, 40)
    got = forecast(name, np.stack([line, -line]), 3)

    assert got.mean == pytest.approx(np.array([[180, 182, 184], [-180, -182, -184]]), rel=0.02)


@pytest.mark.parametrize("season", [1, 7])
@pytest.mark.parametrize(("components", "model"), [("additive", "AZZ"), ("all", "ZZZ")])
def test_ets_is_the_librarys(components: str, model: str, season: int) -> None:
    """Of a series whose scale needs no change, the forecast is to the bit statsforecast's."""
    values = noisy_season(2)
    got = forecast("ETS", values, 9, season=season, components=components)
    theirs = AutoETS(model=model, season_length=season).forecast(values, 9)

    assert got.mean[0].tolist() == theirs["mean"].tolist()


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


def test_ets_all_follows_a_season_that_grows_with_the_level() -> None:
    """Where additive components cannot."""
    points = np.arange(72)
    factor = np.resize([0.6, 0.8, 1.2, 1.4], 72)
    values = (100 + 5 * points) * factor * np.random.default_rng(4).normal(1, 0.01, 72)
    every, additive = (forecast("ETS", values[:60], 12, season=4, components=kind) for kind in ("all", "additive"))

    assert np.abs(every.mean[0] - values[60:]).mean() < 0.5 * np.abs(additive.mean[0] - values[60:]).mean()
    assert ((every.quantiles["0.025"][0] < values[60:]) & (values[60:] < every.quantiles["0.975"][0])).sum() >= 10


@pytest.mark.parametrize(
    ("trend", "kind", "damped"), [("none", None, False), ("linear", "add", False), ("damped", "add", True)]
)
def test_holt_winters_is_the_librarys(trend: str, kind: str | None, damped: bool) -> None:
    """Of a series whose scale needs no change, to the bit statsmodels'."""
    values = noisy_season(5)
    got = forecast("HoltWinters", values, 9, season=7, trend=trend)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ExponentialSmoothing(values, trend=kind, damped_trend=damped, seasonal="add", seasonal_periods=7).fit()

    assert got.mean[0] == pytest.approx(theirs.forecast(9), rel=1e-9)


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
    found = ExponentialSmoothing(values, trend="add", seasonal="add", seasonal_periods=4).fit()
    squares, deviations = holt_winters_paths(found, values, 9)
    spread = got.quantiles["0.9"][0] - got.mean[0]

    assert squares == pytest.approx(found.sse, rel=1e-9)
    assert min(found.params[f"smoothing_{part}"] for part in ("level", "trend", "seasonal")) > 0.05
    assert spread[0] == pytest.approx(Z80 * (found.sse / (120 - 8)) ** 0.5, rel=1e-9)
    assert spread == pytest.approx(Z80 * (found.sse / (120 - 8)) ** 0.5 * deviations, rel=0.02)


def test_arima_is_the_librarys() -> None:
    """Mean and interval of an autoregressive series, statsforecast's with the same orders allowed."""
    random = np.random.default_rng(6)
    values = np.zeros(80)
    for step in range(1, 80):
        values[step] = 0.7 * values[step - 1] + random.normal()
    values = 0.9 * values / np.abs(values).max()
    got = forecast("ARIMA", values, 4)
    theirs = AutoARIMA(max_p=3, max_q=3, max_P=1, max_Q=1).forecast(values, 4, level=[80])

    assert got.mean[0] == pytest.approx(theirs["mean"])
    assert got.quantiles["0.1"][0] == pytest.approx(np.asarray(theirs["lo-80"]))


def with_promotions(seed: int) -> tuple[Array, Array]:
    """90 values that rise by 20 on promotion days, and the promotions, which have a gap."""
    random = np.random.default_rng(seed)
    promotion = (random.random(90) < 0.3).astype(np.float64)
    values = 100 + 20 * promotion + random.normal(0, 1, 90)
    promotion[10] = promotion[9]
    values[10] = 100 + 20 * promotion[10]
    return values, promotion


def test_arima_uses_covariates() -> None:
    """Those of the future steps move the forecast by the effect that they had before."""
    values, promotion = with_promotions(7)
    known = promotion.copy()
    known[10] = NAN  # interpolated or repeated: here the neighbour before is the same
    known = np.stack([known, np.random.default_rng(8).normal(0, 1, 90)], axis=1)[np.newaxis]
    got = forecast("ARIMA", values[:80], 10, covariates=known)
    without = forecast("ARIMA", values[:80], 10)

    assert np.abs(got.mean[0] - values[80:]).mean() < 2.0
    assert np.abs(without.mean[0] - values[80:]).mean() > 5.0
    assert got.notes == [""]


def test_useless_covariates_are_left_out_and_named() -> None:
    """A constant, the time, a multiple of another, an empty one and an infinite one; the good one still counts."""
    values, promotion = with_promotions(9)
    time = np.arange(90.0)
    odd = [np.full(90, 3.0), promotion, time, 5 - 2 * promotion, np.full(90, NAN), np.where(time == 5, np.inf, time**2)]
    got = forecast("ARIMA", values[:80], 10, covariates=np.stack(odd, axis=1)[np.newaxis])

    assert np.abs(got.mean[0] - values[80:]).mean() < 2.0
    assert got.notes == ["without features 1, 3, 4, 5, 6 of 6 (in the order sent): constant, redundant or too many"]


def test_a_feature_left_out_is_named_by_its_place() -> None:
    """Not by a bare number, which reads like a column of the file."""
    got = forecast("ARIMA", with_promotions(9)[0][:80], 10, covariates=np.full((1, 90, 1), 3.0))

    assert got.notes == ["without feature 1 of 1 (in the order sent): constant, redundant or too many"]


def test_more_covariates_than_the_series_can_bear_are_cut() -> None:
    """One for five values."""
    random = np.random.default_rng(10)
    got = forecast("ARIMA", random.normal(0, 1, 20), 5, covariates=random.normal(0, 1, (1, 25, 30)))

    assert got.answered_by == ["ARIMA"]
    assert got.notes is not None
    assert got.notes[0].startswith("without features 5, 6, 7")


def level_paths(series: int, points: int, seed: int) -> Array:
    """Random walks seen through noise: what exponential smoothing is optimal for."""
    random = np.random.default_rng(seed)
    return 100 + random.normal(0, 0.5, (series, points)).cumsum(axis=1) + random.normal(0, 1, (series, points))


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


def test_a_season_is_taken_off_and_put_back() -> None:
    """Additive where the series is not positive, multiplicative where it is; the next cycle is in phase."""
    cycle = np.array([2.0, -1.0, 0.0, -1.0])
    added = deseasonalised(np.resize(cycle, 42), 4)
    flat = Fit(np.full(5, 10.0), np.full(5, 2.0))

    assert added.values == pytest.approx(np.zeros(42), abs=1e-9)
    assert added.restore(flat).mean == pytest.approx(10 + np.array([0.0, -1.0, 2.0, -1.0, 0.0]))
    assert added.restore(flat).deviation.tolist() == [2.0] * 5

    multiplied = deseasonalised(50 * np.resize([1.5, 0.5], 41), 2)

    assert multiplied.values == pytest.approx(np.full(41, 50.0))
    assert multiplied.restore(flat).mean == pytest.approx([5, 15, 5, 15, 5])
    assert multiplied.restore(flat).deviation == pytest.approx([1, 3, 1, 3, 1])


@pytest.mark.parametrize(
    ("values", "season"),
    [(np.random.default_rng(14).normal(0, 1, 60), 6), (np.resize(np.arange(6.0), 17), 6), (np.arange(9.0), 1)],
)
def test_no_season_is_invented(values: Array, season: int) -> None:
    """Noise, too short a series, and a season of one step stay as they are."""
    assert deseasonalised(values, season).values is values


@pytest.mark.parametrize(("walk", "most"), [(False, 0.05), (True, 0.15)])
@pytest.mark.parametrize("season", [4, 7, 24])
def test_a_season_is_seldom_seen_where_there_is_none(season: int, walk: bool, most: float) -> None:
    """In noise, and in random walks, whose wanderings look more like one."""
    noise = np.random.default_rng(25).normal(0, 1, (200, 4 * season + 3))
    found = [deseasonalised(values, season).pattern is not None for values in (noise.cumsum(axis=1) if walk else noise)]

    assert sum(found) / 200 < most


@pytest.mark.parametrize("name", HEAVY)
def test_what_cannot_be_fitted_repeats_its_last_value_and_says_so(name: str) -> None:
    """Too few values, and values that are all alike; SeasonalNaive answers, and the neighbour is still fitted."""
    fine = np.random.default_rng(15).normal(10, 1, 30)
    few, constant = np.full(30, NAN), np.full(30, 3.0)
    few[-5:] = [1, 2, 3, 4, 9]
    got = forecast(name, np.stack([few, constant, fine]), 3)

    assert got.mean[:2].tolist() == [[9.0] * 3, [3.0] * 3]
    assert got.answered_by == ["SeasonalNaive", "SeasonalNaive", name]
    assert got.notes is not None
    assert f"{name} needs" in got.notes[0]
    assert "this series has 5" in got.notes[0]
    assert "does not vary" in got.notes[1]
    assert got.notes[2] == ""
    assert got.quantiles["0.9"][1].tolist() == [3.0] * 3


def test_a_librarys_warnings_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither Python's nor numpy's: there may be thousands of series."""
    real = CATALOG["Theta"].load().__globals__["thetamodel"]

    def warn(*args: Any) -> Any:
        warnings.warn("failed to converge", UserWarning, stacklevel=2)
        np.log(np.zeros(1))
        return real(*args)

    monkeypatch.setattr("models.fitted.theta.thetamodel", warn)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        got = forecast("Theta", np.random.default_rng(30).normal(10, 1, 20), 3)

    assert got.answered_by == ["Theta"]
    assert warned == []


def test_a_fit_that_fails_repeats_the_last_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the library raises, or if its forecast is not finite."""
    history = np.random.default_rng(16).normal(10, 1, 20)
    for outcome in (Exception("no model able to be fitted"), {"mean": np.array([1.0, np.inf, 2.0])}):

        def fail(*_: object, outcome: Any = outcome, **__: object) -> Any:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr("models.fitted.theta.forecast_theta", fail)
        got = forecast("Theta", history, 3)

        assert got.mean.tolist() == [[history[-1]] * 3]
        assert got.answered_by == ["SeasonalNaive"]
        assert got.notes is not None
        assert "could not be fitted" in got.notes[0]


def test_a_fit_that_fails_with_covariates_is_tried_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """ARIMA still answers, and the note says that the covariates went unused."""
    from models.fitted import arima  # noqa: PLC0415

    real = arima.auto_arima_f

    def refuse(*args: Any, xreg: Array | None, **kwargs: Any) -> Any:
        if xreg is not None:
            raise ValueError("xreg is rank deficient")
        return real(*args, xreg=xreg, **kwargs)

    monkeypatch.setattr(arima, "auto_arima_f", refuse)
    values, promotion = with_promotions(17)
    got = forecast("ARIMA", values[:80], 10, covariates=promotion[np.newaxis, :, np.newaxis])

    assert got.mean.tolist() == forecast("ARIMA", values[:80], 10).mean.tolist()
    assert got.answered_by == ["ARIMA"]
    assert got.notes == ["could not be fitted with the features, so fitted without them"]


@pytest.mark.parametrize("name", HEAVY)
def test_gaps_are_interpolated_and_those_at_the_end_forecast(name: str) -> None:
    """Of a series that stops early, the steps after the end of the array are returned."""
    values = noisy_season(18)[:60]
    whole = values.copy()
    whole[20] = (values[19] + values[21]) / 2
    gap = whole.copy()
    gap[20] = NAN
    stopped = np.concatenate([np.full(4, NAN), gap, np.full(3, NAN)])

    assert (
        forecast(name, stopped, 4, season=7).mean[0].tolist() == forecast(name, whole, 7, season=7).mean[0, 3:].tolist()
    )


NO_SEASON_TRIED = Search((Dimension("season_length", "int", val=1),))


@pytest.mark.parametrize("search", [None, NO_SEASON_TRIED])
@pytest.mark.parametrize(
    ("values", "refit", "note"),
    [
        (range(7), False, "ETS needs 8 observed values and this series has 2 before the hold-out: "),
        (range(4), True, "ETS needs 8 observed values and this series has 4: "),
        ([3] * 30 + [4, 5, 6, 5, 4], False, "the series does not vary before the hold-out: "),
        ([3] * 35, True, "the series does not vary: "),
    ],
)
def test_notes_count_what_is_fitted_and_say_so(
    values: list[int], refit: bool, note: str, search: Search | None
) -> None:
    """Without `refit` that ends before the hold-out, also for a tuned model: a user counts the whole series."""
    target = np.array(values, dtype=np.float64)
    answer = forecast_batch([SeriesRequest(target, "ETS", {}, 5, refit, ("mae",), search=search)])[0]

    assert answer.error is None
    assert note + "its last value is repeated" in answer.note


def test_a_season_that_only_the_hold_out_completes_is_left_out_and_the_note_says_so() -> None:
    """Sixteen days are two weeks, but only eleven of them are fitted."""
    target = noisy_season(19)[:16]
    answer = forecast_batch([SeriesRequest(target, "ETS", {}, 5, False, ("mae",), season_length=7)])[0]

    assert answer.note == "too short before the hold-out for two seasons of 7 steps, so fitted without a season"


@pytest.mark.parametrize("name", HEAVY)
def test_a_season_not_seen_twice_is_left_out(name: str) -> None:
    """And the note says so; the forecast is the one without a season."""
    values = noisy_season(19)[:13]
    got = forecast(name, values, 3, season=7)

    assert got.mean.tolist() == forecast(name, values, 3).mean.tolist()
    needed = "three" if name == "Theta" else "two"  # Theta removes each, which takes one more
    assert got.notes == [f"too short for {needed} seasons of 7 steps, so fitted without a season"]


@pytest.mark.parametrize("name", ["HoltWinters", "ETS", "Theta"])
def test_a_season_of_many_steps_goes_on(name: str) -> None:
    """48, more than the libraries estimate one by one."""
    pattern = 10 * np.sin(np.arange(48) * 2 * np.pi / 48)
    values = 50 + np.resize(pattern, 192) + np.random.default_rng(20).normal(0, 0.5, 192)
    got = forecast(name, values[:144], 48, season=48)

    assert np.abs(got.mean[0] - values[144:]).mean() < 1.5


@pytest.mark.parametrize("name", ["HoltWinters", "ETS"])
@pytest.mark.parametrize(("season", "removed"), [(24, 0), (25, 1)])
def test_seasons_of_more_than_24_steps_are_removed_first(
    name: str, season: int, removed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to there they are part of the model."""
    calls = []
    monkeypatch.setattr(
        "models.fitted.exponential_smoothing.deseasonalised",
        lambda *given: calls.append(given) or deseasonalised(*given),
    )
    forecast(name, np.random.default_rng(28).normal(10, 1, 80), 3, season=season)

    assert len(calls) == removed


@pytest.mark.parametrize(
    ("name", "longest"), [("HoltWinters", 2_000), ("ETS", 2_000), ("Theta", 5_000), ("ARIMA", 1_000)]
)
def test_only_the_newest_values_of_a_very_long_series_are_fitted(name: str, longest: int) -> None:
    """So that time is bounded; the note says so."""
    values = np.random.default_rng(21).normal(0.7, 0.05, longest + 50)
    got = forecast(name, values, 2)

    assert got.mean.tolist() == forecast(name, values[50:], 2).mean.tolist()
    assert got.notes == [f"fitted to the last {longest} values"]


@pytest.mark.parametrize("name", HEAVY)
@pytest.mark.parametrize("power", [990, -990])
def test_scale_changes_nothing(name: str, power: int) -> None:
    """Huge and tiny values are forecast as others are."""
    values = noisy_season(22)[:40]
    plain, scaled = forecast(name, values, 3), forecast(name, np.ldexp(values, power), 3)

    assert np.ldexp(plain.mean, power).tolist() == scaled.mean.tolist()
    assert np.ldexp(plain.quantiles["0.1"], power).tolist() == scaled.quantiles["0.1"].tolist()


ODD = {
    "zeros": np.zeros(30),
    "one pulse": np.eye(30)[15],
    "a step": np.repeat([0.0, 1.0], 15),
    "alternating": np.resize([1.0, -1.0], 30),
    "a perfect line": np.arange(30.0),
    "a perfect season": np.resize(np.arange(7.0), 30),
    "exponential": np.exp(np.arange(30.0)),
    "rare sales": np.resize([0.0, 0, 0, 0, 5], 30),
    "extremes": np.resize([1.7e308, -1.7e308], 30),
    "a tiny variation": 1e15 + np.resize([0.0, 1.0, 0.5], 30),
    "nearly all missing": np.where(np.arange(30) % 3 == 0, np.arange(30.0), NAN),
}


@pytest.mark.parametrize("name", ["SES", *HEAVY])
def test_odd_series_are_forecast_in_silence(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A finite forecast for each, its interval around it, nothing printed, warned of, or written into the history."""
    history = np.stack(list(ODD.values()))
    before = history.copy()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        got = forecast(name, history, 4, season=7)
    printed = capfd.readouterr()

    assert np.isfinite(got.mean).all()
    assert not (got.quantiles["0.9"] < got.quantiles["0.1"]).any()
    assert np.array_equal(history, before, equal_nan=True)
    assert (printed.out, printed.err, warned) == ("", "", [])


@pytest.mark.parametrize("name", HEAVY)
def test_company_changes_no_bit(name: str) -> None:
    """A series between two others, padded, is forecast as if it were alone; a second time as well."""
    alone = noisy_season(23)[:40]
    matrix = np.full((3, 55), NAN)
    matrix[0] = np.random.default_rng(24).normal(0, 1e6, 55)
    matrix[1, -40:] = alone
    matrix[2, ::2] = 7.0
    together, single, again = (forecast(name, rows, 5, season=7) for rows in (matrix, alone, alone))

    assert together.mean[1].tobytes() == single.mean[0].tobytes() == again.mean[0].tobytes()
    assert all(together.quantiles[q][1].tobytes() == single.quantiles[q][0].tobytes() for q in single.quantiles)
    assert together.answered_by is not None
    assert together.answered_by[1:2] == single.answered_by


def test_the_catalogue_says_what_they_are() -> None:
    """Which run in a process of their own, which are searched exhaustively, and which use features."""
    assert [name for name in HEAVY if CATALOG[name].heavy] == HEAVY
    assert all(CATALOG[name].grid for name in ("SeasonalNaive", "Drift", "SES"))
    assert [name for name in ["SeasonalNaive", "Drift", "SES", *HEAVY] if CATALOG[name].covariates] == ["ARIMA"]


def test_D39_arima_forecasts_within_the_level_of_a_series_with_an_outlier() -> None:
    """One typing error of 1,000,000 among values near 100 hides their mean from the search: not 0, but near 100."""
    values = 100 + np.random.default_rng(39).normal(0, 1.5, 40).round(2)
    values[20] = 1_000_000
    answer = forecast_batch([SeriesRequest(values, "ARIMA", {}, 3, True, ("mse",), season_length=7)])[0]

    assert answer.answered_by in (None, "ARIMA")
    assert answer.predictions == pytest.approx([100] * 3, abs=3)


@pytest.mark.parametrize("model", ["ETS", "HoltWinters", "Theta", "ARIMA", "LightGBM"])
@pytest.mark.parametrize(("season", "points"), [(52, 208), (144, 720)])
def test_D29_long_seasons_are_forecast_by_every_seasonal_model(model: str, season: int, points: int) -> None:
    """A day of 10-minute steps, a year of weeks: the pattern goes on, and no fit takes minutes."""
    pattern = 50 + 20 * np.sin(2 * np.pi * np.arange(points + 8) / season)
    values = pattern + np.random.default_rng(season).normal(0, 1, points + 8)
    answer = forecast_batch([SeriesRequest(values[:points], model, {}, 8, True, (), season_length=season)])[0]

    assert answer.answered_by in (None, model)
    assert np.abs(np.array(answer.predictions) - pattern[points:]).mean() < 4


@pytest.mark.parametrize(("model", "needed"), [("ETS", "three"), ("ARIMA", "three"), ("LightGBM", "two")])
def test_D40_the_note_of_a_season_that_is_too_long_names_it(model: str, needed: str) -> None:
    """With its own number, and how many are needed."""
    values = 50 + np.random.default_rng(1).normal(0, 1, 60)
    answer = forecast_batch([SeriesRequest(values, model, {"season_length": 365}, 3, True, ())])[0]

    assert f"for {needed} seasons of 365 steps" in answer.note


@pytest.mark.parametrize("model", ["SeasonalNaive", "ETS"])
def test_D29_the_note_says_that_no_season_is_known(model: str) -> None:
    """Not where one is given, and not where there is none, as for years."""
    values = 50 + np.random.default_rng(1).normal(0, 1, 60)
    asked = SeriesRequest(values, model, {}, 3, True, ())

    notes = [
        forecast_batch([replace(asked, season_length=known, config=config)])[0].note
        for known, config in ((0, {}), (1, {}), (7, {}), (0, {"season_length": 7}), (0, {"season_length": 1}))
    ]
    assert ["no season is usual" in note for note in notes] == [True, False, False, False, False]
