"""Forecasts of the M1 competition's yearly series against published figures.

They are those of the Monash forecasting archive: mean over 181 series of MASE (in-sample scaled) and sMAPE. Without the
data these tests fail; the message says how to install it.
"""

import sys

import numpy as np
import pytest

from benchmarks.m1_yearly import HORIZON, fitted_matrix, in_sample_scores, m1_yearly
from models.catalog import CATALOG
from models.forecasts import SeriesBatch


def mean_scores(name: str) -> list[float]:
    """MASE and sMAPE of a model with its defaults, over all series."""
    series = m1_yearly()
    batch = SeriesBatch(fitted_matrix(series, HORIZON), HORIZON, CATALOG[name].resolve({}))
    means: list[float] = in_sample_scores(series, CATALOG[name].load()(batch).mean).mean(axis=0).tolist()
    return means


def test_the_data_set_is_whole() -> None:
    """181 series of 15 to 58 years, 4,515 values in all; and aeon itself was not imported."""
    lengths = [len(values) for values in m1_yearly()]

    assert (len(lengths), min(lengths), max(lengths), sum(lengths)) == (181, 15, 58, 4515)
    assert "aeon" not in sys.modules


def test_scores_by_hand() -> None:
    """Steps of 1 and 3 before (mean 2), errors 1 and 3 (mean 2); a missing actual value does not count."""
    scores = in_sample_scores([np.array([1.0, 2.0, 5.0, 4.0, 6.0, np.nan])], np.array([[3.0, 9.0, 1.0]]))

    assert scores.tolist() == [pytest.approx([1.0, 100 * (1 / 3.5 + 3 / 7.5) / 2])]


def test_ses_reproduces_the_published_accuracy() -> None:
    """MASE 4.938 and sMAPE 23.10."""
    mase, smape = mean_scores("SES")

    assert mase == pytest.approx(4.938, abs=0.005)
    assert smape == pytest.approx(23.10, abs=0.05)


@pytest.mark.parametrize(
    ("name", "mase", "smape"),
    [("SeasonalNaive", 4.894, 22.43), ("Drift", 3.489, 16.66)],
)
def test_the_naive_models_give_what_others_measured(name: str, mase: float, smape: float) -> None:
    """The same figures as statsforecast's Naive and RandomWalkWithDrift."""
    assert mean_scores(name) == [pytest.approx(mase, abs=0.001), pytest.approx(smape, abs=0.01)]


@pytest.mark.parametrize(
    ("name", "mase", "smape"),
    [("Theta", 4.191, 20.17), ("ETS", 4.191, 20.17), ("HoltWinters", 3.771, 18.61)],
)
def test_better_models_are_better_than_published_ones(name: str, mase: float, smape: float) -> None:
    """Theta and ETS than the archive's Theta; HoltWinters than the archive's ETS. Libraries differ in the digits."""
    got = mean_scores(name)

    assert got[0] < mase
    assert got[1] < smape
