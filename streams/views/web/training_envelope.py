"""Errors of contract 002: is_success, error_code and error_message, with the real status (T-030 … T-034)."""

from collections.abc import Callable
from typing import Any, Final, Literal

import structlog
from fastapi import Request, Response
from pydantic import BaseModel
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from streams.training.jobs import FAILED_OPERATION, WRONG_PARAMETER
from streams.views.web.answers import json_response
from streams.views.web.envelope_route import EnvelopeRoute

__all__ = ["TRAINING_REFUSALS", "TrainingRoute", "training_refusal"]

log = structlog.get_logger(__name__)

_PREFIX: Final = "ModelArts."
_MEANINGS: Final = {
    400: "The request is wrong, the name is taken or the job's state does not allow it; the message says which.",
    404: "There is no such thing.",
    408: "The body stopped coming: send it again.",
    409: "The Idempotency-Key was sent before with another body.",
    413: "The request is larger than a limit.",
    415: "The content type or encoding is not supported.",
    503: "Not ready, or the write could not be confirmed in time: retry after the seconds that Retry-After names.",
}


class TrainingError(BaseModel):
    """What went wrong: 0103 a name is taken, 0104 a parameter is wrong, 0116 a limit is reached, 0105 anything else."""

    is_success: Literal[False]
    error_code: str
    error_message: str


def TRAINING_REFUSALS(*statuses: int) -> dict[int | str, dict[str, Any]]:  # noqa: N802  # as `ERRORS` of the other views
    """The `responses` argument of a route that may answer these errors."""
    return {status: {"model": TrainingError, "description": _MEANINGS[status]} for status in statuses}


class TrainingRoute(EnvelopeRoute):
    """A route whose refusals have this envelope, and that answers HEAD where it answers GET (T-003)."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As for the GET that a HEAD stands for; the server leaves the answer's body out."""
        return super().matches(_as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The same."""
        await super().handle(_as_get(scope), receive, send)

    @staticmethod
    def refused(status: int, message: str, code: str = "") -> Response:
        """An error in this envelope."""
        return training_refusal(status, message, code)

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The handler, with refusals and faults made answers."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Any:
            try:
                return await handler(request)
            except Exception as error:  # the contract has its envelope "in all cases"
                log.exception("request failed", path=request.url.path, error=repr(error))
                return training_refusal(500, "the service failed on this request; its log says why")

        return handle


def _as_get(scope: Scope) -> Scope:
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope


def training_refusal(status: int, message: str, code: str = "") -> Response:
    """An error in this envelope; what has no code of this contract gets the one for its status."""
    if not code.startswith(_PREFIX):
        code = WRONG_PARAMETER if status == 400 else FAILED_OPERATION
    headers = {"Retry-After": "2"} if status == 503 else {}  # a rebalance or a broker's restart takes about that
    return json_response({"is_success": False, "error_message": message, "error_code": code}, status, headers)
