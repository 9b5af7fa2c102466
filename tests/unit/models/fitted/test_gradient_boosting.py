"""LightGBM per series: what it can learn, and that it is the same every time."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalog import CATALOG
from models.fitted.gradient_boosting import forecast
from models.forecasts import Forecasts, SeriesBatch

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan
WEEK = np.array([10.0, 12, 15, 14, 11, 3, 2])


def run(
    history: NDArray[np.float64], horizon: int = 7, *, season: int = 7, covariates: NDArray[np.float64] | None = None
) -> Forecasts:
    """Forecast rows with the default settings."""
    config = CATALOG["LightGBM"].resolve({})
    return forecast(SeriesBatch(history, horizon, config, season_length=season, covariates=covariates))


def test_a_weekly_pattern_goes_on() -> None:
    """Also on a level that rises, which trees alone cannot follow."""
    days = np.arange(140)
    series = np.tile(WEEK, 20) + days * 0.5
    got = run(series[np.newaxis, :133]).mean[0]

    assert np.abs(got - series[133:]).max() < 1.5


def test_J090_a_feature_explains_what_the_past_cannot() -> None:
    """A random switch that adds 50: known for the future, the forecast follows it; without it, it cannot."""
    switch = (np.random.default_rng(3).random(207) < 0.3).astype(float)
    series = 100 + 50 * switch
    covariates = switch[np.newaxis, :, np.newaxis]
    told = run(series[np.newaxis, :200], covariates=covariates, season=1).mean[0]
    untold = run(series[np.newaxis, :200], season=1).mean[0]

    assert np.abs(told - series[200:]).mean() < 5
    assert np.abs(untold - series[200:]).mean() > 15


def test_a_row_has_the_same_bits_alone_in_company_and_again() -> None:
    """Nothing is random, and nothing is shared."""
    rows = np.random.default_rng(1).normal(50, 10, (3, 60))
    rows[1, :20] = NAN
    rows[2, 30] = NAN
    together = run(rows).mean

    assert run(rows).mean.tobytes() == together.tobytes()
    for place, row in enumerate(rows):
        assert run(row[np.newaxis]).mean[0].tobytes() == together[place].tobytes()


@pytest.mark.parametrize("row", [[5.0], [1, 2, 3, NAN, 5], [7.0] * 40, [1e300, -1e300] * 20, [NAN] * 30 + [1, 2]])
def test_odd_series_are_answered(row: list[float]) -> None:
    """Short, constant and huge ones: with a finite forecast, and a note where another model answered."""
    got = run(np.array([row]))

    assert np.isfinite(got.mean).all()
    assert got.answered_by is not None
    assert got.notes is not None
    assert (got.answered_by[0] == "LightGBM") or got.notes[0]
