"""What DeepAR answers of its sample paths: means and quantiles."""

import numpy as np
import pytest

from models.deepar.summaries import mean_of, quantiles_of

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

LEVELS = [0.0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.999, 1.0]


@pytest.mark.parametrize("num_samples", [1, 2, 7, 100, 1000])
def test_quantiles_are_those_of_numpy(num_samples: int) -> None:
    """Linear interpolation between the paths, at every step of its own."""
    samples = np.random.default_rng(1).standard_t(3, (num_samples, 5)).astype(np.float32)
    found = quantiles_of(samples, LEVELS)

    assert found.shape == (len(LEVELS), 5)
    assert found == pytest.approx(np.quantile(samples.astype(np.float64), LEVELS, axis=0), rel=1e-5, abs=1e-6)


def test_levels_come_in_the_order_asked() -> None:
    """A level may come twice, and a larger one first."""
    samples = np.arange(11, dtype=np.float32)[:, np.newaxis]

    assert quantiles_of(samples, [0.9, 0.1, 0.9])[:, 0] == pytest.approx([9, 1, 9])


def test_quantiles_rise_with_the_level() -> None:
    """Rounding never lets a larger level have a smaller value."""
    samples = (1 + np.random.default_rng(2).integers(0, 3, (50, 40)) * 2.0**-23).astype(np.float32)

    assert (np.diff(quantiles_of(samples, np.linspace(0, 1, 500).tolist()), axis=0) >= 0).all()


def test_a_quantile_between_two_paths_lies_between_them() -> None:
    """Also where their difference cannot be told to the last digit."""
    samples = np.array([[-1], [9e-8], [1]], np.float32)
    below, at = quantiles_of(samples, [0.5 - 1e-12, 0.5])

    assert below <= at == samples[1]


def test_huge_paths_have_finite_summaries() -> None:
    """Neither the sum nor the difference of the largest values that are drawn becomes infinite."""
    samples = np.array([[1e37], [-1e37], [1e37], [1e37]], np.float32).repeat(300, axis=0)

    assert np.isfinite(quantiles_of(samples, LEVELS)).all()
    assert mean_of(samples) == pytest.approx([5e36])


def test_the_mean_is_summed_in_double_precision() -> None:
    """Many values of the same size lose no digits on the way."""
    samples = np.full((1_000_000, 1), 0.1, np.float32)

    assert mean_of(samples) == pytest.approx([0.1], rel=1e-7)


def test_summaries_leave_the_paths_as_they_are() -> None:
    """The paths are answered too, in the order in which they were drawn."""
    samples = np.random.default_rng(3).normal(size=(20, 3)).astype(np.float32)
    before = samples.copy()
    quantiles_of(samples, LEVELS)
    mean_of(samples)

    assert np.array_equal(samples, before)
