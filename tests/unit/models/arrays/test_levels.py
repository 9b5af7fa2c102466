"""Quantiles at chosen levels, and gaps filled by a rule, worked out by hand."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from models.arrays.filling import filled
from models.arrays.levels import at_levels, chosen_levels, conformal
from models.arrays.published_values import publishable, value_kinds
from models.batch import SeriesRequest, forecast_batch
from models.errors import RejectedInputError
from models.options import PLAIN, Options, checked_options

NAN = math.nan


def test_levels_of_normal_quantiles_are_exact() -> None:
    """Between the known ones, at them, and beyond."""
    mean, deviation = np.array([[10.0, 20.0]]), np.array([[1.0, 2.0]])
    known = {level: mean + norm.ppf(level) * deviation for level in (0.025, 0.1, 0.9, 0.975)}
    levels = (0.001, 0.05, 0.1, 0.5, 0.7, 0.99)

    for level, values in zip(levels, at_levels(mean, known, levels), strict=True):
        assert values == pytest.approx(mean + norm.ppf(level) * deviation)


def test_skewed_quantiles_keep_their_sides() -> None:
    """Of a forecast whose upper half is wider."""
    [low, high] = at_levels(np.array([[5.0]]), {0.1: np.array([[4.0]]), 0.9: np.array([[9.0]])}, (0.3, 0.7))

    assert 4.0 < low[0, 0] < 5.0
    assert high[0, 0] - 5.0 == pytest.approx(4 * (5.0 - low[0, 0]))


def test_errors_before_make_the_quantiles_of_a_model_without_any() -> None:
    """Of nine errors 1 … 9 the 8th smallest encloses 80 %, the largest stands in for what nine cannot tell."""
    errors = np.array([[1.0, -2, 3, -4, 5, -6, 7, -8, 9], [1.0, 2, 3, 4, *[NAN] * 5]])
    low, half, high, far = conformal(np.array([[100.0], [50.0]]), errors, (0.1, 0.5, 0.9, 0.999))

    assert (low[0, 0], half[0, 0], high[0, 0], far[0, 0]) == (92.0, 100.0, 108.0, 109.0)
    assert np.isnan([low[1], high[1]]).all()


def test_rows_of_one_batch_have_what_each_can_have() -> None:
    """The first its own quantiles, the second those of its errors; both are published as their kind."""
    mean = np.array([[10.0], [3.0]])
    own = {"0.1": np.array([[9.0], [NAN]]), "0.9": np.array([[11.0], [NAN]])}
    errors = np.array([[0.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]])
    kinds = value_kinds(np.array([[0.5, 1.0], [1.5, 2.0]]), lower=0, upper=12)
    found = chosen_levels(mean, own, errors, (0.1, 0.9), kinds)

    assert found["0.1"].tolist() == [[pytest.approx(9.0)], [0.0]]
    assert found["0.9"].tolist() == [[pytest.approx(11.0)], [8.0]]
    assert chosen_levels(mean, own, errors, (), kinds) == own


def test_bounds_come_after_rounding() -> None:
    """Whole numbers, and a bound that is none."""
    kinds = value_kinds(np.array([[1.0, 2.0, 3.0]]), lower=1.5, upper=4)

    assert publishable(np.array([[0.2, 2.4, 7.0]]), kinds).tolist() == [[1.5, 2.0, 4.0]]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("none", [NAN, 2, NAN, NAN, 8, NAN]),
        ("zero", [NAN, 2, 0, 0, 8, 0]),
        ("previous", [NAN, 2, 2, 2, 8, 8]),
        ("interpolate", [NAN, 2, 4, 6, 8, 8]),
    ],
)
def test_gaps_are_filled_from_the_first_value_on(rule: str, expected: list[float]) -> None:
    """What comes before is no gap; after the last value it is repeated, or zero."""
    history = np.array([[NAN, 2, NAN, NAN, 8, NAN], [1, 2, 3, 4, 5, 6]])
    got = filled(history, rule)

    assert got[0].tolist() == pytest.approx(expected, nan_ok=True)
    assert got[1].tolist() == history[1].tolist()


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        ((0, None, None, None, None), "backtest_windows", "is 0, expected 1 to 20"),
        ((None, (80.0,), None, None, None), "levels", "for an interval of 80 % send 0.1 and 0.9"),
        ((None, (0.0,), None, None, None), "levels", "0 is no quantile"),
        ((None, (0.5,) * 26, None, None, None), "levels", "has 26 quantiles, at most 25"),
        ((None, None, 3.0, 2.0, None), "lower", "3 is above upper, 2"),
        ((None, None, math.inf, None, None), "lower", "is not a finite number"),
        ((None, None, None, math.nan, None), "upper", "is not a finite number"),
        ((None, None, None, None, "mean"), "fill", "known are none, zero, previous, interpolate"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_remedy(
    asked: tuple[int | None, tuple[float, ...] | None, float | None, float | None, str | None], field: str, words: str
) -> None:
    """By the name of the field."""
    with pytest.raises(RejectedInputError) as refusal:
        checked_options(*asked)

    assert refusal.value.field == field
    assert words in refusal.value.message


def test_good_options() -> None:
    """Levels are sorted, and named once."""
    assert checked_options(None, None, None, None, None) == PLAIN
    assert checked_options(3, (0.9, 0.1, 0.9), 0.0, None, "zero") == Options(3, (0.1, 0.9), 0.0, math.inf, "zero")


@pytest.mark.parametrize("levels", [None, (0.1, 0.9)])
@pytest.mark.parametrize("values", [[5.0], [5.0, 6.0, 7.0], [5.0, 6.0, 7.0, 8.0, 9.0, 10.0]], ids=len)
def test_a_short_series_is_forecast_whatever_levels_are_asked_for(
    values: list[float], levels: tuple[float, ...] | None
) -> None:
    """It has no window to measure errors in, alone as beside a longer one, and so no intervals."""
    options = checked_options(None, levels, None, None, None)
    short, long = (
        SeriesRequest(np.array(it), "SES", {}, 5, True, ("mse",), options=options)
        for it in (values, [*map(float, range(60))])
    )
    [alone] = forecast_batch([short])
    beside, _ = forecast_batch([short, long])

    assert (alone.error, beside.error) == (None, None)
    assert list(alone.predictions) == list(beside.predictions)
