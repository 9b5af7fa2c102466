"""What tests of the model service are made of."""

import uuid
from typing import Any

import httpx

from tests.integration.services import Api
from tests.iris_models import model_file

__all__ = ["ask_model", "check_refusal", "new_name", "upload", "uploaded"]


def new_name() -> str:
    """A name that no other test has."""
    return f"m.{uuid.uuid4().hex[:12]}"


def upload(
    api: Api, name: str | None, content: bytes, file_name: str, *, prefix: str = "", **form: str
) -> httpx.Response:
    """POST /model-upload."""
    data = {**({} if name is None else {"name": name}), **form}
    files = {"file": (file_name, content)}
    return api.call("POST", f"{prefix}/model-upload", files=files, data=data)


def uploaded(api: Api, file_name: str, **form: str) -> str:
    """The name of a model of irises that has been uploaded."""
    name = new_name()
    answer = upload(api, name, model_file(file_name), file_name, **form)
    assert answer.status_code == 200, answer.text
    return name


def ask_model(api: Api, name: str, data: Any, **fields: str) -> Any:
    """What /model-test answers, under `data`."""
    answer = api.call("POST", "/model-test", json={"modelName": name, "data": data, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def check_refusal(answer: httpx.Response, status: int, *words: str) -> dict[str, Any]:
    """S-005: `data.status` is false, with a slug and a sentence."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) == {"data", "code", "message"}
    assert body["data"] == {"status": False}
    for word in words:
        assert word in body["message"], body["message"]
    return body
