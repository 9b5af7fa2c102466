"""Whose results are in the shadow, and who takes over which series."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.forecasting import JobRecord, SeriesConfig, Shadow, Standing
from schemas.series import SeriesResult
from streams.standing.elements import SECOND
from streams.standing.shadows import (
    FIRST,
    answered,
    beside,
    is_published_late,
    on_side,
    pieces,
    series_among,
    started,
    stopped,
    switched,
    without_pair,
)

_GROUPS = [{"shop": "a", "item": "x"}, {"shop": "a", "item": "y"}, {"shop": "b", "item": "x"}]
_NAMES = ["('a', 'x')", "('a', 'y')", "('b', 'x')"]


def _standing(series: str | None = "all", model: str = "SES", ts_id: int = 0, **fields: Any) -> Standing:
    return Standing(ts_id, series, model, "data", 2.0, "", "", b"", **fields)


def _job(*standing: Standing, series: str | None = "all", ts_id: int = 0, **fields: Any) -> JobRecord:
    """Whose shadow is the last element; the others were there first."""
    job = JobRecord(7, 2, None, 1, 0, first_ts_id=100, series_count=3, standing=standing, **fields)
    element = SeriesConfig(ts_id, "Theta", series=series)
    second = _standing(series, "Theta", ts_id, side=SECOND)
    job = replace(job, standing=(*standing, second))
    return started(job, element, range(len(standing)), None, first_n=10, at=5)


def _result(n: int, side: int = 0, *, shadow: bool = False, model: str = "SES") -> SeriesResult:
    return SeriesResult(7, 100, n, 1, model, {}, [1], [1.0], {}, side=side, shadow=shadow)


def test_answered_are_those_of_who_answers_now() -> None:
    """However they were asked for; of a time before the shadow as they were asked for."""
    job = _job(_standing())
    results = [
        _result(3),
        _result(4, SECOND, shadow=True),
        _result(11, FIRST),
        _result(12, SECOND, shadow=True),
        _result(13),
    ]

    assert [one.n for one in answered(job, results)] == [3, 11, 13]
    assert [one.n for one in answered(switched(job, 0), results)] == [3, 12, 13]
    assert [one.n for one in answered(stopped(switched(job, 0)), results)] == [3, 12, 13]


def test_sides_of_results() -> None:
    """What the first model forecast before counts for it, not what an earlier shadow did, nor what neither did."""
    job = _job(_standing())

    assert on_side(job, _result(3)) == FIRST
    assert on_side(job, _result(3, model="ETS")) == 0
    assert on_side(job, _result(3, SECOND, shadow=True)) == 0
    assert on_side(job, _result(12, SECOND)) == SECOND
    assert on_side(job, _result(12)) == 0


def test_published_late_is_what_was_asked_for_in_the_shadow_and_answers() -> None:
    """Not what a trainer has published, what failed, or what is of an earlier shadow."""
    late = {"n": 12, "side": SECOND, "shadow": True, "error": None}
    job = switched(_job(_standing()), 0)

    assert is_published_late(job, late)
    assert not is_published_late(switched(job, 0), late)
    for change in ({"shadow": False}, {"error": "no"}, {"n": 9}, {"side": FIRST}):
        assert not is_published_late(job, late | change)


@pytest.mark.parametrize(
    ("series", "ts_id", "less", "places"),
    [
        ("all", 0, (), [0, 1, 2]),
        ("shop=a", 0, (), [0, 1]),
        (None, 102, (), [2]),
        (None, 7, (), []),
        ("all", 0, ("shop=a",), [2]),
        ("shop=a", 0, ("101",), [0]),
    ],
)
def test_which_series_an_element_is_for(
    series: str | None, ts_id: int, less: tuple[str, ...], places: list[int]
) -> None:
    """Without those that another has taken over."""
    assert series_among(_standing(series, ts_id=ts_id, less=less), _GROUPS, [100, 101, 102]) == places


def test_a_first_that_is_for_more_is_on_its_side_for_the_shadows_series_alone() -> None:
    """The others go on as if there were no shadow."""
    job = _job(_standing(), series="shop=a")

    assert pieces(job, job.standing[0], [100, 101, 102], ("shop", "item"), _NAMES) == [(FIRST, [100, 101]), (0, [102])]
    assert pieces(job, job.standing[1], [100, 101], ("shop", "item"), _NAMES) == [(SECOND, [100, 101])]
    ended = stopped(job)
    assert pieces(ended, ended.standing[0], [100, 102], ("shop", "item"), _NAMES) == [(0, [100, 102])]


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        ({"series": "all"}, {"series": "all"}, None),
        ({"series": "shop=a"}, {"series": "all"}, None),
        ({"series": "shop=a/item=x"}, {"series": "shop=a"}, None),
        ({"series": None, "ts_id": 101}, {"series": "shop=a"}, None),
        ({"series": None, "ts_id": 101}, {"series": None, "ts_id": 101}, None),
        ({"series": "all"}, {"series": "shop=a"}, ("shop=a",)),
        ({"series": "item=x"}, {"series": "shop=a"}, ("shop=a",)),
        ({"series": "shop=a"}, {"series": None, "ts_id": 101}, ("101",)),
    ],
)
def test_who_answers_takes_over_what_was_the_others(
    first: dict[str, Any], second: dict[str, Any], left: tuple[str, ...] | None
) -> None:
    """All of it, or these series; unless it never answered."""
    job = _job(_standing(**first), **second)

    taken = stopped(switched(job, SECOND))
    assert [(one.model_name, one.side, one.less) for one in taken.standing] == [
        *([] if left is None else [("SES", 0, left)]),
        ("Theta", 0, ()),
    ]
    kept = stopped(job)
    assert [(one.model_name, one.side, one.less) for one in kept.standing] == [("SES", 0, ())]


def test_the_second_has_what_it_does_not_say_from_the_first() -> None:
    """But for what is of another model."""
    settings = SeriesConfig(
        0, "SES", (), next_k_prediction=7, refit=1, auto_tune=1, max_eval=9, series="all", levels=(0.1,)
    )
    first = _standing()

    other = beside(first, settings, SeriesConfig(0, "Theta", series="shop=a", refit=0))
    assert (other.next_k_prediction, other.refit, other.levels, other.series, other.side) == (7, 0, (0.1,), "shop=a", 2)
    assert (other.hyper_params, other.auto_tune, other.max_eval) == ((), None, None)
    assert other.refresh is not None
    assert (other.refresh.on, other.refresh.pause_s) == ("data", 2.0)
    version = beside(first, settings, SeriesConfig(0, "SES", series="all", levels=(0.2,)))
    assert (version.auto_tune, version.max_eval, version.levels) == (1, 9, (0.2,))


def test_a_shadow_whose_other_side_is_gone_is_none() -> None:
    """Nothing stays in the shadow that nobody could bring out."""
    job = _job(_standing())

    for left in (job.standing[:1], job.standing[1:]):
        alone = without_pair(replace(job, standing=left))
        assert alone.shadow == replace(job.shadow or Shadow(0, None, "", 0, 0), ended=True)
        assert [one.side for one in alone.standing] == [0]
    assert without_pair(job) is job
