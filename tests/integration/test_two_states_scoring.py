"""Two state workers with services and scheduled jobs: both answer for all, and one that is killed is not missed."""

import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.embedded_kafka.broker import EmbeddedKafka
from tests.integration.processes import WorkerProcess, environment_of, worker_processes
from tests.integration.services import Api, until
from tests.iris_models import model_file, records

_NAMES = [f"irises-{number}" for number in range(6)]  # those of both workers are among them, all but once in 30 times
_EVERY_S = 4
_FLOWER = {"X": {"X": [list(records(1)[0].values())]}}


@pytest.fixture
def pair(broker: EmbeddedKafka, tmp_path: Path) -> Iterator[Sequence[WorkerProcess]]:
    """Two state workers, and a trainer."""
    environment = environment_of(broker.bootstrap, f"test-{uuid.uuid4().hex[:12]}.", tmp_path)
    with worker_processes(environment, tmp_path, ("state", "state", "trainer")) as workers:
        until(lambda: all(worker.is_ready() for worker in workers[:2]), why="both are ready")
        yield workers[:2]


def _post(api: Api, path: str, **body: Any) -> Any:
    answer = api.call("POST", path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def _prepared(apis: Sequence[Api]) -> None:
    """A model, and of each name a service and a job that is due every few seconds, made at either worker."""
    rows: list[list[Any]] = [list(records(1)[0]), *(list(it.values()) for it in records(30))]
    flowers = "\n".join(",".join(map(str, row)) for row in rows)
    for path, name, content, form in (
        ("/model-upload", "iris.onnx", model_file("iris_logistic.onnx"), {"name": "iris"}),
        ("/add-dataset", "in.csv", flowers.encode(), {"dataSource": "local", "fileName": "in.csv"}),
    ):
        answer = apis[0].call("POST", path, files={"file": (name, content)}, data=form)
        assert answer.status_code == 200, answer.text
    for turn, name in enumerate(_NAMES):
        one, other = apis[turn % 2], apis[(turn + 1) % 2]
        _post(one, "/model-deploy-service", modelName="iris", serviceName=name, serverVersion="3.9")
        _post(other, "/generate-script", inputDataset="in.csv", outputDataset=f"{name}.csv", modelName="iris",
              fileName=name)  # fmt: skip
        _post(one, "/model-deploy-job", fileName=name, jobName=name, dispatch="schedule",
              schedule=f"{_EVERY_S}s")  # fmt: skip


def _running(api: Api) -> bool:
    listed = api.get("/service-list")["data"]["serviceList"]
    return {it["serviceName"] for it in listed} == set(_NAMES) and all(it["status"] == "running" for it in listed)


def _due(api: Api, name: str, since: float = 0) -> list[float]:
    """The times at which runs of a job were due, in seconds."""
    found = _post(api, "/job-info", jobName=name)["runList"]
    return [due for run in found if (due := datetime.fromisoformat(run["dueTime"]).timestamp()) > since]


@pytest.mark.timeout(240)
def test_services_and_schedules_of_two_workers_outlive_one(pair: Sequence[WorkerProcess]) -> None:
    """Listed at both, asked at both; kill -9 of one: services answer again, and each time has one run still."""
    apis = [Api(worker.url) for worker in pair]
    _prepared(apis)
    for api in apis:
        until(lambda api=api: _running(api), why="all services run")  # type: ignore[misc]
    answers = [_post(api, f"/api/v1/scv/pmml/{name}", **_FLOWER) for api in apis for name in _NAMES]
    until(lambda: all(len(_due(apis[1], name)) >= 2 for name in _NAMES), why="all jobs have run twice")

    pair[0].kill()
    killed = time.time()
    survivor = apis[1]
    until(lambda: _running(survivor), why="the other worker has all services")
    again = [_post(survivor, f"/api/v1/scv/pmml/{name}", **_FLOWER) for name in _NAMES]
    until(lambda: all(len(_due(survivor, name, killed)) >= 2 for name in _NAMES), why="all jobs run again")

    assert [it["result"][0]["label"] for it in (*answers, *again)] == ["setosa"] * 3 * len(_NAMES)
    for name in _NAMES:
        times = _due(survivor, name)
        assert len(set(times)) == len(times)
        assert all(round(1000 * (one - times[0])) % (1000 * _EVERY_S) == 0 for one in times)
