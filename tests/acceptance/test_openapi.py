"""The API document, what generated requests make of it, and the pages of operation (J-007, decision 13)."""

import re
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from connectors.objects.store import ObjectStore
from tests.acceptance.deepar import instance, lines_of, publish
from tests.acceptance.forecasting.jobs import element, new_job, sample, train
from tests.acceptance.stock import StockClient
from tests.addresses import OPERATIONS
from tests.integration.services import Api, Service, until

_CHECKS = [not_a_server_error, response_schema_conformance, status_code_conformance, content_type_conformance]
_TRANSFORM = {
    "TransformJobName": "generated",
    "ModelName": "generated",
    "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "/uploads/generated.jsonl"}}},
    "TransformOutput": {"S3OutputPath": "/outputs/generated"},
}
_EXAMPLES = 25  # per operation; more found nothing more
_NOT_GENERATED = {  # a stream has no end, and a view that is read anew again and again is what nobody can ask
    "GET /api/v1/workloads/{workload_uid}/metrics/stream",
    "POST /api/v1/metrics/rebuild",
    "GET /watch",
}


@pytest.fixture(scope="module")
def document(service: Service) -> Any:
    """The running service's own document, as schemathesis reads it."""
    return schemathesis.openapi.from_url(f"{service.stack.url}/openapi.json")


@pytest.fixture(scope="module")
def real(service: Service) -> dict[str, Any]:
    """Ids and names that exist, by the first part of a path; generated ones nearly never do."""
    job_id, (ts_id,) = new_job(service.api, sample())
    train(service.api, job_id, element(ts_id, refit=1))
    data_id = service.api.get(f"/job/{job_id}/")["data_id"]
    service.api.finished(job_id)
    publish(ObjectStore(service.settings.object_store_url), "generated")
    service.api.call("PUT", "/uploads/generated.jsonl", content=lines_of([instance()]))
    service.api.call("POST", "/transform-jobs", json=_TRANSFORM)
    names = {"model_name": "LinearFit", "subject": "tidecast.CreateJob", "version": "latest", "schema_id": 1}
    plain = {"workload_uid": "generated", "request_id": "generated", "kind": "traces", "number": 0}
    plain |= {"entity": "generated", "project": "generated", "run": "generated"}
    parameter = [{"label": "time_freq", "value": "D"}, {"label": "prediction_length", "value": 3}]
    config = {"worker_server_num": 1, "model_id": 5, "data_url": "/uploads/none.jsonl", "parameter": parameter}
    sent = {"job_name": "generated-too", "config": config}
    trained = service.api.call("POST", "/v1/generated/training-jobs", json=sent).json()
    training = {"project_id": "generated", "job_id": trained["job_id"], "version_id": trained["version_id"]}
    stock = StockClient(service)
    stock.raw(service.topics.job_commands, b"generated", b"no event")
    stock.close()
    kept = {"params": {"key": "generated"}}
    letter = until(lambda: service.api.get("/dead-letters", **kept)["dead_letters"], why="the letter is listed")[0]
    return {
        "access": {"user": "generated", "access_key": "generated", "project": "default"},
        "dead-letters": {"letter_id": letter["id"]},
        "": {"job_id": job_id, "data_id": data_id, "ts_id": ts_id, "name": "generated", **names, **plain},
        "v1": {**training, "config_name": "generated"},
        "uploads": {"path": "generated.jsonl"},
        "outputs": {"path": "generated/generated.jsonl.out"},
    }


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one not in _NOT_GENERATED])
def test_J007_generated_requests_are_answered_as_the_document_says(
    document: Any, real: dict[str, Any], operation: str
) -> None:
    """Any request the document allows: no 5xx, and status, content type and body are as described."""
    method, path = operation.split()

    @settings(
        max_examples=_EXAMPLES,
        derandomize=True,  # the same requests in every run
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=document[path][method].as_strategy())
    def check(case: Any) -> None:
        case.call_and_validate(checks=_CHECKS)
        if case.path_parameters and method != "DELETE":
            known = real.get(path.split("/")[1], real[""])
            case.path_parameters = {name: known[name] for name in case.path_parameters}
            case.call_and_validate(checks=_CHECKS)

    check()


def test_J007_no_operation_is_left_out(http: httpx.Client) -> None:
    """The list of all operations is the document's."""
    paths = http.get("/openapi.json").json()["paths"]

    assert {f"{method.upper()} {path}" for path in paths for method in paths[path]} == set(OPERATIONS)


def test_J007_the_document_has_the_field_names_of_put(http: httpx.Client) -> None:
    """Their names are the contract's, "indexs" included."""
    document = http.get("/openapi.json").json()
    body = document["paths"]["/job/{job_id}/"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    fields = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]["properties"]

    assert {"timestamp_indexs", "target_indexs", "groupby_indexs", "freq", "time_zone"} <= set(fields)


def test_J007_every_operation_is_described(http: httpx.Client) -> None:
    """A summary, a description and the answers, and errors in the envelope of J-145."""
    for path, operations in http.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert set(operation["responses"]) & {"200", "201", "202", "204"}, (method, path)
            assert path.startswith("/registry/") or "422" not in operation["responses"], (method, path)


def test_J007_the_page_of_the_api_loads_nothing_from_elsewhere(http: httpx.Client) -> None:
    """Every address in /docs is on this service and answers; so the page works without a network."""
    page = http.get("/docs")
    addresses = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page.text)

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert len(addresses) >= 3
    assert "//" not in "".join(addresses)
    for address in addresses:
        assert http.get(address).status_code == 200, address


def test_D13_the_root_is_the_dashboard_and_names_the_api_page(http: httpx.Client) -> None:
    """Decision 13: one port serves both; whoever opens the bare address finds them."""
    page = http.get("/")

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'href="/docs"' in page.text


def test_D13_health_and_readiness(http: httpx.Client) -> None:
    """Decision 13: both are 200 while the service works."""
    alive, ready = http.get("/healthz"), http.get("/readyz")

    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


def test_D13_metrics_for_prometheus(http: httpx.Client, api: Api) -> None:
    """Decision 13: the figures grow with use; a text of lines `name{labels} number`."""

    def answered() -> float:
        lines = http.get("/metrics").text.splitlines()
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.startswith("tidecast_http_request_seconds_count")
        )

    before = answered()
    for _ in range(5):
        api.get("/model/")
    page = http.get("/metrics")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/plain")
    assert answered() >= before + 5
    for line in page.text.splitlines():
        assert line.startswith("#") or re.fullmatch(r"[a-z_:]+(\{.*\})? \S+", line), line
