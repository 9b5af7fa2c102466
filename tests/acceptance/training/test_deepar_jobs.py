"""DeepAR as a model of forecasting jobs over HTTP (D-073): one model for all series of a submission."""

import math
import time
from pathlib import Path
from typing import Any

import pytest

from models.catalog import CATALOG
from schemas.series import TrainSeries
from tests.acceptance.forecasting.jobs import HISTORY, check_error, csv, element, new_job, sample, train
from tests.acceptance.stock import StockClient
from tests.integration.services import Api, Service, until

SMALL = {"epochs": 2, "num_batches_per_epoch": 5, "num_cells": 8}
LEVELS = ["0.025", "0.1", "0.5", "0.9", "0.975"]


def rows(*groups: str, days: int = 40) -> bytes:
    """A daily series of each group, days and regions by turns."""
    values = {group: 20 * (place + 1) for place, group in enumerate(groups)}
    lines = (
        f"2024-{1 + day // 28:02d}-{1 + day % 28:02d},{group},{level + round(level * math.sin(day) / 4)}"
        for day in range(days)
        for group, level in values.items()
    )
    return csv("day,region,load", *lines)


@pytest.fixture(scope="module")
def job(service: Service) -> dict[str, Any]:
    """A finished job: three series, trained together twice, the second time with refit; and its id."""
    api = service.api
    job_id, ts_ids = new_job(api, rows("west", "east", "north"), target=2, groupby=[1])
    train(api, job_id, *(element(ts_id, "DeepAR", SMALL) for ts_id in ts_ids))
    body = train(api, job_id, *(element(ts_id, "DeepAR", SMALL, refit=1, next_k_prediction=3) for ts_id in ts_ids))
    return {**body, "job_id": job_id, "ts_ids": ts_ids}


def test_D073_every_series_of_a_job_is_forecast(job: dict[str, Any]) -> None:
    """As with any other model: whole numbers (J-108), scores, quantiles and the whole configuration."""
    assert job["status"] == 3
    assert len(job["results"]) == 3
    for series in job["results"]:
        for entry, steps in zip(series["results"], (5, 3), strict=True):
            assert len(entry["predictions"]) == steps
            assert all(value == int(value) >= 0 for value in entry["predictions"])
            assert set(entry["metrics"]) == {"mse", "rmse"}
            assert entry["metrics"]["rmse"] == pytest.approx(math.sqrt(entry["metrics"]["mse"]))
            assert sorted(entry["quantiles"]) == LEVELS
            assert {len(values) for values in entry["quantiles"].values()} == {steps}
            assert set(entry["config"]) == {parameter.name for parameter in CATALOG["DeepAR"].hyper_parameters}
            assert entry["config"]["num_cells"] == 8


def test_J121_with_refit_the_hold_out_is_told(job: dict[str, Any]) -> None:
    """Its forecast is scored; without refit it is the prediction itself."""
    for series in job["results"]:
        plain, refitted = series["results"]

        assert "backtest" not in plain or plain["backtest"] is None
        assert len(refitted["backtest"]["predictions"]) == 5


def test_D073_a_submission_is_one_command(service: Service, job: dict[str, Any]) -> None:
    """The series are trained together, once per submission; each result comes once."""
    key = b"%d" % job["job_id"]
    commands = [
        service.codec.decode(message.value())
        for message in service.read_all(service.topics.training_runs)
        if message.key() == key
    ]
    answers = [
        service.codec.decode(message.value())
        for message in service.read_all(service.topics.job_results)
        if message.key() == key
    ]

    assert [list(command.ns) for command in commands] == [[0, 1, 2], [3, 4, 5]]
    assert sorted(answer.n for answer in answers) == list(range(6))


def test_a_job_of_one_series_is_forecast(api: Api) -> None:
    """Without a group-by column there are no categories."""
    job_id, (ts_id,) = new_job(api, sample())
    learning = {**SMALL, "epochs": 20, "num_batches_per_epoch": 10, "learning_rate": 0.02}  # 217 to 230, for any seed
    body = train(api, job_id, element(ts_id, "DeepAR", learning, next_k_prediction=2))
    ((entry,),) = [series["results"] for series in body["results"]]

    assert len(entry["predictions"]) == 2
    assert all(150 < value < 300 for value in entry["predictions"])


def test_a_series_that_does_not_fit_fails_alone(api: Api) -> None:
    """A weekly one among daily ones: its error says so, and the others are forecast."""
    weekly = "".join(f"2024-01-{day:02d},south,{day}\n" for day in range(1, 30, 7))
    job_id, ts_ids = new_job(api, rows("west", "east") + weekly.encode(), target=2, groupby=[1])
    body = train(api, job_id, *(element(ts_id, "DeepAR", SMALL) for ts_id in ts_ids))

    assert body["status"] == 4
    errors = [series["results"][0].get("error") for series in body["results"]]
    assert errors[:2] == [None, None]
    assert "step is W, that of most series of the job is D" in errors[2]


def test_tuning_is_refused(api: Api) -> None:
    """One model for all series has one configuration."""
    job_id, (ts_id,) = new_job(api, sample())
    body = [element(ts_id, "DeepAR", auto_tune=1)]

    check_error(api.call("PATCH", f"/job/{job_id}/", json=body), 400, "element 1", "auto_tune", "auto_tune 0")


def test_T075_it_is_listed_as_the_fifth_model(api: Api) -> None:
    """With its hyper-parameters."""
    listed = api.get("/model/")
    assert "DeepAR" in listed["data"]
    assert [model["model_name"] for model in listed["models"] if model["model_id"] == 5] == ["DeepAR"]

    labels = [parameter["label"] for parameter in api.get("/model/DeepAR/")["data"]]
    assert labels == [parameter.name for parameter in CATALOG["DeepAR"].hyper_parameters]


def test_a_series_that_a_producer_sends_is_trained_alone(service: Service) -> None:
    """A TrainSeries event carries its own history, whatever the model."""
    ts_id = time.time_ns() // 1_000_000
    start, day = 1_596_240_000_000, 86_400_000
    command = TrainSeries(9_000_001, ts_id, 0, "DeepAR", start, day, HISTORY, config=SMALL)
    client = StockClient(service)
    client.raw(service.topics.series_commands, b"%d" % ts_id, service.codec.encode(command))
    client.close()

    def forecast() -> Any:
        found = [message for message in service.read_all(service.topics.forecasts) if message.key() == b"%d" % ts_id]
        return service.codec.decode(found[0].value()) if found else None

    answer = until(forecast, why="the series is forecast")
    assert len(answer.mean) == 5
    assert sorted(answer.quantiles) == LEVELS
    assert answer.timestamps[0] == start + len(HISTORY) * day


@pytest.mark.parametrize(
    ("case", "times"),
    [
        ("G06", ["2020-07-19 00:00:00", "2020-07-26 00:00:00"]),
        ("G07", ["2020-01-31 00:00:00", "2020-02-29 00:00:00"]),
        ("G16", ["2020-03-31 06:00:00", "2020-04-01 06:00:00"]),
        ("G17", ["2019-10-14 00:00:00", "2019-10-15 00:00:00"]),
    ],
)
def test_G06_G07_G16_G17_the_dates_of_a_job_follow_its_calendar(api: Api, case: str, times: list[str]) -> None:
    """Sundays, month ends, 06:00, business days: of DeepAR's forecasts as of those of any model, backtests too."""
    content = (Path(__file__).parents[2] / "cases" / f"{case}.csv").read_bytes()
    job_id, (first, *_) = new_job(api, content, target=2, groupby=[1])
    body = train(api, job_id, element(first, "DeepAR", SMALL, next_k_prediction=2, refit=1))
    found = next(series for series in body["results"] if series["ts_id"] == first)["results"][0]
    history = [str(time)[:10] for time in found["ts_history"]["Date"]]

    assert found["timestamps"] == times
    assert [time[:10] for time in found["backtest"]["timestamps"]] == history[-5:]
