"""A service with endpoints and training jobs that answers from lists, for tests of the commands."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from rich.console import Console

from streams.cli.service.client import ServiceClient
from streams.cli.service.session import Session

__all__ = ["FakeService", "job", "model", "silent", "state"]


def model(name: str = "sales", **changes: Any) -> dict[str, Any]:
    """An endpoint as the service shows it."""
    shown = {
        "name": name, "status": "InService", "version": "V0001", "project_id": "default", "job_id": 7, "time_freq": "D",
        "prediction_length": 2, "context_length": 4, "cardinality": [2], "num_dynamic_feat": 0,
        "likelihood": "student-t", "num_cells": 40, "num_layers": 2, "created": 1_700_000_000_000, "environment": {},
    }  # fmt: skip
    return {**shown, **changes}


def job(**changes: Any) -> dict[str, Any]:
    """The answer to the creation of a training job."""
    created = {"is_success": True, "job_id": 7, "job_name": "sales", "status": 1, "create_time": 0, "version_id": 8}
    return {**created, "version_name": "V0001", **changes}


def state(status: int, **changes: Any) -> dict[str, Any]:
    """How a version stands."""
    shown = {**job(), "status": status, "epoch": 0, "epochs": 0, "metrics": {}, "endpoint": "", "message": ""}
    return {**shown, **changes}


def silent() -> Console:
    """A console that is no terminal; `file` has what was printed."""
    return Console(file=io.StringIO(), width=120, color_system=None, highlight=False, markup=False, emoji=False)


class FakeService:
    """Answers each method and path from a list, the last answer again and again; keeps the requests."""

    def __init__(self, answers: Mapping[str, Sequence[Any]]) -> None:
        self._answers = {place: list(some) for place, some in answers.items()}
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        if request.url.path == "/access/me":  # asked once of each client, and no part of what is tested
            return httpx.Response(200, json={"name": "", "project": "default", "role": "admin", "auth": "off"})
        self.requests.append(request)
        answers = self._answers.get(f"{request.method} {request.url.path}")
        if answers is None:
            return httpx.Response(404, json={"code": "NotFoundError", "message": "there is no such thing"})
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, httpx.Response):
            return answer
        if isinstance(answer, bytes):
            return httpx.Response(200, content=answer)
        return httpx.Response(200, json=answer)

    @property
    def client(self) -> ServiceClient:
        return ServiceClient(
            "http://127.0.0.1:8080", transport=httpx.MockTransport(self), pause=self.pauses.append, patience_s=0
        )

    @property
    def session(self) -> Session:
        return Session(self.client, watch=lambda: None, embedded=False)

    def bodies(self, place: str) -> list[Any]:
        """The JSON bodies sent to a method and path."""
        method, path = place.split()
        return [
            json.loads(request.content)
            for request in self.requests
            if (request.method, request.url.path) == (method, path)
        ]
