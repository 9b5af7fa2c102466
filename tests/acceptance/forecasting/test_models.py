"""Every model of the catalogue over HTTP (J-100, J-101, J-105 … J-109), and features (J-074, J-090)."""

import math
from typing import Any

import pytest

from models.catalog import CATALOG
from tests.acceptance.forecasting.jobs import check_error, csv, element, new_job, run, sample, train
from tests.integration.services import Api, Service

_LSTM = {  # small enough to be trained in a second; the seed's own sample for LstmLong
    "LstmLong": {"lstm_cells_per_layer_used": 6, "batch_size_used": 8, "epochs_used": 145, "sample_fold_used": 4},
    "Lstm": {"lstm_cells_per_layer_used": 6, "epochs_used": 100, "sample_num": 5, "feature_length_used": 5},
}


@pytest.mark.parametrize("model", [name for name, spec in CATALOG.items() if name not in _LSTM and not spec.together])
def test_J101_every_model_answers_for_the_sample(api: Api, model: str) -> None:
    """Five whole numbers (J-108), scored, with the complete configuration."""
    result = run(api, sample(), model, refit=1)

    assert len(result["predictions"]) == 5
    assert all(value == int(value) >= 0 for value in result["predictions"])
    assert set(result["config"]) == {parameter.name for parameter in CATALOG[model].hyper_parameters}
    assert result["metrics"]["mse"] > 0
    for level, values in result.get("quantiles", {}).items():
        assert 0 < float(level) < 1
        assert len(values) == 5
    if "quantiles" in result:
        assert result["quantiles"]["0.1"] <= result["predictions"] <= result["quantiles"]["0.9"]


@pytest.mark.parametrize("model", _LSTM)
def test_J105_J106_J107_networks_are_trained_and_saved(service: Service, api: Api, model: str, tmp_path: Any) -> None:
    """The configuration has the seed's keys; the saved file is a Keras model that loads."""
    result = run(api, sample(), model, _LSTM[model])
    assert result["config"] == {"loss_used": "mean_squared_error", "batch_size_used": 5} | _LSTM[model]
    assert 150 < sum(result["predictions"]) / 5 < 300

    stored = service.settings.home / "objects" / result["model_path"]
    assert stored.suffix == ".h5"
    import keras  # noqa: PLC0415 - takes seconds, and only this test needs it

    network = keras.models.load_model(stored)
    assert network.count_params() > 0


def test_J090_a_feature_makes_the_forecast_better(api: Api) -> None:
    """The target follows a feature exactly: with it the hold-out is forecast nearly without error."""
    feature = [round(50 + 40 * math.sin(day * day), 3) for day in range(120)]
    rows = (
        f"2020-{1 + day // 28:02d}-{1 + day % 28:02d},{2 * value + 7:.3f},{value},text"
        for day, value in enumerate(feature)
    )
    job_id, (ts_id,) = new_job(api, csv("day,target,feature,words", *rows))
    body = train(
        api,
        job_id,
        element(ts_id, "ARIMA", refit=1, eval_metrics=["mae"]),
        element(ts_id, "ARIMA", refit=1, eval_metrics=["mae"], feature_indexs="[2]"),
    )
    ((without, with_feature),) = [series["results"] for series in body["results"]]

    assert with_feature["metrics"]["mae"] < 1
    assert without["metrics"]["mae"] > 10
    bad = [element(ts_id, "ARIMA", feature_indexs="[3]")]
    check_error(api.call("PATCH", f"/job/{job_id}/", json=bad), 400, "feature_indexs", "words", "is not a number")
