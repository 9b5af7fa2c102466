"""Endpoints: how they are found, described and addressed (D-001 … D-003, D-072, D-082), and SageMaker's own client."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import orjson
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from connectors.objects import endpoints
from connectors.objects.store import ObjectStore
from tests.acceptance.conftest import LIMITS
from tests.acceptance.deepar import JSON_LINES, SEED, check_refusal, instance, invoke, lines_of, publish
from tests.integration.services import Service, until

NAME = "endpoints-demo"
BODY = {"instances": [instance()], "configuration": SEED}


@pytest.fixture(scope="module", autouse=True)
def store(service: Service) -> ObjectStore:
    """The service's object store, with one endpoint of this module."""
    store = ObjectStore(service.settings.object_store_url)
    publish(store, NAME, version="V0001", cardinality=(3, 4), num_dynamic_feat=2)
    publish(store, "endpoints-plain")
    return store


@pytest.fixture
def sagemaker(service: Service) -> Iterator[Any]:
    """Amazon's client of deployed models, of which only the address is changed."""
    client = boto3.client(
        "sagemaker-runtime",
        endpoint_url=service.stack.url,
        region_name="eu-west-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
        config=Config(retries={"max_attempts": 0}),
    )
    yield client
    client.close()


def test_D072_an_endpoint_tells_what_its_requests_must_look_like(http: httpx.Client) -> None:
    """Frequency, lengths, categories and features."""
    answer = http.get(f"/endpoints/{NAME}")

    assert answer.status_code == 200
    assert answer.json() == {
        "name": NAME,
        "status": "InService",
        "version": "V0001",
        "project_id": "p",
        "job_id": 1,
        "time_freq": "D",
        "prediction_length": 3,
        "context_length": 5,
        "cardinality": [3, 4],
        "num_dynamic_feat": 2,
        "likelihood": "gaussian",
        "num_cells": 6,
        "num_layers": 2,
        "created": 1_700_000_000_000,
        "environment": {},
    }
    assert http.get("/endpoints/endpoints-plain").json()["cardinality"] is None


def test_D072_all_endpoints_are_listed_by_name(http: httpx.Client) -> None:
    """With their descriptions; a slash at the end does no harm."""
    listed = http.get("/endpoints").json()["endpoints"]

    assert [one["name"] for one in listed] == sorted(one["name"] for one in listed)
    assert http.get(f"/endpoints/{NAME}").json() in listed
    assert http.get("/endpoints/").json()["endpoints"] == listed


@pytest.mark.parametrize("name", ["no-such-endpoint", "%2e%2e", "a b", "x" * 300, "%00"])
def test_D082_an_endpoint_that_is_not_there_is_404(http: httpx.Client, name: str) -> None:
    """To describe as to ask; no name leads out of the store."""
    for answer in (http.get(f"/endpoints/{name}"), http.post(f"/endpoints/{name}/invocations", json=BODY)):
        assert answer.status_code == 404
        if "no endpoint" in answer.text:
            assert check_refusal(answer, 404, "there is no endpoint", "GET /endpoints")["code"] == "NotFoundError"


def test_D002_ping_says_that_endpoints_can_be_asked(http: httpx.Client) -> None:
    """200, with nothing in it."""
    answer = http.get("/ping")

    assert (answer.status_code, answer.content) == (200, b"")
    assert http.head("/ping").status_code == 200  # as load balancers ask


def test_execution_parameters_are_told_as_a_container_of_sagemaker_does(http: httpx.Client) -> None:
    """How many requests at a time, of what, and how large."""
    answer = http.get("/execution-parameters")
    told = answer.json()

    assert answer.status_code == 200
    assert set(told) == {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}
    assert (told["BatchStrategy"], told["MaxPayloadInMB"]) == ("SINGLE_RECORD", 1)  # LIMITS allows less than that
    assert told["MaxConcurrentTransforms"] >= 1


def test_a_body_may_begin_with_a_byte_order_mark(http: httpx.Client) -> None:
    """As editors and shells of Windows write it."""
    path, headers = "/endpoints/endpoints-plain/invocations", {"Content-Type": "application/json"}

    assert http.post(path, content=b"\xef\xbb\xbf" + orjson.dumps(BODY), headers=headers).status_code == 200


def test_D002_invocations_without_a_name_need_one(http: httpx.Client) -> None:
    """There are several endpoints: which one is meant cannot be guessed."""
    answer = http.post("/invocations", json=BODY)

    assert check_refusal(answer, 409, "several endpoints", "/endpoints/{name}/invocations")["code"] == "ConflictError"


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON", None]
)
def test_D003_json_is_declared_in_any_usual_way(http: httpx.Client, content_type: str | None) -> None:
    """Or not at all."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = http.post("/endpoints/endpoints-plain/invocations", content=orjson.dumps(BODY), headers=headers)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("content_type", ["text/csv", "application/x-recordio-protobuf", "application/x-ndjson", "x"])
def test_D003_other_content_types_are_refused(http: httpx.Client, content_type: str) -> None:
    """415 names the two that are possible."""
    answer = http.post(f"/endpoints/{NAME}/invocations", content=b"1,2", headers={"Content-Type": content_type})

    check_refusal(answer, 415, f"Content-Type is {content_type}", "application/json or application/jsonlines")


def test_D003_a_packed_body_is_refused(http: httpx.Client) -> None:
    """Rather than read as nonsense."""
    answer = http.post(f"/endpoints/{NAME}/invocations", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})

    check_refusal(answer, 415, "Content-Encoding")


def test_D082_a_body_above_the_limit_is_413(http: httpx.Client) -> None:
    """Whether its length is said or not; the message names the setting."""
    large = b" " * (LIMITS["max_body_bytes"] + 1)
    for content in (large, iter([large])):
        answer = http.post("/endpoints/endpoints-plain/invocations", content=content)
        assert check_refusal(answer, 413, "TIDECAST_MAX_BODY_BYTES")["code"] == "TooLargeError"


def test_D070_a_new_version_serves_soon(http: httpx.Client, store: ObjectStore) -> None:
    """Without an error in between, and under the same name."""
    publish(store, "endpoints-renewed")
    path = "/endpoints/endpoints-renewed/invocations"
    assert len(http.post(path, json=BODY).json()["predictions"][0]["mean"]) == 3
    publish(store, "endpoints-renewed", version="2", prediction_length=4)

    def renewed() -> bool:
        (found,) = invoke(http, "endpoints-renewed", instance(), **SEED)
        return len(found["mean"]) == 4

    until(renewed, why="the new version serves")
    endpoints.delete(store, "endpoints-renewed")
    until(lambda: http.post(path, json=BODY).status_code == 404, why="it is gone")


def test_a_damaged_endpoint_harms_no_other(http: httpx.Client, store: ObjectStore) -> None:
    """It is not listed, and who asks it is told what to do."""
    store.put_bytes("endpoints/endpoints-damaged/endpoint.json", b'{"name": "endpoints-damaged"}')

    check_refusal(http.post("/endpoints/endpoints-damaged/invocations", json=BODY), 404, "damaged", "train its model")
    assert "endpoints-damaged" not in {one["name"] for one in http.get("/endpoints").json()["endpoints"]}


def test_a_model_that_cannot_be_read_is_500_and_the_reason_stays_in_the_log(
    http: httpx.Client, store: ObjectStore
) -> None:
    """Nobody is shown a traceback."""
    publish(store, "endpoints-broken")
    store.put_bytes("endpoints/endpoints-broken/1/model.npz", b"nonsense")

    answer = http.post("/endpoints/endpoints-broken/invocations", json=BODY)
    check_refusal(answer, 500, "the model failed on this request; the service's log says why")


def test_D001_sagemakers_client_works_with_another_address(sagemaker: Any, http: httpx.Client) -> None:
    """invoke_endpoint with JSON: the same answer as to any other client."""
    answer = sagemaker.invoke_endpoint(
        EndpointName="endpoints-plain", ContentType="application/json", Accept="*/*", Body=json.dumps(BODY)
    )

    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert json.load(answer["Body"])["predictions"] == invoke(http, "endpoints-plain", instance(), **SEED)


def test_D003_sagemakers_client_sends_json_lines(sagemaker: Any, http: httpx.Client) -> None:
    """A prediction per line."""
    content = lines_of([instance()] * 3)
    answer = sagemaker.invoke_endpoint(
        EndpointName="endpoints-plain", ContentType=JSON_LINES["Content-Type"], Body=content
    )

    assert answer["ContentType"] == "application/jsonlines"
    assert [set(json.loads(line)) for line in answer["Body"].read().splitlines()] == [{"mean", "quantiles"}] * 3


def test_D081_sagemakers_client_shows_what_is_wrong(sagemaker: Any) -> None:
    """As its own ValidationError, with our message."""
    wrong = {"instances": [instance(cat=[0])]}
    with pytest.raises(sagemaker.exceptions.ValidationError) as refused:
        sagemaker.invoke_endpoint(
            EndpointName="endpoints-plain", ContentType="application/json", Body=json.dumps(wrong)
        )

    assert refused.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": "cat is given, but the model was trained without categories: leave cat out",
    }
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_D082_sagemakers_client_shows_that_there_is_no_endpoint(sagemaker: Any) -> None:
    """A ClientError that names it."""
    with pytest.raises(ClientError, match="there is no endpoint 'nobodys'") as missing:
        sagemaker.invoke_endpoint(EndpointName="nobodys", ContentType="application/json", Body=json.dumps(BODY))

    assert missing.value.response["Error"]["Code"] == "NotFoundError"
