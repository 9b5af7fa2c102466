"""Two ways to forecast by the same values: what is compared, and the known answers of its test."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel
from statsmodels.api import OLS

from streams.accuracy.comparing import Difference, compare, compared
from streams.accuracy.judging import Judged
from streams.accuracy.pairs import paired


def _judged(n: int, ts_id: int = 1, origin: int = 10, **fields: Any) -> Judged:
    """A forecast from `origin` whose steps were judged, at times of their own."""
    steps = np.array(fields.get("steps", [1, 2]))
    predicted = np.array(fields.get("predicted", [0.0] * len(steps)))
    inside = {"80": np.array(fields["inside"])} if "inside" in fields else {}
    actual, times = np.zeros(len(steps)), origin + steps
    offsets = tuple(range(len(steps)))
    scale = fields.get("scale", 1.0)
    return Judged(ts_id, n, "M", None, scale, steps, times, actual, predicted, inside, {}, offsets, origin)


def test_forecasts_of_one_origin_are_compared_at_the_steps_of_both() -> None:
    """Others count for neither, however good they were; both are scaled as the first is."""
    first = [
        _judged(1, predicted=[1.0, 3.0], inside=[True, False], scale=2.0),
        _judged(2, origin=11, predicted=[9.0, 9.0]),
    ]
    second = [
        _judged(3, steps=[2, 3], predicted=[-1.0, 50.0], inside=[True, True], scale=100.0),
        _judged(4, origin=12, predicted=[0.0, 0.0]),
    ]

    found = paired(first, second).overall()

    assert (found["judged"], found["first"]["mae"], found["second"]["mae"]) == (1, 3.0, 1.0)
    assert (found["first"]["mase"], found["second"]["mase"]) == (1.5, 0.5)
    assert found["first"]["coverage"] == {"80": {"judged": 1, "inside": 0.0}}
    assert found["second"]["coverage"] == {"80": {"judged": 1, "inside": 1.0}}
    assert (found["better"], found["p_value"], found["times"]) == ("second", None, 1)


def test_of_two_forecasts_from_one_origin_the_newer_counts() -> None:
    """It was asked for again."""
    found = paired([_judged(2, predicted=[2.0, 2.0]), _judged(1, predicted=[7.0, 7.0])], [_judged(3)]).overall()

    assert found["first"]["mae"] == 2.0


def test_series_where_the_second_loses_most_come_first() -> None:
    """Those that cannot be scaled last."""
    first = [
        _judged(1, ts_id, predicted=[1.0, 1.0], scale=float("nan") if ts_id == 4 else 1.0) for ts_id in (1, 2, 3, 4)
    ]
    errors = {1: 1.0, 2: 3.0, 3: 0.5, 4: 9.0}
    second = [_judged(2, ts_id, predicted=[error, error]) for ts_id, error in errors.items()]

    found = paired(first, second).series()

    assert [(one["ts_id"], one["better"]) for one in found] == [(2, "first"), (1, None), (3, "second"), (4, None)]


def test_nothing_in_common_is_nothing_to_compare() -> None:
    """Neither is better."""
    both = paired([_judged(1)], [_judged(2, origin=11)])

    assert (both.overall()["judged"], both.overall()["better"], both.series()) == (0, None, [])


def test_one_step_ahead_it_is_the_t_test_of_pairs() -> None:
    """As SciPy has it."""
    random = np.random.default_rng(3)
    one, other = random.random(30), random.random(30) + 0.2

    found = compare((other - one).tolist(), 1)

    known = ttest_rel(other, one)
    assert (found.statistic, found.p_value) == (pytest.approx(known.statistic), pytest.approx(known.pvalue))
    assert found.better == "first"


def test_more_steps_ahead_it_is_statsmodels_variance_with_the_correction_for_few() -> None:
    """Newey and West's by Bartlett's weights, times the factor of Harvey, Leybourne and Newbold."""
    steps = 4
    values = np.convolve(np.random.default_rng(5).normal(size=63), np.ones(steps), "valid") - 0.9
    count = len(values)
    fitted = OLS(values, np.ones(count)).fit(cov_type="HAC", cov_kwds={"maxlags": steps - 1, "use_correction": False})

    found = compare(values.tolist(), steps)

    factor = ((count + 1 - 2 * steps + steps * (steps - 1) / count) / count) ** 0.5
    assert found.statistic == pytest.approx(fitted.tvalues[0] * factor)
    assert found.better == "second"


@pytest.mark.parametrize(("count", "steps", "told"), [(9, 1, False), (10, 1, True), (23, 12, False), (24, 12, True)])
def test_of_few_times_nothing_is_said(count: int, steps: int, *, told: bool) -> None:
    """Ten, or twice as many as steps ahead."""
    found = compare([float(number % 5) for number in range(count)], steps)

    assert (found.p_value is not None) is told


def test_what_is_always_alike() -> None:
    """Equal errors are no difference at all; a difference that never varies is no chance."""
    assert compare([0.0] * 20, 2)[2:] == (0.0, None, 1.0)
    assert compare([0.5] * 20, 2)[2:] == (0.5, None, 0.0)


def test_each_time_counts_once() -> None:
    """By the forecast of the fewest steps ahead, as the mean of all series; what has no scale counts for none."""
    found = compared(
        [
            Difference(1, 10, 3, 100.0),
            Difference(1, 10, 1, 2.0),
            Difference(2, 10, 1, 4.0),
            Difference(2, 11, 2, float("nan")),
            Difference(2, 12, 2, -1.0),
        ]
    )

    assert (found.times, found.more, found.needed) == (2, 1.0, 10)
