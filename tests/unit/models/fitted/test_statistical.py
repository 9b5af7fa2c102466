"""SES, HoltWinters, ETS, Theta and ARIMA: known answers, intervals, and series that do not suit."""

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from statsforecast.models import AutoARIMA, AutoETS
from statsmodels.tsa.holtwinters import ExponentialSmoothing

from models.catalog import CATALOG
from models.fitted.decomposition import deseasonalised
from models.fitted.holt_winters import fitted_holt_winters
from models.fitted.single_series import Fit
from tests.unit.models.fitted.statistical_samples import (
    HEAVY,
    NAN,
    Z80,
    forecast,
    library_holt_winters,
    noisy_season,
    with_promotions,
)


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


def test_ets_all_follows_a_season_that_grows_with_the_level() -> None:
    """Where additive components cannot."""
    points = np.arange(72)
    factor = np.resize([0.6, 0.8, 1.2, 1.4], 72)
    values = (100 + 5 * points) * factor * np.random.default_rng(4).normal(1, 0.01, 72)
    every, additive = (forecast("ETS", values[:60], 12, season=4, components=kind) for kind in ("all", "additive"))

    assert np.abs(every.mean[0] - values[60:]).mean() < 0.5 * np.abs(additive.mean[0] - values[60:]).mean()
    assert ((every.quantiles["0.025"][0] < values[60:]) & (values[60:] < every.quantiles["0.975"][0])).sum() >= 10


@pytest.mark.parametrize("season", [1, 7])
@pytest.mark.parametrize("trend", ["none", "linear", "damped"])
def test_holt_winters_is_the_librarys(trend: str, season: int) -> None:
    """Errors and forecasts are statsmodels' for the same weights and first states; of a scale that needs no change."""
    values, kind = noisy_season(5), {"trend": trend != "none", "damped": trend == "damped"}
    found = fitted_holt_winters(values, 9, season, **kind)
    theirs = library_holt_winters(values, found, **kind)

    assert found.errors == pytest.approx(np.asarray(theirs.resid), rel=1e-6, abs=1e-9)
    assert found.mean == pytest.approx(theirs.forecast(9), rel=1e-6)
    got = forecast("HoltWinters", values, 9, season=season, trend=trend)
    assert got.mean[0] == pytest.approx(found.mean, rel=1e-12)


@pytest.mark.parametrize("trend", ["none", "linear", "damped"])
def test_holt_winters_fits_as_closely_as_the_library(trend: str) -> None:
    """The sum of squares is at most a hundredth above that of statsmodels, which searches ten times as long."""
    values, kind = noisy_season(5), {"trend": trend != "none", "damped": trend == "damped"}
    found = fitted_holt_winters(values, 9, 7, **kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = ExponentialSmoothing(
            values,
            trend="add" if kind["trend"] else None,
            damped_trend=kind["damped"],
            seasonal="add",
            seasonal_periods=7,
        ).fit()

    assert found.errors @ found.errors < 1.01 * theirs.sse


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


def test_the_catalogue_says_what_they_are() -> None:
    """Which run in a process of their own, which are searched exhaustively, and which use features."""
    assert [name for name in HEAVY if CATALOG[name].heavy] == HEAVY
    assert all(CATALOG[name].grid for name in ("SeasonalNaive", "Drift", "SES"))
    assert [name for name in ["SeasonalNaive", "Drift", "SES", *HEAVY] if CATALOG[name].covariates] == ["ARIMA"]
