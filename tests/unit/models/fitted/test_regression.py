"""Regression: series whose forecast is known."""

import numpy as np
import pytest

from models.catalog import CATALOG
from models.fitted.regression import feature_effects
from models.forecasts import SeriesBatch
from tests.unit.models.fitted.statistical_samples import Array, forecast, noisy_season, with_promotions


def random_feature(points: int, seed: int = 3) -> Array:
    """What nobody could continue without being told."""
    return np.random.default_rng(seed).normal(size=(1, points, 1)) * 7


def test_a_target_that_is_two_x_and_one_is_forecast_from_what_x_will_be() -> None:
    """Exactly, but for rounding."""
    feature = random_feature(50)
    got = forecast("Regression", 2 * feature[0, :40, 0] + 1, 10, covariates=feature)

    assert got.mean[0] == pytest.approx(2 * feature[0, 40:, 0] + 1, rel=1e-7, abs=1e-7)
    assert (got.answered_by, got.notes) == (["Regression"], [""])


def test_a_line_and_a_season_are_continued() -> None:
    """Of seven steps; without noise exactly."""
    season = np.array([0.0, 3, -1, 4, 2, -6, -2])
    values = 20 + 0.5 * np.arange(49) + np.resize(season, 49)
    got = forecast("Regression", values[:42], 7, season=7)

    assert got.mean[0] == pytest.approx(values[42:], rel=1e-9)


def test_a_level_that_wanders_is_gone_on_with_from_where_it_is() -> None:
    """The feature says how much it changes; the mean of the whole history says nothing."""
    random = np.random.default_rng(5)
    feature = random_feature(130)
    values = 3 * feature[0, :120, 0] + random.normal(size=120).cumsum()
    got = forecast("Regression", values, 10, covariates=feature)
    level = values[-1] - 3 * feature[0, 119, 0]

    assert got.mean[0] == pytest.approx(3 * feature[0, 120:, 0] + level, abs=2.5)


def test_intervals_cover_what_they_say() -> None:
    """Four in five of the values that come lie in the interval of 80 %, about."""
    inside = []
    for seed in range(40):
        values, promotion = with_promotions(seed)
        got = forecast("Regression", values[:80], 10, covariates=promotion[np.newaxis, :, np.newaxis])
        inside.append((got.quantiles["0.1"][0] <= values[80:]) & (values[80:] <= got.quantiles["0.9"][0]))

    assert 0.7 < np.mean(inside) < 0.9


def test_a_season_that_is_not_there_costs_little() -> None:
    """The criterion leaves it out."""
    feature = random_feature(80)
    values = 2 * feature[0, :70, 0] + np.random.default_rng(1).normal(size=70)

    with_season = forecast("Regression", values, 10, season=7, covariates=feature).mean
    assert with_season == pytest.approx(forecast("Regression", values, 10, covariates=feature).mean)


def test_a_short_series_is_left_to_the_last_value() -> None:
    """With a note."""
    got = forecast("Regression", np.arange(7.0), 3)

    assert got.answered_by == ["SeasonalNaive"]
    assert "needs 8 observed values" in got.notes[0]


def test_a_noisy_week_is_about_as_good_as_its_noise() -> None:
    """Also where there are no features."""
    values = noisy_season(4, 91)

    assert np.abs(forecast("Regression", values[:84], 7, season=7).mean[0] - values[84:]).mean() < 0.02


def test_the_effect_of_features_is_told_and_nothing_where_there_is_none() -> None:
    """Of the history and of the steps to come, but for a constant, which is in the level."""
    feature = random_feature(90)
    noise = np.random.default_rng(2).normal(size=80)
    history = np.array([3 * feature[0, :80, 0] + noise, noise, np.full(80, 5.0), [np.nan] * 75 + [1.0, 2, 3, 4, 5]])
    config = CATALOG["Regression"].resolve({})
    effects = feature_effects(SeriesBatch(history, 10, config, covariates=np.repeat(feature, 4, axis=0)))

    differences = np.diff(effects[0])
    assert differences == pytest.approx(3 * np.diff(feature[0, :, 0]), rel=0.1, abs=0.3)
    assert not effects[1:].any()
