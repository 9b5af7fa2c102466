"""Services over HTTP, by events and by the Open Inference Protocol (contract 003, section 3)."""

import json
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton

from tests.acceptance.scoring.samples import new_name, uploaded
from tests.acceptance.stock import StockClient
from tests.integration.services import Service, until
from tests.iris_models import SPECIES, records

IRIS = {"X": {"X": [list(it.values()) for it in records(3)]}}
LABELS = ["setosa"] * 3


@pytest.fixture(scope="module")
def iris(service: Service) -> str:
    """An ONNX model."""
    return uploaded(service.api, "iris_logistic.onnx")


@pytest.fixture(scope="module")
def deployed(service: Service, iris: str) -> str:
    """A service of it with two replicas, which is not changed."""
    return deploy(service, iris, replicas=2)


def deploy(service: Service, model: str, *, replicas: int = 1, running: bool = True, **more: Any) -> str:
    """The name of a new service whose replicas all run."""
    name = new_name()
    body = {"modelName": model, "serviceName": name, "serverVersion": "3.8", "replicas": replicas, **more}
    answer = call(service, "POST", "/model-deploy-service", json=body)
    assert (answer.status_code, answer.json()) == (200, {"data": {"status": True}}), answer.text
    if running:
        until(lambda: set(statuses(service, name)) == {"running"}, why="its replicas run")
    return name


def call(service: Service, method: str, path: str, **options: Any) -> httpx.Response:
    """One request."""
    return httpx.request(method, f"{service.api.url}{path}", timeout=60, **options)


def info(service: Service, name: str) -> Any:
    """What is shown of a service."""
    return call(service, "POST", "/service-info", json={"serviceName": name}).json()["data"]


def statuses(service: Service, name: str) -> list[str]:
    """Of its replicas."""
    return [pod["status"] for pod in info(service, name)["podList"]]


def ask(service: Service, name: str, **options: Any) -> httpx.Response:
    """What it answers for three irises."""
    return call(service, "POST", f"/api/v1/scv/pmml/{name}", json=IRIS, **options)


def test_S050_where_services_answer(service: Service) -> None:
    """The name is appended to it."""
    url = call(service, "GET", "/model-deploy-service").json()["data"]["restfulUrl"]

    assert url == f"{service.api.url}/api/v1/scv/pmml/"
    assert call(service, "GET", "/api/v1/model-deploy-service").json()["data"]["restfulUrl"] == url


def test_S061_a_service_is_shown(service: Service, iris: str) -> None:
    """With what was asked for, unchanged, and its replicas by number."""
    name = deploy(service, iris, replicas=2, cpuReserve=0.5, memoryReserve="1Gi")
    shown = info(service, name)

    assert shown["restfulUrl"] == f"{service.api.url}/api/v1/scv/pmml/{name}"
    assert (shown["modelName"], shown["serviceVersion"]) == (iris, "3.8")
    assert (shown["cpuReserve"], shown["memoryReserve"]) == (0.5, "1Gi")
    assert [pod["name"] for pod in shown["podList"]] == [f"{name}-0", f"{name}-1"]
    assert name in [it["serviceName"] for it in call(service, "GET", "/service-list").json()["data"]["serviceList"]]


def test_S062_what_was_not_chosen_is_null(service: Service, deployed: str) -> None:
    """Not the word None."""
    shown = info(service, deployed)

    assert (shown["cpuReserve"], shown["memoryReserve"]) == (None, None)


@pytest.mark.parametrize("place", ["scv/pmml", "svc/pmml", "scv/onnx", "svc/onnx"])
def test_S067_S068_a_service_answers(service: Service, deployed: str, place: str) -> None:
    """As model-test does, under every spelling."""
    answer = call(service, "POST", f"/api/v1/{place}/{deployed}", json=IRIS)

    data = answer.json()["data"]
    assert (answer.status_code, data["status"], data["task"]) == (200, True, "classification")
    assert [it["label"] for it in data["result"]] == LABELS
    assert set(data["result"][0]["probabilities"]) == set(SPECIES)


def test_S067_a_body_around_it_is_taken_off(service: Service, deployed: str) -> None:
    """What model-test is sent may be sent here."""
    answer = call(service, "POST", f"/api/v1/scv/pmml/{deployed}", json={"data": IRIS})

    assert [it["label"] for it in answer.json()["data"]["result"]] == LABELS


@pytest.mark.parametrize("how", [{"params": {"wait": "false"}}, {"headers": {"Prefer": "respond-async"}}])
def test_S069_fast_return(service: Service, deployed: str, how: dict[str, Any]) -> None:
    """202 at once, and the result under the request's id."""
    answer = ask(service, deployed, **how)
    data = answer.json()["data"]
    assert (answer.status_code, data["status"], data["state"]) == (202, True, "running")

    found = until(lambda: ended(service, deployed, data["requestId"]), why="it is answered")
    assert (found["state"], [it["label"] for it in found["result"]]) == ("success", LABELS)


def ended(service: Service, name: str, request_id: str) -> Any:
    """The answer to a request, once there is one."""
    data = call(service, "GET", f"/api/v1/scv/pmml/{name}/requests/{request_id}").json()["data"]
    return data if data.get("state") in ("success", "failed") else None


def test_S069_a_request_that_fails(service: Service, deployed: str) -> None:
    """It says why."""
    path = f"/api/v1/scv/pmml/{deployed}?wait=false"
    request_id = call(service, "POST", path, json={"X": [{"sepal_length": 1}]}).json()["data"]["requestId"]

    found = until(lambda: ended(service, deployed, request_id), why="it is answered")
    assert (found["status"], found["state"]) == (False, "failed")
    assert found["message"]
    assert call(service, "GET", f"/api/v1/scv/pmml/{deployed}/requests/none").status_code == 404


def test_S065_S066_replicas_are_paused_and_started(service: Service, iris: str) -> None:
    """503 while all are paused; deleting the last one removes the service."""
    name = deploy(service, iris)
    operate = {"podName": f"{name}-0", "operationType": "pause"}
    assert call(service, "POST", "/operate-pod", json=operate).json() == {"data": {"status": True}}
    assert statuses(service, name) == ["paused"]
    refused = ask(service, name)
    assert (refused.status_code, refused.json()["data"]["status"]) == (503, False)
    assert refused.headers["retry-after"]

    call(service, "POST", "/operate-pod", json={"podName": f"{name}-0", "operation": "start"})
    until(lambda: statuses(service, name) == ["running"], why="it runs again")
    assert ask(service, name).status_code == 200

    call(service, "POST", "/operate-pod", json=operate | {"operationType": "delete"})
    assert call(service, "POST", "/service-info", json={"serviceName": name}).status_code == 404
    assert ask(service, name).status_code == 404


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"modelName": "nothing"}, 404, "modelName"),
        ({"serverVersion": "2.7"}, 400, "serverVersion"),
        ({"replicas": 0}, 400, "replicas"),
        ({"replicas": 1000}, 400, "replicas"),
        ({"replicas": "two"}, 400, "replicas"),
        ({"serviceName": "a b"}, 400, "serviceName"),
        ({"memoryReserve": "lots"}, 400, "memoryReserve"),
        ({"cpuReserve": -1}, 400, "cpuReserve"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_S059_what_cannot_be_deployed(
    service: Service, iris: str, changed: dict[str, Any], status: int, words: str
) -> None:
    """The field is named, and nothing is deployed."""
    body = {"modelName": iris, "serviceName": new_name(), "serverVersion": "3.8", "replicas": 1, **changed}
    answer = call(service, "POST", "/model-deploy-service", json=body)

    assert (answer.status_code, answer.json()["data"]["status"]) == (status, False), answer.text
    assert words in answer.json()["message"]


def test_S008_S040_a_name_is_taken_and_its_model_is_used(service: Service, iris: str, deployed: str) -> None:
    """409 for both."""
    body = {"modelName": iris, "serviceName": deployed, "serverVersion": "3.8"}
    assert call(service, "POST", "/model-deploy-service", json=body).status_code == 409
    refused = call(service, "POST", "/operate-model", json={"modelName": iris, "operation": "delete"})
    assert (refused.status_code, deployed in refused.json()["message"]) == (409, True)


def test_S065_an_unknown_replica(service: Service, deployed: str) -> None:
    """404, with status false."""
    for name in (f"{deployed}-7", "nothing-0", "nothing"):
        answer = call(service, "POST", "/operate-pod", json={"podName": name, "operationType": "pause"})
        assert (answer.status_code, answer.json()["data"]["status"]) == (404, False), answer.text


def test_a_service_is_scaled(service: Service, iris: str) -> None:
    """To more, to fewer, to none, and back."""
    name = deploy(service, iris)
    for replicas in (3, 1, 0):
        call(service, "POST", "/service-scale", json={"serviceName": name, "replicas": replicas})
        until(lambda n=replicas: statuses(service, name) == ["running"] * n, why=f"{replicas} run")
    assert ask(service, name).status_code == 503
    call(service, "POST", "/service-scale", json={"serviceName": name, "replicas": 1})
    until(lambda: ask(service, name).status_code == 200, why="it answers again")


def test_by_events(service: Service, stock: StockClient, iris: str) -> None:
    """The command deploys, the request is answered, both by what a producer sends."""
    name, topics = new_name(), service.topics
    results = service.tail(topics.scoring_results)
    fields = {"service": name, "model_name": iris, "server_version": "3.9", "replicas": 1}
    stock.command(topics.service_commands, name, "DeployService", **fields, cpu_reserve=None, memory_reserve=None)
    until(lambda: call(service, "POST", "/service-info", json={"serviceName": name}).status_code == 200, why="deployed")
    request_id = stock.command(topics.scoring_requests, name, "ScoringRequest", service=name, data=json.dumps(IRIS))

    found = until(lambda: ended(service, name, request_id), why="it is answered")
    assert found["state"] == "success", found
    assert [it["label"] for it in found["result"]] == LABELS
    try:
        keys = until(lambda: [it.key() for it in results.poll() if it.key() == request_id.encode()], why="the event")
        assert keys == [request_id.encode()]
    finally:
        results.close()


def test_the_open_inference_protocol(service: Service, deployed: str) -> None:
    """The stock client of Triton, with tensors in JSON and in binary form."""
    client = triton.InferenceServerClient(service.api.url.removeprefix("http://"))
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(deployed)
    [asked] = client.get_model_metadata(deployed)["inputs"]
    values = np.array([list(it.values()) for it in records(3)], np.float32)
    for binary in (True, False):
        tensor = triton.InferInput(asked["name"], list(values.shape), asked["datatype"])
        tensor.set_data_from_numpy(values, binary_data=binary)
        answer = client.infer(deployed, [tensor])

        assert [it if isinstance(it, str) else it.decode() for it in answer.as_numpy("label").tolist()] == LABELS
        assert answer.as_numpy("probabilities").shape == (3, 3)
        wanted = [triton.InferRequestedOutput("probabilities", binary_data=binary)]
        answer = client.infer(deployed, [tensor], outputs=wanted)
        told = answer.get_output("probabilities")
        assert told.get("parameters", {}).get("binary_data_size") == (72 if binary else None)
        assert np.allclose(answer.as_numpy("probabilities").sum(axis=1), 1)
    assert call(service, "GET", "/v2/models/nothing").json().keys() == {"error"}
    for method, place in (("GET", ""), ("GET", "/ready"), ("POST", "/infer")):
        answer = call(service, method, f"/v2/models/{deployed}/versions/2{place}")
        assert (answer.status_code, list(answer.json())) == (404, ["error"]), answer.text
    client.close()


@pytest.mark.slow
def test_pmml_by_the_open_inference_protocol(service: Service) -> None:
    """Single values come with an axis of their own from clients that send tables; it was answered with 500."""
    name = deploy(service, uploaded(service.api, "iris_logistic.pmml"))
    columns = {key: [it[key] for it in records(3)] for key in records(1)[0]}
    for shape in ([3], [3, 1]):
        inputs = [{"name": key, "shape": shape, "datatype": "FP64", "data": of} for key, of in columns.items()]
        answer = call(service, "POST", f"/v2/models/{name}/infer", json={"inputs": inputs})
        assert answer.status_code == 200, answer.text
        assert answer.json()["outputs"][0]["data"] == LABELS
