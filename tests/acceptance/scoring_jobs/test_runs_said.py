"""What is said of runs, and said twice: by HTTP and by events (contract 003, S-105 … S-110)."""

import uuid

import pytest

from tests.acceptance.scoring.samples import check_refusal
from tests.acceptance.scoring_jobs.samples import ROWS, Jobs, iris_csv, onnx_iris
from tests.acceptance.stock import StockClient
from tests.integration.services import Service, until


@pytest.fixture(scope="module")
def jobs(service: Service) -> Jobs:
    """A client, with a model and a data set."""
    made = Jobs(service)
    made.upload("iris-said", "onnx", onnx_iris())
    made.add("iris-said.csv", iris_csv(ROWS))
    return made


@pytest.fixture
def deployed(jobs: Jobs) -> str:
    """A job whose first run has ended."""
    name = f"said-{uuid.uuid4().hex[:8]}"
    jobs.script(name, model="iris-said", source="iris-said.csv")
    assert jobs.post("/model-deploy-job", fileName=name, jobName=name, runName=name).status_code == 200
    jobs.ended(name)
    return name


def test_S106_the_dispatch_must_be_the_jobs(jobs: Jobs, deployed: str) -> None:
    """It may be left out; another one, or none that there is, changes nothing."""
    for dispatch in ("schedule", "sometimes"):
        answer = jobs.post("/operate-run", runName=deployed, type="delete", dispatch=dispatch)
        check_refusal(answer, 400, "dispatch", "demand")
    assert [run["name"] for run in jobs.info(deployed)["runList"]] == [deployed]

    (run,) = jobs.info(deployed)["runList"]
    for fields in ({}, {"dispatch": "demand"}):
        answer = jobs.post("/operate-run", runName=deployed, runId=run["id"], type="result", **fields)
        assert answer.json()["data"]["status"] is True


def test_S110_the_output_is_a_data_set(jobs: Jobs) -> None:
    """From the run's success on, not before; deleting run and job leaves it."""
    name = f"said-{uuid.uuid4().hex[:8]}"
    output = f"{name}.csv"
    jobs.script(name, model="iris-said", source="iris-said.csv", output=output)
    assert output not in jobs.datasets()
    assert jobs.post("/model-deploy-job", fileName=name, jobName=name).status_code == 200
    (run,) = jobs.ended(name)

    assert run["status"] == "success"
    assert (jobs.datasets()[output]["type"], len(jobs.rows(output))) == ("csv", ROWS)
    assert jobs.delete(name).status_code == 200
    assert len(jobs.rows(output)) == ROWS


def test_what_is_said_twice_is_done_once(service: Service, jobs: Jobs, stock: StockClient, deployed: str) -> None:
    """Under one id: one job, one run of a start. Another content under the id is a dead letter, and changes nothing."""
    topic, name = service.topics.scoring_job_commands, f"said-{uuid.uuid4().hex[:8]}"
    first = {"command_id": f"twice-{name}", "job_name": name, "file_name": deployed, "run_name": "one"}
    again = {"command_id": f"again-{name}", "job_name": name, "run_name": "two"}
    for record, fields in (("DeployScoringJob", first), ("StartScoringRun", again)):
        for _ in range(2):
            stock.command(topic, name, record, **fields)
    other = f"twice-{name}"
    stock.command(topic, name, "DeployScoringJob", **{**first, "args": "--other"})

    assert "command_id" in stock.refusal(other)["error"]
    until(lambda: len(jobs.info(name)["runList"]) == 2, why="both runs are there")
    assert [run["name"] for run in jobs.ended(name)] == ["one", "two"]
    assert jobs.info(name)["args"] == ""
    assert len(stock.letters_of(f"again-{name}")) == 0
    assert len(stock.letters_of(other)) == 1
