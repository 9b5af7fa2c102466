"""DeepAR's draws: each distribution is the one that its raw parameters stand for."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from models.deepar.sampling import MOST_FREEDOM, sampler

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

MANY = 200_000
RAW = (-3.0, -0.5, 0.7, 4.0)


def softplus(value: float) -> float:
    """As in the agreement of the parts."""
    return float(np.logaddexp(value, 0))


def drawn(likelihood: str, *raw: float, scale: float = 1.0, samples: int = MANY) -> NDArray[Any]:
    """Draws of one series at one step."""
    parameters = np.tile(np.array(raw, np.float32)[np.newaxis, :, np.newaxis], (1, 1, samples))
    scales = np.array([scale], np.float32)
    return sampler(likelihood, [11], scales, steps=1, samples=samples).draw(0, parameters)[0]


@pytest.mark.parametrize("freedom", [-40.0, *RAW, 30.0, 198.0])
@pytest.mark.parametrize(("loc", "width"), [(0.0, 0.0), (-2.5, 3.0)])
def test_student_t_is_drawn(freedom: float, loc: float, width: float) -> None:
    """Down to two degrees of freedom and up to as good as normal."""
    expected = stats.t(2 + softplus(freedom), loc, softplus(width) + 1e-6)

    assert stats.kstest(drawn("student-t", freedom, loc, width), expected.cdf).pvalue > 1e-3


def test_the_tails_of_student_t_are_as_heavy_as_they_must_be() -> None:
    """With few degrees of freedom far values come as often as they should: a normal distribution has none there."""
    values = np.abs(drawn("student-t", -2.0, 0.0, 0.0)) / (softplus(0.0) + 1e-6)
    distribution = stats.t(2 + softplus(-2.0))

    for limit in (5, 20, 50):
        expected = 2 * distribution.sf(limit) * MANY
        assert abs((values > limit).sum() - expected) < 4 * np.sqrt(expected)


def test_more_degrees_of_freedom_than_training_knows_are_not_drawn() -> None:
    """Training stops telling them apart at the same number."""
    most, more = (drawn("student-t", raw, 0.0, 0.0, samples=100) for raw in (MOST_FREEDOM, MOST_FREEDOM * 9))

    assert np.array_equal(most, more)


def test_the_smallest_uniform_makes_a_finite_value() -> None:
    """A generator gives 0 once in 16 million draws; this seed does so among its first thousand."""
    seed = 11084
    uniforms = np.random.Generator(np.random.SFC64(seed)).random((2, 1, 1000), dtype=np.float32)
    raw = np.zeros((1, 3, 1000), np.float32)
    values = sampler("student-t", [seed], np.ones(1, np.float32), steps=1, samples=1000).draw(0, raw)

    assert (uniforms[0] == 0).any()
    assert np.isfinite(values).all()


@pytest.mark.parametrize("loc", RAW)
@pytest.mark.parametrize("width", [-15.0, *RAW])
def test_gaussian_is_drawn(loc: float, width: float) -> None:
    """Location and width as the raw parameters say."""
    expected = stats.norm(loc, softplus(width) + 1e-6)
    values = drawn("gaussian", loc, width)

    assert values.mean() == pytest.approx(expected.mean(), abs=5 * expected.std() / np.sqrt(MANY) + 1e-5)
    assert values.std() == pytest.approx(expected.std(), rel=0.15 if width < -10 else 0.01)


@pytest.mark.parametrize("mean", RAW)
@pytest.mark.parametrize("dispersion", RAW)
@pytest.mark.parametrize("scale", [0.5, 1.0, 40.0])
def test_negative_binomial_is_drawn(mean: float, dispersion: float, scale: float) -> None:
    """Counts with the mean and dispersion of DeepAR's equation 2, given divided by the scale."""
    expected_mean, alpha = softplus(mean) * scale, softplus(dispersion) / np.sqrt(scale)
    expected = stats.nbinom(1 / alpha, 1 / (1 + alpha * expected_mean))
    counts = np.rint(drawn("negative-binomial", mean, dispersion, scale=scale) * scale)
    limits = np.unique(expected.ppf([0.05, 0.25, 0.5, 0.75, 0.95, 0.999]))

    assert counts.mean() == pytest.approx(expected_mean, abs=5 * expected.std() / np.sqrt(MANY))
    for limit in limits:
        assert (counts <= limit).mean() == pytest.approx(expected.cdf(limit), abs=5 * 0.5 / np.sqrt(MANY))


def test_counts_beyond_what_poisson_draws_keep_their_distribution() -> None:
    """At a scale of 1e30 the numbers are as spread as gamma's, instead of all being the largest that can be drawn."""
    values = drawn("negative-binomial", 0.5, 40.0, scale=1e30)
    alpha = softplus(40.0) / np.sqrt(1e30)
    smaller = drawn("negative-binomial", 0.5, 2.0, scale=1e17)

    assert values == pytest.approx(softplus(0.5), rel=1e-4 + 5 * np.sqrt(alpha))
    assert smaller.mean() == pytest.approx(softplus(0.5), rel=1e-3)


@pytest.mark.parametrize("first", RAW)
@pytest.mark.parametrize("second", RAW)
def test_beta_is_drawn(first: float, second: float) -> None:
    """Both shapes as the raw parameters say."""
    expected = stats.beta(softplus(first) + 1e-3, softplus(second) + 1e-3)
    values = drawn("beta", first, second)
    limits = np.array([0.001, 0.1, 0.5, 0.9, 0.999])

    assert values.mean() == pytest.approx(expected.mean(), abs=5 * expected.std() / np.sqrt(MANY))
    assert (values[:, np.newaxis] <= limits).mean(axis=0) == pytest.approx(expected.cdf(limits), abs=6e-3)


def test_deterministic_is_not_drawn() -> None:
    """Every draw is the location."""
    assert (drawn("deterministic-l1", -1.25) == -1.25).all()


@pytest.mark.parametrize(
    ("likelihood", "parameters"), [("student-t", 3), ("gaussian", 2), ("negative-binomial", 2), ("beta", 2)]
)
@pytest.mark.parametrize("scale", [1e-10, 1.0, 3e38])
def test_extreme_parameters_make_finite_values(likelihood: str, parameters: int, scale: float) -> None:
    """Whatever a network says, and whatever the scale: a number, and no warning."""
    for raw in np.stack(np.meshgrid(*[[-1e4, -90, 0, 90, 1e4]] * parameters), -1).reshape(-1, parameters):
        assert np.isfinite(drawn(likelihood, *raw.tolist(), scale=scale, samples=50)).all()


@pytest.mark.parametrize(
    ("likelihood", "parameters"), [("student-t", 3), ("gaussian", 2), ("negative-binomial", 2), ("beta", 2)]
)
def test_steps_and_series_are_independent(likelihood: str, parameters: int) -> None:
    """What is drawn at one step says nothing of the next, nor of another series."""
    raw = np.ones((2, parameters, 20_000), np.float32)
    draws = sampler(likelihood, [1, 2], np.ones(2, np.float32), steps=2, samples=20_000)
    values = np.concatenate([draws.draw(step, raw.copy()) for step in range(2)])
    ranks = stats.spearmanr(values, axis=1).statistic

    assert np.abs(ranks - np.eye(4)).max() < 0.035
