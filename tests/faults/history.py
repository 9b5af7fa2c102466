"""The operation log of a case: every HTTP call that was made, and what is known of its effect."""

import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx

from tests.integration.services import READY_S, Api, until

__all__ = ["History", "Operation", "Outcome", "RecordingApi", "server_errors", "unknown"]


_SAID = (503, 507)  # retry; free some space


class Outcome(StrEnum):
    """What a caller knows after a call."""

    OK = "ok"
    """It took effect."""
    FAIL = "fail"
    """It had no effect."""
    INFO = "info"
    """Nobody knows yet: it was sent, and no answer came, or one that says so."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call. Tries of one write share their `key`."""

    method: str
    path: str
    key: str
    outcome: Outcome
    status: int | None
    code: str | None
    begun: float
    seconds: float
    sent: Any = None
    """The JSON that a write was sent with."""
    answer: Any = None
    """The JSON that a write which took effect was answered with."""


class History:
    """All calls of a case in the order in which they ended."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def counts(self) -> Mapping[str, int]:
        """How many calls ended how."""
        return Counter(str(operation.outcome) for operation in self.operations)


def unknown(operations: Sequence[Operation]) -> list[Operation]:
    """Writes of which nobody knows whether they took effect: no try under their key was answered for sure."""
    known = {operation.key for operation in operations if operation.outcome is Outcome.OK}
    return [
        operation
        for operation in operations
        if operation.outcome is Outcome.INFO and operation.method != "GET" and operation.key not in known
    ]


def server_errors(operations: Sequence[Operation]) -> list[Operation]:
    """Calls that were answered with a 5xx that does not say what to do: there must be none, whatever breaks."""
    return [one for one in operations if (one.status or 0) >= 500 and one.status not in _SAID]


class RecordingApi(Api):
    """The patient client, which notes every try; a write is repeated under one Idempotency-Key until it is answered."""

    def __init__(self, url: str, history: History) -> None:
        super().__init__(url)
        self.history = history

    def call(self, method: str, path: str, *, within: float = READY_S, **arguments: Any) -> httpx.Response:
        key = uuid.uuid4().hex

        def ask() -> httpx.Response | None:
            answer = self.attempt(method, path, key=key, **arguments)
            return None if answer is None or answer.status_code == 503 else answer

        return until(ask, within=within, why=f"{method} {path}")

    def attempt(self, method: str, path: str, *, key: str, **arguments: Any) -> httpx.Response | None:
        """One try, whatever comes of it; None where no answer came."""
        begun = time.monotonic()
        answer = None
        outcome = Outcome.INFO
        try:
            answer = self._client.request(method, path, headers={"Idempotency-Key": key}, **arguments)
            outcome = _outcome(answer)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            outcome = Outcome.FAIL
        except httpx.TransportError:
            pass
        operation = Operation(
            method,
            path,
            key,
            outcome,
            None if answer is None else answer.status_code,
            None if answer is None else _code(answer),
            begun,
            time.monotonic() - begun,
            arguments.get("json"),
            _json(answer) if method != "GET" and outcome is Outcome.OK else None,
        )
        self.history.operations.append(operation)
        return answer


def _outcome(answer: httpx.Response) -> Outcome:
    if answer.is_success:
        return Outcome.OK
    if answer.status_code >= 500 and (answer.status_code not in _SAID or _code(answer) == "not_confirmed"):
        return Outcome.INFO
    return Outcome.FAIL


def _code(answer: httpx.Response) -> str | None:
    body = None if answer.is_success else _json(answer)
    return body.get("code") if isinstance(body, dict) else None


def _json(answer: httpx.Response | None) -> Any:
    if answer is None or "json" not in answer.headers.get("content-type", ""):
        return None
    return answer.json()
