"""What MLflow's doors share: refusals as its clients read them, `{"error_code", "message"}` with MLflow's own codes."""

from typing import Any, Final

from pydantic import BaseModel

from streams.codes.tracking import TrackingCode
from streams.errors import Code, InvalidError
from streams.views.tracking.owners import TRACKING
from streams.views.web.door import Tag
from streams.views.web.envelope import Envelope, Refusal

__all__ = ["CHANGES", "MLFLOW", "READS", "TAG", "check_search"]


class MlflowError(BaseModel):
    """What went wrong: a name for programs, a sentence for people."""

    error_code: str
    message: str


_BY_CODE: Final[dict[str, str]] = {
    TrackingCode.EXPERIMENT_EXISTS: "RESOURCE_ALREADY_EXISTS",
    TrackingCode.PARAMETER_EXISTS: "INVALID_PARAMETER_VALUE",
    Code.NOT_FOUND: "ENDPOINT_NOT_FOUND",
}
_BY_STATUS: Final = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    405: "BAD_REQUEST",
    409: "RESOURCE_CONFLICT",
    413: "REQUEST_LIMIT_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    503: "TEMPORARILY_UNAVAILABLE",
    507: "RESOURCE_EXHAUSTED",
}


def _body(refusal: Refusal) -> dict[str, str]:
    by_status = _BY_STATUS.get(refusal.status, "INTERNAL_ERROR" if refusal.status >= 500 else "BAD_REQUEST")
    return {"error_code": _BY_CODE.get(refusal.code, by_status), "message": refusal.message}


MLFLOW: Final = Envelope(body=_body, shown=MlflowError)
TAG: Final = Tag("mlflow", f"{TRACKING} Clients find these by their tracking URI.")
CHANGES: Final[dict[str, Any]] = {
    "response_model": dict[str, Any],
    "responses": MLFLOW.responses(400, 404, 409, 413, 503),
}
"""Of a route that changes something."""
READS: Final[dict[str, Any]] = {"response_model": dict[str, Any], "responses": MLFLOW.responses(400, 404, 503)}
"""Of a route that tells something."""


def check_search(filter_text: str, page_token: str) -> None:
    """InvalidError for conditions of a search."""
    if filter_text.strip() or page_token:
        raise InvalidError(
            TrackingCode.UNSUPPORTED_SEARCH, "filter: searches by conditions are not known here: leave it out"
        )
