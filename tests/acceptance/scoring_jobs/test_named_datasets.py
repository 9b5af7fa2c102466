"""Data sets by name: list, add, download, delete (contract 003, section 4)."""

import uuid
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import LIMITS
from tests.integration.services import Api

CSV = b"x1,x2\n1.5,2\n-3,0.25\n"


def new_name(suffix: str = ".csv") -> str:
    return f"s-{uuid.uuid4().hex[:12]}{suffix}"


def add(api: Api, name: str | None, content: bytes = CSV, *, prefix: str = "", **form: str) -> httpx.Response:
    data = {"dataSource": "local", **({} if name is None else {"fileName": name}), **form}
    return api.call("POST", f"{prefix}/add-dataset", files={"file": ("local.csv", content)}, data=data)


def listed(api: Api, prefix: str = "") -> dict[str, Any]:
    return {one["name"]: one for one in api.get(f"{prefix}/dataset-info")["data"]["datasetList"]}


def operate(api: Api, name: str, operation: str, *, key: str = "operation", prefix: str = "") -> httpx.Response:
    return api.call("POST", f"{prefix}/operate-dataset", json={"dataset": name, key: operation})


def check_refusal(answer: httpx.Response, status: int, *words: str) -> None:
    body = answer.json()
    assert answer.status_code == status, answer.text
    assert set(body) == {"data", "code", "message"}
    assert body["data"] == {"status": False}
    for word in words:
        assert word in body["message"]


def test_S080_S081_S085_a_data_set_is_added_and_listed(api: Api) -> None:
    """Both keys for its time; the newest first."""
    first, name = new_name(), new_name()
    assert add(api, first).json() == {"data": {"status": True}}
    assert add(api, name, CSV + b"1,1\n").json() == {"data": {"status": True}}
    found = listed(api)[name]

    assert set(found) == {"name", "type", "size", "source", "createTime", "create_time"}
    assert (found["type"], found["size"], found["source"]) == ("csv", len(CSV) + 4, "local")
    assert found["createTime"] == found["create_time"]
    assert datetime.fromisoformat(found["createTime"]).utcoffset() is not None
    names = list(listed(api))
    assert names.index(name) < names.index(first)


def test_S006_the_same_below_api_v1(api: Api) -> None:
    """Added there, listed here."""
    name = new_name()
    assert add(api, name, prefix="/api/v1").json() == {"data": {"status": True}}
    assert listed(api, "/api/v1")[name] == listed(api)[name]
    assert operate(api, name, "delete", prefix="/api/v1").json() == {"data": {"status": True}}
    assert name not in listed(api)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
def test_S085_files_of_any_suffix(api: Api, suffix: str) -> None:
    """Kept as they are, and listed by contract 000 without a preview."""
    name, content = new_name(suffix), b'{"x1": 1.5}\n'
    assert add(api, name, content).json() == {"data": {"status": True}}

    assert (listed(api)[name]["type"], listed(api)[name]["size"]) == (suffix[1:], len(content))
    (found,) = [one for one in api.get("/data/")["data"] if one["upload"] == f"/uploads/{name}"]
    preview = api.get(f"/data/{found['id']}/")
    assert (preview["header"], preview["heads"], found["rows"]) == ([], {}, 0)
    job = api.call("POST", "/job/", json={"data_id": found["id"]})
    assert (job.status_code, job.json()["code"]) == (400, "unreadable")


def test_S085_a_name_without_a_suffix(api: Api) -> None:
    """What was uploaded says what it is; and fields may come as a form."""
    name = new_name("")
    answer = api.call("POST", "/add-dataset", files={"file": ("x.jsonl", b'{"a": 1}\n')}, data={"fileName": name})
    assert answer.json() == {"data": {"status": True}}

    assert listed(api)[name]["type"] == "jsonl"
    answer = api.call("POST", "/operate-dataset", data={"dataset": name, "operation": "delete"})
    assert answer.json() == {"data": {"status": True}}


@pytest.mark.parametrize("key", ["operation", "operationType"])
def test_S083_S084_a_download_is_an_attachment(api: Api, key: str) -> None:
    """Under the address that the answer names (decision 29: both keys)."""
    name = new_name()
    add(api, name)
    answer = operate(api, name, "download", key=key)
    assert answer.json()["data"]["status"] is True
    file = httpx.get(answer.json()["data"]["url"])

    assert (file.status_code, file.content) == (200, CSV)
    assert file.headers["content-disposition"] == f'attachment; filename="{name}"'


def test_S083_delete(api: Api) -> None:
    """Gone from both lists; a second time it is unknown."""
    name = new_name()
    add(api, name)
    assert operate(api, name, "delete").json() == {"data": {"status": True}}

    assert name not in listed(api)
    assert all(one["upload"] != f"/uploads/{name}" for one in api.get("/data/")["data"])
    for operation in ("delete", "download"):
        check_refusal(operate(api, name, operation), 404, name)
    assert add(api, name).json() == {"data": {"status": True}}


def test_S087_one_entity_with_contracts_000_and_002(api: Api) -> None:
    """Added here it has a preview there and is read at /uploads/; added there it is listed here."""
    name = new_name()
    add(api, name)
    (found,) = [one for one in api.get("/data/")["data"] if one["upload"] == f"/uploads/{name}"]
    preview = api.get(f"/data/{found['id']}/")
    assert preview["heads"] == {"x1": [1.5, -3], "x2": [2, 0.25]}
    assert api.call("GET", f"/uploads/{name}").content == CSV

    other = new_name()
    answer = api.call("POST", "/data/", files={"upload": (other, CSV + b"7,7\n")})
    assert listed(api)[other]["size"] == len(CSV) + 4
    assert operate(api, other, "delete").json() == {"data": {"status": True}}
    assert api.call("GET", f"/data/{answer.json()['data']['id']}/").status_code == 404


def test_S008_names(api: Api) -> None:
    """409 for a second, 400 for what can be none; without fileName the file's own is taken."""
    name = new_name()
    add(api, name)
    check_refusal(add(api, name, b"a\n1\n"), 409, name)
    for bad in ("a b.csv", "x" * 65, "../up.csv", ".hidden", "ä.csv"):
        check_refusal(add(api, bad), 400, "fileName")
    own = new_name()
    data = {"dataSource": "local"}
    answer = api.call("POST", "/add-dataset", files={"file": (own, CSV)}, data=data)
    assert answer.json() == {"data": {"status": True}}
    assert own in listed(api)


def test_S081_what_is_missing_or_wrong(api: Api) -> None:
    """Each refusal names the field."""
    data = {"dataSource": "local", "fileName": new_name()}
    check_refusal(api.call("POST", "/add-dataset", data=data), 400, "file:")
    check_refusal(add(api, new_name(), dataSource="cloud"), 400, "dataSource")
    check_refusal(add(api, new_name(), b"x,y\n"), 400, "no rows")
    check_refusal(add(api, new_name(), b"x1\n" + b"1.25\n" * LIMITS["max_upload_bytes"]), 413)
    check_refusal(api.call("POST", "/add-dataset", json=data), 415, "multipart")


def test_S082_remote_is_off_by_default(api: Api) -> None:
    """400, and how it can be allowed."""
    data = {"dataSource": "remote", "fileName": "https://data.example/in.csv"}
    check_refusal(api.call("POST", "/add-dataset", data=data), 400, "fileName", "TIDECAST_REMOTE_DATASET_HOSTS")
    check_refusal(api.call("POST", "/add-dataset", data={"dataSource": "remote"}), 400, "fileName")
    check_refusal(add(api, new_name(), dataSource="remote"), 400, "file")


def test_S083_what_cannot_be_operated(api: Api) -> None:
    """Wrong words and missing fields: 400."""
    name = new_name()
    add(api, name)
    check_refusal(operate(api, name, "rename"), 400, "operation")
    check_refusal(api.call("POST", "/operate-dataset", json={"dataset": name}), 400, "operation")
    check_refusal(api.call("POST", "/operate-dataset", json={"operation": "delete"}), 400, "dataset")


def test_an_idempotency_key_adds_once(api: Api) -> None:
    """The second request of the same key is answered as the first."""
    name, key = new_name(), {"Idempotency-Key": uuid.uuid4().hex}
    with httpx.Client(base_url=api.url, timeout=30) as client:
        answers = [
            client.post(
                "/add-dataset",
                files={"file": ("a.csv", CSV)},
                data={"dataSource": "local", "fileName": name},
                headers=key,
            )
            for _ in range(2)
        ]

    assert [answer.json() for answer in answers] == [{"data": {"status": True}}] * 2
