"""Scripts, jobs and runs by events of a stock producer: the same effect as over HTTP (decision 12)."""

import uuid
from typing import Any

import pytest

from tests.acceptance.scoring_jobs.samples import ROWS, Jobs, iris_csv, onnx_iris
from tests.acceptance.stock import StockClient
from tests.integration.services import Service, until


@pytest.fixture(scope="module")
def jobs(service: Service) -> Jobs:
    """A client, with a model and a data set."""
    made = Jobs(service)
    made.upload("iris-events", "onnx", onnx_iris())
    made.add("iris-events.csv", iris_csv(ROWS))
    return made


def test_S090_to_S110_a_job_by_events(service: Service, jobs: Jobs, stock: StockClient) -> None:
    """Script, job, another run, one deleted, all of it removed; each can be seen over HTTP."""
    name, topic = f"events-{uuid.uuid4().hex[:8]}", service.topics.scoring_job_commands
    script = {"input_dataset": "iris-events.csv", "output_dataset": f"{name}.csv", "model_name": "iris-events"}
    stock.command(topic, name, "GenerateScript", file_name=name, **script)
    stock.command(topic, name, "DeployScoringJob", job_name=name, file_name=name, run_name="first")
    until(lambda: jobs.post("/job-info", jobName=name).status_code == 200, why="the job is there")
    (run,) = jobs.ended(name)
    assert (run["name"], run["status"], run["rows"]) == ("first", "success", ROWS)
    assert len(jobs.rows(f"{name}.csv")) == ROWS

    stock.command(topic, name, "StartScoringRun", job_name=name, run_name="second")
    until(lambda: len(jobs.info(name)["runList"]) == 2, why="another run was started")
    jobs.ended(name)
    stock.command(topic, name, "OperateScoringRun", job_name=name, run_id=run["id"], operation="delete")
    until(lambda: [one["name"] for one in jobs.info(name)["runList"]] == ["second"], why="the first is gone")
    stock.command(topic, name, "DeleteScoringJob", job_name=name)
    until(lambda: jobs.post("/job-info", jobName=name).status_code == 404, why="the job is gone")


@pytest.mark.parametrize(
    ("record", "fields", "words"),
    [
        ("GenerateScript", {"file_name": "x", "input_dataset": "none.csv", "output_dataset": "o.csv"}, "inputDataset"),
        ("DeployScoringJob", {"job_name": "x", "file_name": "none"}, "fileName"),
        ("StartScoringRun", {"job_name": "x"}, "jobName"),
    ],
)
def test_what_cannot_be_is_a_dead_letter(
    service: Service, stock: StockClient, record: str, fields: dict[str, Any], words: str
) -> None:
    """With the text that HTTP would answer."""
    command_id = stock.command(service.topics.scoring_job_commands, "x", record, **fields)
    letter = stock.refusal(command_id)

    assert words in letter["error"]
