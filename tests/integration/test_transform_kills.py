"""kill -9 of any process in the middle of a transform job: the output is whole, in order, each line in it once."""

import json
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from connectors.objects.store import ObjectStore
from tests.acceptance.deepar import lines_of, publish
from tests.integration.processes import computing
from tests.integration.services import Service, running_service, until

NAME = "demo"
LINES = 2000
LIMIT_S = 120.0
CONFIG = '{"num_samples": 10, "output_types": ["samples"], "seed": 3}'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with an endpoint whose forecasts take a few milliseconds."""
    with running_service(tmp_path_factory.mktemp("transform-kills"), model_server_workers=2) as running:
        publish(ObjectStore(running.settings.object_store_url), NAME, prediction_length=12, num_cells=20)
        yield running


@pytest.fixture(scope="module")
def expected(service: Service) -> list[str]:
    """The output when nothing is killed, which tells the lines apart by their size."""
    lines = _output(service, _started(service)).splitlines()
    sizes = [np.abs(json.loads(line)["samples"]).max() for line in lines]

    assert len(lines) == LINES
    assert [round(np.log10(size) / 3) for size in sizes] == [number % 7 for number in range(LINES)]
    return lines


def _started(service: Service) -> str:
    name = f"k-{uuid.uuid4().hex[:12]}"
    rows = ({"start": "2024-01-01", "target": [1000.0 ** (number % 7)] * 4} for number in range(LINES))
    assert service.api.call("PUT", f"/uploads/{name}", content=lines_of(rows)).status_code == 200
    body = {
        "TransformJobName": name,
        "ModelName": NAME,
        "Environment": {"DEEPAR_INFERENCE_CONFIG": CONFIG},
        "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": f"/uploads/{name}"}}},
        "TransformOutput": {"S3OutputPath": "/outputs", "AssembleWith": "Line"},
    }
    answer = service.api.call("POST", "/transform-jobs", json=body)
    assert answer.status_code == 200, answer.text
    return name


def _output(service: Service, name: str) -> str:
    def ended() -> dict[str, Any] | None:
        body: dict[str, Any] = service.api.get(f"/transform-jobs/{name}")
        return None if body["TransformJobStatus"] == "InProgress" else body

    body = until(ended, within=LIMIT_S, why=f"{name} has ended")
    assert body["TransformJobStatus"] == "Completed", body
    assert (body["lines"], body["finished"]) == (LINES, LINES)
    text: str = service.api.call("GET", f"/transform-jobs/{name}/output").text
    return text


def _kill_one_that_computes(service: Service) -> None:
    os.kill(computing(service.pid("trainer-1"))[0], signal.SIGKILL)


def _kill(*names: str) -> Callable[[Service], None]:
    def kill(service: Service) -> None:
        for name in names:
            service.signal(name, signal.SIGKILL)

    return kill


@pytest.mark.parametrize(
    "kill",
    [
        pytest.param(_kill_one_that_computes, id="a process that computes"),
        pytest.param(_kill("trainer-1"), id="trainer"),
        pytest.param(_kill("state"), id="state"),
        pytest.param(_kill("trainer-1", "state"), id="trainer and state"),
    ],
)
def test_a_killed_process_costs_a_transform_job_nothing(
    service: Service, expected: list[str], kill: Callable[[Service], None]
) -> None:
    """The seed makes the numbers repeatable, so the output is that of an undisturbed job to the byte."""
    name = _started(service)

    def in_the_middle() -> bool:
        return 0 < service.api.get(f"/transform-jobs/{name}")["finished"] < LINES

    until(in_the_middle, why="some lines are answered")
    kill(service)
    lines = _output(service, name).splitlines()

    assert lines == expected
    assert service.read_all(service.topics.dead_letters) == []
