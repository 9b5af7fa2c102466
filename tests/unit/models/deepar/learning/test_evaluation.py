"""How good forecasts are said to be: scores computed by hand, and of which windows."""

from typing import Any

import numpy as np
import pytest

from models.deepar.learning import evaluation
from models.deepar.learning.evaluation import LEVELS, score_forecasts, scores
from models.deepar.series import Series
from tests.unit.models.deepar.deepar_models import artefact

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan


def quantiles(*steps: list[float]) -> Any:
    """One forecast's quantiles [1, 9, steps] from those of each step."""
    return np.array(steps, np.float32).T[np.newaxis]


def test_scores_are_those_computed_by_hand() -> None:
    """Two steps observed of three: one inside the interval, one above it."""
    actual = np.array([[10.0, NAN, -6.0]])
    means = np.array([[7.0, 100.0, -7.0]], np.float32)
    found = score_forecasts(actual, means, quantiles(list(range(4, 13)), [NAN] * 9, list(range(-15, -6))))
    # Pinball losses of 10 under 4 … 12 and of -6 under -15 … -7, level by level.
    first = 0.1 * 6 + 0.2 * 5 + 0.3 * 4 + 0.4 * 3 + 0.5 * 2 + 0.6 * 1 + 0.7 * 0 + 0.2 * 1 + 0.1 * 2
    second = 0.1 * 9 + 0.2 * 8 + 0.3 * 7 + 0.4 * 6 + 0.5 * 5 + 0.6 * 4 + 0.7 * 3 + 0.8 * 2 + 0.9 * 1

    assert found == {
        "mean_wQuantileLoss": pytest.approx(2 * (first + second) / 9 / 16),
        "ND": pytest.approx((3 + 1) / 16),
        "RMSE": pytest.approx(np.sqrt((9 + 1) / 2)),
        "coverage_80": 0.5,
    }


def test_a_perfect_forecast_has_no_loss() -> None:
    """And what lies on the interval's border lies in it."""
    actual = np.array([[3.0, 4.0], [5.0, 0.0]])
    found = score_forecasts(actual, actual.astype(np.float32), np.repeat(actual[:, np.newaxis], 9, axis=1))

    assert found == {"mean_wQuantileLoss": 0, "ND": 0, "RMSE": 0, "coverage_80": 1}


def test_zeros_have_no_relative_scores() -> None:
    """There is nothing to divide by."""
    found = score_forecasts(np.zeros((1, 2)), np.ones((1, 2), np.float32), np.ones((1, 9, 2), np.float32))

    assert found == {"mean_wQuantileLoss": None, "ND": None, "RMSE": 1, "coverage_80": 0}


def test_nothing_observed_has_no_scores() -> None:
    """Neither warning nor NaN."""
    found = score_forecasts(np.full((1, 2), NAN), np.ones((1, 2), np.float32), np.ones((1, 9, 2), np.float32))

    assert found == {"mean_wQuantileLoss": None, "ND": None, "RMSE": None, "coverage_80": None}


def test_the_last_window_is_forecast_from_what_lies_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The values judged are not shown, the features of their steps are; shorter series are left out."""
    model = artefact("gaussian", num_dynamic_feat=1)
    steps = model.config.prediction_length
    feat = np.arange(steps + 30, dtype=np.float32)[np.newaxis]
    long = Series(np.datetime64("2024-01-01", "D"), np.arange(steps + 5, dtype=np.float32), (1,), feat)
    short = Series(np.datetime64("2024-01-01", "D"), np.arange(steps, dtype=np.float32), (1,), feat)
    asked: list[Any] = []

    class Asked(evaluation.Predictor):
        def sample(self, series: Any, num_samples: int, seeds: Any) -> Any:
            asked.append((series, num_samples, seeds))
            return super().sample(series, num_samples, seeds)

    monkeypatch.setattr(evaluation, "Predictor", Asked)
    judged: list[Any] = []
    monkeypatch.setattr(evaluation, "score_forecasts", lambda *given: judged.append(given) or {"ND": 0.5})

    assert scores(model, [short, long, long]) == {"ND": 0.5}
    ((series, num_samples, seeds),) = asked
    assert (num_samples, seeds) == (100, [0, 1])
    assert [one.target.tolist() for one in series] == [[0, 1, 2, 3, 4]] * 2
    assert [one.feat.tolist() for one in series] == [feat[:, : steps + 5].tolist()] * 2
    ((actual, means, levels),) = judged
    assert actual.tolist() == [long.target[5:].tolist()] * 2
    assert means.shape == (2, steps)
    assert levels.shape == (2, len(LEVELS), steps)


def test_without_a_long_enough_series_there_are_no_scores() -> None:
    """Nothing lies before a window that is the whole series."""
    model = artefact("gaussian", num_dynamic_feat=0)
    one = Series(np.datetime64("2024-01-01", "D"), np.ones(model.config.prediction_length, np.float32), (1,))

    assert scores(model, [one]) == {}
