"""DeepAR's losses: the densities that scipy has, and those that forecasts are drawn from."""

import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from scipy import stats

from models.deepar.artefact import PARAMETERS
from models.deepar.learning.likelihoods import NEGATIVE_LOG_LIKELIHOODS
from models.deepar.sampling import MOST_FREEDOM, sampler

MANY = 100_000
RAW = (-6.0, -0.5, 0.7, 4.0)


def softplus(value: Any) -> Any:
    """As in the agreement of the parts."""
    return np.logaddexp(value, 0)


def losses(likelihood: str, raw: Any, values: Any, scale: Any = 1.0) -> NDArray[Any]:
    """What training sees."""
    arrays = [tf.constant(np.asarray(part, np.float32)) for part in (raw, values, scale)]
    found: NDArray[Any] = NEGATIVE_LOG_LIKELIHOODS[likelihood](*arrays).numpy()
    return found


def grid(*axes: Any) -> list[NDArray[Any]]:
    """All combinations."""
    return [axis.ravel() for axis in np.meshgrid(*axes)]


def test_every_distribution_has_a_loss() -> None:
    """And as many raw parameters as the model's file says."""
    assert NEGATIVE_LOG_LIKELIHOODS.keys() == PARAMETERS.keys()
    for likelihood, parameters in PARAMETERS.items():
        assert losses(likelihood, np.ones((5, 7, parameters)), np.ones((5, 7)), np.ones((5, 1))).shape == (5, 7)


def test_student_t_is_that_of_scipy() -> None:
    """Of the value divided by the scale; with the freedom that is drawn with at most."""
    freedom, loc, width, value, scale = grid(
        [*RAW, 5000], [-2.0, 0.0, 3.0], RAW, [-300.0, -1.0, 0.5, 40.0], [0.5, 20.0]
    )
    expected = stats.t(2 + np.minimum(softplus(freedom), MOST_FREEDOM), loc, softplus(width) + 1e-6)

    found = losses("student-t", np.stack([freedom, loc, width], -1), value, scale)

    assert found == pytest.approx(-expected.logpdf(value / scale), rel=1e-4, abs=1e-3)


def test_gaussian_is_that_of_scipy() -> None:
    """Of the value divided by the scale."""
    loc, width, value, scale = grid([-2.0, 0.0, 3.0], RAW, [-30.0, -1.0, 0.5, 40.0], [0.5, 20.0])
    expected = stats.norm(loc, softplus(width) + 1e-6)

    found = losses("gaussian", np.stack([loc, width], -1), value, scale)

    assert found == pytest.approx(-expected.logpdf(value / scale), rel=1e-4, abs=1e-4)


def test_negative_binomial_is_that_of_scipy() -> None:
    """Of the count itself: mean times the scale, dispersion by its root; from zero to a hundred million."""
    mean, dispersion, value, scale = grid(RAW, [-9.0, *RAW], [0, 1, 17, 2000, 10**6, 10**8], [0.5, 1, 300, 10**6])
    alpha = softplus(dispersion) / np.sqrt(scale)
    expected = stats.nbinom(1 / alpha, 1 / (1 + alpha * softplus(mean) * scale))

    found = losses("negative-binomial", np.stack([mean, dispersion], -1), value, scale)

    assert found == pytest.approx(-expected.logpmf(value), rel=1e-4, abs=1e-3)


def test_counts_without_dispersion_are_poissons() -> None:
    """Where the negative binomial ends; nothing is lost to rounding there."""
    value = np.array([0, 3, 40, 60, 1000])
    raw = np.stack([np.full(5, 0.5), np.full(5, -60.0)], -1)

    assert losses("negative-binomial", raw, value, 40.0) == pytest.approx(
        -stats.poisson(softplus(0.5) * 40).logpmf(value), rel=1e-4, abs=0.02
    )


def test_beta_is_that_of_scipy() -> None:
    """Of the value as it is; at 0 and 1 that a little inside."""
    first, second, value = grid(RAW, RAW, [0.0, 1e-4, 0.2, 0.5, 0.999, 1.0])
    expected = stats.beta(softplus(first) + 1e-3, softplus(second) + 1e-3)

    found = losses("beta", np.stack([first, second], -1), value, 5.0)

    assert found == pytest.approx(-expected.logpdf(np.clip(value, 1e-4, 1 - 1e-4)), rel=1e-4, abs=1e-3)


def test_deterministic_is_the_absolute_error() -> None:
    """Of the value divided by the scale."""
    assert losses("deterministic-l1", [[2.0], [2.0]], [30.0, 5.0], 10.0) == pytest.approx([1.0, 1.5])


def drawn(likelihood: str, raw: tuple[float, ...], scale: float) -> NDArray[Any]:
    """Values as forecasts have them, not divided by the scale."""
    parameters = np.tile(np.array(raw, np.float32)[np.newaxis, :, np.newaxis], (1, 1, MANY))
    scales = np.array([scale], np.float32)
    return sampler(likelihood, [3], scales, steps=1, samples=MANY).draw(0, parameters)[0].astype(np.float64) * scale


def density(likelihood: str, raw: tuple[float, ...], scale: float) -> Callable[[Any], NDArray[Any]]:
    """What training takes for the density of a value, or for the probability of a count."""
    jacobian = 1.0 if likelihood in ("negative-binomial", "beta") else scale
    return lambda values: np.exp(-losses(likelihood, np.tile(raw, (len(values), 1)), values, scale)) / jacobian


@pytest.mark.parametrize(
    ("likelihood", "raw", "scale"),
    [
        ("student-t", (-1.0, 0.8, -0.5), 12.0),
        ("student-t", (3.0, -2.0, 1.0), 0.3),
        ("gaussian", (1.5, -1.0), 12.0),
        ("gaussian", (-0.5, 2.0), 0.3),
        ("beta", (1.0, 2.5), 1.0),
        ("beta", (3.0, 0.3), 1.0),
    ],
)
def test_values_are_drawn_from_the_density_that_was_trained(
    likelihood: str, raw: tuple[float, ...], scale: float
) -> None:
    """Between the quantiles of the draws lies the share of the density that must."""
    values = drawn(likelihood, raw, scale)
    shares = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
    limits = np.quantile(values, shares)
    of = density(likelihood, raw, scale)
    for (low, high), share in zip(pairwise(limits), np.diff(shares), strict=True):
        between = np.linspace(low, high, 2001)

        assert np.trapezoid(of(between), between) == pytest.approx(share, abs=0.008)


@pytest.mark.parametrize(("raw", "scale"), [((0.5, -1.0), 30.0), ((-2.0, 1.5), 4.0), ((0.0, -4.0), 900.0)])
def test_counts_are_drawn_with_the_probabilities_that_were_trained(raw: tuple[float, ...], scale: float) -> None:
    """Each count, and all together are certain."""
    counts = np.rint(drawn("negative-binomial", raw, scale)).astype(int)
    every = np.arange(counts.max() * 3)
    probabilities = density("negative-binomial", raw, scale)(every)
    found = np.bincount(counts, minlength=len(every)) / MANY

    assert probabilities.sum() == pytest.approx(1, abs=1e-3)
    assert np.abs(np.cumsum(found) - np.cumsum(probabilities)).max() < 0.006


def test_deterministic_draws_what_has_no_loss() -> None:
    """The one value."""
    values = drawn("deterministic-l1", (1.25,), 8.0)

    assert losses("deterministic-l1", np.full((MANY, 1), 1.25), values, 8.0) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("likelihood", PARAMETERS)
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, 1e6])
def test_losses_and_gradients_are_finite(likelihood: str, value: float) -> None:
    """Whatever a network says of a value that its likelihood allows: a network that errs must find back."""
    parameters = PARAMETERS[likelihood]
    value = min(value, 1.0) if likelihood == "beta" else value
    raw = np.stack(np.meshgrid(*[[-60.0, -9.0, 0.0, 9.0, 60.0]] * parameters), -1).reshape(-1, parameters)
    raw = tf.constant(raw, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(raw)
        loss = NEGATIVE_LOG_LIKELIHOODS[likelihood](raw, tf.constant(value), tf.constant(1.0))

    assert np.isfinite(loss.numpy()).all()
    assert np.isfinite(tape.gradient(loss, raw).numpy()).all()
