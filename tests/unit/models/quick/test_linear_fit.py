"""LinearFit against exact rational arithmetic and against numpy's own fit."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.arrays.published_values import publishable, value_kinds
from models.forecasts import SeriesBatch
from models.quick.linear_fit import forecast as forecast_batch

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan


def forecast(history: NDArray[np.float64], horizon: int, config: dict[str, int | float | str]) -> NDArray[np.float64]:
    """Forecast rows."""
    return forecast_batch(SeriesBatch(history, horizon, config)).mean


def exact_line(points: list[tuple[int, int]], at: int) -> Fraction:
    """Least squares through whole points, without any rounding."""
    n = len(points)
    x_mean, y_mean = Fraction(sum(x for x, _ in points), n), Fraction(sum(y for _, y in points), n)
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in points) / spread if spread else Fraction(0)
    return y_mean + slope * (at - x_mean)


@pytest.mark.parametrize("latest_n", [1, 2, 3, 4, 5, 7, 12, 30])
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_J102_rounded_forecasts_equal_exact_arithmetic(latest_n: int, gaps: float) -> None:
    """Halves included: no rounding error of the fit moves a published whole number, with and without gaps."""
    random = np.random.default_rng(latest_n)
    history = random.integers(0, 400, (400, 30)).astype(np.float64)
    history[random.random(history.shape) < gaps] = NAN
    history[:, 3] = 7.0  # at least one observed value in each row
    lines = forecast(history, 8, {"latest_n": latest_n, "add_std_factor": 0.0})
    got = publishable(lines, value_kinds(history))

    for row, values in zip(got.tolist(), history.tolist(), strict=True):
        points = [(x - 30, int(y)) for x, y in enumerate(values) if y == y][-latest_n:]
        assert row == [max(0, round(exact_line(points, at))) for at in range(8)]


def test_J102_the_population_deviation_of_the_residuals_is_added() -> None:
    """Divisor n, and the factor may be negative: compared with numpy's polyfit on random reals."""
    history = np.random.default_rng(1).normal(50, 20, (50, 12))
    for factor in (0.5, -2.0):
        got = forecast(history, 4, {"latest_n": 7, "add_std_factor": factor})

        for row, values in zip(got, history, strict=True):
            slope, level = np.polyfit(np.arange(7), values[-7:], 1)
            residuals = values[-7:] - (level + slope * np.arange(7))
            assert row == pytest.approx(level + slope * np.arange(7, 11) + factor * residuals.std(), rel=1e-9)


def test_J102_one_point_gives_a_flat_line() -> None:
    """Whether there is only one point, or only one is asked for."""
    assert forecast(np.array([[NAN, NAN, 4.5]]), 3, {"latest_n": 5, "add_std_factor": 0.5}).tolist() == [[4.5] * 3]
    assert forecast(np.array([[9.0, 2.0, 4.5]]), 3, {"latest_n": 1, "add_std_factor": 0.5}).tolist() == [[4.5] * 3]


def test_a_missing_observation_keeps_its_place_in_time() -> None:
    """0, -, 2, -: the line rises by one a step and goes on from the end of the array, not from the last value."""
    history = np.array([[0.0, NAN, 2.0, NAN], [0.0, 1.0, 2.0, 3.0]])

    assert forecast(history, 2, {"latest_n": 5, "add_std_factor": 0.0}).tolist() == [[4.0, 5.0], [4.0, 5.0]]


def test_the_last_n_points_are_the_last_observed_ones() -> None:
    """Two points are asked for; the gap between them does not use one up."""
    history = np.array([[50.0, 4.0, NAN, 8.0]])

    assert forecast(history, 1, {"latest_n": 2, "add_std_factor": 0.0}).tolist() == [[10.0]]


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(1, 9))
def test_padding_and_company_change_no_bit(seed: int, points: int, latest_n: int) -> None:
    """A short series among long ones, and among ones with gaps, is forecast as if it were alone."""
    random = np.random.default_rng(seed)
    alone = random.normal(0, 1, (1, points))
    matrix = np.full((4, points + 6), NAN)
    matrix[1, -points:] = alone
    matrix[0] = matrix[2] = matrix[3] = random.normal(0, 1, points + 6)
    matrix[2, ::2] = NAN
    config = {"latest_n": latest_n, "add_std_factor": 0.3}

    assert forecast(matrix, 6, config)[1].tobytes() == forecast(alone, 6, config)[0].tobytes()


def test_huge_values_overflow_without_a_warning() -> None:
    """The caller sees a forecast that is not finite and says so."""
    got = forecast(np.array([[1e308, -1e308, 1e308]]), 2, {"latest_n": 5, "add_std_factor": 0.1})

    assert not np.isfinite(got).any()


def test_the_history_is_left_as_it_was() -> None:
    """A model does not write into its argument."""
    history = np.array([[1.0, NAN, 3.0]])
    forecast(history, 2, {"latest_n": 5, "add_std_factor": 0.1})

    assert np.array_equal(history, [[1.0, NAN, 3.0]], equal_nan=True)
