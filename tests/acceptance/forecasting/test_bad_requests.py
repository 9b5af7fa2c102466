"""Requests that no client should send: always an answer in words, never a stack or a page (J-001 … J-004, J-145)."""

from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import LIMITS
from tests.acceptance.forecasting.jobs import PREVIEW, check_error, csv, element, new_job
from tests.integration.services import Api

_JSON = {"Content-Type": "application/json"}
_DEEP = 50_000  # brackets; far beyond any parser's stack, below the body limit


@pytest.fixture(scope="module")
def job_id(service: Any) -> int:
    """A job with a series, which nothing in this module changes."""
    return new_job(service.api, csv("day,value", "2020-01-01,1", "2020-01-02,2"))[0]


def _writes(job_id: int) -> list[tuple[str, str]]:
    return [("POST", "/job/"), ("PUT", f"/job/{job_id}/"), ("PATCH", f"/job/{job_id}/")]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="an open brace"),
        pytest.param(b'[{"ts_id": 1,}]', id="a comma too many"),
        pytest.param(b"{'data_id': 1}", id="single quotes"),
        pytest.param(b'{"data_id": 1} // comment', id="a comment"),
        pytest.param(b'{"data_id": NaN}', id="NaN"),
        pytest.param(b'[{"ts_id": Infinity}]', id="Infinity"),
        pytest.param(b'{"data_id": 0x10}', id="a hexadecimal number"),
        pytest.param(b"\xff\xfe{}", id="no UTF-8"),
        pytest.param('{"data_id": 1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"name": "\\ud800", "data_id": 1}', id="half a surrogate pair"),
        pytest.param(b"[" * _DEEP + b"]" * _DEEP, id="deep arrays"),
        pytest.param(b'{"a":' * (_DEEP // 2) + b"1" + b"}" * (_DEEP // 2), id="deep objects"),
        pytest.param(b'{"data_id": ' + b"9" * 100_000 + b"}", id="a number of 100,000 digits"),
        pytest.param(b"name=x&data_id=1", id="a form"),
        pytest.param(b"null", id="null"),
        pytest.param(b"true", id="true"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"17", id="a number"),
    ],
)
def test_J145_malformed_json_is_400(http: httpx.Client, api: Api, job_id: int, body: bytes) -> None:
    """At every address that takes JSON; the job stays as it was."""
    before = api.get(f"/job/{job_id}/")
    for method, path in _writes(job_id):
        check_error(http.request(method, path, content=body, headers=_JSON), 400)

    assert api.get(f"/job/{job_id}/") == before


def test_J145_json_that_is_cut_off_says_where(http: httpx.Client, job_id: int) -> None:
    """The message has the byte."""
    check_error(http.put(f"/job/{job_id}/", content=b'{"timestamp_indexs": [0', headers=_JSON), 400, "JSON", "byte")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "json"])
def test_J001_another_content_type_is_415(http: httpx.Client, job_id: int, kind: str) -> None:
    """The message says what to send."""
    for method, path in _writes(job_id):
        answer = http.request(method, path, content=b"{}", headers={"Content-Type": kind})
        check_error(answer, 415, "application/json")


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]
)
def test_J001_json_with_parameters_is_json(http: httpx.Client, api: Api, kind: str) -> None:
    """Capitals, a charset and the suffix +json are fine."""
    body = b'{"data_id": %d}' % api.add_dataset(PREVIEW)

    assert http.post("/job/", content=body, headers={"Content-Type": kind}).status_code == 201


def test_J042_an_upload_that_is_no_form_is_415(http: httpx.Client) -> None:
    """The bare CSV text is not accepted; the message says what is."""
    check_error(http.post("/data/", content=PREVIEW, headers={"Content-Type": "text/csv"}), 415, "multipart/form-data")


def test_J145_a_compressed_body_is_415(http: httpx.Client, job_id: int) -> None:
    """It could unpack to anything."""
    headers = _JSON | {"Content-Encoding": "gzip"}
    check_error(http.put(f"/job/{job_id}/", content=b"\x1f\x8b", headers=headers), 415, "Content-Encoding")


def test_J161_a_json_body_above_the_limit_is_413(http: httpx.Client, job_id: int) -> None:
    """The message names the limit and its variable."""
    body = b" " * LIMITS["max_body_bytes"] + b"[]"
    answer = http.patch(f"/job/{job_id}/", content=body, headers=_JSON)
    check_error(answer, 413, str(LIMITS["max_body_bytes"]), "TIDECAST_MAX_BODY_BYTES")


@pytest.mark.parametrize(
    "number", ["0", "-1", "x", "1.5", "1e3", "%20", "9007199254740992", "9" * 5000, "%00", "..%2f1", "½"]
)
def test_J004_ids_are_positive_integers(http: httpx.Client, number: str) -> None:
    """Anything else in their place is 400 or 404 at every address."""
    answers = [http.get(f"/{path}") for path in (f"data/{number}/", f"job/{number}/", f"job/{number}/job_results/")]
    answers.append(http.delete(f"/data/{number}/"))
    answers.append(http.patch(f"/job/{number}/", json=[element(1)]))
    for answer in answers:
        assert answer.status_code in (400, 404)
        check_error(answer, answer.status_code)


@pytest.mark.parametrize("data_id", [None, "1", 1.5, True, [1], {}, -1, 0, 2**53, 10**30, "DROP TABLE"])
def test_J043_a_data_id_of_another_type_is_400(api: Api, data_id: Any) -> None:
    """The message names the field."""
    check_error(api.call("POST", "/job/", json={"data_id": data_id}), 400, "data_id")


@pytest.mark.parametrize("path", ["/nothing", "/job/1/nothing/", "/data/1/2/", "/jobs", "/registry", "/upload/x", "//"])
def test_J145_an_unknown_address_is_404(http: httpx.Client, path: str) -> None:
    """Also in the envelope, not a page of the framework."""
    check_error(http.get(f"{http.base_url}".rstrip("/") + path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/data/", {"GET", "POST"}),
        ("POST", "/data/5/", {"GET", "DELETE"}),
        ("POST", "/job/5/", {"GET", "PUT", "PATCH", "DELETE"}),
        ("DELETE", "/job/5/job_results/", {"GET"}),
        ("POST", "/model/", {"GET"}),
        ("POST", "/healthz", {"GET"}),
    ],
)
def test_J145_another_method_is_405(http: httpx.Client, method: str, path: str, allowed: set[str]) -> None:
    """The header Allow and the message list those that are possible."""
    answer = http.request(method, path)
    check_error(answer, 405, *allowed)

    assert set(answer.headers["allow"].split(", ")) == allowed


def test_J003_every_address_answers_with_and_without_its_final_slash(http: httpx.Client, api: Api) -> None:
    """Directly, never by a redirect, which would lose a body; the two answers are the same."""
    data_id = api.add_dataset(PREVIEW)
    job_id, _ = new_job(api, PREVIEW, timestamp=2, target=3)
    paths = ["/data", f"/data/{data_id}", "/job", f"/job/{job_id}", f"/job/{job_id}/ts_details"]
    paths += [f"/job/{job_id}/job_results", "/model", "/model/LinearFit"]
    for path in paths:
        bare, slash = http.get(path), http.get(f"{path}/")
        assert (bare.status_code, slash.status_code) == (200, 200), path
        assert bare.json() == slash.json()


def test_J003_writes_work_without_the_final_slash(http: httpx.Client) -> None:
    """POST, PUT, PATCH and DELETE, their bodies included."""
    uploaded = http.post("/data", files={"upload": ("a.csv", PREVIEW)})
    data_id = uploaded.json()["data"]["id"]
    created = http.post("/job", json={"data_id": data_id})
    job = f"/job/{created.json()['job_id']}"
    chosen = http.put(job, json={"timestamp_indexs": [2], "target_indexs": [3]})
    ts_id = chosen.json()["ts_details"][0]["ts_id"]
    stored = http.patch(job, json=[{"ts_id": ts_id, "model_name": "LinearFit", "hyper_params": {}}])
    removed = [http.delete(job), http.delete(f"/data/{data_id}")]
    answers = [uploaded, created, chosen, stored, *removed]

    assert [answer.status_code for answer in answers] == [201, 201, 200, 200, 204, 204]


def test_J145_a_text_of_the_sender_is_repeated_only_in_part(api: Api, job_id: int) -> None:
    """A megabyte of nonsense in a field does not come back."""
    ts_id = api.get(f"/job/{job_id}/")["series"][0]["ts_id"]
    for wrong in ({"model_name": "x" * 100_000}, {"eval_metrics": ["x" * 100_000]}, {"auto_tune": "x" * 100_000}):
        body = check_error(api.call("PATCH", f"/job/{job_id}/", json=[element(ts_id) | wrong]), 400)

        assert len(body["message"]) < 1000


@pytest.mark.parametrize("key", ["", "x" * 300])
def test_D10_an_impossible_idempotency_key_is_400(http: httpx.Client, key: str) -> None:
    """Decision 10: the message names the header."""
    check_error(http.post("/job/", json={"data_id": 1}, headers={"Idempotency-Key": key}), 400, "Idempotency-Key")


def test_J146_what_is_sent_twice_is_refused(http: httpx.Client, job_id: int) -> None:
    """In the query and in a form: one of the two would be passed over, and nobody told."""
    for query in ("ts_id=1&ts_id=2", "history=0&history=1"):
        name = query.partition("=")[0]
        check_error(http.get(f"/job/{job_id}/job_results/?{query}"), 400, f"{name}: is there more than once")
    files = [("upload", ("a.csv", PREVIEW)), ("upload", ("b.csv", PREVIEW))]
    check_error(http.post("/data/", files=files), 400, "upload: is there more than once")
    file = {"upload": ("a.csv", PREVIEW)}
    check_error(http.post("/data/", files=file, data={"name": ["a", "b"]}), 400, "name: is there more than once")


@pytest.mark.parametrize("written", ["5.0", "+5", "05", "5_0", "%205", "5e0", "\u0665"])
def test_J004_an_id_is_digits_alone(http: httpx.Client, job_id: int, written: str) -> None:
    """Python takes these for numbers too, and a worker that does not own the job answered that there is none."""
    text = written.replace("5", str(job_id))
    for path in (f"/job/{text}/", f"/data/{text}/", f"/job/{job_id}/ts_details/{text}/"):
        check_error(http.get(path), 400, "expected a whole number")


def test_J146_a_parameter_that_nobody_knows_is_refused(http: httpx.Client, job_id: int) -> None:
    """A filter that is passed over answers with too much; the name that was meant is said."""
    for path in ("/data/", "/model/", f"/data/{job_id}/"):
        check_error(http.get(f"{path}?limit=1"), 400, "limit: is unknown")
    check_error(http.get("/job/?limt=1"), 400, "limt: is unknown; did you mean limit?")
    check_error(http.get(f"/job/{job_id}/job_results/?tsid=1"), 400, "tsid: is unknown; did you mean ts_id?")


def test_T003_head_answers_as_get(http: httpx.Client, job_id: int) -> None:
    """The same status and headers, and no body, at every door; what goes on for long ends."""
    paths = [f"/job/{job_id}/{page}" for page in ("", "ts_details/", "job_results/")]
    for path in [*paths, "/data/", "/job/", "/model/", "/model/LinearFit/", "/healthz", "/asyncapi.json", "/job/7/"]:
        got, head = http.get(path), http.head(path)

        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers["content-length"] == got.headers["content-length"], path
    assert http.head(f"/watch?path=/job/{job_id}/").headers["content-type"].startswith("text/event-stream")
    assert http.head(f"/job/{job_id}/stop/").status_code == 405


@pytest.mark.parametrize("path", ["/v1/p/training-jobs", "/transform-jobs", "/job/", "/job-info", "/data/7/rows"])
def test_T034_a_body_in_another_encoding_is_told_so(http: httpx.Client, path: str) -> None:
    """Which byte, which encoding and what to send; the reader's words were `surrogates not allowed`, of byte 0."""
    text = '{"job_name": "Köln €"}'
    for encoding, words in [("utf-16", "it is UTF-16; send UTF-8"), ("cp1252", "0xF6 is not UTF-8; send UTF-8")]:
        answer = http.post(path, content=text.encode(encoding), headers=_JSON)

        assert answer.status_code == 400
        assert words in answer.text
        assert encoding == "utf-16" or "byte 15" in answer.text
