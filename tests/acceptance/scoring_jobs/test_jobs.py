"""Scripts, jobs and runs over HTTP (contract 003, section 5), with models of both kinds."""

import ast
import csv
import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.acceptance.scoring_jobs.samples import ROWS, Jobs, iris_csv, onnx_iris, pmml_line
from tests.integration.services import Service, until


@pytest.fixture(scope="module")
def jobs(service: Service) -> Jobs:
    """A client with a model of each kind, and a data set."""
    made = Jobs(service)
    made.upload("iris-batch", "onnx", onnx_iris())
    made.upload("line-batch", "pmml", pmml_line())
    made.add("iris-batch.csv", iris_csv(ROWS))
    return made


def check_refusal(answer: httpx.Response, status: int, *words: str, code: str | None = None) -> None:
    body = answer.json()
    assert answer.status_code == status, answer.text
    assert body["data"] == {"status": False}
    assert code is None or body["code"] == code
    for word in words:
        assert word in body["message"]


class TestScripts:
    """POST /generate-script."""

    def test_S090_S091_a_script_names_both_data_sets_and_can_be_compiled(self, jobs: Jobs) -> None:
        """And the model; it is kept under the name that was asked for."""
        name = f"script-{uuid.uuid4().hex[:8]}"
        data = jobs.script(name, model="iris-batch")

        ast.parse(data["code"])
        for word in ("iris-batch.csv", f"{name}.csv", "iris-batch"):
            assert word in data["code"]
        assert data["fileName"] == name

    def test_S100_a_script_that_there_is_not(self, jobs: Jobs) -> None:
        """400, as the contract says of a fileName; whatever the suffix."""
        for fields in ({"fileName": "no-script"}, {"fileName": "no-script", "ext": ".sh"}):
            answer = jobs.post("/model-deploy-job", jobName=f"job-{uuid.uuid4().hex[:8]}", **fields)
            check_refusal(
                answer, 400, "fileName: there is no script no-script", "/generate-script", code="UnknownScript"
            )

    def test_S091_without_names(self, jobs: Jobs) -> None:
        """The model is the one that was uploaded last, the script gets a name."""
        answer = jobs.post("/generate-script", inputDataset="iris-batch.csv", outputDataset="some.csv")

        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["fileName"]
        assert answer.json()["data"]["modelName"]

    def test_S091_without_a_model_it_is_the_one_tested_last(self, jobs: Jobs) -> None:
        """Also where another one was uploaded later than that."""
        tested = jobs.post("/model-test", modelName="iris-batch", data={"X": {"X": [[5, 3, 1, 0.2]]}})
        answer = jobs.post("/generate-script", inputDataset="iris-batch.csv", outputDataset="some.csv")

        assert tested.status_code == 200, tested.text
        assert answer.json()["data"]["modelName"] == "iris-batch"

    def test_S091_it_does_what_the_run_does(self, jobs: Jobs) -> None:
        """Run by Python alone, against the service, it makes the same rows."""
        name = f"same-{uuid.uuid4().hex[:8]}"
        data = jobs.script(name, model="iris-batch")
        jobs.deploy(name, name)
        jobs.ended(name)
        expected = jobs.rows(f"{name}.csv")
        jobs.post("/operate-dataset", dataset=f"{name}.csv", operation="delete")
        made = subprocess.run(
            [sys.executable, "-I", "-c", data["code"]],
            env={"TIDECAST_URL": jobs.service.stack.url, "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert made.returncode == 0, made.stderr
        found = jobs.rows(f"{name}.csv")
        assert [list(row) for row in found[:1]] == [list(row) for row in expected[:1]]
        for row, other in zip(found, expected, strict=True):
            assert row["label"] == other["label"]
            assert float(row["probability_0"]) == pytest.approx(float(other["probability_0"]), abs=1e-6)

    @pytest.mark.parametrize(
        ("fields", "status", "word"),
        [
            ({"inputDataset": "no-such.csv", "outputDataset": "o.csv"}, 404, "inputDataset"),
            ({"outputDataset": "o.csv"}, 400, "inputDataset"),
            ({"inputDataset": "iris-batch.csv"}, 400, "outputDataset"),
            ({"inputDataset": "iris-batch.csv", "outputDataset": "iris-batch.csv"}, 400, "outputDataset"),
            ({"inputDataset": "iris-batch.csv", "outputDataset": "a b.csv"}, 400, "outputDataset"),
            ({"inputDataset": "iris-batch.csv", "outputDataset": "o.csv", "modelName": "none"}, 404, "modelName"),
            ({"inputDataset": "iris-batch.csv", "outputDataset": "o.csv", "fileName": "../x"}, 400, "fileName"),
        ],
        ids=str,
    )
    def test_what_cannot_be(self, jobs: Jobs, fields: dict[str, Any], status: int, word: str) -> None:
        """Each refusal names the field."""
        check_refusal(jobs.post("/generate-script", **fields), status, word)


class TestJobs:
    """POST /model-deploy-job, /job-info."""

    def test_S093_to_S104_S110_a_job_by_demand(self, jobs: Jobs) -> None:
        """Its first run starts at once; the output appears, in the order of the input, with its results."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        jobs.script(name, model="iris-batch")
        answer = jobs.post(
            "/model-deploy-job",
            fileName=name,
            ext=".py",
            jobName=name,
            jobDescription="nightly",
            environment="3.8",
            variables={"A": "1"},
            args="--fast",
            dispatch="demand",
            runName="r1",
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["status"] is True
        (run,) = jobs.ended(name)
        info = jobs.info(name)

        assert {"jobName", "url", "createTime", "environment", "dispatch", "runList"} <= set(info)
        assert (info["jobName"], info["environment"], info["dispatch"]) == (name, "3.8", "demand")
        assert {"id", "name", "createTime", "duration", "status"} <= set(run)
        assert (run["name"], run["status"], run["rows"], run["wrongRows"]) == ("r1", "success", ROWS, 0)
        assert isinstance(run["id"], str)
        assert run["duration"] > 0
        rows = jobs.rows(f"{name}.csv")
        given = list(csv.DictReader(io.StringIO(iris_csv(ROWS).decode())))
        assert [{key: row[key] for key in given[0]} for row in rows] == given
        assert list(rows[0])[-5:] == ["label", "probability_0", "probability_1", "probability_2", "error"]
        for row in rows:
            probabilities = [float(row[f"probability_{place}"]) for place in range(3)]
            assert sum(probabilities) == pytest.approx(1, abs=1e-5)
            assert int(row["label"]) == int(np.argmax(probabilities))
            assert row["error"] == ""

    def test_S100_defaults(self, jobs: Jobs) -> None:
        """ext .py, environment 3.7, no variables, demand, the run named after the job."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        jobs.script(name, model="line-batch")
        assert jobs.post("/model-deploy-job", fileName=name, jobName=name).json()["data"]["status"] is True
        (run,) = jobs.ended(name)
        info = jobs.info(name)

        assert (info["ext"], info["environment"], info["variables"], info["args"]) == (".py", "3.7", {}, "")
        assert (info["dispatch"], run["name"], run["status"]) == ("demand", f"{name}-1", "success"), run
        rows = jobs.rows(f"{name}.csv")
        assert list(rows[0])[-2:] == ["prediction", "error"]
        for row in rows[:20]:
            assert float(row["prediction"]) == pytest.approx(3 + 2 * float(row["sepal_length"]), abs=1e-6)

    def test_S109_another_run(self, jobs: Jobs) -> None:
        """POST to the job's url; each run keeps its own result."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        jobs.script(name, model="iris-batch")
        jobs.deploy(name, name)
        jobs.ended(name)
        started = httpx.post(jobs.info(name)["url"], timeout=30).json()["data"]
        assert started["status"] is True
        runs = jobs.ended(name)

        assert [run["name"] for run in runs] == [f"{name}-1", started["name"]]
        assert [run["id"] for run in runs][1] == started["id"]
        assert {run["status"] for run in runs} == {"success"}
        for run in runs:
            answer = jobs.post("/operate-run", runName=run["name"], type="result", runId=run["id"], dispatch="demand")
            data = answer.json()["data"]
            assert (data["status"], data["rows"]) == (True, ROWS)
            assert len(data["result"]) == 10
            assert httpx.get(data["url"]).content.count(b"\n") == ROWS + 1

    def test_S008_S095_S097_S100_what_cannot_be(self, jobs: Jobs) -> None:
        """Refused with the field; nothing is left of it."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        jobs.script(name, model="iris-batch")
        good = {"fileName": name, "jobName": name}
        for fields, status, word in (
            ({"fileName": "no-such"}, 400, "fileName"),
            ({"ext": ".r"}, 400, "fileName"),
            ({"environment": "2.7"}, 400, "environment"),
            ({"dispatch": "sometimes"}, 400, "dispatch"),
            ({"dispatch": "schedule"}, 400, "schedule"),
            ({"dispatch": "schedule", "schedule": "* * * *"}, 400, "schedule"),
            ({"dispatch": "schedule", "schedule": "1h", "timeZone": "Mars/X"}, 400, "timeZone"),
            ({"dispatch": "schedule", "schedule": "1h", "missedRuns": "all"}, 400, "missedRuns"),
            ({"dispatch": "schedule", "schedule": "999999999w"}, 400, "schedule"),  # it let every list of jobs be 500
            ({"timeZone": "Mars/X"}, 400, "timeZone"),
            ({"variables": {"": "x"}}, 400, "variables"),
            ({"variables": {"A=B": "x"}}, 400, "expected one such as LEVEL, without ="),
            ({"variables": {"A": "x\0y"}}, 400, "its value has a NUL"),
            ({"jobName": "a b"}, 400, "jobName"),
            ({"runName": "a/b"}, 400, "runName"),
            ({"variables": "x"}, 400, "variables"),
        ):
            check_refusal(jobs.post("/model-deploy-job", **{**good, **fields}), status, word)
        check_refusal(jobs.post("/job-info", jobName=name), 404, "jobName")
        assert jobs.post("/model-deploy-job", **good).status_code == 200
        check_refusal(jobs.post("/model-deploy-job", **good), 409, "jobName", code="JobExists")
        jobs.ended(name)

    def test_rows_that_are_wrong(self, jobs: Jobs) -> None:
        """They have an error in their place; the run succeeds, and the others have their results."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        lines = iris_csv(6).decode().splitlines()
        lines[2] = "x" + lines[2]
        jobs.add(f"{name}-in.csv", "\n".join(lines).encode() + b"\n")
        jobs.script(name, model="iris-batch", source=f"{name}-in.csv")
        jobs.deploy(name, name)
        (run,) = jobs.ended(name)
        rows = jobs.rows(f"{name}.csv")

        assert (run["status"], run["rows"], run["wrongRows"]) == ("success", 6, 1)
        assert [bool(row["label"]) for row in rows] == [True, False, True, True, True, True]
        assert "sepal_length" in rows[1]["error"]

    def test_S104_a_run_that_cannot_be(self, jobs: Jobs) -> None:
        """Failed, with a reason; no output appears."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        jobs.add(f"{name}-in.csv", b"a,b\n1,2\n")
        jobs.script(name, model="iris-batch", source=f"{name}-in.csv")
        jobs.deploy(name, name)
        (run,) = jobs.ended(name)

        assert run["status"] == "failed"
        assert "4 numbers" in run["reason"]
        assert f"{name}.csv" not in jobs.datasets()
        check_refusal(jobs.post("/operate-run", runName=run["name"], type="result", runId=run["id"]), 409)

    @pytest.mark.parametrize("written", [".jsonl", ".csv"])
    @pytest.mark.parametrize("read", [".jsonl", ".json"])
    def test_json_in_and_out(self, jobs: Jobs, read: str, written: str) -> None:
        """JSON lines, or an array, in; lines, or a table, out."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        rows = [{"sepal_length": value, "note": "a,b"} for value in (1.5, "2", None, "x")]
        content = "\n".join(map(json.dumps, rows)) if read == ".jsonl" else json.dumps(rows)
        jobs.add(f"{name}-in{read}", content.encode())
        jobs.script(name, model="line-batch", source=f"{name}-in{read}", output=f"{name}{written}")
        jobs.deploy(name, name)
        (run,) = jobs.ended(name)
        found = jobs.rows(f"{name}{written}")

        assert (run["status"], run["wrongRows"]) == ("success", 1), run
        assert float(found[0]["prediction"]) == 6
        assert float(found[1]["prediction"]) == 7
        assert [row["note"] for row in found] == ["a,b"] * 4
        assert "expected a number" in found[3]["error"]


class TestRuns:
    """POST /operate-run."""

    def test_S105_to_S108_pause_continue_stop_delete(self, jobs: Jobs) -> None:
        """Each only from where it is possible; a paused run goes on where it was."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        jobs.script(name, model="iris-batch")
        jobs.deploy(name, name)
        (run,) = jobs.ended(name)

        def operate(operation: str, of: Mapping[str, Any] = run, **fields: Any) -> httpx.Response:
            return jobs.post("/operate-run", runName=of["name"], runId=of["id"], type=operation, **fields)

        for operation in ("pause", "continue", "stop"):
            check_refusal(operate(operation), 409, run["id"])
        check_refusal(operate("rename"), 400, "type")
        check_refusal(operate("delete", dispatch="schedule"), 400, "dispatch")
        check_refusal(jobs.post("/operate-run", runName=run["name"], type="result"), 400, "runId")
        check_refusal(jobs.post("/operate-run", runName="none", type="stop"), 404, "runName")
        assert operate("delete", dispatch="demand").json() == {"data": {"status": True}}
        assert jobs.info(name)["runList"] == []
        assert f"{name}.csv" in jobs.datasets()
        check_refusal(operate("delete"), 404)

    def test_S100_by_schedule(self, jobs: Jobs) -> None:
        """Runs begin by themselves, each time once, until the job is removed."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        jobs.script(name, model="iris-batch")
        answer = jobs.post("/model-deploy-job", fileName=name, jobName=name, dispatch="schedule", schedule="1s")
        assert answer.status_code == 200, answer.text
        assert jobs.info(name)["dispatch"] == "schedule"
        runs = until(
            lambda: jobs.info(name)["runList"] if len(jobs.info(name)["runList"]) >= 3 else None, why="three runs"
        )
        due = [run["dueTime"] for run in runs]

        assert len(set(due)) == len(due)
        assert due == sorted(due)
        assert jobs.delete(name).json() == {"data": {"status": True}}
        check_refusal(jobs.post("/job-info", jobName=name), 404)
        assert all(run["jobName"] != name for run in jobs.get("/api/v1/runs")["data"]["runList"])


def test_the_examples_of_the_contract(jobs: Jobs, tmp_path: Path) -> None:
    """Section 8, as it stands, with names of our own."""
    del tmp_path
    name = f"job-{uuid.uuid4().hex[:8]}"
    script = {
        "inputDataset": "iris-batch.csv",
        "outputDataset": f"{name}.csv",
        "modelName": "iris-batch",
        "fileName": name,
    }
    assert jobs.post("/api/v1/generate-script", **script).status_code == 200
    body = {
        "fileName": name,
        "ext": ".py",
        "jobName": name,
        "jobDescription": "",
        "environment": "3.7",
        "variables": {},
        "args": "",
        "dispatch": "demand",
        "runName": "r1",
    }
    assert jobs.post("/api/v1/model-deploy-job", **body).json()["data"]["status"] is True
    (run,) = jobs.ended(name)
    answer = jobs.post("/api/v1/operate-run", runName="r1", type="result", dispatch="demand", runId=run["id"])
    assert answer.json()["data"]["status"] is True
