"""What a service is deployed with, how outside callers reach it, and what is shown of it (contract 003, section 3)."""

import urllib.request
from typing import Any

import httpx
import psutil
import pytest

from tests.acceptance.deployments.test_services import IRIS, LABELS, ask, call, deploy, ended, info, statuses
from tests.acceptance.scoring.samples import check_refusal, new_name, uploaded
from tests.integration.services import Service, until
from tests.iris_models import records


@pytest.fixture(scope="module")
def iris(service: Service) -> str:
    """An ONNX model."""
    return uploaded(service.api, "iris_logistic.onnx")


@pytest.fixture(scope="module")
def deployed(service: Service, iris: str) -> str:
    """A service of it, which is not changed."""
    return deploy(service, iris)


def deploying(service: Service, body: dict[str, Any], **options: Any) -> httpx.Response:
    """POST /model-deploy-service."""
    return call(service, "POST", "/model-deploy-service", **(options or {"json": body}))


def test_S013_S014_an_outside_caller_reaches_it_by_its_address(service: Service, deployed: str) -> None:
    """With nothing but the address that is shown, and whatever HTTP client there is."""
    url = info(service, deployed)["restfulUrl"]
    body = b'{"X": {"X": [[5.1, 3.5, 1.4, 0.2]]}}'

    for kind in ("application/json", "application/x-www-form-urlencoded"):  # the second is what curl -d says
        request = urllib.request.Request(url, body, {"Content-Type": kind}, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert (answer.status, b'"setosa"' in answer.read()) == (200, True), kind
    described = httpx.get(url).json()["data"]
    assert {"status": "running", "modelType": "onnx", "serviceName": deployed}.items() <= described.items()


@pytest.mark.parametrize("file_name", ["iris_tree.pmml", "iris_tree.onnx"])
def test_S013_models_of_both_kinds_are_deployed(service: Service, file_name: str) -> None:
    """And answer under the address that is shown for it."""
    name = deploy(service, uploaded(service.api, file_name))
    kind, body = file_name.rpartition(".")[2], IRIS if file_name.endswith("onnx") else {"X": records(3)}
    answer = httpx.post(info(service, name)["restfulUrl"], json=body, timeout=30)

    assert [it["label"] for it in answer.json()["data"]["result"]] == LABELS
    assert httpx.get(info(service, name)["restfulUrl"]).json()["data"]["modelType"] == kind


def test_S016_the_state_of_a_service_is_shown(service: Service, iris: str) -> None:
    """In the list, in its description and at its address; it follows the replicas."""
    name = deploy(service, iris, replicas=2)

    def shown() -> set[str]:
        listed = call(service, "GET", "/service-list").json()["data"]["serviceList"]
        own = next(it["status"] for it in listed if it["serviceName"] == name)
        described = info(service, name)
        return {own, described["status"], httpx.get(described["restfulUrl"]).json()["data"]["status"]}

    assert shown() == {"running"}
    for number, state in ((0, "running"), (1, "paused")):
        operate(service, f"{name}-{number}", "pause")
        assert shown() == {state}
    operate(service, f"{name}-1", "start")
    until(lambda: shown() == {"running"}, why="it runs again")


def operate(service: Service, replica: str, operation: str) -> None:
    """POST /operate-pod, which is followed."""
    answer = call(service, "POST", "/operate-pod", json={"podName": replica, "operationType": operation})
    assert (answer.status_code, answer.json()) == (200, {"data": {"status": True}}), answer.text


def test_S018_both_kinds_of_call_have_the_same_result(service: Service, deployed: str) -> None:
    """Who waits has it at once, who does not later."""
    waited = ask(service, deployed).json()["data"]
    accepted = ask(service, deployed, params={"wait": "false"}).json()["data"]
    later = until(lambda: ended(service, deployed, accepted["requestId"]), why="it is answered")

    assert "result" not in accepted
    assert [it["label"] for it in waited["result"]] == LABELS
    assert later["result"] == waited["result"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("modelName", None),
        ("serviceName", None),
        ("serverVersion", None),
        ("serverVersion", 3.8),
        ("serverVersion", "3.10"),
        ("serverVersion", ""),
        ("cpuReserve", "many"),
        ("cpuReserve", [1]),
        ("memoryReserve", True),
        ("memoryReserve", "3 apples"),
        ("replicas", 1.5),
        ("replicas", True),
    ],
)
def test_S052_S053_S054_S055_S056_fields_that_cannot_be(service: Service, iris: str, field: str, value: Any) -> None:
    """400 naming the field; there is no service of it."""
    name = new_name()
    body = {"modelName": iris, "serviceName": name, "serverVersion": "3.8", field: value}

    check_refusal(deploying(service, body), 400, field)
    assert call(service, "POST", "/service-info", json={"serviceName": name}).status_code == 404


def test_S052_an_unknown_model(service: Service) -> None:
    """404, naming it."""
    body = {"modelName": "no.such", "serviceName": new_name(), "serverVersion": "3.8"}

    check_refusal(deploying(service, body), 404, "modelName", "no.such")


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.8", "3.9"])
def test_S054_S058_each_version_of_the_list(service: Service, iris: str, version: str) -> None:
    """Is taken and shown; nothing is in the answer but the status. Without a number of replicas there is one."""
    name = new_name()
    answer = deploying(service, {"modelName": iris, "serviceName": name, "serverVersion": version})
    shown = info(service, name)

    assert (answer.status_code, answer.json()) == (200, {"data": {"status": True}})
    assert (shown["serviceVersion"], len(shown["podList"])) == (version, 1)
    assert version in call(service, "GET", "/model-deploy-service").json()["data"]["serverVersions"]
    call(service, "POST", "/service-delete", json={"serviceName": name})


@pytest.mark.parametrize(
    ("cores", "memory"),
    [(None, None), (2, 512), (0.5, 512.5), ("1", "512"), ("500m", "1Gi"), (1, "1.5G")],
    ids=str,
)
def test_S055_S056_reserves_are_shown_as_they_were_given(service: Service, iris: str, cores: Any, memory: Any) -> None:
    """Numbers stay numbers, texts texts, and what was not chosen is null."""
    name = deploy(service, iris, running=False, cpuReserve=cores, memoryReserve=memory)
    shown = info(service, name)

    assert [repr(shown["cpuReserve"]), repr(shown["memoryReserve"])] == [repr(cores), repr(memory)]
    call(service, "POST", "/service-delete", json={"serviceName": name})


@pytest.mark.parametrize("how", ["form", "multipart", "query"])
def test_S007_S052_fields_may_be_sent_as_a_form(service: Service, iris: str, how: str) -> None:
    """Where numbers are texts, and what is left empty was not chosen."""
    name = new_name()
    fields = {"modelName": iris, "serviceName": name, "serverVersion": "3.8", "replicas": "2"}
    fields |= {"cpuReserve": "", "memoryReserve": ""}
    options: dict[str, dict[str, Any]] = {
        "form": {"data": fields},
        "multipart": {"files": {key: (None, value) for key, value in fields.items()}},
        "query": {"params": fields},
    }
    answer = deploying(service, {}, **options[how])
    shown = info(service, name)

    assert answer.json() == {"data": {"status": True}}, answer.text
    assert (len(shown["podList"]), shown["cpuReserve"], shown["memoryReserve"]) == (2, None, None)
    call(service, "POST", "/service-delete", json={"serviceName": name})


def test_S063_S064_replicas_have_numbers_and_states(service: Service, iris: str) -> None:
    """Starting, then running; it answers while at least one runs; a replica less is one name less."""
    name = deploy(service, iris, replicas=3, running=False)
    seen = set(statuses(service, name))
    until(lambda: set(statuses(service, name)) == {"running"}, why="all run")
    assert seen <= {"starting", "running"}
    assert [pod["name"] for pod in info(service, name)["podList"]] == [f"{name}-{number}" for number in range(3)]
    assert [set(pod) for pod in info(service, name)["podList"]] == [{"name", "status"}] * 3

    operate(service, f"{name}-0", "pause")
    operate(service, f"{name}-2", "delete")
    assert info(service, name)["podList"] == [
        {"name": f"{name}-0", "status": "paused"},
        {"name": f"{name}-1", "status": "running"},
    ]
    assert ask(service, name).status_code == 200
    operate(service, f"{name}-0", "start")
    until(lambda: statuses(service, name) == ["running"] * 2, why="both run")


@pytest.mark.parametrize("operation", ["restart", "", "PAUSE", None])
def test_S064_other_operations_are_refused(service: Service, deployed: str, operation: str | None) -> None:
    """With status false and the field's name; nothing changes."""
    answer = call(service, "POST", "/operate-pod", json={"podName": f"{deployed}-0", "operationType": operation})

    check_refusal(answer, 400, "operationType")
    assert statuses(service, deployed) == ["running"]


def test_S123_replicas_are_processes_of_this_machine(service: Service, iris: str) -> None:
    """Below the worker that owns the service: no cluster is there, nor needed. More replicas are more processes."""

    def processes() -> set[int]:
        return {it.pid for it in psutil.Process(service.pid("state")).children(recursive=True)}

    name = deploy(service, iris)
    before = processes()
    call(service, "POST", "/service-scale", json={"serviceName": name, "replicas": 3})
    until(lambda: statuses(service, name) == ["running"] * 3, why="three run")
    new = processes() - before

    assert len(new) >= 2
    call(service, "POST", "/service-delete", json={"serviceName": name})
    until(lambda: len(new - processes()) >= 2, why="they have ended")


def test_S121_limits_name_their_variable(service: Service, iris: str) -> None:
    """Of replicas, of a model's size, and of where data sets may come from."""
    body = {"modelName": iris, "serviceName": new_name(), "serverVersion": "3.8", "replicas": 17}
    check_refusal(deploying(service, body), 400, "replicas", "TIDECAST_MAX_REPLICAS")
    remote = {"dataSource": "remote", "fileName": "https://data.example/a.csv"}
    refused = call(service, "POST", "/add-dataset", data=remote)
    check_refusal(refused, 400, "TIDECAST_REMOTE_DATASET_HOSTS")
    large = {"file": ("a.onnx", b"x" * 160_000)}
    refused = call(service, "POST", "/model-upload", files=large, data={"name": new_name()})
    check_refusal(refused, 413, "TIDECAST_MAX_MODEL_BYTES")


@pytest.mark.parametrize("file_name", ["iris_logistic.onnx", "iris_logistic.pmml"])
@pytest.mark.parametrize("memory", [16, "128Mi", 512])
def test_S056_whatever_is_reserved_is_enough_for_a_small_model(service: Service, file_name: str, memory: Any) -> None:
    """What an empty replica takes is beside it: Java alone takes more than what most people would think of."""
    name = deploy(service, uploaded(service.api, file_name), memoryReserve=memory)

    answer = call(service, "POST", f"/api/v1/scv/pmml/{name}", json={"X": [[5.1, 3.5, 1.4, 0.2]]})
    assert answer.json()["data"]["result"][0]["label"] == "setosa"
    call(service, "POST", "/service-delete", json={"serviceName": name})


def test_S061_S063_a_service_that_fails_says_why(service: Service, iris: str) -> None:
    """In its description, and to who calls it; one that has not failed has no reason."""
    model = uploaded(service.api, "iris_logistic.onnx")
    name = deploy(service, model)
    call(service, "POST", "/operate-model", json={"modelName": model, "operation": "delete", "force": True})
    for operation in ("pause", "start"):
        call(service, "POST", "/operate-pod", json={"podName": f"{name}-0", "operationType": operation})
    until(lambda: info(service, name)["status"] == "failed", why="its replica cannot be started")
    reason = info(service, name)["reason"]

    assert reason == "its model has been removed"
    check_refusal(ask(service, name), 503, f"service {name} has failed: {reason}")
    assert info(service, deploy(service, iris))["reason"] is None
