"""Scores of several stretches, and MASE by the scale of the history."""

import numpy as np
import pytest

from models.catalog import CATALOG
from models.forecasts import SeriesBatch
from models.holdout import HoldOutForecast, forecast_with_hold_out
from models.options import Options

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

NAN = np.nan


def scored(rows: list[list[float]], windows: int, season: int = 1, model: str = "SeasonalNaive") -> HoldOutForecast:
    """With a hold-out of five, refitted."""
    spec = CATALOG[model]
    batch = SeriesBatch(np.array(rows), 5, spec.resolve({}), season, options=Options(windows))
    return forecast_with_hold_out(batch, spec.load(), refit=True, metrics=("mae", "mase"))


def test_the_score_is_the_mean_over_the_stretches() -> None:
    """The last value repeated: off by 1 … 5 before the end, by 10 … 50 in the five steps before those."""
    values = [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 4.0, *(4.0 + 10 * n for n in range(1, 6)), *(54.0 + n for n in range(1, 6))]
    one, two = scored([values], 1), scored([values], 2)

    assert one.scores["mae"].tolist() == [3.0]
    assert two.scores["mae"].tolist() == [(3.0 + 30.0) / 2]
    assert two.scores["mase"].tolist() == [(3.0 + 3.0) / 2]
    assert (one.windows.tolist(), two.windows.tolist()) == ([1], [2])
    assert two.backtest.tolist() == one.backtest.tolist()


def test_a_series_has_as_many_stretches_as_its_history_allows() -> None:
    """Five observed values are left before each but the first; one without a hold-out has no score."""
    long, short = [float(n) for n in range(22)], [NAN] * 12 + [float(n) for n in range(10)]
    found = scored([long, short, [NAN] * 18 + [1.0, 2.0, 3.0, 4.0]], 4)

    assert found.windows.tolist() == [3, 1, 0]
    assert np.isnan(found.scores["mae"]).tolist() == [False, False, True]
    assert np.isnan(found.mase_insample).tolist() == [False, False, True]


@pytest.mark.parametrize(("season", "scale"), [(1, 2.0), (2, 1.0)])
def test_mase_insample_divides_by_the_differences_before_the_hold_out(season: int, scale: float) -> None:
    """One season apart; the contract's mase divides by those within."""
    before = [0.0, 2.0, 1.0, 3.0, 2.0, 4.0, 3.0, 5.0]
    steps = [abs(b - a) for a, b in zip(before, before[season:], strict=False)]
    found = scored([[*before, *(5.0 + n for n in range(1, 6))]], 1, season)

    assert np.mean(steps) == pytest.approx(scale, abs=0.5)
    assert found.mase_insample[0] == pytest.approx(found.scores["mae"][0] / np.mean(steps))


def test_mase_insample_of_a_constant_history_is_undefined() -> None:
    """And no warning is given."""
    assert np.isnan(scored([[3.0] * 20], 2).mase_insample).all()
