"""The search of LinearFit's factor, which is exact: never worse than fmin or than random factors."""

from dataclasses import replace
from itertools import product
from typing import Any

import hyperopt
import numpy as np
import pytest

from models.arrays.published_values import ValueKinds
from models.batch import SeriesAnswer, forecast_batch
from models.quick.lines import raised_lines
from models.scores.names import METRICS
from models.tuning.factor_search import best_factors
from models.tuning.search import Dimension, Search, loss
from tests.unit.models.tuning.tuning_samples import FACTOR, HIGH, LOW, TARGETS, N, losses_of, request, tuned

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def test_ties_go_to_the_lowest_window_and_factor() -> None:
    """A constant series is met exactly by every configuration."""
    assert tuned([4.0] * 20, "LinearFit", Dimension("latest_n", "int", 2, 5), FACTOR).config == {
        "latest_n": 2, "add_std_factor": 0.0,
    }  # fmt: skip
    assert tuned([4.5] * 20, "LinearFit", Dimension("latest_n", "int", 3, 5), FACTOR).config == {
        "latest_n": 3, "add_std_factor": 0.0,
    }  # fmt: skip
    assert tuned([4.5] * 20, "AdaptiveAverageN", N).config == {"latest_n": 1}


def test_of_equally_good_factors_the_lowest_that_was_tried_wins() -> None:
    """A loss of 0 above 40 and 1 below: the factor chosen is the lowest of those tried above 40."""
    tried: list[np.ndarray] = []

    def losses(_: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        tried.append(predicted[:, 0])
        return np.where(predicted[:, 0] > 40, 0.0, 1.0)

    none = np.array([False])
    kinds = ValueKinds(none, none)
    history, actual = np.array([[7.25, 30.5, 12.0, 33.0]]), np.array([[61.0, 55.0, 36.0, 41.0, 38.0]])
    found, factors = best_factors(history, actual, kinds, 4, span=(-1.0, 9.0), metric="mse", losses=losses)
    chosen = raised_lines(history, 1, [4], factors)[0, 0]

    assert found.tolist() == [0.0]
    assert chosen == min(value for value in np.concatenate(tried) if value > 40)


JUDGED = ("mse", "mae", "mape", "smape", "mdae")


def loss_of(target: np.ndarray, config: dict[str, Any], metric: str) -> float:
    """What a plain request with this configuration is worth."""
    value = forecast_batch([replace(request(target, config=config, eval_metrics=(metric,)), search=None)])[0].metrics
    return float(loss(metric, np.array([np.nan if value[metric] is None else value[metric]]))[0])


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "kind"), list(product(JUDGED, ("whole", "real", "large"))))
def test_the_loss_is_never_worse_than_that_of_fmin(metric: str, kind: str) -> None:
    """Against hyperopt itself with 100 trials on the same objective."""
    rng = np.random.default_rng(METRICS.index(metric))
    target = 230 + rng.normal(0, 4, 38).cumsum() + rng.normal(0, 8, 38)
    if kind != "real":
        target = np.round(target * (1 if kind == "whole" else 5000))
    trials = hyperopt.Trials()
    hyperopt.fmin(
        lambda sample: loss_of(target, sample, metric),
        {
            "latest_n": hyperopt.hp.uniformint("latest_n", 1, 5),
            "add_std_factor": hyperopt.hp.uniform("add_std_factor", 0, 0.5),
        },
        algo=hyperopt.tpe.suggest,
        max_evals=100,
        trials=trials,
        rstate=np.random.default_rng(1),
        show_progressbar=False,
    )
    answer = tuned(target, "LinearFit", N, FACTOR, metric=metric)

    assert min(losses_of(answer)) <= min(trials.losses()) + 1e-12 * abs(min(trials.losses()))


FALLING = [
    np.maximum(0, rng.normal(30, 8) - np.arange(20) * rng.uniform(1, 3) + rng.normal(0, 4, 20)).round(2)
    for rng in map(np.random.default_rng, range(12))
]


@pytest.mark.slow
@pytest.mark.parametrize("allow_negative", [False, True])
@pytest.mark.parametrize("metric", ["mse", "me", "mae", "rmsse", "mdae"])
def test_D32_the_best_factor_is_found_where_predictions_are_lifted_to_zero(metric: str, allow_negative: bool) -> None:
    """Sales that fall to zero: none of 400 factors is better than the one chosen, and no prediction is negative."""
    space = (Dimension("latest_n", "int", val=7), Dimension("add_std_factor", "float", -2.0, 3.0))
    for target in FALLING:
        asked = replace(request(target, search=Search(space, 100, metric)), allow_negative=allow_negative)
        answer = forecast_batch([asked])[0]
        plain = replace(asked, search=None, eval_metrics=(metric,))
        factors = np.linspace(-2, 3, 400).tolist()
        others = forecast_batch([replace(plain, config={"latest_n": 7, "add_std_factor": f}) for f in factors])
        best = loss(metric, np.array([other.metrics[metric] for other in others], np.float64)).min()

        assert best == np.inf or min(losses_of(answer)) <= best + 1e-12 * abs(best) + 1e-15
        assert allow_negative or min(answer.predictions) >= 0


@pytest.mark.parametrize("metric", ["mse", "mae", "smape"])
def test_large_whole_numbers_are_tried_stair_by_stair_around_the_best_factor(metric: str) -> None:
    """With scatters of some thousands a stair is 1e-4 wide: no factor nearby is better than the one chosen."""
    rng = np.random.default_rng(3)
    for _ in range(4):
        target = np.round(rng.normal(40_000, 4_000, 30))
        answer = tuned(target, "LinearFit", Dimension("latest_n", "int", val=5), FACTOR, metric=metric)
        chosen = float((answer.config or {})["add_std_factor"])
        nearby = np.clip(chosen + rng.uniform(-2e-3, 2e-3, 300), 0, 0.5)
        plain = replace(request(target, eval_metrics=(metric,)), search=None)
        others = forecast_batch([replace(plain, config={"latest_n": 5, "add_std_factor": f}) for f in nearby])

        assert min(losses_of(answer)) <= min(other.metrics[metric] for other in others)  # type: ignore[type-var]


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_the_loss_is_never_worse_than_that_of_many_random_factors(metric: str, tried: list[list[SeriesAnswer]]) -> None:
    """For series of every kind; the tolerance is that of rounding, 1e-12."""
    space = (N, Dimension("add_std_factor", "float", LOW, HIGH))
    answers = forecast_batch([request(target, search=Search(space, 100, metric)) for target in TARGETS])

    for answer, others in zip(answers, tried, strict=True):
        values = [np.nan if other.metrics[metric] is None else other.metrics[metric] for other in others]
        best = loss(metric, np.array(values, np.float64)).min()
        assert best == np.inf or min(losses_of(answer)) <= best + 1e-12 * abs(best) + 1e-15
