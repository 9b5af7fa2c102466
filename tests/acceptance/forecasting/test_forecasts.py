"""What the models answer: the sample's known numbers, hold-out and refit, rounding (contract 000, sections 7 and 8)."""

from itertools import pairwise
from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import DAYS, HISTORY, csv, element, new_job, run, sample, train
from tests.integration.services import Api

_AHEAD = [f"2020-09-{day:02} 00:00:00" for day in range(8, 13)]  # the steps after 9/7/2020
_HELD_OUT = [f"2020-09-{day:02} 00:00:00" for day in range(3, 8)]


def _mse(actual: Any, predicted: Any) -> float:
    return sum((a - p) ** 2 for a, p in zip(actual, predicted, strict=True)) / len(actual)


def _daily(values: list[Any]) -> bytes:
    return sample(values, [f"1/{day}/2020" for day in range(1, len(values) + 1)])


@pytest.mark.parametrize(
    ("model", "params", "predictions", "mse", "rmse"),
    [
        ("AdaptiveMaxN", {"latest_n": 5}, [237] * 5, 160.4, 12.66491215919005),
        ("LinearFit", {"latest_n": 5, "add_std_factor": 0.5}, [239, 241, 243, 245, 247], 356.4, 18.878559267062727),
        ("LinearFit", {"latest_n": 5, "add_std_factor": 0.0}, [236, 238, 240, 242, 244], 255.0, 15.968719422671311),
        (
            "LinearFit",
            {"latest_n": 4, "add_std_factor": 0.09209359741793716},
            [230, 229, 228, 227, 226],
            18.6,
            18.6**0.5,
        ),
        (
            "AdaptiveAverageN",
            {"latest_n": 5},
            [229] * 5,
            _mse(HISTORY[-5:], [229] * 5),
            _mse(HISTORY[-5:], [229] * 5) ** 0.5,
        ),
    ],
)
def test_J118_J120_J122_the_samples_numbers(
    api: Api, model: str, params: dict[str, Any], predictions: list[int], mse: float, rmse: float
) -> None:
    """The default: fitted before the hold-out, published after the end of the history, scored on the hold-out."""
    result = run(api, sample(), model, params)

    assert result["predictions"] == predictions
    assert result["timestamps"] == _AHEAD
    assert result["metrics"] == {"mse": pytest.approx(mse, rel=1e-12), "rmse": pytest.approx(rmse, rel=1e-12)}
    assert result["config"] == params
    assert "backtest" not in result


def test_J113_rmse_has_full_double_precision(api: Api) -> None:
    """The seed's own digits, to the last one."""
    metrics = run(api, sample(), "AdaptiveMaxN", {"latest_n": 5})["metrics"]

    assert metrics == {"mse": 160.4, "rmse": 12.66491215919005}


@pytest.mark.parametrize(
    ("model", "params", "predictions", "backtest", "mse"),
    [
        ("AdaptiveMaxN", {"latest_n": 5}, [227] * 5, [237] * 5, 160.4),
        (
            "LinearFit",
            {"latest_n": 5, "add_std_factor": 0.5},
            [225, 224, 224, 223, 223],
            [239, 241, 243, 245, 247],
            356.4,
        ),
    ],
)
def test_J121_J122_refit_forecasts_from_the_true_end(
    api: Api, model: str, params: dict[str, Any], predictions: list[int], backtest: list[int], mse: float
) -> None:
    """Fitted on all points; the metrics stay those of the hold-out, whose forecast is shown as `backtest`."""
    result = run(api, sample(), model, params, refit=1)

    assert result["predictions"] == predictions
    assert result["timestamps"] == _AHEAD
    assert result["backtest"] == {"timestamps": _HELD_OUT, "predictions": backtest}
    assert result["metrics"]["mse"] == pytest.approx(mse, rel=1e-12)


def test_J121_refit_0_is_the_default(api: Api) -> None:
    """The same answer as without the field."""
    job_id, (ts_id,) = new_job(api, sample())
    body = train(api, job_id, element(ts_id), element(ts_id, refit=0), element(ts_id, refit=False))
    first, *others = body["results"][0]["results"]

    assert others == [first, first]


@pytest.mark.parametrize("next_k", [1, 3, 7, 20])
def test_J119_the_hold_out_has_the_forecasts_length_but_at_least_five_points(api: Api, next_k: int) -> None:
    """Fitted on what is before it; `next_k_prediction` values are published, the whole hold-out is scored."""
    held_out = max(5, next_k)
    fitted, actual = HISTORY[:-held_out], HISTORY[-held_out:]
    result = run(api, sample(), "AdaptiveMaxN", {"latest_n": 3}, next_k_prediction=next_k)

    assert result["predictions"] == [max(fitted[-3:])] * next_k
    assert len(result["timestamps"]) == next_k
    assert result["metrics"]["mse"] == pytest.approx(_mse(actual, [max(fitted[-3:])] * held_out))


@pytest.mark.parametrize("points", [1, 2, 6])
@pytest.mark.parametrize("refit", [0, 1])
def test_J119_a_series_of_no_more_than_h_plus_1_points_is_not_scored(api: Api, points: int, refit: int) -> None:
    """Fitted on all it has; its metrics are null."""
    values = [10, 30, 20, 50, 40, 60][:points]
    result = run(api, _daily(values), "AdaptiveMaxN", {"latest_n": 2}, refit=refit)

    assert result["predictions"] == [max(values[-2:])] * 5
    assert result["metrics"] == {"mse": None, "rmse": None}


def test_J119_a_series_of_h_plus_2_points_is_scored(api: Api) -> None:
    """Two points are fitted and five are held out."""
    values = [10, 30, 20, 50, 40, 60, 70]
    result = run(api, _daily(values), "AdaptiveMaxN", {"latest_n": 9})

    assert result["predictions"] == [30] * 5
    assert result["metrics"]["mse"] == pytest.approx(_mse(values[2:], [30] * 5))


def test_J102_one_fitted_point_gives_a_flat_line(api: Api) -> None:
    """With latest_n 1, and with a series of one point."""
    params = {"latest_n": 1, "add_std_factor": 0.5}

    assert run(api, sample(), "LinearFit", params, refit=1)["predictions"] == [227] * 5
    assert run(api, _daily([42]), "LinearFit", params)["predictions"] == [42] * 5


def test_J102_a_window_longer_than_the_history_takes_all_of_it(api: Api) -> None:
    """Not an error."""
    assert run(api, sample(), "AdaptiveMaxN", {"latest_n": 1000}, refit=1)["predictions"] == [max(HISTORY)] * 5


def test_J108_whole_numbers_are_rounded_and_not_below_zero(api: Api) -> None:
    """A falling line of whole numbers ends at 0, and halves are rounded."""
    values = [9, 8, 8, 7, 6, 5, 5, 4, 3, 2, 2, 1]
    predictions = run(api, _daily(values), params={"latest_n": 12, "add_std_factor": 0.0}, refit=1)["predictions"]

    assert predictions == [0.0] * 5


@pytest.mark.parametrize(
    "values",
    [[9, 8, 8, 7, 6, 5, 5, 4, 3, 2, 2, 1.5], [1, 0, 0, -1, -2, -3, -3, -4, -5, -6, -6, -7]],
    ids=["a fraction", "negative numbers"],
)
def test_J108_other_histories_are_not_rounded(api: Api, values: list[float]) -> None:
    """One value that is no whole number, or below 0, and the line goes on below 0 with its fractions, if it may."""
    params = {"latest_n": 12, "add_std_factor": 0.0}
    predictions = run(api, _daily(values), params=params, refit=1, allow_negative=1)["predictions"]
    steps = [later - earlier for earlier, later in pairwise(predictions)]

    assert predictions[-1] < 0
    assert any(value != round(value) for value in predictions)
    assert steps == pytest.approx([steps[0]] * 4)


def test_J089_J109_every_submission_has_its_result_and_repeats_are_equal(api: Api) -> None:
    """The seed's example: one series, four results in order of submission, three of them the same."""
    job_id, (ts_id,) = new_job(api, sample())
    repeat = element(ts_id, "AdaptiveMaxN", {"latest_n": 5})
    train(api, job_id, element(ts_id), repeat)
    body = train(api, job_id, repeat, repeat)
    results = body["results"][0]["results"]

    assert [result["model_name"] for result in results] == ["LinearFit", "AdaptiveMaxN", "AdaptiveMaxN", "AdaptiveMaxN"]
    assert results[1] == results[2] == results[3]


def test_J103_missing_values_are_left_out_of_fit_and_score(api: Api) -> None:
    """Empty cells of the target: shown as null, skipped by the model and by the metrics."""
    values: list[Any] = [10, 20, "", 40, 30, "", 50, 60, "", 80, 90]  # fitted: the first six
    result = run(api, _daily(values), "AdaptiveMaxN", {"latest_n": 2})
    refitted = run(api, _daily(values), "AdaptiveMaxN", {"latest_n": 2}, refit=1)

    assert result["ts_history"]["sum_PeakDailyCores"] == [10, 20, None, 40, 30, None, 50, 60, None, 80, 90]
    assert result["predictions"] == [40] * 5
    assert result["metrics"]["mse"] == pytest.approx(_mse([50, 60, 80, 90], [40] * 4))
    assert refitted["predictions"] == [90] * 5


def test_J102_a_missing_value_keeps_its_place_in_time(api: Api) -> None:
    """A line through 10, 30, 50 at every second step goes on with 60; after a gap at the end, with 70."""
    params = {"latest_n": 3, "add_std_factor": 0.0}

    assert run(api, _daily([10, "", 30, "", 50]), params=params)["predictions"] == [60, 70, 80, 90, 100]
    assert run(api, _daily([10, "", 30, "", 50, ""]), params=params)["predictions"] == [70, 80, 90, 100, 110]


def test_J104_series_of_one_job_do_not_touch_each_other(api: Api) -> None:
    """Series of different length and level in one submission: each answer is that of the series alone."""
    lengths = {"a": 38, "b": 12, "c": 3}
    values = {
        group: [100 * (number + 1) + value for value in HISTORY[:length]]
        for number, (group, length) in enumerate(lengths.items())
    }
    rows = [f"{group},{day},{value}" for group in values for day, value in zip(DAYS, values[group], strict=False)]
    job_id, ts_ids = new_job(api, csv("g,day,value", *rows), timestamp=1, target=2, groupby=[0])
    together = train(api, job_id, *(element(ts_id, refit=1) for ts_id in ts_ids))["results"]
    alone = [run(api, sample(values[group], DAYS[:length]), refit=1) for group, length in lengths.items()]

    for entry, expected in zip(together, alone, strict=True):
        (result,) = entry["results"]
        for field in ("predictions", "timestamps", "metrics", "config"):
            assert result[field] == expected[field]
