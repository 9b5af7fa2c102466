"""SeasonalNaive and Drift against numbers worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalog import CATALOG
from models.forecasts import Forecasts, SeriesBatch
from models.quick.naive import forecast_drift, forecast_seasonal

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan
Z80, Z95 = 1.2815515655446004, 1.959963984540054  # of the normal distribution, from a table


def seasonal(history: list[list[float]], horizon: int, season: int, from_step: int = 1) -> Forecasts:
    """Forecast rows."""
    return forecast_seasonal(SeriesBatch(np.array(history), horizon, {"season_length": season}, from_step))


def drift(history: list[list[float]], horizon: int) -> Forecasts:
    """Forecast rows."""
    return forecast_drift(SeriesBatch(np.array(history), horizon, {}))


def test_the_last_season_is_repeated() -> None:
    """Over more than one season, from the end of a history that is no multiple of it."""
    got = seasonal([[9, 9, 1, 2, 3, 4, 5, 6, 7]], 5, season=3)

    assert got.mean.tolist() == [[5, 6, 7, 5, 6]]


def test_without_a_season_the_last_value_is_repeated() -> None:
    """A season of one step."""
    assert seasonal([[3, 1, 2]], 3, season=1).mean.tolist() == [[2, 2, 2]]


def test_season_length_0_takes_the_season_of_the_step() -> None:
    """The hyper-parameter's default."""
    assert seasonal([[1, 2, 3, 4]], 2, season=0, from_step=2).mean.tolist() == [[3, 4]]


def test_a_missing_value_is_replaced_by_the_season_before() -> None:
    """Each step by itself; the gap at the end does not shift the season."""
    got = seasonal([[1, 2, 3, 4, NAN, 6, 7, 8, NAN]], 3, season=3)

    assert got.mean.tolist() == [[7, 8, 6]]


def test_a_row_without_a_full_season_repeats_its_last_value_and_says_so() -> None:
    """Its neighbour, which has one, is not touched."""
    got = seasonal([[1, 2, 3, 4, 5, 6], [NAN, NAN, NAN, NAN, 8, NAN], [NAN, NAN, 1, NAN, 7, NAN]], 3, season=3)

    assert got.mean.tolist() == [[4, 5, 6], [8, 8, 8], [7, 7, 7]]
    assert got.notes is not None
    assert [bool(note) for note in got.notes] == [False, True, True]
    assert "3 steps" in got.notes[1]


def test_a_season_beyond_all_bounds_is_one_that_is_not_seen() -> None:
    """No array of that size is made."""
    assert seasonal([[1, 2, 3]], 2, season=2**53 - 1).mean.tolist() == [[3, 3]]


def test_seasonal_intervals_grow_with_the_number_of_seasons() -> None:
    """Differences over 2 steps: 2, 4, -4, so s² = 12; one season ahead s, two ahead s √2."""
    got = seasonal([[1, 1, 3, 5, -1]], 3, season=2)
    s = 12**0.5

    assert got.mean.tolist() == [[5, -1, 5]]
    assert got.quantiles["0.9"][0] == pytest.approx([5 + Z80 * s, -1 + Z80 * s, 5 + Z80 * s * 2**0.5])
    assert got.quantiles["0.1"][0] == pytest.approx([5 - Z80 * s, -1 - Z80 * s, 5 - Z80 * s * 2**0.5])
    assert got.quantiles["0.975"][0, 0] == pytest.approx(5 + Z95 * s)
    assert got.quantiles["0.025"][0, 0] == pytest.approx(5 - Z95 * s)


def test_a_value_from_two_seasons_ago_is_twice_as_uncertain() -> None:
    """Variance, that is: the gap costs a season."""
    got = seasonal([[1, 5, 2, 7, 4, NAN]], 2, season=2)
    s = ((1 + 4 + 4) / 3) ** 0.5

    assert got.mean.tolist() == [[4, 7]]
    assert got.quantiles["0.9"][0] == pytest.approx([4 + Z80 * s, 7 + Z80 * s * 2**0.5])


def test_drift_joins_the_ends() -> None:
    """Slope (8 - 2) / 3, whatever lies between."""
    assert drift([[2, 100, -7, 8]], 2).mean.tolist() == [[10, 12]]


def test_drift_counts_steps_from_the_last_observed_value() -> None:
    """A gap in front, inside and at the end: slope 2 between places 1 and 4, forecast of places 6 and 7."""
    assert drift([[NAN, 1, NAN, 0, 7, NAN]], 2).mean.tolist() == [[11, 13]]


def test_drift_of_one_value_is_flat_and_has_no_interval() -> None:
    """Nothing is known of its changes."""
    got = drift([[NAN, 4, NAN]], 2)

    assert got.mean.tolist() == [[4, 4]]
    assert all(np.isnan(values).all() for values in got.quantiles.values())


def test_drift_intervals_by_hand() -> None:
    """Steps of 1, 3, 2 around a slope of 2: s² = (1 + 1 + 0) / 2 = 1; variance k (1 + k / 3)."""
    got = drift([[0, 1, 4, 6]], 2)

    assert got.mean.tolist() == [[8, 10]]
    assert got.quantiles["0.9"][0] == pytest.approx([8 + Z80 * (4 / 3) ** 0.5, 10 + Z80 * (10 / 3) ** 0.5])


def test_drift_intervals_weigh_a_wide_gap_less() -> None:
    """Differences 1 over 1 step and 5 over 2 steps around a slope of 2: s² = (1 + 1 / 2) / 1."""
    got = drift([[0, 1, NAN, 6]], 1)

    assert got.quantiles["0.9"][0] == pytest.approx([8 + Z80 * (1.5 * 4 / 3) ** 0.5])


@pytest.mark.parametrize("name", ["SeasonalNaive", "Drift"])
def test_80_percent_intervals_cover_80_percent(name: str) -> None:
    """On 4,000 random walks, for which both are right, each step within 3 points."""
    walks = np.random.default_rng(1).normal(0, 1, (4_000, 66)).cumsum(axis=1)
    batch = SeriesBatch(walks[:, :60], 6, CATALOG[name].resolve({}))
    got = CATALOG[name].load()(batch).quantiles
    inside = (got["0.1"] <= walks[:, 60:]) & (walks[:, 60:] <= got["0.9"])

    assert inside.mean(axis=0) == pytest.approx([0.8] * 6, abs=0.03)


@pytest.mark.parametrize("name", ["SeasonalNaive", "Drift", "SES"])
@given(st.integers(0, 2**32), st.integers(1, 20), st.sampled_from([0.0, 0.4]))
def test_padding_and_company_change_no_bit(name: str, seed: int, points: int, gaps: float) -> None:
    """A short series among long ones is forecast as if it were alone."""
    random = np.random.default_rng(seed)
    alone = random.normal(0, 1, (1, points))
    alone[:, :-1][random.random((1, points - 1)) < gaps] = NAN
    matrix = np.full((4, points + 6), NAN)
    matrix[1, -points:] = alone
    matrix[0] = matrix[2] = matrix[3] = random.normal(0, 1e6, points + 6)
    matrix[2, ::2] = NAN
    forecast = CATALOG[name].load()
    config = CATALOG[name].resolve({})
    together = forecast(SeriesBatch(matrix, 9, config, 3))
    single = forecast(SeriesBatch(alone, 9, config, 3))

    assert together.mean[1].tobytes() == single.mean[0].tobytes()
    for level, values in single.quantiles.items():
        assert together.quantiles[level][1].tobytes() == values[0].tobytes()


@pytest.mark.parametrize("name", ["SeasonalNaive", "Drift", "SES"])
@pytest.mark.parametrize("factor", [2.0**990, 2.0**-990, -1.0])
def test_scale_changes_nothing(name: str, factor: float) -> None:
    """Values near the largest and the smallest number, and negative ones, are forecast to the last bit alike."""
    history = np.random.default_rng(2).normal(10, 3, (5, 30))
    forecast = CATALOG[name].load()
    config = CATALOG[name].resolve({})
    plain = forecast(SeriesBatch(history, 4, config, 7))
    scaled = forecast(SeriesBatch(history * factor, 4, config, 7))

    assert np.array_equal(scaled.mean, plain.mean * factor)
    assert np.isfinite(scaled.quantiles["0.975"]).all()


def test_D40_the_note_names_the_season_that_was_asked_for() -> None:
    """365 steps, of which 60 days show no full season; not what fits into the history."""
    batch = SeriesBatch(np.arange(60.0)[np.newaxis], 3, {"season_length": 365})
    forecasts = forecast_seasonal(batch)

    assert forecasts.mean.tolist() == [[59.0] * 3]
    assert forecasts.notes == ["no full season of 365 steps is observed, so the last value is repeated"]
