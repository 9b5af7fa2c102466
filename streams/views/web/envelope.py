"""How a contract says no (decision 5): the body of its refusals, their codes, what the API document tells of them."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

from fastapi import Response
from pydantic import BaseModel, Field

from streams.errors import Code, RejectedError
from streams.views.web.answers import json_response

__all__ = ["PLAIN", "Envelope", "Refusal", "codes_by_status"]

_C = TypeVar("_C", bound=StrEnum)

_REFERENCE: Final = "#/components/schemas/{model}"
_RETRY_AFTER_S: Final = "2"  # a rebalance or a broker's restart takes about that
_MEANINGS: Final = {
    400: "The request is wrong; the message names the field and the remedy.",
    401: "It does not show who asks: send a token, or sign the request.",
    403: "Whoever asks may not do that.",
    404: "There is no such thing.",
    408: "The body stopped coming: send it again.",
    409: "The present state does not allow it.",
    410: "It was there, and is no more.",
    413: "The request is larger than a limit.",
    415: "The content type or encoding is not supported.",
    429: "So often, or so much, is not allowed: the message says which. Retry-After names seconds to wait.",
    500: "The fault is ours, or the model's; the log says why.",
    503: "Not ready, or the write could not be confirmed in time: retry after the seconds that Retry-After names.",
    504: "No answer within the time limit: ask for less at once.",
    507: "The object store is full; nothing has changed.",
}
# For the API page: a code that goes with each status, and there are others.
_CODES: Final[Mapping[int, str]] = {
    400: Code.INVALID_REQUEST,
    401: "unauthenticated",
    403: "forbidden",
    404: "unknown_job",
    408: Code.TIMEOUT,
    409: Code.NAME_TAKEN,
    410: Code.NOT_FOUND,
    413: Code.TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
    422: Code.INVALID_REQUEST,
    429: "too_many_tries",
    500: Code.INTERNAL_ERROR,
    503: Code.NOT_CONFIRMED,
    504: Code.TIMEOUT,
    507: Code.INSUFFICIENT_STORAGE,
}
# What contracts whose codes follow from the status call them, each in its words.
_NAMES: Final = {
    400: "INVALID",
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "TIMEOUT",
    409: "CONFLICT",
    413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    421: "MISDIRECTED",
    429: "TOO_MANY",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "TIMEOUT",
    507: "INSUFFICIENT_STORAGE",
}


def codes_by_status(codes: type[_C]) -> Mapping[int, _C]:
    """The code of each status, of a contract whose codes have one member for each of the names above.

    A status that is not among them is told as a wrong request.
    """
    found: defaultdict[int, _C] = defaultdict(lambda: codes["INVALID"])
    found.update((status, codes[name]) for status, name in _NAMES.items())
    return found


class Refusal(NamedTuple):
    """What is to be told: the HTTP status, our own code, a sentence, and where the fault is (decision 19)."""

    status: int
    code: str
    message: str
    place: Mapping[str, int | str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Envelope:
    """One contract's way to say no."""

    body: Callable[[Refusal], Mapping[str, Any]]
    """The answer's JSON."""
    shown: type[BaseModel] | Mapping[str, Any]
    """That JSON in the API document: a model, whose schema is in `components`, or the schema itself."""
    meanings: Mapping[int, str] = field(default_factory=dict)
    """What statuses mean in this contract, where that is not what they mean everywhere."""

    def refusal(self, status: int, code: str, message: str, place: Mapping[str, int | str] | None = None) -> Response:
        """The refusal as an answer."""
        headers = {"Retry-After": _RETRY_AFTER_S} if status in (429, 503) else {}
        return json_response(self.body(Refusal(status, code, message, place or {})), status, headers)

    def rejected(self, error: RejectedError) -> Response:
        """The answer to what was refused by an error."""
        answer = self.refusal(error.status, error.code, error.message, error.place)
        if error.retry_after_s is not None:
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer

    def responses(self, *statuses: int) -> dict[int | str, dict[str, Any]]:
        """The `responses` argument of a route that may answer these errors.

        Their schema is referred to: of a model FastAPI makes a reader of its own for each route and status, which was a
        tenth of the time in which a worker starts.
        """
        return {status: self._documented(status) for status in statuses}

    def _documented(self, status: int) -> dict[str, Any]:
        meaning = self.meanings.get(status) or _MEANINGS[status]
        example = {"example": self.body(Refusal(status, _CODES[status], meaning, {}))}
        schema = (
            self.shown if isinstance(self.shown, Mapping) else {"$ref": _REFERENCE.format(model=self.shown.__name__)}
        )
        return {"description": meaning, "content": {"application/json": {"schema": schema, **example}}}

    def schemas(self) -> Mapping[str, Any]:
        """What `components` of the API document has of it, by name."""
        if isinstance(self.shown, Mapping):
            return {}
        schema = self.shown.model_json_schema(ref_template=_REFERENCE, mode="serialization")
        return {self.shown.__name__: schema, **schema.pop("$defs", {})}


class ErrorBody(BaseModel):
    """What went wrong: the HTTP status, a slug for programs, a sentence for people."""

    status: int = Field(description="The HTTP status.")
    code: str = Field(description="For programs.")
    message: str = Field(description="For people: the field, what was found, and the remedy.")
    element: int | None = Field(None, description="The wrong element of an array, from 0; only where it is one.")
    field: str | None = Field(None, description="The field of that element.")


PLAIN: Final = Envelope(
    body=lambda it: {"status": it.status, "code": it.code, "message": it.message, **it.place},
    shown=ErrorBody,
)
"""Contract 000's (J-145), and that of every address which is no contract's."""
