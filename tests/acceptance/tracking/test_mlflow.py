"""The stock MLflow client, pointed at the service by its tracking URI (decision 25)."""

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.tracking.clients import mlflow_environment, points_of, run_client
from tests.integration.services import Service

SCRIPT = """
import json, mlflow, time
from mlflow.entities import Metric
mlflow.set_experiment("NAME")
with mlflow.start_run(run_name="first") as run:
    mlflow.log_params({"lr": 0.1, "layers": 2})
    mlflow.set_tag("team", "a")
    for step in range(100):
        mlflow.log_metric("train/loss", 1 / (step + 1), step=step)
    mlflow.log_metric("bad", float("nan"), step=1)
    mlflow.log_metric("bad", float("inf"), step=2)
    client = mlflow.MlflowClient()
    values = [Metric("val/loss", step / 2, 1704067200000 + step, step) for step in range(900)]
    client.log_batch(run.info.run_id, values)
for _ in range(100):
    again = client.get_run(run.info.run_id)
    if len(client.get_metric_history(run.info.run_id, "val/loss")) == 900 and len(again.data.metrics) == 3:
        break
    time.sleep(0.1)
experiment = client.get_experiment_by_name("NAME")
print(json.dumps({
    "run_id": run.info.run_id, "status": again.info.status, "name": again.info.run_name, "params": again.data.params,
    "last": [again.data.metrics["train/loss"], again.data.metrics["val/loss"]],
    "history": [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, "val/loss")][-2:],
    "team": again.data.tags["team"], "in": again.info.experiment_id == experiment.experiment_id,
    "found": [one.info.run_id for one in client.search_runs([experiment.experiment_id])],
    "experiments": "NAME" in [one.name for one in client.search_experiments()],
    "none": client.get_experiment_by_name("NAME-none"),
    "default": client.get_experiment("0").name,
}))
client.delete_run(run.info.run_id)
print(json.dumps([one.info.run_id for one in client.search_runs([experiment.experiment_id])]))
client.restore_run(run.info.run_id)
print(json.dumps([one.info.run_id for one in client.search_runs([experiment.experiment_id])]))
try:
    client.log_param("f" * 32, "a", 1)
except mlflow.MlflowException as error:
    print(error.error_code)
try:
    client.log_param(run.info.run_id, "lr", 0.2)
except mlflow.MlflowException as error:
    print(error.error_code)
"""


def test_a_stock_client_reports_a_run(service: Service, tmp_path: Path) -> None:
    """1,002 values one by one and in a batch; experiment, run, parameters and tags come back."""
    name = f"sales {uuid.uuid4().hex[:8]}"
    environment = mlflow_environment(service.stack.url, tmp_path)
    printed = run_client(SCRIPT.replace("NAME", name), environment, tmp_path)
    lines = [line for line in printed.splitlines() if line[0] in "{[RI"]
    told = json.loads(lines[0])
    run_id = told.pop("run_id")

    assert told == {
        "status": "FINISHED", "name": "first", "params": {"lr": "0.1", "layers": "2"}, "team": "a", "in": True,
        "last": [0.01, 449.5], "history": [[898, 449.0], [899, 449.5]], "found": [run_id], "experiments": True,
        "none": None, "default": "Default",
    }  # fmt: skip
    assert [json.loads(line) for line in lines[1:3]] == [[], [run_id]]
    assert lines[3:] == ["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"]
    assert points_of(service, f"run-{run_id}") == {
        "train/loss": [(step, 1 / (step + 1)) for step in range(100)],
        "bad": [(1, None), (2, None)],
        "val/loss": [(step, step / 2) for step in range(900)],
    }


def post(http: httpx.Client, path: str, **body: Any) -> httpx.Response:
    return http.post(f"/api/2.0/mlflow/{path}", json=body)


def new_run(http: httpx.Client) -> str:
    run_id: str = post(http, "runs/create", experiment_id="0", run_name="r", start_time=1).json()["run"]["info"][
        "run_id"
    ]
    return run_id


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ({"key": "", "value": 1, "timestamp": 1704067200000}, "metric_name"),
        ({"key": "a", "value": 1, "timestamp": 1704067200}, "milliseconds"),
        ({"key": "a", "value": "x", "timestamp": 1704067200000}, "value"),
        ({"key": "a", "value": 1, "timestamp": 1704067200000, "step": 2**60}, "iteration"),
    ],
    ids=str,
)
def test_a_wrong_value_refuses_its_batch(
    service: Service, http: httpx.Client, metric: dict[str, Any], words: str
) -> None:
    """None of it is kept, parameters included, and the message says which it is."""
    run_id = new_run(http)
    good = {"key": "good", "value": 1, "timestamp": 1704067200000, "step": 1}
    answer = post(http, "runs/log-batch", run_id=run_id, metrics=[good, metric], params=[{"key": "p", "value": "1"}])
    shown = http.get("/api/2.0/mlflow/runs/get", params={"run_id": run_id}).json()["run"]

    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "data[1]" in answer.json()["message"]
    assert words in answer.json()["message"]
    assert shown["data"]["params"] == []
    assert points_of(service, f"run-{run_id}") == {}


def test_a_parameter_with_two_values_refuses_its_batch(http: httpx.Client) -> None:
    """As MLflow does; said twice, it is what it is."""
    run_id = new_run(http)
    one, other = {"key": "p", "value": "1"}, {"key": "p", "value": "2"}
    refused = post(http, "runs/log-batch", run_id=run_id, params=[one, other])
    taken = post(http, "runs/log-batch", run_id=run_id, params=[one, one])
    shown = http.get("/api/2.0/mlflow/runs/get", params={"run_id": run_id}).json()["run"]

    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "params: 'p' is there twice" in refused.json()["message"]
    assert taken.status_code == 200
    assert shown["data"]["params"] == [one]


def test_an_experiment_is_made_once(http: httpx.Client) -> None:
    """A second of its name is refused as MLflow does."""
    name = uuid.uuid4().hex
    first, second = (post(http, "experiments/create", name=name) for _ in range(2))
    shown = http.get("/api/2.0/mlflow/experiments/get", params=first.json()).json()["experiment"]

    assert (shown["name"], shown["lifecycle_stage"]) == (name, "active")
    assert second.json()["error_code"] == "RESOURCE_ALREADY_EXISTS"


def test_what_is_not_there_and_what_is_not_known(http: httpx.Client) -> None:
    """In MLflow's words."""
    run_id = new_run(http)
    answers = [
        http.get("/api/2.0/mlflow/experiments/get", params={"experiment_id": "1"}),
        http.get("/api/2.0/mlflow/runs/get", params={"run_id": "nope"}),
        post(http, "runs/log-metric", run_id="nope", key="a", value=1, timestamp=1704067200000),
        post(http, "runs/search", filter="metrics.a > 1"),
        post(http, "runs/update", run_id=run_id, status="LOST"),
        http.get("/api/2.0/mlflow/nothing"),
    ]

    assert [(answer.status_code, answer.json()["error_code"]) for answer in answers] == [
        (404, "RESOURCE_DOES_NOT_EXIST"),
        (404, "RESOURCE_DOES_NOT_EXIST"),
        (404, "RESOURCE_DOES_NOT_EXIST"),
        (400, "INVALID_PARAMETER_VALUE"),
        (400, "INVALID_PARAMETER_VALUE"),
        (404, "ENDPOINT_NOT_FOUND"),
    ]
