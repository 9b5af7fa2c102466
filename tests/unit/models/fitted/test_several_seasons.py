"""MSTL follows two seasons at once; CES reacts to an error as its formula says."""

import numpy as np
import pytest
from statsforecast.ces import auto_ces, forecast_ces, initstate, pegelsresid_ces

from models.catalog import CATALOG
from models.fitted.complex_smoothing import reactions
from models.forecasts import Forecasts, SeriesBatch

_DAY, _WEEK = 24, 168


def hourly(steps: int) -> np.ndarray:
    """A curve of the day, and half as much of it at weekends."""
    hours = np.arange(steps)
    day = np.sin(2 * np.pi * hours / _DAY)
    weekend = hours % _WEEK >= 5 * _DAY
    return 100 + 20 * np.where(weekend, 0.5, 1.0) * day + np.random.default_rng(3).normal(0, 0.5, steps)


def forecast(values: np.ndarray, horizon: int, freq: str = "h", **config: int) -> Forecasts:
    """Of one hourly series."""
    spec = CATALOG["MSTL"]
    return spec.load()(SeriesBatch(values[np.newaxis], horizon, spec.resolve(config), season_length=_DAY, freq=freq))


def test_mstl_follows_day_and_week() -> None:
    """The calendar of hours has both; ETS, which has the day alone, is far off at weekends."""
    values = hourly(6 * _WEEK)
    known, actual = values[:-_WEEK], values[-_WEEK:]
    got = forecast(known, _WEEK)
    by_hand = forecast(known, _WEEK, freq="", long_season=_WEEK)
    one_season = forecast(known, _WEEK, freq="")

    assert np.abs(got.mean[0] - actual).mean() < 1.0
    assert by_hand.mean.tolist() == got.mean.tolist()
    assert np.abs(one_season.mean[0] - actual).mean() > 2.0


def test_mstl_leaves_out_a_season_that_is_not_seen_twice() -> None:
    """Ten days: the day's curve is there, the week's is not."""
    values = hourly(10 * _DAY)

    assert forecast(values, 5).mean.tolist() == forecast(values, 5, freq="").mean.tolist()


def test_mstl_of_a_short_series_has_no_season() -> None:
    """It is then ETS of the values."""
    got = forecast(hourly(20), 3)

    assert got.answered_by == ["MSTL"]
    assert got.notes is not None
    assert "fitted without a season" in got.notes[0]


@pytest.mark.parametrize(("kind", "exact"), [("N", 1e-4), ("S", 1e-4), ("P", 0.03), ("F", 0.03)])
def test_an_error_moves_later_forecasts_of_ces_by_the_shares(kind: str, exact: float) -> None:
    """One value more, as forecast and one above: the library's forecasts from there differ by the shares.

    It goes over the series twice to find the first states, so where there is a pair of seasons they differ a little.
    """
    values = 50 + np.resize([3, 1, -2, 4], 60) + np.random.default_rng(1).normal(size=60).cumsum()
    found = auto_ces(values, 4, model=kind)
    begin, first = initstate(values, found["m"], kind), forecast_ces(found, 1)["mean"][0]

    def after(extra: float) -> np.ndarray:
        longer = np.append(values, first + extra)
        states = pegelsresid_ces(
            y=longer,
            m=found["m"],
            init_states=begin,
            n_components=begin.shape[1],
            seasontype=kind,
            nmse=3,
            **found["par"],
        )[2]
        return np.asarray(forecast_ces({**found, "states": states, "n": len(longer)}, 8)["mean"])

    assert reactions(found["par"], kind, found["m"], 9) == pytest.approx(after(1.0) - after(0.0), abs=exact)
