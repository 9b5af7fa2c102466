"""Forecasts are judged by the rows that come after them."""

from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import check_error, csv, element, new_job, train
from tests.integration.services import Api

_DAYS = 12
_FILE = csv("shop,day,sold", *(f"{shop},2020-01-{day:02},{day}" for day in range(1, _DAYS + 1) for shop in "ab"))
_HIGHEST = {"latest_n": 5}


def _trained(api: Api, model: str = "AdaptiveMaxN", params: dict[str, Any] | None = None) -> tuple[int, int, list[int]]:
    """A data set, and a job with forecasts of the five days after it, the values being 12 by the default model."""
    job_id, ts_ids = new_job(api, _FILE, timestamp=1, target=2, groupby=[0])
    chosen = _HIGHEST if params is None else params
    train(api, job_id, *(element(ts_id, model, chosen, refit=1) for ts_id in ts_ids))
    return api.get(f"/job/{job_id}/")["data_id"], job_id, ts_ids


def _came(api: Api, data_id: int, *rows: tuple[str, int, float | None]) -> None:
    body = [{"shop": shop, "day": f"2020-01-{day:02}", "sold": sold} for shop, day, sold in rows]
    answer = api.call("POST", f"/data/{data_id}/rows", json=body)
    assert answer.status_code == 200, answer.text


def _accuracy(api: Api, job_id: int, query: str = "") -> Any:
    return api.get(f"/job/{job_id}/accuracy/{query}")


def test_values_that_come_judge_the_forecasts_of_their_times(api: Api) -> None:
    """Each by its step ahead; the series with the largest errors first."""
    data_id, job_id, (first, second) = _trained(api)
    _came(api, data_id, ("a", 13, 14), ("a", 14, 9), ("b", 13, 16), ("c", 13, 5), ("a", 1, 7), ("a", 30, 7))

    board = _accuracy(api, job_id)
    assert (board["job_id"], board["data_id"], board["note"]) == (job_id, data_id, None)
    assert (board["overall"]["judged"], board["overall"]["mae"]) == (3, 3.0)
    assert board["overall"]["bias"] == 1.0  # 2, -3 and 4
    assert board["overall"]["mase"] == 3.0  # a step is 1
    assert [(one["step"], one["judged"], one["mae"]) for one in board["horizons"]] == [(1, 2, 3.0), (2, 1, 3.0)]
    [model] = board["models"]
    assert (model["model_name"], model["series"], model["judged"]) == ("AdaptiveMaxN", 2, 3)
    assert [(one["ts_id"], one["series_key"], one["mae"]) for one in board["series"]] == [
        (second, "shop=b", 4.0),
        (first, "shop=a", 2.5),
    ]
    worst, other = board["series"]
    assert worst["last"] == {"timestamp": "2020-01-13 00:00:00", "actual": 16, "predicted": 12, "n": 1, "step": 1}
    assert [one["step"] for one in other["horizons"]] == [1, 2]


def test_a_corrected_value_judges_anew_and_a_repeat_counts_once(api: Api) -> None:
    """The last write wins; a value that is taken back judges nothing."""
    data_id, job_id, _ = _trained(api)
    _came(api, data_id, ("a", 13, 14), ("b", 13, 14))
    assert _accuracy(api, job_id)["overall"]["mae"] == 2.0

    _came(api, data_id, ("a", 13, 12), ("b", 13, 14))
    _came(api, data_id, ("b", 13, 14))
    overall = _accuracy(api, job_id)["overall"]
    assert (overall["judged"], overall["mae"]) == (2, 1.0)

    _came(api, data_id, ("a", 13, None))
    overall = _accuracy(api, job_id)["overall"]
    assert (overall["judged"], overall["mae"]) == (1, 2.0)


def test_intervals_are_judged_too(api: Api) -> None:
    """The share of values that lay in each, by its level; the scale is that of the backtest."""
    data_id, job_id, _ = _trained(api, "SES", {})
    _came(api, data_id, ("a", 13, 12), ("a", 14, 1000), ("b", 13, -1000), ("b", 14, 12))

    overall = _accuracy(api, job_id)["overall"]
    assert overall["coverage"] == {"80": {"judged": 4, "inside": 0.5}, "95": {"judged": 4, "inside": 0.5}}
    assert overall["backtest_mase"] > 0


def test_series_are_told_by_pages_and_chosen(api: Api) -> None:
    """Sums stay those of the whole job."""
    data_id, job_id, (first, second) = _trained(api)
    _came(api, data_id, ("a", 13, 14), ("b", 13, 16))

    page = _accuracy(api, job_id, "?offset=1&limit=1")
    assert (page["series_count"], [one["ts_id"] for one in page["series"]]) == (2, [first])
    chosen = _accuracy(api, job_id, f"?ts_id={second}")
    assert (chosen["series_count"], [one["ts_id"] for one in chosen["series"]]) == (1, [second])
    assert chosen["overall"]["judged"] == 2
    assert _accuracy(api, job_id, "?model_name=Theta")["series"] == []


def test_a_job_that_is_refreshed_and_trained_again_is_judged_by_both_forecasts(api: Api) -> None:
    """A value is compared with every forecast of its time."""
    data_id, job_id, ts_ids = _trained(api)
    _came(api, data_id, ("a", 13, 20), ("b", 13, 20))
    assert api.call("POST", f"/job/{job_id}/refresh/").status_code == 200
    train(api, job_id, *(element(ts_id, "AdaptiveMaxN", _HIGHEST, refit=1) for ts_id in ts_ids))
    _came(api, data_id, ("a", 14, 20))

    board = _accuracy(api, job_id)
    assert [(one["step"], one["judged"], one["mae"]) for one in board["horizons"]] == [(1, 3, 16 / 3), (2, 1, 8.0)]


@pytest.mark.parametrize("configured", [False, True])
def test_a_job_without_values_has_none(api: Api, *, configured: bool) -> None:
    """Neither one that has no series yet, nor one without a forecast."""
    if configured:
        job_id, _ = new_job(api, _FILE, timestamp=1, target=2, groupby=[0])
    else:
        job_id = api.create_job(api.add_dataset(_FILE))

    board = _accuracy(api, job_id)
    assert (board["overall"]["judged"], board["series"]) == (0, [])
    assert (board["note"] is None) == configured


def test_series_that_are_told_apart_otherwise_than_rows_are_not_judged(api: Api) -> None:
    """And why."""
    data_id, _, _ = _trained(api)
    _came(api, data_id, ("a", 13, 14))
    other = api.create_job(data_id)
    answer = api.call(
        "PUT", f"/job/{other}/", json={"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": []}
    )
    assert answer.status_code == 200, answer.text

    assert "no forecast can be judged" in _accuracy(api, other)["note"]


def test_an_unknown_job_has_no_accuracy(api: Api) -> None:
    """As everywhere."""
    check_error(api.call("GET", "/job/99/accuracy/"), 404, "there is no job 99")


def test_steps_made_of_several_rows_are_not_judged(api: Api) -> None:
    """One of the rows is not the value of the step."""
    job_id = api.create_job(api.add_dataset(_FILE))
    columns = {"timestamp_indexs": [1], "target_indexs": [2], "groupby_indexs": [0]}
    answer = api.call("PUT", f"/job/{job_id}/", json={**columns, "aggregate": {"freq": "W", "how": "sum"}})
    assert answer.status_code == 200, answer.text

    assert "several rows" in _accuracy(api, job_id)["note"]
