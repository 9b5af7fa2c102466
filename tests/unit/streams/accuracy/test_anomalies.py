"""Values that no interval had."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from connectors.datasets.splits import SeriesData
from models.catalog import CATALOG
from schemas.series import SeriesResult
from streams.accuracy.anomalies import best_of, in_history, observed_ones, to_roll
from streams.accuracy.judging import Judged
from streams.accuracy.rolling import RolledHistory

_DAY = 86_400_000
_RESULT = SeriesResult(7, 1, 0, 1, "SES", {}, [_DAY], [2.0], {}, mase_insample=0.7)


def test_the_model_whose_backtest_is_best_is_chosen() -> None:
    """By its latest result; what failed is none."""
    results = [
        _RESULT,
        replace(_RESULT, n=1, model_name="Theta", mase_insample=0.1),
        replace(_RESULT, n=2, model_name="Theta", mase_insample=0.9),
        replace(_RESULT, n=3, model_name="ARIMA", mase_insample=0.2, error="no"),
        replace(_RESULT, n=4, model_name="LinearFit", mase_insample=None),
    ]

    best = best_of(results, None)
    assert best is not None
    assert best.n == 0
    assert best_of(results, "Theta") is results[2]
    assert best_of(results, "ARIMA") is None
    assert best_of(results[-1:], None) is results[-1]


def test_of_a_model_that_chooses_its_best_is_asked() -> None:
    """With that one's own settings; a name that is none is left alone."""
    series = SeriesData("x", np.arange(9.0), np.arange(9) * _DAY * 1000, "D", complete=True)
    chosen = replace(_RESULT, model_name="Auto", config={"x": 1}, answered_by="Theta + SES")

    assert to_roll(series, chosen, CATALOG)[1][1:] == ("Theta", {}, 7, "D")
    assert to_roll(series, replace(_RESULT, answered_by="?"), CATALOG)[1].model_name == "SES"


def test_values_outside_are_told_with_their_times() -> None:
    """On the calendar: a row that is absent, and so has no value, is none."""
    days = np.array([0, 1, 2, 4, 5])
    series = SeriesData("x", np.array([1.0, 2.0, 3.0, 9.0, 5.0]), days * _DAY * 1000, "D", complete=False)
    grid, _ = to_roll(series, _RESULT, CATALOG)
    mean, low, high = (np.array(values, dtype=float) for values in ([2, 3, 4, 5], [1, 2, 3, 4], [3, 4, 5, 6]))

    [told] = in_history(series, grid, RolledHistory(2, 2, mean, low, high, own=True, note=""))
    assert (told.timestamp, told.actual, told.predicted, told.low, told.high) == ("1970-01-05 00:00:00", 9, 4, 3, 5)
    assert (told.source, told.step) == ("history", 1)


def _judged(n: int, steps: list[int], actual: list[float], **fields: Any) -> Judged:
    times = np.array([3, 4][: len(steps)]) * _DAY
    values, middle = np.array(actual), np.full(len(steps), 10.0)
    edges = {"80": (middle - 2, middle + 2), "95": (middle - 4, middle + 4)}
    return Judged(1, n, "SES", 0.5, 1.0, np.array(steps), times, values, middle, {}, fields.get("edges", edges), ())


def test_the_forecast_of_the_fewest_steps_ahead_says_whether_a_value_is_outside() -> None:
    """What lay inside is told too, for the history may see it otherwise."""
    far = _judged(0, [3, 4], [15.0, 11.0])
    near = _judged(1, [1], [13.0])

    found = observed_ones([far, near], 95)[1]
    assert found == {"1970-01-04 00:00:00": None, "1970-01-05 00:00:00": None}
    told = observed_ones([far], 95)[1]["1970-01-04 00:00:00"]
    assert told is not None
    assert (told.actual, told.low, told.high, told.source, told.step) == (15.0, 6.0, 14.0, "observation", 3)


@pytest.mark.parametrize(("level", "edge"), [(80, 12.0), (95, 14.0), (99, 10 + 4 * 2.5758 / 1.95996)])
def test_an_interval_that_is_not_there_is_made_of_the_nearest(level: float, edge: float) -> None:
    """As normal errors would have it."""
    told = observed_ones([_judged(0, [1], [99.0])], level)[1]["1970-01-04 00:00:00"]

    assert told is not None
    assert told.high == pytest.approx(edge, rel=1e-4)


def test_a_forecast_without_intervals_says_nothing() -> None:
    """Neither inside nor outside."""
    assert observed_ones([_judged(0, [1], [99.0], edges={})], 95) == {}
