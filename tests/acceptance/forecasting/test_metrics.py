"""The 32 metrics (contract 000, section 8, with decision 2)."""

import math
from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import check_error, element, new_job, run, sample
from tests.integration.services import Api

_TABLE = {  # the contract's column for p = 237 x5 against 227, 226, 221, 222, 227
    "mse": 160.4, "rmse": 12.66491216, "nrmse": 2.110818693, "me": -12.4, "mae": 12.4, "mad": 12.4,
    "gmae": 12.14285434, "mdae": 11, "mpe": -0.05534881017, "mape": 0.05534881017, "mdape": 0.04867256637,
    "smape": 0.0537903136, "smdape": 0.0475161987, "maape": 0.05528402072, "mase": 4.133333333,
    "std_ae": 2.880972058, "std_ape": 0.01359915846,
    "rmspe": 0.05666957275, "rmdspe": 0.04867256637, "rmsse": 4.221637386, "inrse": 4.914939115, "rrse": 4.914939115,
    "mre": -0.7, "rae": 5, "mrae": 7.8, "mdrae": 7.1, "gmrae": 5.700539766, "mbrae": 0.8206845238,
    "umbrae": 4.576763485, "mda": 0, "bias": -12.4, "r2": -23.15662651,
}  # fmt: skip
_MAX_5 = {"latest_n": 5}


def _metrics(api: Api, values: list[Any], *, asked: list[str]) -> dict[str, Any]:
    """Of AdaptiveMaxN over five points: the first values are fitted, the last five are scored."""
    days = [f"1/{day}/2020" for day in range(1, len(values) + 1)]
    metrics: dict[str, Any] = run(api, sample(values, days), "AdaptiveMaxN", _MAX_5, eval_metrics=asked)["metrics"]
    return metrics


def test_J110_J114_J115_J116_all_32_metrics_have_the_contracts_values(api: Api) -> None:
    """The check values of the contract, to 1e-6; percentages as fractions, errors as actual less predicted."""
    metrics = run(api, sample(), "AdaptiveMaxN", _MAX_5, eval_metrics=list(_TABLE))["metrics"]

    assert len(_TABLE) == 32
    assert metrics == {name: pytest.approx(value, abs=1e-6) for name, value in _TABLE.items()}


@pytest.mark.parametrize("asked", [["r2"], ["umbrae", "mae"], ["rmse", "mse"]])
def test_J112_exactly_the_metrics_asked_for_are_shown(api: Api, asked: list[str]) -> None:
    """In the order of the request."""
    assert list(run(api, sample(), eval_metrics=asked)["metrics"]) == asked


def test_J092_J112_an_empty_list_of_metrics_is_refused(api: Api) -> None:
    """It is neither the default nor a wish for no metrics: J-092 refuses empty arrays."""
    job_id, (ts_id,) = new_job(api, sample())

    answer = api.call("PATCH", f"/job/{job_id}/", json=[element(ts_id, "LinearFit", eval_metrics=[])])

    body = check_error(answer, 400, "element 1", "eval_metrics: is empty")
    assert (body["element"], body["field"]) == (0, "eval_metrics")


def test_J111_r2_score_is_r2(api: Api) -> None:
    """The old user interface's name is accepted; the answer uses the contract's, once."""
    metrics = run(api, sample(), "AdaptiveMaxN", _MAX_5, eval_metrics=["r2_score", "r2"])["metrics"]

    assert metrics == {"r2": pytest.approx(-23.15662651, abs=1e-6)}


def test_J117_D2_on_a_constant_hold_out_what_divides_by_its_changes_is_null(api: Api) -> None:
    """Decision 2: a denominator of exactly zero makes null, and no other metric suffers."""
    by_spread = ["nrmse", "mase", "rmsse", "inrse", "rrse", "rae", "mre", "mrae", "mdrae", "gmrae", "r2"]
    metrics = _metrics(api, [3, 4, 7, 7, 7, 7, 7], asked=[*by_spread, "mse", "mape"])

    assert {name for name, value in metrics.items() if value is None} == set(by_spread)
    assert (metrics["mse"], metrics["mape"]) == (9.0, pytest.approx(3 / 7))


def test_J117_D2_percentages_of_a_zero_are_null(api: Api) -> None:
    """Decision 2: no epsilon, so one actual value of 0 leaves the percentage metrics undefined."""
    by_actual = ["mpe", "mape", "mdape", "std_ape", "rmspe", "rmdspe"]
    metrics = _metrics(api, [3, 4, 0, 5, 6, 7, 8], asked=[*by_actual, "mae", "smape"])

    assert {name for name, value in metrics.items() if value is None} == set(by_actual)
    assert metrics["mae"] == pytest.approx((4 + 1 + 2 + 3 + 4) / 5)
    assert metrics["smape"] == pytest.approx((2 + 2 / 9 + 4 / 10 + 6 / 11 + 8 / 12) / 5)


def test_D2_a_perfect_forecast_has_geometric_means_of_zero(api: Api) -> None:
    """Decision 2: `gmae` and `gmrae` with a zero error are 0, not an error of the logarithm."""
    metrics = _metrics(api, [3, 5, 5, 4, 5, 4, 5], asked=["gmae", "gmrae", "mae"])

    assert metrics == {"gmae": 0, "gmrae": 0, "mae": pytest.approx(0.4)}


def test_J117_with_one_scored_point_what_needs_two_is_null(api: Api) -> None:
    """Four of the five held-out values are missing; the rest has no neighbours, no spread, no deviation."""
    needs_two = ["mase", "std_ae", "std_ape", "rmsse", "mre", "mrae", "mdrae", "gmrae", "mbrae", "umbrae", "mda"]
    metrics = _metrics(api, [3, 4, "", "", 6, "", ""], asked=[*needs_two, "mae", "mape"])

    assert {name for name, value in metrics.items() if value is None} == set(needs_two)
    assert (metrics["mae"], metrics["mape"]) == (2, pytest.approx(1 / 3))


@pytest.mark.parametrize("values", [[0] * 12, [1e308, -1e308] * 6, [5e-324] * 12, [3, 4, "", "", "", "", ""]])
def test_J117_no_series_makes_an_answer_that_is_no_json(api: Api, values: list[Any]) -> None:
    """Zeros, the largest and the smallest numbers, a hold-out without values: all 32 metrics are finite or null."""
    metrics = _metrics(api, values, asked=list(_TABLE))

    assert set(metrics) == set(_TABLE)
    assert all(value is None or math.isfinite(value) for value in metrics.values())
