"""Stock W&B and MLflow clients against a service with access control on: they are let in, and nobody else."""

from pathlib import Path

import pytest

from tests.acceptance.access.conftest import PASSWORD, People
from tests.acceptance.tracking.clients import mlflow_environment, run_client, wandb_environment

_WANDB = """
import wandb
run = wandb.init(project="p", name="guarded run", id="guarded1")
run.log({"loss": 0.5})
run.finish()
"""
_MLFLOW = """
import mlflow
with mlflow.start_run(run_name="guarded run") as run:
    mlflow.log_metric("loss", 0.5, step=1)
print(mlflow.MlflowClient().get_run(run.info.run_id).data.metrics)
"""


def test_wandb_sends_the_secret_of_a_key(people: People, tmp_path: Path) -> None:
    """As its API key."""
    environment = wandb_environment(people.url, tmp_path, WANDB_API_KEY=people.keys["ada"]["secret"])
    run_client(_WANDB, environment, tmp_path)

    names = [it["name"] for it in people.ada.get("/api/v1/workloads").json()["workloads"]]
    assert "guarded run" in names


@pytest.mark.parametrize("by", ["token", "password", "key"])
def test_mlflow_sends_a_token_or_user_and_password(people: People, tmp_path: Path, by: str) -> None:
    """A key and its secret are as good."""
    key = people.keys["ada"]
    shown = {
        "token": {"MLFLOW_TRACKING_TOKEN": people.token("ada")},
        "password": {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": PASSWORD},
        "key": {"MLFLOW_TRACKING_USERNAME": key["access_key"], "MLFLOW_TRACKING_PASSWORD": key["secret"]},
    }[by]
    printed = run_client(_MLFLOW, mlflow_environment(people.url, tmp_path) | shown, tmp_path)

    assert "{'loss': 0.5}" in printed
