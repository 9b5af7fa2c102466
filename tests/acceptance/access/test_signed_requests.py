"""Signed requests, by the stock signers of Huawei Cloud and Amazon (T-024 … T-027; case 61 of ecosystem.md).

Acceptance tests 3 and 4 of security.md.
"""

import hashlib
import json
import time
from typing import Any, Final

import boto3
import botocore.exceptions
import httpx
import openstack
import pytest
from botocore.config import Config
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from huaweicloudsdkmodelarts.v1 import ListDevServersRequest, ModelArtsClient

from tests.acceptance.access.conftest import PASSWORD, People

_JSON: Final = {"Content-Type": "application/json"}


def signed(
    people: People,
    method: str,
    path: str,
    *,
    body: str = "",
    query: Any = (),
    headers: dict[str, str] | None = None,
    secret: str | None = None,
    who: str = "ada",
) -> httpx.Request:
    """A request as Huawei's own signer makes it."""
    key = people.keys[who]
    request = SdkRequest(
        method=method,
        schema="http",
        host=httpx.URL(people.url).netloc.decode(),
        resource_path=path,
        uri=path,
        query_params=list(query),
        header_params=dict(headers or {}),
        body=body,
    )
    Signer(BasicCredentials(key["access_key"], secret or key["secret"], "default")).sign(request)
    return httpx.Request(method, f"{people.url}{request.uri}", headers=request.header_params, content=body.encode())


def send(people: People, request: httpx.Request) -> httpx.Response:
    return people.client().send(request)


def changed(request: httpx.Request, **given: Any) -> httpx.Request:
    """The same with something else."""
    fields: dict[str, Any] = {"url": request.url, "headers": dict(request.headers), "content": request.read()} | given
    fields["headers"].pop("content-length", None)
    return httpx.Request(request.method, **fields)


def test_T025_what_huaweis_signer_signs_comes_in(people: People) -> None:
    """Query, JSON, UTF-8 in the path, and a form, whose body that signer does not sign."""
    asked = [
        signed(people, "GET", "/access/me"),
        signed(people, "GET", "/endpoints", query=[("b", "x y&z"), ("a", "ä")]),
        signed(people, "GET", "/v1/default/training-jobs", query=[("per_page", 10)], headers=_JSON),
        signed(people, "GET", "/access/me", headers={"X-Project-Id": "default"}),
        signed(people, "PUT", "/uploads/form.csv", body="a,b\n", headers={"Content-Type": "text/csv"}),
    ]
    for request in asked:
        answer = send(people, request)
        assert answer.status_code in (200, 201, 204), (request.url, answer.text)
    assert send(people, asked[0]).json()["name"] == "ada"
    assert send(people, signed(people, "GET", "/transform-jobs/größe b")).status_code == 404  # there is none


def test_what_was_changed_is_refused(people: People) -> None:
    """Wrong key, body, query, path, method, host, date, and headers that matter and are not signed."""
    plain = signed(people, "GET", "/job/", query=[("limit", "1"), ("offset", "2")])
    posted = signed(people, "POST", "/job/", body='{"data_id": 1}', headers=_JSON)
    unsigned = posted.headers["Authorization"].replace("SignedHeaders=content-type;", "SignedHeaders=")
    wrong = [
        signed(people, "GET", "/job/", secret="another secret"),
        changed(posted, content=b'{"data_id": 2}'),
        changed(posted, content=b""),
        changed(plain, url=f"{people.url}/job/?limit=1&offset=3"),
        changed(plain, url=f"{people.url}/job/?limit=1"),
        changed(plain, url=f"{people.url}/data/?limit=1&offset=2"),
        changed(
            signed(people, "GET", "/uploads/a b"), url=httpx.URL(people.url).copy_with(raw_path=b"/uploads/a%2520b")
        ),
        changed(posted, headers={**posted.headers, "Authorization": unsigned}),
        changed(posted, headers={**posted.headers, "X-Project-Id": "default"}),
        changed(posted, headers={**posted.headers, "X-Extra": "1"}),
        changed(posted, headers={**posted.headers, "Idempotency-Key": "k"}),
        changed(posted, headers={**posted.headers, "Content-Type": "text/plain"}),
        changed(posted, headers={**posted.headers, "Authorization": posted.headers["Authorization"][:-1] + "g"}),
        changed(plain, headers={**plain.headers, "X-Sdk-Date": "20260101T000000Z"}),
        changed(plain, headers={**plain.headers, "X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}),
    ]
    for number, request in enumerate(wrong):
        answer = send(people, request)
        assert answer.status_code == 401, (number, request.url, answer.text)
        assert "WWW-Authenticate" in answer.headers
    assert send(people, plain).status_code == 200


def test_T026_the_host_is_signed_as_it_is_sent(people: People) -> None:
    """With its port, where it has one that is not the scheme's; another name for the same place is another host."""
    url = httpx.URL(people.url)
    request = signed(people, "GET", "/access/me")
    assert "host" in request.headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert request.headers["host"] == f"{url.host}:{url.port}"
    assert send(people, request).status_code == 200
    unsigned = request.headers["Authorization"].replace("host;", "")
    for headers in (
        {"host": f"localhost:{url.port}"},
        {"host": url.host},
        {"host": f"{url.host}:443"},
        {"authorization": unsigned},
    ):
        answer = send(people, changed(request, headers={**request.headers, **headers}))
        assert answer.status_code in (401, 421), (headers, answer.text)


@pytest.mark.parametrize("minutes", [-16, 16])
def test_T024_a_date_that_is_not_the_present_is_refused(people: People, minutes: int) -> None:
    """With words that tell of the clock; a minute less is good."""

    def at(minutes: int) -> httpx.Response:
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + 60 * minutes))
        return send(people, signed(people, "GET", "/access/me", headers={"X-Sdk-Date": date}))

    far, near = at(minutes), at(minutes - minutes // 8)
    assert (far.status_code, near.status_code) == (401, 200)
    assert "15 minutes" in far.text


def test_a_write_that_comes_again_is_refused(people: People) -> None:
    """And its query in another order as well, which is not signed; what only reads may come again."""
    put = signed(people, "PUT", "/uploads/replayed.csv", body="{}", headers=_JSON, query=[("a", "1"), ("b", "2")])
    assert send(people, put).status_code in (200, 201, 204)
    assert send(people, put).status_code == 401
    assert send(people, changed(put, url=f"{people.url}/uploads/replayed.csv?b=2&a=1")).status_code == 401
    read = signed(people, "GET", "/access/me")
    assert [send(people, read).status_code for _ in range(2)] == [200, 200]


def test_a_body_that_says_its_digest_is_checked_as_it_passes(people: People) -> None:
    """So that a large one need not be kept."""
    body = "x" * 100_000
    digest = {"X-Sdk-Content-Sha256": hashlib.sha256(body.encode()).hexdigest(), **_JSON}
    put = signed(people, "PUT", "/uploads/digest.csv", body=body, headers=digest)
    assert send(people, put).status_code in (200, 201, 204)
    again = signed(people, "PUT", "/uploads/digest-2.csv", body=body, headers=digest)
    answer = send(people, changed(again, content=b"y" * 100_000))
    assert answer.status_code == 401
    assert send(people, signed(people, "GET", "/uploads/digest-2.csv")).status_code == 404


def test_a_key_is_good_for_what_its_user_may(people: People) -> None:
    """403, and after the key is revoked 401."""
    answer = send(people, signed(people, "POST", "/job/", body="{}", headers=_JSON, who="vic"))
    assert answer.status_code == 403
    key = people.made("POST", "/access/keys", {"user": "ada"})
    people.keys["new"] = key
    assert send(people, signed(people, "GET", "/access/me", who="new")).status_code == 200
    assert people.admin.delete(f"/access/keys/{key['access_key']}").status_code == 204
    assert send(people, signed(people, "GET", "/access/me", who="new")).status_code == 401


def test_a_key_made_again_under_one_idempotency_key_is_the_same(people: People) -> None:
    """Who did not get the answer has not lost the secret."""
    asked = {"json": {"user": "bob"}, "headers": {"Idempotency-Key": "a key for bob"}}
    first, second = (people.admin.post("/access/keys", **asked).json() for _ in range(2))

    assert first == second


def test_the_sdk_of_huawei_cloud_comes_in_as_it_is(people: People) -> None:
    """ModelArts' own client; what it asks for is of a later version, and there is no such thing here."""

    def status(secret: str) -> int:
        credentials = BasicCredentials(people.keys["ada"]["access_key"], secret, "default")
        client: Any = ModelArtsClient.new_builder().with_credentials(credentials).with_endpoint(people.url).build()
        with pytest.raises(ClientRequestException) as refused:
            client.list_dev_servers(ListDevServersRequest())
        return int(refused.value.status_code)

    assert (status(people.keys["ada"]["secret"]), status("another secret")) == (404, 401)


def test_boto3_works_as_it_is(people: People) -> None:
    """SageMaker's clients sign by Signature Version 4 with the same keys."""

    def client(service: str, secret: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=people.url,
            region_name="eu-central-1",
            aws_access_key_id=people.keys["ada"]["access_key"],
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 0}),
        )

    def code(secret: str) -> int:
        body = json.dumps({"instances": []}).encode()
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            client("sagemaker-runtime", secret).invoke_endpoint(
                EndpointName="none", Body=body, ContentType="application/json"
            )
        return int(refused.value.response["ResponseMetadata"]["HTTPStatusCode"])

    assert code(people.keys["ada"]["secret"]) == 404  # it came in: there is no such endpoint
    assert code("another secret") == 401


def test_openstacks_sdk_logs_in_as_it_is(people: People) -> None:
    """By password, and finds the project and the address in what it is told."""
    connection = openstack.connect(
        auth_url=f"{people.url}/v3",
        username="ada",
        password=PASSWORD,
        project_name="default",
        user_domain_name="Default",
        project_domain_name="Default",
        region_name="tidecast",
        load_yaml_config=False,
        load_envvars=False,
    )

    assert connection.current_project_id == "default"
    address = connection.session.get_endpoint(service_type="modelarts")
    assert address == f"{people.url}/v1/default"
    assert connection.session.get(f"{address}/training-jobs").json()["is_success"] is True
    with pytest.raises(Exception, match="401"):
        openstack.connect(
            auth_url=f"{people.url}/v3",
            username="ada",
            password="wrong",
            project_name="default",
            user_domain_name="Default",
            project_domain_name="Default",
            load_yaml_config=False,
            load_envvars=False,
        ).authorize()
