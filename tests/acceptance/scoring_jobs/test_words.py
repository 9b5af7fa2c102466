"""The fields of jobs and runs in the contract's words, and a run that goes on for as long as the test wants."""

import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from tests.acceptance.scoring_jobs.samples import ROWS, Jobs, iris_csv, onnx_iris
from tests.acceptance.scoring_jobs.test_jobs import check_refusal
from tests.integration.services import Service, until


@pytest.fixture(scope="module")
def jobs(service: Service) -> Jobs:
    """A client with a model, a data set and a script."""
    made = Jobs(service)
    made.upload("words", "onnx", onnx_iris())
    made.add("words.csv", iris_csv(ROWS))
    made.script("words", model="words", source="words.csv", output="words-out.csv")
    return made


def new_job() -> str:
    """A name that no other test has."""
    return f"words-{uuid.uuid4().hex[:8]}"


@contextmanager
def trainer_held(jobs: Jobs) -> Iterator[None]:
    """Nobody scores meanwhile: runs that begin go on."""
    pid = jobs.service.pid("trainer-1")
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def run_of(jobs: Jobs, name: str) -> dict[str, Any]:
    """The job's only run."""
    (run,) = jobs.info(name)["runList"]
    assert isinstance(run, dict)
    return run


def operate(jobs: Jobs, run: dict[str, Any], operation: str) -> Any:
    """POST /operate-run."""
    return jobs.post("/operate-run", runName=run["name"], runId=run["id"], type=operation)


def test_S103_S105_S107_S108_each_state_of_a_run(jobs: Jobs) -> None:
    """Running, paused, success and failed are all the words; without an end there is no result: 409."""
    name = new_job()
    with trainer_held(jobs):
        jobs.deploy(name, "words")
        run = run_of(jobs, name)
        assert run["status"] == "running"
        check_refusal(operate(jobs, run, "result"), 409, run["id"], "running", code="RunNotFinished")
        check_refusal(operate(jobs, run, "continue"), 409, "running")
        assert operate(jobs, run, "pause").json() == {"data": {"status": True}}
        assert run_of(jobs, name)["status"] == "paused"
        check_refusal(operate(jobs, run, "result"), 409, run["id"], "paused", code="RunNotFinished")
        check_refusal(operate(jobs, run, "pause"), 409, "paused")
        assert operate(jobs, run, "continue").json() == {"data": {"status": True}}
        assert run_of(jobs, name)["status"] == "running"
    (run,) = jobs.ended(name)
    assert run["status"] == "success"
    assert operate(jobs, run, "result").json()["data"]["rows"] == ROWS

    stopped = new_job()
    with trainer_held(jobs):
        jobs.deploy(stopped, "words")
        run = run_of(jobs, stopped)
        assert operate(jobs, run, "stop").json() == {"data": {"status": True}}
        run = run_of(jobs, stopped)
        assert (run["status"], run["reason"]) == ("failed", "stopped")  # S-104
        check_refusal(operate(jobs, run, "result"), 409, run["id"], "failed", "stopped")


def test_S102_S104_what_is_told_of_a_job(jobs: Jobs) -> None:
    """Every key; ids are texts, times have an offset, and the duration grows while it runs."""
    name = new_job()
    with trainer_held(jobs):
        jobs.deploy(name, "words", environment="3.9")
        first = run_of(jobs, name)
        until(lambda: run_of(jobs, name)["duration"] > first["duration"], why="time goes on")
        info = jobs.info(name)
    assert run_of(jobs, name)["id"] == first["id"]
    assert {"jobName", "url", "createTime", "environment", "dispatch", "runList"} <= set(info)
    assert (info["jobName"], info["environment"], info["dispatch"]) == (name, "3.9", "demand")
    assert info["url"] == f"{jobs.service.api.url}/api/v1/jobs/{name}"
    assert {"id", "name", "createTime", "duration", "status"} <= set(first)
    assert isinstance(first["id"], str)
    for time in (info["createTime"], first["createTime"]):
        assert datetime.fromisoformat(time).utcoffset() is not None
    (run,) = jobs.ended(name)
    assert isinstance(run["duration"], int)
    assert run_of(jobs, name)["duration"] == run["duration"]  # it has ended


@pytest.mark.parametrize(
    ("variables", "args", "shown_variables", "shown_args"),
    [
        (None, None, {}, ""),
        ({}, "", {}, ""),
        ("", [], {}, ""),
        ({"A": "1", "B": 2}, "--fast -v", {"A": "1", "B": "2"}, "--fast -v"),
        ('{"A": "x"}', ["--fast", "-v"], {"A": "x"}, "--fast -v"),
    ],
    ids=["null", "empty", "blank", "given", "texts"],
)
def test_S094_S096_names_variables_and_arguments(
    jobs: Jobs, variables: Any, args: Any, shown_variables: dict[str, str], shown_args: str
) -> None:
    """They may be empty in any way; what was given is shown, with the description."""
    name = new_job()
    jobs.deploy(name, "words", jobDescription="every night", variables=variables, args=args)
    info = jobs.info(name)

    assert (info["jobName"], info["jobDescription"]) == (name, "every night")
    assert (info["variables"], info["args"]) == (shown_variables, shown_args)


@pytest.mark.parametrize(
    "fields",
    [{"jobDescription": 5}, {"jobDescription": "x" * 5000}, {"args": {"a": 1}}, {"variables": [1]}, {"runName": 7}],
    ids=lambda fields: next(iter(fields)),
)
def test_S094_S096_S098_fields_that_cannot_be(jobs: Jobs, fields: dict[str, Any]) -> None:
    """400 naming the field, and no job."""
    name = new_job()
    answer = jobs.post("/model-deploy-job", fileName="words", jobName=name, **fields)

    check_refusal(answer, 400, next(iter(fields)))
    check_refusal(jobs.post("/job-info", jobName=name), 404, "jobName")


def test_S094_a_job_without_a_name(jobs: Jobs) -> None:
    """400."""
    check_refusal(jobs.post("/model-deploy-job", fileName="words"), 400, "jobName")


def test_S098_the_first_run_has_the_name_that_was_given(jobs: Jobs) -> None:
    """Which is found under it, and is free again in another job."""
    names = [new_job(), new_job()]
    for name in names:
        jobs.deploy(name, "words", runName="nightly.1")
        (run,) = jobs.ended(name)
        assert run["name"] == "nightly.1"
    ambiguous = jobs.post("/operate-run", runName="nightly.1", type="stop")
    check_refusal(ambiguous, 409, "runId")
