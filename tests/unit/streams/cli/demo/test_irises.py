"""The demo's service: it ends with status 0 only if the model answers for every flower, and is nearly always right."""

import json
from typing import Any

import httpx
import pytest
from rich.console import Console

from streams.cli.console.failure import CommandError
from streams.cli.demo.irises import check_answers, show_service
from streams.cli.service.client import ServiceClient
from streams.cli.service.session import Session

SPECIES = ["setosa"] * 9 + ["virginica"]


def _answers(*labels: str) -> list[dict[str, Any]]:
    return [{"label": label, "probabilities": {label: 1.0}} for label in labels]


@pytest.mark.parametrize(
    ("labels", "words"),
    [(SPECIES[:9], "9 answers, expected one for each of 10"), (["rose"] * 2 + SPECIES[2:], "8 of 10 flowers")],
    ids=["missing", "wrong"],
)
def test_missing_and_wrong_answers_end_the_demo(labels: list[str], words: str) -> None:
    """One of ten may be mistaken."""
    check_answers(_answers("rose", *SPECIES[1:]), SPECIES)
    with pytest.raises(CommandError, match=words):
        check_answers(_answers(*labels), SPECIES)


def test_what_an_earlier_demo_has_left_is_replaced() -> None:
    """Service first, as its model is in use; then the new one is deployed, waited for and asked."""
    asked: list[str] = []
    statuses = iter(["starting", "running"])

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        asked.append(path)
        content: Any = {"status": True}
        if path == "/service-list":
            content = {"serviceList": [{"serviceName": "demo-irises"}]}
        elif path == "/model-info":
            content = {"modelList": [{"name": "demo-irises"}]}
        elif path == "/service-info":
            content = {"status": next(statuses)}
        elif path.startswith("/api/v1/scv/"):
            flowers = json.loads(request.content)["X"]
            order = ["setosa"] * 50 + ["versicolor"] * 50 + ["virginica"] * 50
            content = {"result": _answers(*order[: len(flowers)])}
        return httpx.Response(200, json={"data": content})

    results = Console(record=True, width=200)
    with ServiceClient("http://127.0.0.1:1", transport=httpx.MockTransport(answer)) as client:
        show_service(Session(client, watch=lambda: None, embedded=False), results)

    scv = "/api/v1/scv/pmml/demo-irises"
    assert asked[:6] == [
        "/service-list", "/service-delete", "/model-info", "/operate-model", "/model-upload", "/model-deploy-service",
    ]  # fmt: skip
    assert asked[6:] == ["/service-info", "/service-info", scv, scv]
    assert "150 of 150 irises recognised; one more is setosa with 100%" in results.export_text()
