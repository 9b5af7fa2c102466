"""Histories that are forecast by themselves."""

import numpy as np
import pytest

from models.catalog import model_spec
from models.rolling import origins_of, rolled

_LINE = np.arange(60, dtype=np.float64)


@pytest.mark.parametrize(
    ("steps", "season", "most", "fits", "expected"),
    [
        (100, 1, 500, 1000, (10, 1)),
        (100, 7, 500, 1000, (14, 1)),
        (1000, 7, 500, 1000, (500, 1)),
        (1000, 7, 500, 50, (500, 10)),
        (30, 24, 500, 100, (10, 1)),
        (10, 1, 500, 100, (10, 1)),
        (9, 1, 500, 100, (9, 1)),
    ],
)
def test_as_much_is_forecast_as_the_fits_allow(
    steps: int, season: int, most: int, fits: int, expected: tuple[int, int]
) -> None:
    """From two seasons on, or ten values; the fewer fits, the more steps from each."""
    assert origins_of(steps, season, most=most, fits=fits) == expected


@pytest.mark.parametrize("every", [1, 7])
def test_each_forecast_sees_what_came_before_it_alone(every: int) -> None:
    """A naive forecast of a line is its last value before the origin, whatever comes later."""
    found = rolled(
        _LINE, model_spec("SeasonalNaive"), model_spec("SeasonalNaive").resolve({}), first=10, every=every, level=0.95
    )

    expected = [10 + (step // every) * every - 1 for step in range(50)]
    assert found.mean.tolist() == expected
    assert (found.first, found.every) == (10, every)


def test_a_value_that_is_strange_lies_outside() -> None:
    """Of a model with intervals of its own; those before it lie inside."""
    rng = np.random.default_rng(7)
    values = 100 + rng.normal(size=120)
    values[100] = 150
    spec = model_spec("SES")
    found = rolled(values, spec, spec.resolve({}), first=20, every=1, level=0.99)

    outside = (values[20:] < found.low) | (values[20:] > found.high)
    assert outside[80]
    assert outside[:80].mean() < 0.1
    assert found.own


def test_a_model_without_intervals_has_those_of_its_errors() -> None:
    """The share of the errors that the level says lies inside."""
    rng = np.random.default_rng(7)
    values = 100 + rng.normal(size=220)
    spec = model_spec("AdaptiveMaxN")
    found = rolled(values, spec, spec.resolve({}), first=20, every=1, level=0.9)

    inside = (values[20:] >= found.low) & (values[20:] <= found.high)
    assert not found.own
    assert inside.mean() == pytest.approx(0.9, abs=0.02)


def test_missing_values_are_forecast_and_never_strange() -> None:
    """Nothing is outside that is not there."""
    values = _LINE.copy()
    values[:12] = np.nan
    values[30] = np.nan
    found = rolled(
        values, model_spec("SeasonalNaive"), model_spec("SeasonalNaive").resolve({}), first=10, every=1, level=0.95
    )

    assert np.isnan(found.mean[:2]).all()  # nothing had been seen before
    assert not np.isnan(found.mean[3:]).any()
