"""Signatures, with the signers of Huawei Cloud and of Amazon as oracles."""

import hashlib
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from streams.access.signatures import AWS, HUAWEI, Asked, Signed, dated, is_signed, parsed, signature_of

_AK, _SK = "AKAKAKAKAKAKAKAKAKAK", "a secret of forty characters: 0123456789"
_SIGNATURE: Final = "0" * 64


def by_huawei(method: str, path: str, query: list[tuple[str, Any]], headers: dict[str, str], body: str) -> Asked:
    """The request as Huawei's own signer has it sent."""
    request = SdkRequest(
        method=method,
        schema="http",
        host="127.0.0.1:8080",
        resource_path=path,
        uri=path,
        query_params=query,
        header_params=dict(headers),
        body=body,
    )
    Signer(BasicCredentials(_AK, _SK, "p1")).sign(request)
    raw, _, sent = request.uri.partition("?")
    told = {name.lower(): value.encode("latin-1").decode() for name, value in request.header_params.items()}
    return Asked(method, raw.encode(), sent.encode(), told)


def by_amazon(method: str, url: str, headers: dict[str, str], body: bytes) -> Asked:
    """The request as botocore, which boto3 signs with, has it sent."""
    request = AWSRequest(method, url, headers, body)
    SigV4Auth(Credentials(_AK, _SK), "sagemaker", "eu-central-1").add_auth(request)
    parts = urlsplit(url)
    told = {name.lower(): value for name, value in request.headers.items()} | {"host": parts.netloc}
    return Asked(method, parts.path.encode(), parts.query.encode(), told)


def verified(asked: Asked, body: bytes, secret: str = _SK) -> bool:
    signed = parsed(asked.headers["authorization"])
    assert signed is not None
    return signature_of(signed, asked, hashlib.sha256(body).hexdigest(), secret) == signed.signature


HUAWEI_REQUESTS: Final = [
    ("GET", "/v1/p1/training-jobs", [], {}, ""),
    ("GET", "/v1/p1/training-jobs", [("per_page", 10), ("page", 1), ("search_content", "a b&c=ä")], {}, ""),
    ("GET", "/v1/p1/training-jobs", [("b", "2"), ("a", "1"), ("b", "1"), ("c", "")], {}, ""),
    ("POST", "/v1/p1/training-jobs", [], {"Content-Type": "application/json"}, '{"job_name": "ü"}'),
    ("POST", "/v1/p1/training-jobs/", [], {"Content-Type": "application/json", "X-Project-Id": "p1"}, "{}"),
    ("GET", "/uploads/gr%C3%B6%C3%9Fe%20b.csv", [], {"X-Note": "ä  b "}, ""),
    ("DELETE", "/v1/p1/training-jobs/7", [], {"Content-Type": "application/json"}, ""),
]


@pytest.mark.parametrize("request_of", HUAWEI_REQUESTS, ids=str)
def test_T025_what_huaweis_own_signer_signs_is_verified(request_of: Any) -> None:
    """Query, body, headers and path as it sends them."""
    asked = by_huawei(*request_of)

    assert verified(asked, request_of[-1].encode())
    assert not verified(asked, request_of[-1].encode(), "another secret")


@pytest.mark.parametrize("request_of", HUAWEI_REQUESTS, ids=str)
def test_whatever_is_changed_makes_another_signature(request_of: Any) -> None:
    """One byte of method, path, query, signed header, date or body."""
    asked, body = by_huawei(*request_of), request_of[-1].encode()
    changed = [
        Asked("PATCH", asked.path, asked.query, asked.headers),
        Asked(asked.method, asked.path.replace(b"a", b"b", 1), asked.query, asked.headers),
        Asked(asked.method, asked.path.replace(b"a", b"%2561", 1), asked.query, asked.headers),
        Asked(asked.method, asked.path, asked.query + b"&z=1", asked.headers),
        Asked(asked.method, asked.path, asked.query, asked.headers | {"host": "127.0.0.1:8081"}),
        Asked(asked.method, asked.path, asked.query, asked.headers | {"x-sdk-date": "20300101T000000Z"}),
    ]

    assert not [it for it in changed if verified(it, body)]
    assert not verified(asked, body + b" ")


def test_the_order_of_a_query_is_not_signed() -> None:
    """Both ways of signing sort it, so that proxies may write it otherwise; a repeat is refused all the same."""
    asked = by_huawei("GET", "/job/", [("a", "1"), ("b", "2")], {}, "")

    assert verified(Asked("GET", asked.path, b"b=2&a=1", asked.headers), b"")


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", "http://127.0.0.1:8080/endpoints", b""),
        ("GET", "http://127.0.0.1:8080/transform-jobs?b=2&a=1%20x&a=%C3%A4", b""),
        ("POST", "http://127.0.0.1:8080/endpoints/a%20b/invocations", b'{"instances": []}'),
        ("PUT", "http://127.0.0.1:8080/uploads/a~b/c%2Bd.csv", b"a,b\n"),
    ],
)
def test_what_boto3_signs_is_verified(method: str, url: str, body: bytes) -> None:
    """Signature Version 4, by botocore."""
    asked = by_amazon(method, url, {"Content-Type": "application/json", "X-Amz-Target": "a   b"}, body)

    assert verified(asked, body)
    assert not verified(asked, body + b" ")
    assert not verified(asked, body, "another secret")


def header(scheme: str, *, who: str, headers: str = "host;x-sdk-date", signature: str = _SIGNATURE) -> str:
    return f"{scheme} {who}, SignedHeaders={headers}, Signature={signature}"


def test_T025_a_header_is_read_with_either_word_for_the_key() -> None:
    """The contract says Credential, the signer writes Access."""
    wanted = Signed(HUAWEI, _AK, (), ("host", "x-sdk-date"), _SIGNATURE)

    assert parsed(header("SDK-HMAC-SHA256", who=f"Access={_AK}")) == wanted
    assert parsed(header("sdk-hmac-sha256", who=f"Credential={_AK}")) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SDK-HMAC-SHA256",
        "SDK-HMAC-SHA256 Access=a",
        header("SDK-HMAC-SHA1", who="Access=a"),
        header("SDK-HMAC-SHA256", who="Access="),
        header("SDK-HMAC-SHA256", who="Access=a", headers="x-sdk-date"),
        header("SDK-HMAC-SHA256", who="Access=a", headers="host"),
        header("SDK-HMAC-SHA256", who="Access=a", headers="x-sdk-date;host"),
        header("SDK-HMAC-SHA256", who="Access=a", headers="host;host;x-sdk-date"),
        header("SDK-HMAC-SHA256", who="Access=a", signature="0" * 63),
        header("SDK-HMAC-SHA256", who="Access=a", signature="G" * 64),
        header("AWS4-HMAC-SHA256", who="Credential=a", headers="host;x-amz-date"),
        header("AWS4-HMAC-SHA256", who="Credential=a/20260101/r/s/aws5_request", headers="host;x-amz-date"),
    ],
)
def test_a_header_that_is_not_whole_is_none(text: str) -> None:
    assert parsed(text) is None


@pytest.mark.parametrize(
    "date", ["", "20260101T000000", "2026-01-01T00:00:00Z", "20261301T000000Z", "20260101T000000Z "]
)
def test_T024_a_date_must_be_as_it_is_told(date: str) -> None:
    signed = Signed(HUAWEI, _AK, (), (), _SIGNATURE)

    assert dated(signed, {"x-sdk-date": "20190307T101459Z"}) == 1_551_953_699
    assert dated(signed, {"x-sdk-date": date}) is None


def test_amazons_scope_names_the_day_of_the_date() -> None:
    signed = Signed(AWS, _AK, ("20190308", "r", "s", "aws4_request"), (), _SIGNATURE)

    assert dated(signed, {"x-amz-date": "20190308T101459Z"}) is not None
    assert dated(signed, {"x-amz-date": "20190307T101459Z"}) is None


def test_only_known_ways_are_signatures() -> None:
    assert is_signed("SDK-HMAC-SHA256 x")
    assert not is_signed("Bearer x")
