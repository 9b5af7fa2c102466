"""How all addresses of contract 003 answer: `data` around everything, Booleans that are, keys without Chinese."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.scoring.samples import new_name, uploaded
from tests.integration.services import Service
from tests.iris_models import FEATURES, records

PREFIXES = ("", "/api/v1")
FLOWER = {"X": {"X": [list(records(1)[0].values())]}}


@pytest.fixture(scope="module")
def asked(service: Service) -> dict[str, httpx.Response]:
    """Every address of the contract, each asked once with what it takes, by a client that shows no credentials."""
    name, model = new_name(), uploaded(service.api, "iris_logistic.onnx")
    lines = [",".join(FEATURES), *(",".join(map(str, record.values())) for record in records(3))]
    table = {"file": (f"{name}.csv", "\n".join(lines).encode())}
    script = {"inputDataset": f"{name}.csv", "outputDataset": f"{name}-out.csv", "modelName": model, "fileName": name}
    deployed = {"modelName": model, "serviceName": name, "serverVersion": "3.8"}
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/model-info", {}),
        ("POST", "/model-descript", {"json": {"modelName": model}}),
        ("GET", "/model-variable", {"params": {"modelName": model}}),
        ("POST", "/model-test", {"json": {"modelName": model, "type": "onnx", "data": FLOWER}}),
        ("GET", "/model-deploy-service", {}),
        ("POST", "/model-deploy-service", {"json": deployed}),
        ("POST", "/service-info", {"json": {"serviceName": name}}),
        ("GET", "/service-list", {}),
        ("POST", f"/api/v1/scv/pmml/{name}", {"json": FLOWER}),
        ("POST", f"/api/v1/scv/onnx/{name}?wait=false", {"json": FLOWER}),
        ("POST", "/operate-pod", {"json": {"podName": f"{name}-0", "operationType": "pause"}}),
        ("POST", "/add-dataset", {"files": table, "data": {"dataSource": "local", "fileName": f"{name}.csv"}}),
        ("GET", "/dataset-info", {}),
        ("POST", "/operate-dataset", {"json": {"dataset": f"{name}.csv", "operationType": "download"}}),
        ("POST", "/generate-script", {"json": script}),
        ("POST", "/model-deploy-job", {"json": {"fileName": name, "jobName": name}}),
        ("POST", "/job-info", {"json": {"jobName": name}}),
        ("POST", "/operate-run", {"json": {"runName": f"{name}-1", "type": "delete"}}),
        ("POST", "/operate-pod", {"json": {"podName": f"{name}-0", "operationType": "delete"}}),
        ("POST", "/operate-model", {"json": {"modelName": model, "operation": "delete"}}),
    ]
    return {
        f"{method} {path}": service.api.call(method, path, follow_redirects=False, **sent)
        for method, path, sent in steps
    }


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys of an answer with their values, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from pairs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pairs(inner)


def test_S003_S120_every_answer_is_in_data(asked: dict[str, httpx.Response]) -> None:
    """An object under the one key, for whoever asks: nobody has to log in."""
    for what, answer in asked.items():
        assert answer.status_code in (200, 202), (what, answer.text)
        body = answer.json()
        assert list(body) == ["data"], what
        assert isinstance(body["data"], dict), what


def test_S001_keys_are_the_ascii_part(asked: dict[str, httpx.Response]) -> None:
    """As the notes name them, without the explanation before them."""
    keys = {key for answer in asked.values() for key, _ in pairs(answer.json())}

    assert all(key.isascii() for key in keys), keys
    assert {"modelList", "datasetList", "podList", "runList", "restfulUrl", "modelName", "status", "code"} <= keys
    assert {"inputVariables", "targetVariables", "modelEngine", "algorithm", "descript", "createTime"} <= keys


def test_S004_status_is_a_boolean(asked: dict[str, httpx.Response]) -> None:
    """JSON true, of everything that does something; never a word or a number."""
    acts = [what for what, answer in asked.items() if "status" in answer.json()["data"]]

    assert len(acts) >= 12
    told = {what: asked[what].json()["data"]["status"] for what in acts}
    assert [what for what, it in told.items() if it is not True] == ["POST /service-info"]  # S-016: that of a service


@pytest.mark.parametrize("prefix", PREFIXES, ids=["root", "api"])
@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("POST", "/model-descript", {"json": {"modelName": "nobody"}}, 404),
        ("POST", "/model-descript", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ("POST", "/model-test", {"content": b"<X/>", "headers": {"Content-Type": "text/xml"}}, 415),
        ("PUT", "/model-info", {}, 405),
        ("POST", "/service-info", {"json": {}}, 400),
        ("POST", "/operate-pod", {"json": {"podName": "nobody-0", "operationType": "pause"}}, 404),
        ("POST", "/operate-dataset", {"json": {"dataset": "nobody.csv", "operationType": "delete"}}, 404),
        ("POST", "/operate-run", {"json": {"runName": "nobody", "type": "stop"}}, 404),
        ("POST", "/job-info", {"json": {"jobName": "nobody"}}, 404),
        ("POST", "/generate-script", {"json": {}}, 400),
        ("POST", "/model-deploy-job", {"json": {}}, 400),
        ("POST", "/add-dataset", {"data": {"dataSource": "elsewhere", "fileName": "a.csv"}}, 400),
        ("POST", "/operate-model", {"content": b"x" * 400_000}, 413),
    ],
)
def test_S003_S004_S005_refusals_are_in_data_too(
    http: httpx.Client, prefix: str, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    """`data.status` false can always be read, whatever refuses."""
    answer = http.request(method, f"{prefix}{path}", **sent)

    body = answer.json()
    assert (answer.status_code, body["data"]) == (status, {"status": False}), answer.text
    assert body["code"]
    assert body["message"]
