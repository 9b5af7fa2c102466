"""Series added up: known answers, and what sums of quantiles would get wrong."""

import numpy as np
import pytest

from models import sums
from models.sums import NOTHING, Addend, Timed, common, fill_gaps, sum_of, sum_of_histories

_NAN = float("nan")


def timed(first: int, *values: float) -> Timed:
    """Values from a time on, a step apart."""
    return Timed(np.arange(first, first + len(values)), np.array(values, dtype=np.float64))


def test_histories_are_added_step_by_step() -> None:
    """A series counts from its first value on."""
    found = sum_of_histories([timed(0, 1, 2, 3, 4), timed(2, 10, 20), timed(1, _NAN, _NAN, 300)])

    assert found.times.tolist() == [0, 1, 2, 3]
    assert found.values.tolist() == [1, 2, 13, 324]


def test_many_series_are_added_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, and the sums are the same."""
    monkeypatch.setattr(sums, "_BLOCK", 5)
    found = sum_of_histories([timed(number % 3, *[1.0] * 6) for number in range(9)])

    assert found.times.tolist() == list(range(8))
    assert found.values[:6].tolist() == [3, 6, 9, 9, 9, 9]
    assert np.isnan(found.values[6:]).all()


@pytest.mark.parametrize("gap", [timed(0, 10, _NAN, 30), Timed(np.array([0, 2]), np.array([10.0, 30.0]))])
def test_a_sum_without_one_of_its_values_is_missing(gap: Timed) -> None:
    """Whether it is written as missing or has no row; what is there would be taken for all."""
    found = sum_of_histories([timed(0, 1, 2, 3, 4), gap])

    assert found.values.tolist()[0::2] == [11, 33]
    assert np.isnan(found.values[[1, 3]]).all()


def test_only_steps_that_all_have_are_added() -> None:
    """Whichever way they begin and end."""
    assert common([timed(3, 1, 2, 3), timed(4, 10, 20, 30)]).values.tolist() == [12, 23]
    assert common([timed(3, 1, 2), timed(3, 10, 20)]).values.tolist() == [11, 22]
    assert common([timed(3, 1), timed(9, 10)]).values.tolist() == []


def test_the_forecast_begins_behind_the_last_value_of_all() -> None:
    """A series that ended earlier gives its later steps; there are so many as all have."""
    early = Addend(timed(0, 1, 1), timed(2, 5, 6, 7, 8))
    late = Addend(timed(0, 1, 1, 1), timed(3, 100, 200, 300, 400))
    found = sum_of([early, late], metrics=["mae"], levels=[0.1, 0.9])

    assert found.forecast.times.tolist() == [3, 4, 5]
    assert found.forecast.values.tolist() == [106, 207, 308]
    assert (found.quantiles, found.scores) == ({}, {"mae": None, "mase_insample": None})
    assert np.isnan(found.history.values[2])


def test_what_was_forecast_of_days_that_came_is_left_out() -> None:
    """The series have grown, and none is forecast anew yet."""
    grown = Addend(timed(0, 1, 1, 7, 7), timed(2, 5, 6, 7, 8))
    found = sum_of([grown, Addend(timed(0, 1, 1), timed(2, 10, 20, 30, 40))], metrics=[], levels=[])

    assert (found.forecast.times.tolist(), found.forecast.values.tolist()) == ([4, 5], [37, 48])


def test_scores_and_intervals_are_those_of_the_sum() -> None:
    """Errors of both series that undo one another are none of the sum."""
    history, up = timed(0, *range(1, 11)), np.array([3.0, -3, 3, -3, 3])
    forecast = timed(10, 20, 20)
    first = Addend(history, forecast, Timed(np.arange(5, 10), history.values[5:] + up))
    second = Addend(history, forecast, Timed(np.arange(5, 10), history.values[5:] - up - np.array([0, 0, 0, 2, 4])))
    found = sum_of([first, second], metrics=["mae", "mse"], levels=[0.1, 0.5, 0.9])

    assert found.actual.tolist() == [12, 14, 16, 18, 20]
    assert found.backtest.values.tolist() == [12, 14, 16, 16, 16]
    assert found.scores == {"mae": 1.2, "mse": 4.0, "mase_insample": 0.6}  # a step of the sum is 2
    # Sizes 0 0 0 2 4: ceil(6 x 0.8) = 5, the largest; of the median ceil(6 x 0) is the smallest.
    assert {name: values.tolist() for name, values in found.quantiles.items()} == {
        "0.1": [36, 36], "0.5": [40, 40], "0.9": [44, 44],
    }  # fmt: skip


def test_quantiles_lie_above_zero_unless_that_is_allowed() -> None:
    """As those of a series do."""
    history = timed(0, *[1.0] * 10)
    one = Addend(history, timed(10, 2), Timed(np.arange(5, 10), history.values[5:] + 9))

    assert sum_of([one, one], metrics=[], levels=[0.1]).quantiles["0.1"].tolist() == [0]
    assert sum_of([one, one], metrics=[], levels=[0.1], may_be_negative=True).quantiles["0.1"].tolist() == [-14]


def test_quantiles_are_whole_numbers_where_those_of_all_series_are() -> None:
    """A series with returns is neither whole nor above zero, whatever the sum has been."""
    sales, returns = timed(0, *[9.0] * 10), timed(0, *[-4.0] * 10)
    errors = Timed(np.arange(5, 10), sales.values[5:] + 9.5)
    shop, desk = (
        Addend(sales, timed(10, 7), errors),
        Addend(returns, timed(10, -4.25), Timed(errors.times, returns.values[5:])),
    )

    assert sum_of([shop, shop], metrics=[], levels=[0.9]).quantiles["0.9"].tolist() == [33]
    assert sum_of([shop, desk], metrics=[], levels=[0.1, 0.9]).quantiles["0.1"].tolist() == [-6.75]


def test_fewer_than_five_errors_make_no_interval() -> None:
    """And a step with a missing actual has no error."""
    history = timed(0, 1, 2, 3, 4, 5, _NAN, 7, 8, 9, 10)
    one = Addend(history, timed(10, 2), Timed(np.arange(5, 10), history.values[5:]))
    found = sum_of([one, one], metrics=["mae"], levels=[0.1, 0.9])

    assert (found.quantiles, found.scores["mae"]) == ({}, 0.0)
    assert sum_of([Addend(history, timed(10, 2), NOTHING)], metrics=[], levels=[0.1]).quantiles == {}


@pytest.mark.parametrize(("shared", "narrower"), [(0.0, True), (1.0, False)])
def test_intervals_hold_whether_series_go_together_or_not(shared: float, narrower: bool) -> None:
    """Of 400 sums of 16 series with normal errors about as many values lie inside as should.

    Sums of quantiles would be sixteen times as wide as those of one series in both cases, which is right where all are
    off together, and four times too much where they are not.
    """
    rng, series, inside, width = np.random.default_rng(7), 16, 0, 0.0
    history = timed(0, *range(100, 150))
    for _ in range(400):
        together = rng.normal(size=(1, 51))
        errors = shared**0.5 * together + (1 - shared) ** 0.5 * rng.normal(size=(series, 51))
        addends = [
            Addend(history, timed(50, 150), Timed(history.times[:50], history.values + own[:50])) for own in errors
        ]
        found = sum_of(addends, metrics=[], levels=[0.1, 0.9])
        low, high = (float(found.quantiles[name][0]) for name in ("0.1", "0.9"))
        actual = series * 150 + errors[:, 50].sum()
        inside += low <= actual <= high
        width += (high - low) / 400

    assert 0.75 < inside / 400 < 0.87
    of_quantiles = series * 2 * 1.2816
    assert (width < of_quantiles / 3) is narrower
    assert (width > of_quantiles * 0.9) is not narrower


def test_gaps_are_filled_as_trainers_do() -> None:
    """By the same rules."""
    history = np.array([_NAN, 1, _NAN, 3])

    assert fill_gaps(history, "zero")[1:].tolist() == [1, 0, 3]
    assert fill_gaps(history, "interpolate")[1:].tolist() == [1, 2, 3]
    assert fill_gaps(history, "none") is history
