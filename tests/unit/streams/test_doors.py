"""Every door of the HTTP view, and what no client should send: never a 5xx, always the envelope of its contract.

The application is asked directly. Writes end where they would go to the log, with 503: what is wrong with a request is
found before.
"""

import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from connectors.kafka.admin import BrokerUnreachableError
from schemas.training_rows import TrainingJobRecord
from streams.errors import UnavailableError
from streams.runtime import StateRuntime
from streams.settings import Settings
from streams.training.state import TrainingJobsState
from streams.views.access.identity import IDENTITY
from streams.views.application import create_http
from streams.views.deployments.inference_protocol import PROTOCOL
from streams.views.doors import doors_of
from streams.views.web.envelope import Refusal
from streams.views.web.model_service import MODEL_SERVICE
from streams.workers import apps
from tests.unit.streams.door_bodies import BODIES

BASES: Final[dict[str, Any]] = {
    "POST /job/": {"data_id": 1, "name": "a"},
    "PUT /job/{job_id}/": {"timestamp_indexs": "[0]", "target_indexs": [1], "groupby_indexs": [2]},
    "PATCH /job/{job_id}/": [
        {
            "ts_id": 1,
            "model_name": "LinearFit",
            "hyper_params": [
                {"name": "latest_n", "type": "int", "val": 5},
                {"name": "b", "type": "float", "low": 0, "high": 1},
                {"name": "c", "type": "list", "choice": ["x"]},
            ],
            "feature_indexs": [1],
            "max_eval": 100,
            "next_k_prediction": 5,
            "auto_tune": 0,
            "auto_tune_metric": "mse",
            "eval_metrics": ["mse"],
            "refit": 1,
        }
    ],
    "POST /v1/{project_id}/training-jobs": {
        "job_name": "a",
        "job_desc": "d",
        "workspace_id": "0",
        "config": {
            "worker_server_num": 1,
            "model_id": 5,
            "parameter": [{"label": "time_freq", "value": "D"}, {"label": "prediction_length", "value": "5"}],
            "data_url": "/uploads/x",
            "train_url": "/t",
            "log_url": "/l",
            "engine_id": 1,
            "spec_id": 1,
            "pool_id": "p",
            "app_url": "/a",
            "boot_file_url": "/b",
            "user_image_url": "i",
            "user_command": "c",
            "create_version": True,
            "volumes": [{"nfs": {"id": "1", "read_only": False}}],
        },
    },
    "POST /v1/{project_id}/training-jobs/{job_id}/versions": {
        "job_desc": "d",
        "config_name": "sample-LinearFit",
        "config": {
            "pre_version_id": 1,
            "parameter": [{"label": "time_freq", "value": 0.5}],
            "data_source": [{"type": "obs", "data_url": "/uploads/x"}],
            "volumes": [{"host_path": {"src_path": "/a", "dest_path": "/b", "read_only": True}}],
        },
    },
    "PUT /v1/{project_id}/training-jobs/{job_id}": {"job_desc": "d"},
    "POST /v1/{project_id}/training-job-configs": {
        "config_name": "c",
        "config_desc": "d",
        "model_id": 1,
        "train_url": "/t",
        "parameter": [{"label": "latest_n", "value": "5"}],
    },
    "PUT /v1/{project_id}/training-job-configs/{config_name}": {"config_desc": "d", "log_url": "/l"},
    "POST /v1/{project_id}/visualization-jobs": {
        "job_name": "v",
        "job_desc": "d",
        "train_url": "/t",
        "job_type": "tensorboard",
        "flavor": {"code": "f"},
        "schedule": [{"type": "stop", "time_unit": "HOURS", "duration": 1}],
    },
    "PUT /v1/{project_id}/visualization-jobs/{job_id}": {"job_desc": "d"},
    "POST /transform-jobs": {
        "TransformJobName": "t",
        "ModelName": "m",
        "BatchStrategy": "SingleRecord",
        "Environment": {"DEEPAR_INFERENCE_CONFIG": "{}"},
        "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "/uploads/x"}}, "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": "/outputs/x", "AssembleWith": "Line"},
        "on_error": "fail",
    },
    "POST /api/v1/workloads/{workload_uid}/metrics": {
        "data": [
            {"metric_name": "loss", "value": 0.5, "timestamp": 1_704_067_200_000, "iteration": 1, "data_source": "log"}
        ]
    },
    "POST /registry/subjects/{subject}": {"schema": '"string"'},
    "POST /registry/subjects/{subject}/versions": {"schema": '"string"', "references": []},
}
ALL: Final = BASES | BODIES
_DOORS: Final = doors_of()
ODD: Final = {  # as they stand in the body
    "true": "true",
    "null": "null",
    "minus zero": "-0",
    "minus zero with a point": "-0.0",
    "a float": "5.0",
    "a fraction": "0.5",
    "1e400": "1e400",
    "2^31": str(2**31),
    "2^53": str(2**53),
    "2^63": str(2**63),
    "2^64": str(2**64),
    "26 digits": "9" * 26,
    "minus 26 digits": "-" + "9" * 26,
    "400 digits": "9" * 400,
    "a number as text": '"5"',
    "26 digits as text": f'"{"9" * 26}"',
    "5000 digits as text": f'"{"9" * 5000}"',
    "digits of another script": '"\u0665"',
    "an empty text": '""',
    "a long text": f'"{"x" * 20_000}"',
    "NUL": '"a\\u0000b"',
    "a path upwards": '"/uploads/../../etc/passwd"',
    "a long path": f'"/uploads/{"/".join(["a" * 199] * 25)}"',
    "the service's own": '"/endpoints/e/endpoint.json"',
    "NaN": "NaN",
    "half a pair": '"\\ud800"',
    "an array": "[]",
    "an object": "{}",
    "an array of odd ones": "[null, true, 1e400, [], {}]",
    **{f"{depth} arrays": "[" * depth + "]" * depth for depth in (21, 252, 255, 300, 1000, 1030)},
    **{f"{depth} objects": '{"a":' * depth + "1" + "}" * depth for depth in (21, 252, 255, 300, 1000)},
}
TEXTS: Final = (  # in paths, queries and headers
    *("0", "-1", "1.5", "1e3", str(2**53), str(2**63), "9" * 26, "9" * 5000, "\u0665", "true", "NaN", "", " ", "\0"),
    *("..", "../..", "a/../b", "%", "😀", "ä", "x" * 300, "x" * 5000, "a:b", "~root", ".hidden", "a b", "'", '"', "\\"),
    "/".join(["a" * 199] * 25),
)


def _no_broker(*_: Any, **__: Any) -> Any:
    raise BrokerUnreachableError("no broker here")


@pytest.fixture
async def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateRuntime:
    """A state worker that is not started, and takes nothing."""

    def refuse(*_: Any) -> Any:
        raise UnavailableError("not_confirmed", "no log here")

    settled = {"is_ready": True, "owner_elsewhere": None, "owned_partitions": 1, "other_workers": ()}
    for name, module in sys.modules.items():
        if name.startswith("streams.views."):
            for asked, answer in settled.items():
                if hasattr(module, asked):
                    monkeypatch.setattr(module, asked, lambda *_, answer=answer: answer)
            for reads in ("read_cluster", "read_record", "read_topic"):
                if hasattr(module, reads):
                    monkeypatch.setattr(module, reads, _no_broker)
    made = apps.create_state(Settings(home=tmp_path), "127.0.0.1:1")
    monkeypatch.setattr(made.publisher, "send_nowait", refuse)
    job = TrainingJobRecord("a", 1, "j", 1, "V0001", "c", 0, 1, "/uploads/x")
    TrainingJobsState.of(made).jobs._rows.write(0, [(b"a/1", made.codec.encode(job))])
    return made


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    """The API document, once it was made: it is the same for all, and takes longer than most tests."""
    return []


@pytest.fixture
def app(state: StateRuntime, documents: list[dict[str, Any]]) -> FastAPI:
    """The application."""
    http = create_http(state)
    if documents:
        http.openapi_schema = documents[0]
    else:
        documents.append(http.openapi())
    return http


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Whatever the application raises is an answer, as with a server."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
        yield made


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each."""
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def filled(path: str, /, **given: str) -> str:
    """The path with plain values for what is not given."""
    plain = {"job_id": "1", "data_id": "1", "ts_id": "1", "version_id": "1", "schema_id": "1"}
    for name in [part.split("}")[0] for part in path.split("{")[1:]]:
        path = path.replace(f"{{{name}}}", given.get(name, plain.get(name, "a")))
    return path


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value could be another one."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*at, key))


def replaced(value: Any, at: tuple[Any, ...], raw: str) -> str:
    """The JSON with another value at this place, as it stands."""
    if not at:
        return raw
    copy = json.loads(json.dumps(value))
    target = copy
    for key in at[:-1]:
        target = target[key]
    target[at[-1]] = "@@"
    return json.dumps(copy).replace('"@@"', raw)


def check(answer: httpx.Response, path: str, operation: dict[str, Any] | None, sent: str) -> None:
    """In the envelope of its contract, without a trace of Python, and with a status that the document names."""
    assert answer.status_code < 500 or answer.status_code == 503, (sent[:300], answer.text)
    if operation is not None:
        assert str(answer.status_code) in {*operation["responses"], "405"}, (
            sent[:300],
            answer.status_code,
            answer.text,
        )
    if answer.status_code >= 400:
        body = answer.json()
        if path.startswith("/v1/"):
            assert set(body) == {"is_success", "error_code", "error_message"}, sent[:300]
        elif path.startswith(
            (
                "/endpoints",
                "/invocations",
                "/ping",
                "/execution-parameters",
                "/transform-jobs",
                "/uploads/",
                "/outputs/",
            )
        ):
            assert {"code", "message"} <= set(body) <= {"code", "message", "instance"}, (sent[:300], body)
        elif path.startswith("/registry/"):
            assert set(body) == {"error_code", "message"}, sent[:300]
        elif (envelope := _DOORS.envelope_at(urlsplit(path).path)) in (MODEL_SERVICE, PROTOCOL, IDENTITY):
            assert set(body) == set(envelope.body(Refusal(400, "a", "b", {}))), (sent[:300], body)
        elif path.startswith("/api/2.0/mlflow"):
            assert set(body) == {"error_code", "message"}, (sent[:300], body)
        elif path.startswith(("/graphql", "/files/", "/sdk/", "/wandb-dropped")):
            assert set(body) == {"error", "errors"}, (sent[:300], body)
        elif path.startswith("/api/v1/") and _DOORS.at(urlsplit(path).path) is not None:
            assert set(body) - {"element", "field"} == {"code", "message"}, (sent[:300], body)
        else:
            assert set(body) - {"element", "field"} == {"status", "code", "message"}, sent[:300]
        assert "Traceback" not in answer.text
        assert len(answer.text) < 3000, sent[:300]


@pytest.mark.slow
@pytest.mark.parametrize("operation", ALL)
async def test_whatever_stands_at_any_place_of_a_body(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """Depth, size of numbers, length of texts, kinds: each at each place, and an unknown field beside each."""
    method, path = operation.split()
    described = next(it for verb, known, it in operations(app) if (verb, known) == (method, path))
    base = ALL[operation]
    bodies = [(f"{at}: {name}", replaced(base, at, raw)) for at in places(base) for name, raw in ODD.items()]
    bodies += [
        (f"{at}: unknown", replaced(base, at, json.dumps({**value, "nonsense": 1})))
        for at, value in ((at, _value(base, at)) for at in places(base))
        if isinstance(value, dict)
    ]
    for sent, body in bodies:
        headers = {"Content-Type": "application/json"}
        answer = await client.request(method, filled(path), content=body.encode("utf-8", "replace"), headers=headers)
        check(answer, filled(path), described, sent)


def _value(base: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        base = base[key]
    return base


async def test_every_door_says_so_while_the_state_is_not_there(tmp_path: Path, documents: list[dict[str, Any]]) -> None:
    """A good body that comes before the tables are read, or the log is reached, is no crash."""
    state = apps.create_state(Settings(home=tmp_path, write_timeout_s=0.01), "127.0.0.1:1")
    transport = httpx.ASGITransport(create_http(state), raise_app_exceptions=False)
    async with AsyncExitStack() as stack:
        # Its sender would look for a broker, and log that there is none, in the tests that come after.
        stack.push_async_callback(state.publisher.close, timedelta())
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1"))
        for operation, body in ALL.items():
            method, path = operation.split()
            for sent in (body, {}) if isinstance(body, dict) else (body,):
                answer = await client.request(method, filled(path), json=sent)
                check(answer, filled(path), None, f"{operation} {sent}")


async def test_every_operation_with_a_json_body_is_looked_at(app: FastAPI) -> None:
    """A new one needs a body above; invocations are read in processes of their own, and tested there."""
    with_json = {
        f"{method} {path}"
        for method, path, operation in operations(app)
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }

    assert {name for name in with_json if not name.endswith("/invocations")} == {*ALL}


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS)
async def test_whatever_stands_in_a_path_a_query_or_a_key(app: FastAPI, client: httpx.AsyncClient, text: str) -> None:
    """At every operation, with a body of no kind, a wrong one, and none."""
    for method, path, operation in operations(app):
        parameters = operation.get("parameters", [])
        for parameter in parameters:
            name, safe = parameter["name"], "/" if parameter["name"] == "path" else ""
            url, query, headers, documented = filled(path), {}, {}, operation
            if parameter["in"] == "path":
                url, documented = filled(path, **{name: quote(text, safe=safe)}), None  # it may be another's
            elif parameter["in"] == "query":
                query = {name: text}
            else:
                headers = {name: text.encode().replace(b"\0", b"\x01").strip()}
            answer = await client.request(method, url, params=query, headers=headers)
            asked = (
                answer.request.url.raw_path.decode()
            )  # the client itself makes /training-jobs of /v1/../training-jobs
            check(answer, asked, documented, f"{method} {url} {query} {headers}")


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "raw_unicode_escape", "idna", "undefined", "no-codec"])
async def test_an_upload_in_a_charset_of_the_clients_choice(client: httpx.AsyncClient, charset: str) -> None:
    """The codec would be any that Python has, and the file's name whatever that makes of it."""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="upload"; filename="+2AA-a\\ud800.csv"\r\n\r\n'
        b"day,v\n2024-01-01,1\n\r\n--x--\r\n"
    )
    kind = f"multipart/form-data; boundary=x; charset={charset}".encode()
    answer = await client.post("/data/", content=body, headers={"Content-Type": kind})
    check(answer, "/data/", None, charset)

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "disposition",
    [
        b'form-data; name="upload"; filename="\xed\xa0\x80.csv"',
        b'form-data; name="upload"; filename="\xff\xfe.csv"',
        b"form-data; name=upload; filename*=utf-7''+2AA-.csv",
        b"form-data; name=upload; filename*=utf-8''%ed%a0%80.csv",
        b'form-data; name="upload"; filename="' + b"x" * 5000 + b'.csv"',
        b'form-data; name="upload"; filename="..\\\\..\\\\x\x00.csv"',
        b'form-data; name="upload"; filename=""',
        b'form-data; name="\xff"; filename="a.csv"',
        b"form-data",
        b"",
    ],
)
async def test_an_upload_with_an_odd_name(client: httpx.AsyncClient, disposition: bytes) -> None:
    """Bytes that are no text, names that are no names."""
    body = b"--x\r\nContent-Disposition: " + disposition + b"\r\n\r\nday,v\n2024-01-01,1\n\r\n--x--\r\n"
    answer = await client.post("/data/", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})

    check(answer, "/data/", None, repr(disposition))


async def test_an_unknown_field_of_a_form_is_told(client: httpx.AsyncClient) -> None:
    """With the name that was meant: how the file is written would be found out again, and wrongly."""
    files = {"upload": ("a.csv", b"day,v\n2024-01-01,1\n")}
    for name, meant in (("delimitor", "delimiter"), ("nam", "name"), ("timestampformat", "timestamp_format")):
        answer = await client.post("/data/", files=files, data={name: ";"})

        assert answer.status_code == 400
        assert f"{name}: is unknown; did you mean {meant}?" in answer.text
    assert (await client.post("/data/", files=files, data={"name": "a"})).status_code == 503


def _with_volumes(deep: str) -> str:
    config = '{"worker_server_num": 1, "model_id": 5, "data_url": "/uploads/x", "volumes": [{"a": %s}]}'
    return '{"job_name": "a", "config": %s}' % (config % deep)


@pytest.mark.parametrize("depth", [255, 300, 1000])
async def test_a_deep_body_names_its_field(client: httpx.AsyncClient, depth: int) -> None:
    """It is JSON, and orjson reads it; to write it would be too much."""
    deep = "[" * depth + "]" * depth
    for method, path, body, field in (
        ("PATCH", "/job/1/", f'[{{"ts_id": 1, "model_name": {deep}}}]', "element 1, model_name"),
        ("PATCH", "/job/1/", f'[{{"ts_id": 1, "xyz": {deep}}}]', "element 1, xyz"),
        ("PUT", "/job/1/", f'{{"timestamp_indexs": {deep}, "target_indexs": [1]}}', "timestamp_indexs"),
        ("POST", "/job/", f'{{"data_id": {deep}}}', "data_id"),
        ("POST", "/v1/p/training-jobs", _with_volumes(deep), "config, volumes"),
    ):
        answer = await client.request(method, path, content=body, headers={"Content-Type": "application/json"})

        assert answer.status_code == 400
        assert field in answer.text
