"""Choosing a model: scores of several stretches, the leaderboard, and what can be asked of any model's forecast."""

import math

import pytest

from tests.acceptance.forecasting.jobs import check_error, csv, element, new_job, run, sample, train
from tests.integration.services import Api

_CURVE = [50 + 20 * math.sin(2 * math.pi * day / 7) + day % 3 for day in range(84)]


def two_series() -> bytes:
    """A weekly curve, and a line, with a gap in each."""
    rows = [f"curve,2021-01-{day:02},{_CURVE[day]:.3f}" for day in range(1, 32) if day != 9]
    rows += [f"line,2021-01-{day:02},{3.5 * day}" for day in range(1, 32) if day != 9]
    return csv("Name,Date,Value", *rows)


def test_a_score_of_several_stretches(api: Api) -> None:
    """Says how many there were; the contract's single one is the default."""
    several = run(api, sample(), "SES", backtest_windows=3, refit=1)
    one = run(api, sample(), "SES", refit=1)

    assert several["backtest_windows"] == 3
    assert "backtest_windows" not in one
    assert several["metrics"]["mse"] != one["metrics"]["mse"]
    assert several["predictions"] == one["predictions"]
    assert several["mase_insample"] > 0


def test_the_leaderboard_names_the_winner_of_each_series(api: Api) -> None:
    """Worst series first, best model first; a wrong metric brings the list."""
    job_id, (curve, line) = new_job(api, two_series(), timestamp=1, target=2, groupby=[0])
    train(
        api,
        job_id,
        *(element(ts_id, model, refit=1) for ts_id in (curve, line) for model in ("Drift", "SeasonalNaive")),
    )
    board = api.get(f"/job/{job_id}/leaderboard/")
    winners = {one["ts_id"]: one["winner"] for one in board["series"]}

    assert board["metric"] == "mase_insample"
    assert winners == {curve: "SeasonalNaive", line: "Drift"}
    assert [one["score"] for one in board["series"]] == sorted((one["score"] for one in board["series"]), reverse=True)
    assert {one["groupby_val"] for one in board["series"]} == {"('curve',)", "('line',)"}
    assert sum(one["wins"] for one in board["models"]) == board["series_count"] == 2
    assert len(api.get(f"/job/{job_id}/leaderboard/?limit=1&offset=1&metric=rmse")["series"]) == 1
    check_error(api.call("GET", f"/job/{job_id}/leaderboard/?metric=best"), 400, "mase_insample")
    check_error(api.call("GET", "/job/1/leaderboard/"), 404, "no job")


@pytest.mark.parametrize("model", ["LinearFit", "ETS", "Auto"])
def test_levels_bounds_and_fill_hold_for_every_model(api: Api, model: str) -> None:
    """Quantiles as asked for, in their order, and nothing beyond the bounds."""
    job_id, (_, line) = new_job(api, two_series(), timestamp=1, target=2, groupby=[0])
    asked = {"levels": [0.05, 0.5, 0.95], "lower": 0, "upper": 112.5, "fill": "interpolate", "backtest_windows": 2}
    [result] = next(
        one["results"]
        for one in train(api, job_id, element(line, model, refit=1, **asked))["results"]
        if one["results"]
    )

    assert list(result["quantiles"]) == ["0.05", "0.5", "0.95"]
    low, half, high = result["quantiles"].values()
    assert all(a <= b <= c for a, b, c in zip(low, half, high, strict=True))
    assert max(*result["predictions"], *high) <= 112.5
    assert min(low) >= 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"levels": [80]}, "send 0.1 and 0.9"),
        ({"lower": 5, "upper": 2}, "lower: 5 is above upper, 2"),
        ({"backtest_windows": 0}, "backtest_windows"),
        ({"fill": "mean"}, "fill"),
        ({"model_name": "DeepAR", "backtest_windows": 3}, "scored on one stretch"),
    ],
)
def test_what_makes_no_sense_is_refused(api: Api, fields: dict[str, object], words: str) -> None:
    """With the field and the remedy; nothing is trained."""
    job_id, [ts_id] = new_job(api, sample())
    check_error(api.call("PATCH", f"/job/{job_id}/", json=[{**element(ts_id), **fields}]), 400, words)

    assert api.get(f"/job/{job_id}/")["status"] == 0
