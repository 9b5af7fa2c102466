"""What a sum comes to, and when there is none."""

from typing import Any, Final

import numpy as np
import pytest

from schemas.forecasting import Aggregate, Columns
from schemas.series import Backtest, SeriesResult
from streams.errors import ConflictError
from streams.sums.adding import Results, added
from streams.sums.asked import Asked, check_additive
from streams.sums.branches import Branch, branches_of
from tests.unit.streams.sums.samples import DAY, JOB, result, split_of

_TEN: Final = tuple(float(day) for day in range(10))
_SPLIT: Final = split_of(*[_TEN] * 4)
_ASKED: Final = Asked((0.1, 0.9), history=3)
_ALL: Final = Branch({}, (0, 1, 2, 3))


def backtest(*errors: float) -> Backtest:
    """Of the last five days, off by so much."""
    days = range(5, 10)
    return Backtest([day * DAY for day in days], [day + error for day, error in zip(days, errors, strict=True)])


def sums(results: Results, asked: Asked = _ASKED, branch: Branch = _ALL, split: Any = _SPLIT) -> Any:
    """The answer for one sum."""
    return added(JOB, split, branch, results, asked)


def test_a_sum_with_all_that_is_told_of_it() -> None:
    """Forecast, quantiles, scores, backtest and history are those of the sum."""
    results = {place: result(place, 10, 5, 6, backtest=backtest(1, 1, 1, 1, 2)) for place in range(4)}
    found = sums(results)

    assert found == {
        "groups": {},
        "series_key": "all",
        "series": 4,
        "models": {"SES": 4},
        "left_out_count": 0,
        "left_out": [],
        "error": None,
        "note": None,
        "timestamps": ["1970-01-11 00:00:00", "1970-01-12 00:00:00"],
        "predictions": [20.0, 24.0],
        "quantiles": {"0.1": [12.0, 16.0], "0.9": [28.0, 32.0]},
        "metrics": {"mae": 4.8},
        "mase_insample": 1.2,
        "backtest": {
            "timestamps": [f"1970-01-{day:02} 00:00:00" for day in range(6, 11)],
            "predictions": [24.0, 28.0, 32.0, 36.0, 44.0],
            "actual": [20.0, 24.0, 28.0, 32.0, 36.0],
        },
        "history": {
            "timestamps": [f"1970-01-{day:02} 00:00:00" for day in range(8, 11)],
            "values": [28.0, 32.0, 36.0],
        },
    }


def test_a_sum_of_one_series_is_that_series() -> None:
    """With the quantiles and scores that it has itself."""
    own = {"0.1": [1.0, 2.0], "0.9": [9.0, 10.0]}
    one = result(2, 10, 5, 6, quantiles=own, mase_insample=0.5, metrics={"mae": 3.0}, backtest=backtest(1, 1, 1, 1, 9))
    found = sums({2: one}, branch=Branch({"Shop": "c"}, (2,)))

    assert (found["predictions"], found["quantiles"]) == ([5.0, 6.0], own)
    assert (found["metrics"], found["mase_insample"]) == ({"mae": 3.0}, 0.5)
    assert found["series_key"] == "Shop=c"


def test_a_series_without_forecast_is_an_error_or_left_out() -> None:
    """A total that lacks a shop would be taken for the total."""
    results: dict[int, SeriesResult | str] = {place: result(place, 10, 5, 6) for place in range(3)}
    results[3] = "it failed: no"
    strict, partial = sums(results), sums(results, Asked((0.1,), partial=True))

    assert (
        strict["error"]
        == "1 of 4 series cannot be added: Region=S/Shop=d (it failed: no); partial=1 adds up the others"
    )
    assert "predictions" not in strict
    left_out = [{"ts_id": 103, "series_key": "Region=S/Shop=d", "reason": "it failed: no"}]
    assert (strict["left_out"], partial["left_out"]) == (left_out, left_out)
    assert (partial["error"], partial["series"], partial["predictions"]) == (None, 3, [15.0, 18.0])


def test_a_series_that_ended_long_ago_is_left_out() -> None:
    """Its forecast is of days that are history for the others."""
    split = split_of(_TEN, _TEN, _TEN, _TEN[:3])
    results = {place: result(place, 10, 5, 6) for place in range(3)} | {3: result(3, 3, 1, 1)}
    found = sums(results, split=split)

    assert "ends before that of the others begins" in found["error"]
    assert sums(results, Asked((), partial=True), split=split)["predictions"] == [15.0, 18.0]


def test_a_series_that_ended_a_step_earlier_gives_its_later_steps() -> None:
    """And it is said that there are fewer of them."""
    split = split_of(_TEN, _TEN, _TEN, _TEN[:9])
    results = {place: result(place, 10, 5, 6) for place in range(3)} | {3: result(3, 9, 100, 200)}
    found = sums(results, split=split)

    assert (found["timestamps"], found["predictions"]) == (["1970-01-11 00:00:00"], [215.0])
    assert found["history"]["values"] == [28.0, 32.0, None]
    assert "1 of 2 steps are left out" in found["note"]
    assert "4 of 4 series have no backtest" in found["note"]


def test_a_series_with_other_steps_is_left_out() -> None:
    """What to do is said."""
    split = split_of(*[_TEN] * 4, calendars=("D", "MS"), calendar_codes=np.array([0, 0, 1, 0], dtype=np.int32))
    results = {place: result(place, 10, 5) for place in range(4)}
    error = sums(results, split=split)["error"]

    assert "Region=N/Shop=c (its steps are MS, those of most others D)" in error
    assert "freq" in error
    assert sums(results, Asked((), partial=True), split=split)["predictions"] == [15.0]


def test_no_common_step_is_an_error() -> None:
    """Weeks that begin on other days, or steps of no rule."""
    results = {place: result(place, 10 + place, 5) for place in range(4)}

    assert "no common step" in sums(results)["error"]


def test_gaps_of_histories_are_filled_where_that_is_asked_for() -> None:
    """Else the sum is missing there."""
    split = split_of((*_TEN[:8], float("nan"), 9.0), _TEN, _TEN, _TEN)
    results = {place: result(place, 10, 5) for place in range(4)}

    assert sums(results, split=split)["history"]["values"] == [28.0, None, 36.0]
    filled = sums(results, Asked((), fill="previous", history=3), split=split)
    assert filled["history"]["values"] == [28.0, 31.0, 36.0]


def test_hours_of_shops_in_two_zones_are_added_as_instants() -> None:
    """Shown on the clock of the first one."""
    hour = DAY // 24
    split = split_of(
        _TEN,
        _TEN,
        groups=[("N", "a"), ("S", "b")],
        times=np.array([*range(10), *range(3, 13)]) * hour * 1000,
        calendars=("h +02:00", "h +05:00"),
        calendar_codes=np.array([0, 1], dtype=np.int32),
    )
    results = {
        0: result(0, 0, 5, timestamps=[10 * hour], utc_offsets=(120,)),
        1: result(1, 0, 7, timestamps=[13 * hour], utc_offsets=(300,)),
    }
    found = sums(results, branch=Branch({}, (0, 1)), split=split)

    assert (found["timestamps"], found["utc_offsets"]) == (["1970-01-01 10:00:00"], ["+02:00"])
    assert (found["predictions"], found["history"]["values"]) == ([12.0], [14.0, 16.0, 18.0])


@pytest.mark.parametrize(
    ("how", "told"), [("sum", None), ("mean", "same rows"), ("max", "refused"), ("min", "refused")]
)
def test_what_longer_steps_have_left_may_not_add_up(how: str, told: str | None) -> None:
    """The greatest hour of all shops is not the sum of the greatest hours."""
    from dataclasses import replace  # noqa: PLC0415

    job = replace(JOB, columns=Columns((0,), (1,), (2,), aggregate=Aggregate("D", how)))
    if told == "refused":
        with pytest.raises(ConflictError, match="how is sum"):
            check_additive(job)
    else:
        assert (told or "") in (check_additive(job) or "")


def test_all_levels_add_up() -> None:
    """To the digit: each is made of the same forecasts."""
    results = {place: result(place, 10, 0.1 * place + 0.7, 1 / 3) for place in range(4)}
    found = [sums(results, branch=branch) for branch in branches_of(_SPLIT, (), tree=True)]
    total, regions, shops = found[0], found[1:3], found[3:]

    assert [one["series_key"] for one in found[:4]] == ["all", "Region=N", "Region=S", "Region=N/Shop=a"]
    for step in range(2):
        assert total["predictions"][step] == pytest.approx(sum(one["predictions"][step] for one in regions), abs=1e-12)
        assert total["predictions"][step] == pytest.approx(sum(one["predictions"][step] for one in shops), abs=1e-12)
