"""Services by events of a stock producer: the same effect as over HTTP, refusals included (decision 12)."""

from typing import Any

import pytest

from tests.acceptance.deployments.test_services import call, deploy, info, statuses
from tests.acceptance.scoring.samples import new_name, uploaded
from tests.acceptance.stock import StockClient
from tests.integration.services import Service, until


@pytest.fixture(scope="module")
def iris(service: Service) -> str:
    """A model."""
    return uploaded(service.api, "iris_tree.onnx")


@pytest.fixture(scope="module")
def deployed(service: Service, iris: str) -> str:
    """A service of it, which is not changed."""
    return deploy(service, iris)


def exists(service: Service, name: str) -> bool:
    """Whether there is such a service."""
    return call(service, "POST", "/service-info", json={"serviceName": name}).status_code == 200


def test_S015_pause_start_and_delete(service: Service, stock: StockClient, iris: str) -> None:
    """Of a replica and of the service, each said twice: the second time changes nothing."""
    topic, name = service.topics.service_commands, new_name()
    fields = {"service": name, "model_name": iris, "server_version": "3.9", "replicas": 2}

    def twice(record: str, /, **told: Any) -> str:
        for _ in range(2):
            stock.command(topic, name, record, command_id=f"{name} {record} {told}"[:100], **told)
        return f"{name} {record} {told}"[:100]

    made = twice("DeployService", **fields)
    until(lambda: exists(service, name) and statuses(service, name) == ["running"] * 2, why="it runs")
    replica = {"service": name, "replica": f"{name}-0"}
    twice("OperateReplica", **replica, operation="pause")
    until(lambda: statuses(service, name) == ["paused", "running"], why="one is paused")
    twice("OperateReplica", **replica, operation="start")
    until(lambda: statuses(service, name) == ["running"] * 2, why="it runs again")
    twice("ScaleService", service=name, replicas=3)
    until(lambda: len(statuses(service, name)) == 3, why="there is one more")
    deleted = twice("OperateReplica", **replica, operation="delete")
    assert f"{name}-0" in stock.refusal(deleted)["error"]  # the second time it is not there
    assert [one["name"] for one in info(service, name)["podList"]] == [f"{name}-1", f"{name}-2"]
    assert stock.letters_of(made) == []
    twice("DeleteService", service=name)
    until(lambda: not exists(service, name), why="it is gone")


DEPLOY: dict[str, Any] = {"service": "", "model_name": "", "server_version": "3.9"}


@pytest.mark.parametrize(
    ("record", "fields", "words"),
    [
        ("DeployService", {**DEPLOY, "service": "{new}", "model_name": "none"}, "modelName: "),
        ("DeployService", {**DEPLOY, "service": "{new}", "server_version": "2.7"}, "serverVersion: "),
        ("DeployService", {**DEPLOY, "service": "{new}", "replicas": 0}, "replicas: "),
        ("DeployService", {**DEPLOY, "service": "{new}", "replicas": 2**40}, "replicas: "),
        ("DeployService", {**DEPLOY, "service": "{new}", "cpu_reserve": float("nan")}, "cpuReserve: "),
        ("DeployService", {**DEPLOY, "service": "{new}", "memory_reserve": "1 parsec"}, "memoryReserve: "),
        ("DeployService", {**DEPLOY, "service": "{old}"}, "serviceName: "),
        ("OperateReplica", {"service": "{old}", "replica": "{old}-9", "operation": "pause"}, "podName: "),
        ("OperateReplica", {"service": "{old}", "replica": "other-0", "operation": "delete"}, "podName: "),
        ("OperateReplica", {"service": "{old}", "replica": "{old}-0", "operation": "dance"}, "operationType: "),
        ("ScaleService", {"service": "{old}", "replicas": -1}, "replicas: "),
        ("ScaleService", {"service": "{new}", "replicas": 1}, "serviceName: "),
        ("DeleteService", {"service": "{new}"}, "serviceName: "),
    ],
)
def test_S052_to_S066_what_cannot_be_is_a_dead_letter(
    service: Service, stock: StockClient, iris: str, deployed: str, record: str, fields: dict[str, Any], words: str
) -> None:
    """With the field that HTTP would name; nothing is left of it, and the service that there is stays as it is."""
    new = new_name()
    filled = {name: one.format(new=new, old=deployed) if isinstance(one, str) else one for name, one in fields.items()}
    if record == "DeployService":
        filled["model_name"] = filled["model_name"] or iris
    command_id = stock.command(service.topics.service_commands, filled["service"], record, **filled)

    assert words in stock.refusal(command_id)["error"]
    assert not exists(service, new)
    assert statuses(service, deployed) == ["running"]
