"""Tuning over HTTP (J-076, J-078, J-080 … J-087) and what it leaves in results and metrics."""

from typing import Any

import pytest

from tests.acceptance.forecasting.jobs import HISTORY, check_error, element, new_job, run, sample, train
from tests.integration.services import Api, Service

_LATEST = {"name": "latest_n", "type": "int", "low": 1, "high": 5}
_FACTOR = {"name": "add_std_factor", "type": "float", "low": 0, "high": 0.5}


def _tuned(api: Api, *params: dict[str, Any], values: Any = HISTORY, **fields: Any) -> dict[str, Any]:
    """The result of a tuned LinearFit on the sample series."""
    result: dict[str, Any] = run(api, sample(values), auto_tune=1, hyper_params=list(params), **fields)
    return result


@pytest.mark.parametrize("flag", [1, True])
def test_J081_the_best_of_the_range_is_found(api: Api, flag: Any) -> None:
    """Of the seed's ranges the last value alone, repeated, has the smallest mse on the hold-out: 8.6."""
    result = _tuned(api, _LATEST, _FACTOR, auto_tune_metric="mse") if flag is True else _tuned(api, _LATEST, _FACTOR)

    assert result["config"]["latest_n"] == 1
    assert result["metrics"]["mse"] == pytest.approx(8.6)
    assert result["predictions"] == [226.0] * 5


def test_J082_options_are_tried(api: Api) -> None:
    """The value of the best one stands in the result (J-141), as a whole number."""
    result = _tuned(api, {"name": "latest_n", "type": "list", "choice": [3, 4]}, {**_FACTOR, "high": 0})

    assert result["config"] == {"latest_n": 4, "add_std_factor": 0.0}


def test_J086_a_fixed_parameter_stays_fixed(api: Api) -> None:
    """Beside a range."""
    result = _tuned(api, _LATEST, {"name": "add_std_factor", "type": "float", "val": 0.5})

    assert result["config"]["add_std_factor"] == 0.5


def test_J087_the_objective_can_be_chosen(api: Api) -> None:
    """The forecast with the least bias is another than the one with the least mse."""
    by_mse = _tuned(api, _LATEST, _FACTOR, eval_metrics=["mse", "bias"])
    by_bias = _tuned(api, _LATEST, _FACTOR, eval_metrics=["mse", "bias"], auto_tune_metric="bias")

    assert abs(by_bias["metrics"]["bias"]) <= abs(by_mse["metrics"]["bias"])
    assert by_mse["metrics"]["mse"] <= by_bias["metrics"]["mse"]


def test_with_refit_the_reported_hold_out_is_never_tuned_on(api: Api) -> None:
    """Other values in the hold-out change the score, and not what was chosen."""
    other = [*HISTORY[:-5], 300, 100, 300, 100, 300]
    one, two = (_tuned(api, _LATEST, _FACTOR, values=values, refit=1) for values in (HISTORY, other))

    assert one["config"] == two["config"]
    assert one["backtest"]["predictions"] == two["backtest"]["predictions"]
    assert one["metrics"]["mse"] != two["metrics"]["mse"]


def test_without_parameters_everything_is_tuned(api: Api) -> None:
    """An empty list leaves the choice of the space to the catalogue."""
    assert _tuned(api)["metrics"]["mse"] == pytest.approx(8.6)


def test_J085_J086_what_cannot_be_tuned_is_refused(api: Api) -> None:
    """400 naming the parameter; nothing is trained."""
    job_id, (ts_id,) = new_job(api, sample())
    for parameter, words in (
        ({"name": "latest_n", "type": "list", "choice": []}, "choice is empty"),
        ({"name": "latest_n", "type": "int"}, "needs val"),
        ({"name": "latest_n", "type": "int", "low": 5, "high": 1}, "low 5 is above high 1"),
    ):
        body = [element(ts_id, auto_tune=1, hyper_params=[parameter])]
        check_error(api.call("PATCH", f"/job/{job_id}/", json=body), 400, "element 1", "latest_n", words)
    body = [element(ts_id, hyper_params=[_LATEST])]
    check_error(api.call("PATCH", f"/job/{job_id}/", json=body), 400, "element 1", "latest_n", "auto_tune 1")

    assert api.get(f"/job/{job_id}/")["status"] == 0


def test_trials_are_metric_points(service: Service, api: Api) -> None:
    """One point per trial, its number as iteration, beside the final scores with iteration 0."""
    job_id, (ts_id,) = new_job(api, sample())
    train(
        api,
        job_id,
        element(ts_id, "Theta", auto_tune=0),
        element(ts_id, auto_tune=1, hyper_params=[_LATEST], max_eval=4),
    )
    uid = f"fj-{job_id}-{ts_id}-1"
    points = [
        point
        for message in service.read_all(service.topics.metrics)
        if message.key() == uid.encode()
        for point in [service.codec.decode(message.value())]
    ]

    losses = [point.value for point in points if point.metric_name == "tuning_mse"]
    assert [point.iteration for point in points if point.metric_name == "tuning_mse"] == [*range(1, len(losses) + 1)]
    assert 1 <= len(losses) <= 4
    assert min(losses) == pytest.approx(8.6)
    assert {point.metric_name for point in points if point.iteration == 0} == {"mse", "rmse"}
