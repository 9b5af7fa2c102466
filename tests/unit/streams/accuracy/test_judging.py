"""One forecast and what came: errors, intervals, scales."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from connectors.datasets.splits import SeriesData
from models.scores.windows import in_sample_scale
from schemas.series import SeriesResult
from streams.accuracy.judging import intervals, judged
from streams.accuracy.observed import Values
from streams.accuracy.scales import scale_before

_DAY = 86_400_000
_FORECAST = SeriesResult(
    job_id=7,
    ts_id=1,
    n=3,
    attempt=1,
    model_name="Theta",
    config={},
    timestamps=[_DAY, 2 * _DAY, 3 * _DAY],
    predictions=[10.0, 20.0, 30.0],
    metrics={},
    quantiles={
        "0.025": [4.0, 14.0, 24.0],
        "0.1": [8.0, 18.0, 28.0],
        "0.9": [12.0, 22.0, 32.0],
        "0.975": [16.0, 26.0, 36.0],
    },
    mase_insample=0.5,
)


def _values(**at: float) -> Values:
    return Values({int(day[1:]) * _DAY * 1000: (value, 9) for day, value in at.items()})


def _judged(result: SeriesResult, values: Values, **fields: Any) -> Any:
    return judged(result, values, **{"by_instant": False, "scale": 2.0, **fields})


def test_each_value_that_came_is_compared_with_its_step() -> None:
    """Errors are actual less predicted; the edges of an interval belong to it."""
    found = _judged(_FORECAST, _values(d1=12.0, d3=23.5, d9=1.0))

    assert found.steps.tolist() == [1, 3]
    assert found.errors.tolist() == [2.0, -6.5]
    assert {level: inside.tolist() for level, inside in found.inside.items()} == {
        "80": [True, False],
        "95": [True, False],
    }


def test_nothing_came() -> None:
    """Of no time of the forecast, though of others."""
    assert _judged(_FORECAST, _values(d7=12.0)) is None


def test_an_hour_that_the_clock_shows_twice_is_two_times() -> None:
    """Told apart by the offset, as the steps are shorter than a day; a day is what the clock shows."""
    hour = 3_600_000
    result = replace(
        _FORECAST,
        timestamps=[2 * hour, 2 * hour, 3 * hour],
        utc_offsets=(120, 60, 60),
        quantiles={},
    )
    values = Values({2 * hour * 1000: (5.0, 9)}, {(2 * hour - hour) * 1000: (5.0, 9)})

    assert _judged(result, values, by_instant=True).steps.tolist() == [2]
    assert _judged(result, values).steps.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("0.025", "0.1", "0.5", "0.9", "0.975"), {"80": ("0.1", "0.9"), "95": ("0.025", "0.975")}),
        (("0.1", "0.5"), {}),
        (("0.3", "0.7", "0.8"), {"40": ("0.3", "0.7")}),
        ((), {}),
    ],
)
def test_intervals_are_pairs_of_quantiles(names: tuple[str, ...], expected: Any) -> None:
    """As far from the median to both sides."""
    assert intervals({name: [0.0] for name in names}) == expected


@pytest.mark.parametrize("season", [None, 3])
def test_the_scale_is_that_of_the_backtest(season: int | None) -> None:
    """Of the history without its hold-out, though rows have come since; by the season of the days, or the one asked."""
    history = np.random.default_rng(5).normal(size=40).round(2)
    series = SeriesData("x", history, np.arange(40) * _DAY * 1000, "D", complete=True)
    config = {} if season is None else {"season_length": season}

    expected = in_sample_scale(history[None, : 30 - 6], season or 7)[0]
    assert scale_before(series, 30 * _DAY * 1000, 6, config) == pytest.approx(expected)


def test_absent_rows_leave_gaps_in_the_scale() -> None:
    """A difference over a gap is none of one step."""
    values, days = np.array([1.0, 2.0, 8.0, 9.0, 0, 0, 0, 0, 0]), np.array([0, 1, 3, 4, 5, 6, 7, 8, 9])
    series = SeriesData("x", values, days * _DAY * 1000, "D", complete=False)

    assert scale_before(series, 10 * _DAY * 1000, 5, {}) == 1.0


def test_a_flat_history_has_no_scale() -> None:
    """Nothing can be divided by zero."""
    series = SeriesData("x", np.ones(20), np.arange(20) * _DAY * 1000, "D", complete=True)

    assert np.isnan(scale_before(series, 20 * _DAY * 1000, 5, {}))
